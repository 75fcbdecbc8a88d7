// The kernel over its sockets: the answer to every message of the protocol.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, suite, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { Subscriber } from "zeromq";
import { createHeader, decodeMessage, encodeMessage, Signer } from "../../src/kernel/wire.ts";
import type { KernelClient, Message } from "../../src/notebook/client.ts";
import { next, ofType, resultOf, start, textOf, typesOf } from "./protocol-kernel.ts";

suite("protocol", () => {
  let kernel: KernelClient;
  before(async () => {
    kernel = await start();
  });
  after(async () => {
    await kernel.shutdown();
    assert.deepEqual(kernel.rejected, [], "all that the kernel sent could be read");
  });

  const status = (messages: readonly Message[]): unknown[] =>
    ofType(messages, "status").map(({ content }) => content["execution_state"]);

  test("kernel_info: protocol 5.5, and what editors need to know", async () => {
    for (const channel of ["shell", "control"] as const) {
      const { reply, iopub } = await kernel.request(channel, "kernel_info_request");
      assert.equal(reply.content["protocol_version"], "5.5");
      assert.deepEqual(reply.content["supported_features"], ["debugger"]);
      const language = reply.content["language_info"] as Record<string, unknown>;
      assert.equal(language["name"], "typescript");
      assert.equal(language["file_extension"], ".ts");
      assert.equal(language["mimetype"], "application/typescript");
      assert.deepEqual(status(iopub), ["busy", "idle"]);
    }
  });

  test("the heartbeat echoes", () => kernel.heartbeat());

  test("each subscriber is welcomed with its topic", async () => {
    const { ip, iopub_port, key } = kernel.process.connection;
    for (const topic of ["", "", "stream"]) {
      const socket = new Subscriber({ linger: 0, receiveTimeout: 10_000 });
      try {
        socket.connect(`tcp://${ip}:${iopub_port}`);
        socket.subscribe(topic);
        const welcome = decodeMessage(new Signer(key), await socket.receive());
        assert.equal(welcome.header.msg_type, "iopub_welcome");
        assert.deepEqual(welcome.content, { subscription: topic });
        assert.deepEqual(welcome.parent, {});
      } finally {
        socket.close();
      }
    }
  });

  test("the welcome comes first, also while the kernel publishes all the time", async () => {
    const { ip, iopub_port, key } = kernel.process.connection;
    const printing = kernel.execute("while (true) console.log('x');");
    await next(kernel, ({ header }) => header.msg_type === "stream");
    for (let k = 0; k < 200; k++) {
      const socket = new Subscriber({ linger: 0, receiveTimeout: 10_000 });
      try {
        socket.connect(`tcp://${ip}:${iopub_port}`);
        socket.subscribe("");
        const first = decodeMessage(new Signer(key), await socket.receive());
        assert.equal(first.header.msg_type, "iopub_welcome");
        const second = decodeMessage(new Signer(key), await socket.receive());
        assert.notEqual(second.header.msg_type, "iopub_welcome");
      } finally {
        socket.close();
      }
    }
    await kernel.interrupt();
    assert.equal((await printing).reply.content["ename"], "KeyboardInterrupt");
  });

  test("an execution's messages come in order, all with its header", async () => {
    const exchange = await kernel.execute("console.log('a'); console.error('b'); 40 + 2");
    const { iopub, reply, request } = exchange;
    assert.deepEqual(typesOf(iopub), [
      "status",
      "execute_input",
      "stream",
      "stream",
      "execute_result",
      "status",
    ]);
    assert.deepEqual(status(iopub), ["busy", "idle"]);
    for (const message of [...iopub, reply]) assert.deepEqual(message.parent, request);
    assert.equal(resultOf(exchange), "42");
    assert.equal(textOf(exchange), "a\n");
    assert.equal(textOf(exchange, "stderr"), "b\n");
    const count = reply.content["execution_count"] as number;
    assert.equal(ofType(iopub, "execute_input")[0]?.content["execution_count"], count);
    assert.equal(ofType(iopub, "execute_result")[0]?.content["execution_count"], count);
  });

  test("an error is published and replied", async () => {
    const { iopub, reply } = await kernel.execute("throw new RangeError('too far')");
    assert.equal(reply.content["status"], "error");
    const [error] = ofType(iopub, "error");
    assert.equal(error?.content["ename"], "RangeError");
    assert.equal(error?.content["evalue"], "too far");
    assert.deepEqual(reply.content["traceback"], error?.content["traceback"]);
  });

  test("silent: the code runs, only the status is published, nothing is counted", async () => {
    const before = (await kernel.execute("0")).reply.content["execution_count"];
    const code = "globalThis.quiet = 1; console.log('x'); display('y'); 5";
    const { iopub, reply } = await kernel.execute(code, { silent: true });
    assert.deepEqual(typesOf(iopub), ["status", "status"]);
    assert.equal(reply.content["status"], "ok");
    assert.equal(reply.content["execution_count"], before);
    const failed = await kernel.execute("throw 1", { silent: true });
    assert.deepEqual(typesOf(failed.iopub), ["status", "status"]);
    assert.equal(failed.reply.content["status"], "error");
    assert.equal(resultOf(await kernel.execute("quiet")), "1");
  });

  test("store_history false: shown, but neither counted nor kept in the history", async () => {
    const stored = await kernel.execute("'is stored'");
    const exchange = await kernel.execute("'is not stored'", { storeHistory: false });
    assert.equal(resultOf(exchange), "'is not stored'");
    const count = stored.reply.content["execution_count"] as number;
    assert.equal(exchange.reply.content["execution_count"], count);
    assert.equal((await kernel.execute("0")).reply.content["execution_count"], count + 1);
    const { reply } = await kernel.request("shell", "history_request", {
      hist_access_type: "tail",
      n: 2,
    });
    const sources = (reply.content["history"] as unknown[][]).map(([, , source]) => source);
    assert.deepEqual(sources, ["'is stored'", "0"]);
  });

  test("user_expressions: a bundle for each, an error for one that fails", async () => {
    const { reply } = await kernel.execute("let half = 21", {
      userExpressions: { twice: "half * 2", wrong: "nothing.at.all" },
    });
    const { twice, wrong } = reply.content["user_expressions"] as Record<
      string,
      Record<string, unknown>
    >;
    assert.deepEqual(twice?.["data"], { "text/plain": "42" });
    assert.equal(wrong?.["status"], "error");
    assert.equal(wrong?.["ename"], "ReferenceError");
  });

  test("a failure aborts what is queued, but nothing that comes after its reply", async () => {
    const failing = kernel.execute("await new Promise((ok) => setTimeout(ok, 50)); throw 1");
    const queued = [kernel.execute("globalThis.ran = true"), kernel.execute("2")];
    await failing;
    const later = kernel.execute("typeof ran");
    for (const { reply, iopub } of await Promise.all(queued)) {
      assert.equal(reply.content["status"], "error");
      assert.equal(reply.content["ename"], "Aborted");
      assert.deepEqual(typesOf(iopub), ["status", "status"]);
    }
    assert.equal(resultOf(await later), "'undefined'");
  });

  test("stop_on_error false: queued cells run", async () => {
    const failing = kernel.execute("throw 1", { stopOnError: false });
    const queued = kernel.execute("'ran'");
    assert.equal((await failing).reply.content["status"], "error");
    assert.equal(resultOf(await queued), "'ran'");
  });

  test("control and questions are answered while a cell runs; then it is busy again", async () => {
    let running = true;
    const cell = kernel.execute("{ const end = Date.now() + 1500; while (Date.now() < end); }");
    void cell.then(() => {
      running = false;
    });
    await next(kernel, ({ header }) => header.msg_type === "execute_input");
    const { request } = await kernel.request("control", "kernel_info_request");
    await kernel.request("shell", "comm_info_request");
    await kernel.request("control", "usage_request");
    assert.ok(running);
    const { iopub } = await cell;
    assert.deepEqual(status(iopub), ["busy", "busy", "busy", "busy", "idle"]);
    assert.notEqual(request.msg_id, iopub[0]?.parent.msg_id);
  });

  test("is_complete, complete and inspect", async () => {
    const ask = async (
      type: string,
      content: Record<string, unknown>,
    ): Promise<Message["content"]> => (await kernel.request("shell", type, content)).reply.content;
    const isComplete = async (code: string): Promise<unknown> =>
      (await ask("is_complete_request", { code }))["status"];
    assert.equal(await isComplete("1 + 1"), "complete");
    assert.equal(await isComplete("function f() {"), "incomplete");
    assert.equal(await isComplete("let let = ;"), "invalid");

    await kernel.execute("interface Point { across: number }\nlet point: Point = { across: 1 }");
    const code = "'\u{1f600}'; point.acr";
    const completed = await ask("complete_request", { code, cursor_pos: 15 });
    assert.deepEqual(completed["matches"], ["across"]);
    assert.deepEqual([completed["cursor_start"], completed["cursor_end"]], [11, 14]);
    const shown = await ask("inspect_request", { code: "point", cursor_pos: 3, detail_level: 0 });
    assert.equal(shown["found"], true);
    assert.match((shown["data"] as Record<string, string>)["text/plain"] ?? "", /point: Point/);
  });

  test("names that only the runtime knows are completed as well", async () => {
    await kernel.execute("let found: any = { treasure: 1, trap: 2 }");
    const { reply } = await kernel.request("shell", "complete_request", {
      code: "found.tr",
      cursor_pos: 8,
    });
    assert.deepEqual(reply.content["matches"], ["treasure", "trap"]);
    assert.deepEqual([reply.content["cursor_start"], reply.content["cursor_end"]], [6, 8]);
  });

  test("displays: updates by id, and clear_output", async () => {
    const { iopub } = await kernel.execute(
      "await display('one', { id: 'd1' }); await display('two', { id: 'd1', update: true }); " +
        "display.clear(true); display('three')",
    );
    assert.deepEqual(typesOf(iopub).slice(2, -1), [
      "display_data",
      "update_display_data",
      "clear_output",
      "display_data",
    ]);
    const [, , first, second, clear, third] = iopub;
    assert.deepEqual(first?.content["transient"], { display_id: "d1" });
    assert.deepEqual(second?.content["transient"], { display_id: "d1" });
    assert.deepEqual(second?.content["data"], { "text/plain": "'two'" });
    assert.deepEqual(clear?.content, { wait: true });
    assert.deepEqual(third?.content["transient"], {});
  });

  test("late output has the header of the cell that started it", async () => {
    const late = next(kernel, ({ content }) => content["text"] === "late\n");
    const first = await kernel.execute("setTimeout(() => console.log('late'), 150); 0");
    const second = await kernel.execute("1");
    const { parent } = await late;
    assert.equal(parent.msg_id, first.request.msg_id);
    assert.notEqual(parent.msg_id, second.request.msg_id);
  });

  test("usage: the numbers of the resource panel", async () => {
    await kernel.request("control", "usage_request");
    const cell = kernel.execute("{ const end = Date.now() + 600; while (Date.now() < end); }");
    await delay(500);
    const { content } = (await kernel.request("control", "usage_request")).reply;
    await cell;
    assert.equal(typeof content["hostname"], "string");
    assert.ok((content["kernel_cpu"] as number) > 10, "a busy loop is seen");
    const memory = content["kernel_memory"] as number;
    assert.ok(memory > 50e6 && memory < 2e9);
    assert.ok((content["cpu_count"] as number) >= 1);
    const host = content["host_virtual_memory"] as Record<string, number>;
    assert.ok((host["total"] as number) > (host["available"] as number));
  });

  test("50,000 lines and 10 MB arrive before idle, in order", async () => {
    const lines = await kernel.execute("for (let i = 0; i < 50_000; i++) console.log(i)");
    const expected = Array.from({ length: 50_000 }, (_, i) => `${i}\n`).join("");
    assert.equal(textOf(lines) === expected, true);
    assert.ok(lines.iopub.length < 1_000, `${lines.iopub.length} messages`);
    assert.equal(lines.iopub.at(-1)?.content["execution_state"], "idle");
    const text = await kernel.execute("process.stdout.write('ü'.repeat(5_000_000)); 0");
    assert.equal(textOf(text) === "ü".repeat(5_000_000), true);
  });

  test("output of child processes comes in its place", async () => {
    const exchange = await kernel.execute(
      "import { spawnSync } from 'node:child_process';\n" +
        "console.log(1); spawnSync('echo', ['2'], { stdio: 'inherit' }); console.log(3);\n" +
        "spawnSync('sh', ['-c', 'echo oh >&2'], { stdio: 'inherit' }); 0",
    );
    assert.equal(textOf(exchange), "1\n2\n3\n");
    assert.equal(textOf(exchange, "stderr"), "oh\n");
  });

  test("the two streams keep their order", async () => {
    const { iopub } = await kernel.execute(
      "for (let i = 0; i < 200; i++) i % 2 ? console.error(i) : console.log(i)",
    );
    const text = ofType(iopub, "stream").map(({ content }) => content["text"]);
    assert.equal(text.join(""), Array.from({ length: 200 }, (_, i) => `${i}\n`).join(""));
  });

  test("2,000 bad messages: none is executed, and the next honest one is not delayed", async () => {
    const { key } = kernel.process.connection;
    const signer = new Signer(key);
    const header = createHeader("execute_request", randomUUID());
    const evil = (changes: Partial<Message>): Uint8Array[] => {
      const content = { code: "globalThis.evil = true" };
      const base = { identities: [], header, parent: {}, metadata: {}, content, buffers: [] };
      return encodeMessage(signer, { ...base, ...changes });
    };
    // This cell is executed once; below, it is sent again.
    await kernel.execute("globalThis.runs = 0");
    const replayed = evil({ content: { code: "globalThis.runs++" } });
    kernel.sendRaw("shell", replayed);
    await next(kernel, (message) => message.content["execution_state"] === "idle");

    // jupyter_client's manager and its clients give different messages the same msg_id.
    const twin = { ...header, msg_type: "kernel_info_request" };
    kernel.sendRaw("control", evil({ header: twin, content: {} }));
    await next(kernel, ({ parent }) => parent.msg_type === "kernel_info_request");

    const fresh = () => createHeader("execute_request", randomUUID());
    const stranger = encodeMessage(new Signer("guess"), decodeMessage(signer, evil({})));
    const bad: (() => (Uint8Array | string)[])[] = [
      () => replayed,
      () => stranger,
      () => evil({ header: fresh() }).with(1, Buffer.from("0".repeat(64))),
      () => evil({ header: fresh() }).with(1, Buffer.alloc(0)),
      () => evil({ header: fresh() }).slice(0, 4),
      () => evil({ header: fresh() }).slice(1),
      () => evil({ header: { ...fresh(), msg_type: "evil_request" } }),
      () => evil({ header: { ...fresh(), msg_type: "__proto__" } }),
      () => evil({ header: { ...fresh(), msg_type: "debug_request" } }),
      () => evil({ header: fresh(), content: { code: 7 } }),
      () => evil({ header: fresh(), content: {} }),
      () => signed(signer, "{", "{}", "{}", "{}"),
      () => signed(signer, "[]", "{}", "{}", "{}"),
      () => signed(signer, JSON.stringify(fresh()), "{}", "{}", "null"),
      () => ["<IDS|MSG>"],
      () => ["", "", ""],
      () => [Buffer.alloc(100_000, 0xff)],
    ];
    for (let i = 0; i < 2_000; i++) {
      const frames = (bad[i % bad.length] as (typeof bad)[number])();
      kernel.sendRaw((["shell", "control", "stdin"] as const)[i % 3]!, frames);
    }
    const sent = performance.now();
    const honest = await kernel.execute("[typeof evil, runs].join()");
    const elapsed = performance.now() - sent;
    assert.equal(resultOf(honest), "'undefined,1'");
    assert.ok(elapsed < 2_000, `${elapsed} ms`);
    console.log(`      the honest request after 2,000 bad ones took ${Math.round(elapsed)} ms`);
  });
});

function signed(signer: Signer, ...texts: string[]): Uint8Array[] {
  const parts = texts.map((text) => Buffer.from(text));
  return [Buffer.from("<IDS|MSG>"), Buffer.from(signer.sign(parts)), ...parts];
}
