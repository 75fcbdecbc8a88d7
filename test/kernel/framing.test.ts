// Text from outside on its way to a cell: no character ends anything, and every broken link is reported.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import type { Writable } from "node:stream";
import { after, before, suite, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { Command } from "../../src/kernel/channel.ts";
import { CommandDecoder, encodeCommand } from "../../src/kernel/commands.ts";
import { describeDeath, LINK_LOST } from "../../src/kernel/death.ts";
import { newToken, TOKEN_VARIABLE } from "../../src/kernel/frames.ts";
import type { Content, KernelClient } from "../../src/notebook/client.ts";
import { ends } from "./processes.ts";
import { next, resultOf, runnerPid, start } from "./protocol-kernel.ts";

/** Characters that some reader takes for the end of a line, of a text or of a character. */
const SEPARATORS =
  "\n|\r|\r\n|\u2028|\u2029|\u0085|\v|\f|\0|\u001c|\u001d|\u001e|\ufeff|\ud800|\udc00|\u{10ffff}";

suite("text from outside", () => {
  let kernel: KernelClient;
  before(async () => {
    kernel = await start();
  });
  after(async () => {
    const { stderr } = await kernel.shutdown();
    assert.equal(stderr, "");
  });

  const quoted = JSON.stringify(SEPARATORS);
  /** The separators that a string literal may contain unescaped. */
  const raw = "\u2028|\u2029|\u0085|\v|\f|\0|\u001e|\ufeff|\u{10ffff}";

  async function answered(code: string, value: string): Promise<unknown> {
    const cell = kernel.execute(code, { allowStdin: true });
    const question = await next(kernel, (_message, channel) => channel === "stdin");
    kernel.answerInput(question.header, value);
    return resultOf(await cell);
  }

  test("in a cell: every separator, raw and escaped", async () => {
    assert.equal(resultOf(await kernel.execute(`"${raw}" === ${JSON.stringify(raw)}`)), "true");
    assert.equal(resultOf(await kernel.execute(`${quoted}.length`)), `${SEPARATORS.length}`);
    for (const one of ["\u2028", "\u2029", "\r", "\r\n", "\v", "\f", "\ufeff"]) {
      assert.equal(resultOf(await kernel.execute(`${one}1 +${one}1${one}`)), "2", quoted);
    }
  });

  test("in an answer to prompt() and input()", async () => {
    assert.equal(await answered(`prompt("?") === ${quoted}`, SEPARATORS), "true");
    const later = `await input("?") === ${quoted}`;
    assert.equal(await answered(later, SEPARATORS), "true");
  });

  test("ten million characters, in a cell and in an answer", async () => {
    const long = "x".repeat(1e7);
    assert.equal(resultOf(await kernel.execute(`"${long}".length`)), "10000000");
    assert.equal(await answered(`prompt("?").length`, long), "10000000");
  });

  test("in a comm's data, its target's name and its id", async () => {
    await kernel.execute(
      `comm.registerTarget(${quoted}, (one, { data }) => one.send([data, one.id, one.target]));`,
    );
    const comm_id = `${SEPARATORS}${randomUUID()}`;
    const answer = next(kernel, ({ header }) => header.msg_type === "comm_msg");
    kernel.send("shell", "comm_open", {
      comm_id,
      target_name: SEPARATORS,
      data: { [SEPARATORS]: SEPARATORS },
    });
    assert.deepEqual((await answer).content["data"], [
      { [SEPARATORS]: SEPARATORS },
      comm_id,
      SEPARATORS,
    ]);
  });

  test("in questions about code, and in the history", async () => {
    const code = `"${raw}"; Math.ab`;
    const cursor_pos = [...code].length;
    const ask = async (type: string, content: Record<string, unknown>) =>
      (await kernel.request("shell", type, content)).reply.content;
    const { matches, cursor_start } = await ask("complete_request", { code, cursor_pos });
    assert.deepEqual([matches, cursor_start], [["abs"], cursor_pos - 2]);
    const inspected = await ask("inspect_request", { code: `${code}s`, cursor_pos });
    assert.equal(inspected["found"], true);
    assert.equal((await ask("is_complete_request", { code }))["status"], "complete");

    await kernel.execute(code);
    const search = { hist_access_type: "search", pattern: "*Math.ab", n: 1 };
    const history = (await ask("history_request", search))["history"] as unknown[][];
    assert.equal(history[0]?.[2], code);
  });
});

test("commands are decoded as they were encoded, wherever the bytes are cut", () => {
  const commands: Command[] = [
    { type: "interrupt" },
    { type: "input", value: SEPARATORS },
    { type: "input", value: "größer 🐈\n".repeat(500) },
    { type: "input", value: "" },
    { type: "exit" },
  ];
  const bytes = Buffer.concat(commands.map(encodeCommand));
  for (const step of [1, 2, 3, 5, 17, 4_095, bytes.length]) {
    const decoder = new CommandDecoder();
    const decoded: Command[] = [];
    for (let at = 0; at < bytes.length; at += step) {
      decoded.push(...decoder.push(bytes.subarray(at, at + step)));
    }
    assert.deepEqual(decoded, commands, `in steps of ${step}`);
  }
  assert.throws(() => new CommandDecoder().push(Buffer.from("these are no commands")));
});

suite("a link that breaks", () => {
  test("closed by a cell: one of the next cells is told, and the kernel ends", async () => {
    await using kernel = await start();
    await kernel.execute("(await import('node:fs')).closeSync(3)");
    let content: Content = {};
    // What the system has already read for the link may still arrive.
    for (let i = 0; i < 5 && content["ename"] === undefined; i++) {
      content = (await kernel.execute("1")).reply.content;
    }
    assert.equal(content["ename"], "KernelDied");
    assert.match(String(content["evalue"]), /connection between the kernel's two processes/);
    assert.equal((await kernel.process.exited).code, 1);
  });

  test("bytes that are not commands: the runner reports it and ends, even in the middle of a loop", async () => {
    const entry = fileURLToPath(new URL("../../src/kernel/runner-entry.ts", import.meta.url));
    const runner = spawn(process.execPath, [entry], {
      stdio: ["ignore", "pipe", "pipe", "pipe"],
      env: { ...process.env, [TOKEN_VARIABLE]: newToken() },
      detached: true,
    });
    const commands = runner.stdio[3] as Writable;
    commands.on("error", () => {});
    let said = "";
    runner.stderr?.on("data", (text) => (said += text));
    const ended = once(runner, "close");
    const loop = { count: 1, silent: false, allowInput: false, userExpressions: {} };
    commands.write(
      encodeCommand({ type: "execute", cell: 1, code: "console.log('on'); for (;;);", ...loop }),
    );
    await new Promise<void>((resolve) => {
      runner.stdout?.on("data", (bytes: Buffer) => bytes.includes("on\n") && resolve());
    });
    commands.write("these are no commands\n");
    assert.equal((await ended)[1], "SIGKILL");
    assert.match(said, new RegExp(`^${LINK_LOST}: a command of \\d+ bytes$`, "m"));
    const death = { ready: true, code: null, signal: "SIGKILL", stderr: said } as const;
    assert.match(describeDeath(death), /was ended, because .* lost: a command of \d+ bytes\.$/);
  });

  for (const [what, code] of Object.entries({
    "a loop": "for (;;);",
    "a loop that prints": "for (;;) console.log('x'.repeat(100));",
    "a question": "prompt('?')",
    "a lock": "Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)",
    "a child process": "(await import('node:child_process')).spawnSync('sleep', ['60'])",
  })) {
    test(`the supervisor is killed in the middle of ${what}: no process is left`, async () => {
      await using kernel = await start();
      const pid = await runnerPid(kernel);
      kernel.execute(code, { allowStdin: true }).catch(() => {});
      await next(kernel, ({ header }) => header.msg_type === "execute_input");
      await delay(200);
      process.kill(kernel.process.pid as number, "SIGKILL");
      assert.ok(await ends(pid), `${pid} is an orphan`);
    });
  }
});
