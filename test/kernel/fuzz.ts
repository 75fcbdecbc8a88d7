// Fuzzes a kernel on all channels, with honest cells in between, and checks that all services survive.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as delay } from "node:timers/promises";
import { Dealer, Request, Subscriber, XSubscriber } from "zeromq";
import type { KernelClient } from "../../src/notebook/client.ts";
import { MessageFuzz, pick, type Random, randomOf, strangeFrames } from "./fuzz-messages.ts";
import { next, resultOf, start } from "./protocol-kernel.ts";

export interface Fuzzed {
  readonly messages: number;
  /** Milliseconds from an honest cell's request to its end, here and in an unfuzzed kernel. */
  readonly waits: readonly { readonly fuzzed: number; readonly quiet: number }[];
  /** Memory of the kernel's processes at the end, in megabytes. */
  readonly memory: number;
}

/** An honest cell comes after this many messages. */
const BETWEEN = 100;

/** Sends `messages` messages, and asserts that every service is alive afterwards. */
export async function fuzzKernel(messages: number, seed: number): Promise<Fuzzed> {
  const folder = mkdtempSync(path.join(tmpdir(), "abkd-fuzz-"));
  const history = path.join(folder, "history.sqlite");
  try {
    await using quiet = await start();
    await using kernel = await start({ env: { ABKD_KERNEL_HISTORY: history } });
    const pid = resultOf(await kernel.execute("process.pid"));
    const waits: { fuzzed: number; quiet: number }[] = [];
    const random = randomOf(seed);
    const attack = new Attack(kernel, random);
    const lock = new Lock(history);
    try {
      for (let sent = 0; sent < messages; sent++) {
        await attack.send();
        if ((sent + 1) % BETWEEN !== 0) continue;
        lock.turn(waits.length);
        // Everything requested before, including interrupts, has been handled after this reply.
        await kernel.request("control", "kernel_info_request");
        await kernel.request("shell", "kernel_info_request");
        const n = waits.length;
        const [fuzzed, alone] = [await honest(kernel, n), await honest(quiet, n)];
        waits.push({ fuzzed, quiet: alone });
      }
    } finally {
      lock.release();
      attack.close();
    }
    await assertAlive(kernel, pid);
    await assertRemembered(kernel, history, waits.length);
    const { reply } = await kernel.request("control", "usage_request");
    return { messages, waits, memory: Number(reply.content["kernel_memory"]) / 2 ** 20 };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function honest(kernel: KernelClient, n: number): Promise<number> {
  const sent = performance.now();
  const exchange = await kernel.execute(`"honest ${n}"`);
  assert.equal(resultOf(exchange), `'honest ${n}'`);
  return performance.now() - sent;
}

/** Attackers: all of them have the ports, and one has the key too. */
class Attack {
  readonly #kernel: KernelClient;
  readonly #random: Random;
  readonly #fuzz: MessageFuzz;
  readonly #strangers: readonly (Dealer | XSubscriber)[];

  constructor(kernel: KernelClient, random: Random) {
    this.#kernel = kernel;
    this.#random = random;
    this.#fuzz = new MessageFuzz(kernel.process.connection.key, random);
    const options = { linger: 0, sendHighWaterMark: 0 };
    const sockets = [
      ...["shell", "control", "stdin", "hb"].map((name) => [name, new Dealer(options)] as const),
      ["hb", new Dealer({ ...options, routingId: kernel.session })],
      ["iopub", new XSubscriber(options)],
    ] as const;
    for (const [name, socket] of sockets) socket.connect(this.#address(name));
    this.#strangers = sockets.map(([, socket]) => socket);
  }

  async send(): Promise<void> {
    const random = this.#random;
    switch (random(12)) {
      case 0:
      case 1:
        await pick(this.#strangers, random).send(strangeFrames(random));
        break;
      case 2:
        await this.#subscribe();
        break;
      case 3:
        await this.#beat();
        break;
      case 4:
        await this.#speakNothing();
        break;
      default: {
        const channel = pick(["shell", "shell", "shell", "control", "stdin"] as const, random);
        this.#kernel.sendRaw(channel, this.#fuzz.next());
      }
    }
  }

  close(): void {
    for (const socket of this.#strangers) socket.close();
  }

  /** Subscribes to topics that are long or not text, and unsubscribes at once. */
  async #subscribe(): Promise<void> {
    const socket = new Subscriber({ linger: 0 });
    socket.connect(this.#address("iopub"));
    const bytes = Buffer.alloc(pick([0, 1, 200, 5_000, 1_000_000], this.#random), 0xff);
    socket.subscribe(bytes);
    await delay(1);
    socket.close();
  }

  /** Sends a heartbeat without waiting for the answer. */
  async #beat(): Promise<void> {
    const socket = new Request({ linger: 0 });
    socket.connect(this.#address("hb"));
    await socket.send(strangeFrames(this.#random));
    await delay(1);
    socket.close();
  }

  /** Sends bytes that are not even ZeroMQ's protocol. */
  async #speakNothing(): Promise<void> {
    const port = pick(["shell", "control", "stdin", "hb", "iopub"] as const, this.#random);
    const socket = connect(this.#kernel.process.connection[`${port}_port`], "127.0.0.1");
    socket.on("error", () => {});
    socket.write(Buffer.alloc(pick([1, 10, 64, 3_000], this.#random), this.#random(256)));
    await delay(1);
    socket.destroy();
  }

  #address(name: string): string {
    const ports: Readonly<Record<string, unknown>> = { ...this.#kernel.process.connection };
    return `tcp://127.0.0.1:${ports[`${name}_port`]}`;
  }
}

/** Another process that locks the history now and then. */
class Lock {
  readonly #database: DatabaseSync;

  constructor(file: string) {
    this.#database = new DatabaseSync(file);
  }

  /** Holds the lock during every third honest cell. */
  turn(n: number): void {
    this.release();
    if (n % 3 === 1) this.#database.exec("BEGIN IMMEDIATE");
  }

  release(): void {
    if (this.#database.isTransaction) this.#database.exec("COMMIT");
  }
}

async function assertAlive(kernel: KernelClient, pid: unknown): Promise<void> {
  assert.equal(resultOf(await kernel.execute("process.pid")), pid, "the same runner");
  assert.equal(kernel.process.exit, null, "the same supervisor");
  for (let i = 0; i < 3; i++) await kernel.heartbeat();

  const code = { code: "let text = 'x'; text.toUpp", cursor_pos: 26 };
  let matches: unknown;
  // On a busy machine, TypeScript may not have started within one question's time.
  for (let i = 0; i < 6 && !(Array.isArray(matches) && matches.length > 0); i++) {
    matches = (await kernel.request("shell", "complete_request", code)).reply.content["matches"];
  }
  assert.deepEqual(matches, ["toUpperCase"], "the types are known");

  await kernel.execute("comm.registerTarget('alive', (one, { data }) => one.send(data)); 0");
  const echo = next(kernel, ({ content }) => content["comm_id"] === "alive", 60_000);
  kernel.send("shell", "comm_open", { comm_id: "alive", target_name: "alive", data: { n: 1 } });
  assert.deepEqual((await echo).content["data"], { n: 1 });

  const asked = next(kernel, (_message, channel) => channel === "stdin", 60_000);
  const cell = kernel.execute("prompt('?')", { allowStdin: true });
  kernel.answerInput((await asked).header, "answered");
  assert.equal(resultOf(await cell), "'answered'");

  const loop = kernel.execute("for (;;);");
  await next(kernel, ({ header }) => header.msg_type === "execute_input", 60_000);
  await delay(100);
  await kernel.interrupt();
  assert.equal((await loop).reply.content["ename"], "KeyboardInterrupt");
  assert.deepEqual(kernel.rejected, [], "all that the kernel sent could be read");
}

/** Asserts that history holds every honest cell, in the kernel's answer and in its file. */
async function assertRemembered(kernel: KernelClient, file: string, count: number): Promise<void> {
  const wanted = Array.from({ length: count }, (_, n) => `"honest ${n}"`);
  const content = { hist_access_type: "search", pattern: '"honest *"', n: 2 * count };
  const { reply } = await kernel.request("shell", "history_request", content);
  const history = reply.content["history"] as [number, number, string][];
  assert.deepEqual(
    history.map(([, , source]) => source),
    wanted,
  );
  const database = new DatabaseSync(file, { readOnly: true });
  const written = (): unknown[] =>
    database
      .prepare("SELECT source FROM lines WHERE source LIKE '\"honest%' ORDER BY line")
      .all()
      .map(({ source }) => source);
  for (let i = 0; i < 200 && written().length < count; i++) await delay(50);
  assert.deepEqual(written(), wanted, "also in the file, which was locked now and then");
  database.close();
}
