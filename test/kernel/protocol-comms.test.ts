// The kernel over its sockets: comms, and questions to the front end.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, suite, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import type { KernelClient, Message } from "../../src/notebook/client.ts";
import { next, ofType, resultOf, start } from "./protocol-kernel.ts";

suite("comms and questions", () => {
  let kernel: KernelClient;
  before(async () => {
    kernel = await start();
  });
  after(async () => {
    await kernel.shutdown();
    assert.deepEqual(kernel.rejected, [], "all that the kernel sent could be read");
  });

  const _status = (messages: readonly Message[]): unknown[] =>
    ofType(messages, "status").map(({ content }) => content["execution_state"]);

  test("comms: opened by the front end, used, closed; comms of unknown targets are closed", async () => {
    await kernel.execute(
      "Reflect.get(globalThis, Symbol.for('Jupyter.comm')).registerTarget('echo', (comm) => {" +
        "comm.onMessage(({ data, buffers }) => comm.send({ got: data }, { buffers })); })",
    );
    const commInfo = async (content = {}): Promise<unknown> =>
      (await kernel.request("shell", "comm_info_request", content)).reply.content["comms"];
    const comm_id = randomUUID();
    kernel.send("shell", "comm_open", { comm_id, target_name: "echo", data: {} });
    const open = { [comm_id]: { target_name: "echo" } };
    assert.deepEqual(await commInfo(), open);
    assert.deepEqual(await commInfo({ target_name: "echo" }), open);
    assert.deepEqual(await commInfo({ target_name: "other" }), {});

    const answer = next(kernel, ({ header }) => header.msg_type === "comm_msg");
    const buffers = [Buffer.from([0, 200, 255])];
    kernel.send("shell", "comm_msg", { comm_id, data: { n: 1 } }, { buffers });
    const { content, buffers: returned } = await answer;
    assert.deepEqual(content, { comm_id, data: { got: { n: 1 } } });
    assert.deepEqual(Buffer.concat(returned), buffers[0]);

    kernel.send("shell", "comm_close", { comm_id, data: {} });
    assert.deepEqual(await commInfo(), {});

    const closed = next(kernel, ({ header }) => header.msg_type === "comm_close");
    kernel.send("shell", "comm_open", { comm_id: "stray", target_name: "nobody", data: {} });
    assert.equal((await closed).content["comm_id"], "stray");
    assert.deepEqual(await commInfo(), {});
  });

  test("comms: handled while a cell runs, but not before cells that were sent first", async () => {
    const host = "Reflect.get(globalThis, Symbol.for('Jupyter.comm'))";
    const slow = kernel.execute(
      "await new Promise((resolve) => { globalThis.release = resolve; })",
    );
    const register = kernel.execute(
      `${host}.registerTarget('late', (comm) => comm.send('here')); 0`,
    );
    const heard = next(kernel, ({ header }) => header.msg_type.startsWith("comm_"));
    kernel.send("shell", "comm_open", { comm_id: "c1", target_name: "late", data: {} });
    await delay(100);
    await kernel.interrupt();
    await slow;
    // The cell that would register the target is aborted together with the one before it.
    assert.equal((await register).reply.content["ename"], "Aborted");
    assert.equal((await heard).header.msg_type, "comm_close");

    await kernel.execute(
      `${host}.registerTarget('release', () => { globalThis.release('by a comm'); }); 0`,
    );
    const waiting = kernel.execute(
      "await new Promise((resolve) => { globalThis.release = resolve; })",
    );
    await next(kernel, ({ header }) => header.msg_type === "execute_input");
    await delay(50);
    kernel.send("shell", "comm_open", { comm_id: "c2", target_name: "release", data: {} });
    assert.equal(resultOf(await waiting), "'by a comm'");

    const first = kernel.execute("await new Promise((resolve) => setTimeout(resolve, 100))");
    const second = kernel.execute(
      `${host}.registerTarget('order', (comm) => comm.send('here')); 0`,
    );
    const answer = next(kernel, ({ content }) => content["comm_id"] === "c3");
    kernel.send("shell", "comm_open", { comm_id: "c3", target_name: "order", data: {} });
    await Promise.all([first, second]);
    assert.equal((await answer).content["data"], "here");
  });

  test("comms: opened by a cell", async () => {
    const { iopub } = await kernel.execute(
      "let opened = Reflect.get(globalThis, Symbol.for('Jupyter.comm')).open('jupyter.widget', { a: 1 }); 0",
    );
    const [open] = ofType(iopub, "comm_open");
    assert.equal(open?.content["target_name"], "jupyter.widget");
    assert.deepEqual(open?.content["data"], { a: 1 });
    const { reply } = await kernel.request("shell", "comm_info_request");
    const id = open?.content["comm_id"] as string;
    const comms = reply.content["comms"] as Record<string, unknown>;
    assert.deepEqual(comms[id], { target_name: "jupyter.widget" });
  });

  test("stdin: asked of the front end that runs the cell, answered once", async () => {
    const asked = next(kernel, (_message, channel) => channel === "stdin");
    const cell = kernel.execute("console.log('before'); prompt('Your name? ')", {
      allowStdin: true,
    });
    const question = await asked;
    assert.equal(question.header.msg_type, "input_request");
    assert.deepEqual(question.content, { prompt: "Your name? ", password: false });
    kernel.answerInput(question.header, "Ada \u{1f600}");
    kernel.answerInput(question.header, "twice");
    const exchange = await cell;
    assert.equal(question.parent.msg_id, exchange.request.msg_id);
    assert.equal(resultOf(exchange), "'Ada \u{1f600}'");

    const next2 = next(kernel, (_message, channel) => channel === "stdin");
    const secret = kernel.execute("await input('Key: ', { password: true })", { allowStdin: true });
    const { content, header } = await next2;
    assert.deepEqual(content, { prompt: "Key: ", password: true });
    kernel.answerInput(header, "s");
    assert.equal(resultOf(await secret), "'s'");
  });

  test("stdin: refused for a front end that takes no input", async () => {
    const { reply } = await kernel.execute("prompt('?')");
    assert.equal(reply.content["status"], "error");
    assert.match(reply.content["evalue"] as string, /allow_stdin/);
  });
});
