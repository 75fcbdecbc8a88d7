// What VS Code's Jupyter extension sends, in its order: read in microsoft/vscode-jupyter, src/kernels.
import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import type { Exchange, KernelClient, Message } from "../../src/notebook/client.ts";
import { isAlive } from "./processes.ts";
import { next, ofType, resultOf, runnerPid, start, textOf, typesOf } from "./protocol-kernel.ts";

const WIDGET = "jupyter.widget";

/** The cell's address, which is longer than nbformat's ids. */
const cellId = (n: number): string =>
  `vscode-notebook-cell:/home/somebody/projects/graphs/notebooks/first-look.ipynb#W${n}sZmlsZQ%3D%3D`;

suite("VS Code's Jupyter extension", () => {
  let kernel: KernelClient;
  before(async () => {
    kernel = await start();
  });
  after(async () => {
    await kernel.kill();
    assert.deepEqual(kernel.rejected, [], "all that the kernel sent could be read");
  });

  /** A cell, as cellExecution.ts sends it: with its address and its own metadata, and free to ask. */
  const cell = (code: string, n = 1): Promise<Exchange> =>
    kernel.request(
      "shell",
      "execute_request",
      { code, silent: false, stop_on_error: false, allow_stdin: true, store_history: true },
      { metadata: { cellId: cellId(n), tags: ["parameters"] } },
    );

  test("kernel_info before anything, twice; what the cell's language is read from", async () => {
    for (let attempt = 0; attempt < 2; attempt++) {
      const { reply, iopub } = await kernel.request("shell", "kernel_info_request");
      assert.equal(reply.content["status"], "ok");
      assert.deepEqual(typesOf(iopub), ["status", "status"]);
      const { name, file_extension } = reply.content["language_info"] as Record<string, string>;
      assert.deepEqual([name, file_extension], ["typescript", ".ts"]);
    }
  });

  test("start-up commands run unseen: no history, no count, and their outputs are read", async () => {
    const content = {
      silent: false,
      stop_on_error: false,
      allow_stdin: true,
      store_history: false,
    };
    const send = (code: string) => kernel.request("shell", "execute_request", { ...content, code });
    const exchange = await send("console.log('set up')\nconst fromStart = 6");
    assert.equal(textOf(exchange), "set up\n");
    const failed = await send("throw new Error('no such setting')");
    assert.equal(ofType(failed.iopub, "error")[0]?.content["evalue"], "no such setting");
    const first = await cell("fromStart * 7");
    assert.equal(resultOf(first), "42");
    assert.equal(first.reply.content["execution_count"], 1);
  });

  test("a cell that fails aborts none that was sent after it", async () => {
    const [failed, after] = await Promise.all([
      cell("throw new Error('here')"),
      cell("'after'", 2),
    ]);
    assert.equal(failed.reply.content["ename"], "Error");
    assert.equal(resultOf(after), "'after'");
  });

  test("a question reaches the user, whose answer is the cell's", async () => {
    const asked = next(kernel, ({ header }) => header.msg_type === "input_request");
    const exchange = cell("await input('Your name?')");
    const { header, content } = await asked;
    assert.deepEqual(content, { prompt: "Your name?", password: false });
    kernel.answerInput(header, "Ada");
    assert.equal(resultOf(await exchange), "'Ada'");
  });

  test("an interrupt by a message on shell, where cells are sent, stops a loop and keeps variables", async () => {
    const running = cell("let kept = 1; console.log('in the loop'); while (true) {}");
    await next(kernel, ({ header }) => header.msg_type === "stream");
    const { reply } = await kernel.request("shell", "interrupt_request");
    assert.equal(reply.header.msg_type, "interrupt_reply");
    assert.equal(reply.content["status"], "ok");
    assert.equal((await running).reply.content["ename"], "KeyboardInterrupt");
    assert.equal(resultOf(await cell("kept + 1")), "2");
  });

  test("completions for the whole cell, then documentation for the entry that is chosen", async () => {
    await cell("const measured = { accuracy: 0.84 }");
    const code = "// first\nmeasured.acc";
    const completed = await kernel.request("shell", "complete_request", {
      code,
      cursor_pos: code.length,
    });
    const { matches, cursor_start, cursor_end } = completed.reply.content;
    assert.deepEqual(
      [matches, code.slice(cursor_start as number, cursor_end as number)],
      [["accuracy"], "acc"],
    );
    // resolveCompletionItem.ts cuts the cell at the entry; kernelVariables.ts asks for a name at its first character.
    for (const [text, cursor_pos] of [
      ["measured.accuracy", 17],
      ["measured", 0],
    ] as const) {
      const content = { code: text, cursor_pos, detail_level: 0 };
      const { reply } = await kernel.request("shell", "inspect_request", content);
      assert.equal(reply.content["status"], "ok");
      assert.equal(typeof reply.content["found"], "boolean");
    }
  });

  test("widgets: named by the cell's address, found by comm_info, asked for their state, moved", async () => {
    const open = async (): Promise<string[]> => {
      const { reply } = await kernel.request("shell", "comm_info_request", { target_name: WIDGET });
      return Object.keys(reply.content["comms"] as object);
    };
    const make = () =>
      cell(
        `import { slider } from "tskernel/widgets"; let moved = 0;
{ const made = slider(0, 9, { value: 4 }); made.observe((now) => { moved = now; }); display(made); }`,
        7,
      );
    const { iopub } = await make();
    const [id] = ofType(iopub, "comm_open").map(({ content }) => content["comm_id"] as string);
    assert.ok((await open()).includes(id!));
    const state = (type: string) => (message: Message) =>
      message.content["comm_id"] === id &&
      (message.content["data"] as { method: string }).method === type;
    const told = next(kernel, state("update"));
    kernel.send("shell", "comm_msg", { comm_id: id, data: { method: "request_state" } });
    const { data } = (await told).content as { data: { state: Record<string, unknown> } };
    assert.deepEqual([data.state["value"], data.state["_model_name"]], [4, "IntSliderModel"]);
    kernel.send("shell", "comm_msg", {
      comm_id: id,
      data: { method: "update", state: { value: 6 }, buffer_paths: [] },
    });
    assert.equal(
      resultOf(
        await cell("while (moved === 0) await new Promise((go) => setTimeout(go, 5)); moved"),
      ),
      "6",
    );
    // As in JupyterLab, a cell's output holds its widgets until that cell has run twice more.
    await make();
    assert.ok((await open()).includes(id!));
    await make();
    await cell(`moved = 0; (await import("node:v8")).setFlagsFromString("--expose-gc");
const gc = (await import("node:vm")).runInNewContext("gc");
for (let i = 0; i < 3; i++) { gc(); await new Promise((go) => setTimeout(go, 10)); }`);
    assert.ok(!(await open()).includes(id!));
  });

  test("the end: no shutdown_request, but SIGTERM to the children, and then to the kernel", async () => {
    const pids = [await runnerPid(kernel), kernel.process.pid!];
    for (const pid of pids) {
      if (isAlive(pid)) process.kill(pid, "SIGTERM");
    }
    for (let turn = 0; turn < 100 && pids.some(isAlive); turn++) await delay(50);
    assert.deepEqual(pids.map(isAlive), [false, false]);
  });
});
