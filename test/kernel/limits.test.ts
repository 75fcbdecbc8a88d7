// How large and deep messages may be: others are refused in words, and cost nobody else anything.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, suite, test } from "node:test";
import { Dealer } from "zeromq";
import { DEPTH, isDeeper, MESSAGE_BYTES } from "../../src/kernel/limits.ts";
import { createHeader, Signer } from "../../src/kernel/wire.ts";
import type { KernelClient } from "../../src/notebook/client.ts";
import { randomOf } from "./fuzz-messages.ts";
import { next, ofType, resultOf, start } from "./protocol-kernel.ts";

const nested = (depth: number): string => "[".repeat(depth) + "]".repeat(depth);

suite("messages beyond the limits", () => {
  let kernel: KernelClient;
  before(async () => {
    kernel = await start();
  });
  after(() => kernel.shutdown());

  /** Sends a signed message whose content is this JSON, which JSON.stringify may be unable to write. */
  function sendText(type: string, content: string): void {
    const header = JSON.stringify(createHeader(type, kernel.session));
    const parts = [header, "{}", "{}", content].map((text) => Buffer.from(text));
    const signature = new Signer(kernel.process.connection.key).sign(parts);
    kernel.sendRaw("shell", ["<IDS|MSG>", signature, ...parts]);
  }

  test("a cell of 30 MB gets an error, and the next one runs", async () => {
    const { iopub, reply } = await kernel.execute(`"${"x".repeat(3e7)}"`);
    assert.equal(reply.content["status"], "error");
    assert.match(String(reply.content["evalue"]), /the message has 29 MiB; the limit is 16/);
    const [error] = ofType(iopub, "error");
    assert.deepEqual(error?.content["traceback"], reply.content["traceback"]);
    assert.equal(resultOf(await kernel.execute("1 + 1")), "2");
  });

  test("a cell just below the limit runs", async () => {
    const code = `"${"x".repeat(MESSAGE_BYTES - 10_000)}".length`;
    assert.equal(resultOf(await kernel.execute(code)), `${MESSAGE_BYTES - 10_000}`);
  });

  test("other requests are answered with an error as well", async () => {
    const content = { code: "x".repeat(2e7), cursor_pos: 1 };
    const { reply } = await kernel.request("shell", "complete_request", content);
    assert.deepEqual([reply.content["status"], reply.content["ename"]], ["error", "MessageError"]);
  });

  test("an answer of 20 MB makes the question come again, in the same words each time", async () => {
    const prompts: unknown[] = [];
    const stop = kernel.onMessage((channel, { header, content }) => {
      if (channel !== "stdin") return;
      prompts.push(content["prompt"]);
      kernel.answerInput(header, prompts.length < 3 ? "x".repeat(2e7) : "short");
    });
    const exchange = await kernel.execute("prompt('?')", { allowStdin: true });
    stop();
    assert.equal(resultOf(exchange), "'short'");
    const again = "(the message has 20 MiB; the limit is 16) ?";
    assert.deepEqual(prompts, ["?", again, again]);
  });

  test("a comm's message is reported under the cell; one with many buffers counts as a whole", async () => {
    const { request } = await kernel.execute("0");
    for (const buffers of [[Buffer.alloc(2e7)], Array(300_000).fill(Buffer.alloc(1))]) {
      const said = next(kernel, ({ header }) => header.msg_type === "stream");
      kernel.send("shell", "comm_msg", { comm_id: "a", data: {} }, { buffers });
      const { content, parent } = await said;
      assert.match(String(content["text"]), /^comm_msg: the message has \d+ MiB; the limit is 16/);
      assert.equal(parent.msg_id, request.msg_id);
    }
  });

  test("too deep messages are refused, each service survives, and the deepest allowed ones pass", async () => {
    await kernel.execute(
      "comm.registerTarget('deep', (one) => one.onMessage(({ data }) => one.send(data)));",
    );
    kernel.send("shell", "comm_open", { comm_id: "d", target_name: "deep", data: {} });
    for (const depth of [DEPTH + 1, 5_000, 100_000]) {
      for (const type of ["comm_msg", "comm_open", "comm_close"]) {
        sendText(type, `{"comm_id":"d","target_name":"deep","data":${nested(depth)}}`);
      }
      const failed = next(kernel, ({ header }) => header.msg_type === "execute_reply");
      sendText("execute_request", `{"code":"1","user_expressions":{"a":${nested(depth)}}}`);
      assert.match(String((await failed).content["evalue"]), /nests deeper than the limit of 500/);
    }
    const echoed = next(kernel, ({ header }) => header.msg_type === "comm_msg");
    sendText("comm_msg", `{"comm_id":"d","data":${nested(DEPTH - 1)}}`);
    assert.equal(JSON.stringify((await echoed).content["data"]), nested(DEPTH - 1));
    assert.equal(resultOf(await kernel.execute("1 + 1")), "2");
  });

  test("a value whose view is not JSON, or too deep for it: the next cell runs", async () => {
    await kernel.execute("var deep = 0; for (let i = 0; i < 1e5; i++) deep = [deep]; 0");
    const shown = Symbol.for("Jupyter.display").description;
    for (const json of ["{ n: 1n }", "deep"]) {
      const bundle = `{ "application/json": ${json} }`;
      await kernel.execute(`display(${bundle}, { raw: true });`);
      await kernel.execute(`({ [Symbol.for("${shown}")]: () => (${bundle}) })`);
      assert.equal(resultOf(await kernel.execute("1 + 1")), "2", json);
    }
  });

  test("40 MB 32 times: the supervisor releases the memory", async () => {
    const code = `"${"x".repeat(4e7)}"`;
    const peakAfter = async (messages: number): Promise<number> => {
      for (let i = 0; i < messages; i++) {
        assert.equal((await kernel.execute(code)).reply.content["status"], "error");
      }
      if (process.platform !== "linux") return 0;
      const status = readFileSync(`/proc/${kernel.process.pid}/status`, "utf8");
      return Number(/^VmHWM:\s+(\d+)/m.exec(status)?.[1]) / 1024;
    };
    // The collector lets up to a dozen of the messages pile up first.
    const [first, second] = [await peakAfter(12), await peakAfter(20)];
    // If they were kept, the last twenty would be 800 MB more.
    assert.ok(second < first + 300, `${first} MB after 12, ${second} after 32`);
  });

  test("a frame of 100 MB is not even received", async () => {
    const stranger = dealer();
    const ended = new Promise((resolve) => stranger.events.on("disconnect", resolve));
    await stranger.send(Buffer.alloc(1e8));
    await ended;
    stranger.close();
    assert.equal(resultOf(await kernel.execute("1 + 1")), "2");
  });

  test("many frames below that limit are received and dropped; signed ones get an answer", async () => {
    const stranger = dealer();
    await stranger.send(["<IDS|MSG>", "", "{}", "{}", "{}", ...Array(8).fill(Buffer.alloc(1e7))]);
    const said = next(kernel, ({ header }) => header.msg_type === "stream");
    const buffers = Array(8).fill(Buffer.alloc(1e7));
    kernel.send("shell", "comm_msg", { comm_id: "a", data: {} }, { buffers });
    assert.match(
      String((await said).content["text"]),
      /^comm_msg: the message has 77 MiB; the limit is 16/,
    );
    stranger.close();
    assert.equal(resultOf(await kernel.execute("1 + 1")), "2");
  });

  /** Somebody who can reach the port but has no key. */
  function dealer(): Dealer {
    const { ip, shell_port } = kernel.process.connection;
    const stranger = new Dealer({ linger: 0 });
    stranger.connect(`tcp://${ip}:${shell_port}`);
    return stranger;
  }
});

test("the depth of JSON is found before it is parsed", () => {
  const depthOf = (value: unknown): number => {
    if (typeof value !== "object" || value === null) return 0;
    return 1 + Math.max(0, ...Object.values(value).map(depthOf));
  };
  const random = randomOf(3);
  const texts = ["[", "]{", '"', "\\", '\\"', "}{[", "\u2028", "ü"];
  const make = (left: number): unknown => {
    const text = Array.from({ length: random(4) }, () => texts[random(texts.length)]).join("");
    if (left === 0 || random(5) === 0) return text;
    const inside = Array.from({ length: random(3) }, () => make(left - 1));
    return random(2) ? inside : Object.fromEntries(inside.map((one, i) => [`${text}${i}`, one]));
  };
  for (let i = 0; i < 2_000; i++) {
    const value = make(random(9));
    const bytes = Buffer.from(JSON.stringify(value));
    const depth = depthOf(value);
    assert.equal(isDeeper(bytes, depth), false, bytes.toString());
    if (depth > 0) assert.equal(isDeeper(bytes, depth - 1), true, bytes.toString());
  }
});
