// Widgets over the kernel's sockets: a page's messages, and what cells and pages hear of each other.
import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import type { Exchange, KernelClient, Message } from "../../src/notebook/client.ts";
import { next, ofType, resultOf, start, textOf } from "./protocol-kernel.ts";

type State = Readonly<Record<string, unknown>>;

const VIEW = "application/vnd.jupyter.widget-view+json";

suite("widgets", () => {
  let kernel: KernelClient;
  before(async () => {
    kernel = await start();
    const names =
      "box, button, checkbox, color, date, dropdown, fileUpload, html, interact, link, output, progress, slider, tabs, text, widget";
    await value(
      `import { ${names} } from "tskernel/widgets"; const turn = (ms = 20) => new Promise((go) => setTimeout(go, ms)); 0`,
    );
  });
  after(async () => {
    await kernel.shutdown();
    assert.deepEqual(kernel.rejected, [], "all that the kernel sent could be read");
  });

  async function value(code: string, cellId?: string): Promise<unknown> {
    const exchange = await run(code, cellId);
    assert.equal(exchange.reply.content["status"], "ok", JSON.stringify(exchange.reply.content));
    return resultOf(exchange);
  }
  const run = (code: string, cellId?: string): Promise<Exchange> =>
    kernel.execute(code, cellId === undefined ? {} : { metadata: { cellId } });

  /** Runs a cell that ends in a widget; returns the widget's id, and the states that were opened, by id. */
  async function show(code: string, cellId?: string) {
    const exchange = await run(code, cellId);
    const [result] = ofType(exchange.iopub, "execute_result");
    const bundle = result?.content["data"] as Record<string, { model_id: string }> | undefined;
    assert.ok(bundle?.[VIEW], JSON.stringify(exchange.reply.content));
    const opened = ofType(exchange.iopub, "comm_open").map(({ content }) => [
      content["comm_id"] as string,
      (content["data"] as { state: State }).state,
    ]);
    return {
      id: bundle[VIEW].model_id,
      bundle,
      exchange,
      states: Object.fromEntries(opened) as Record<string, State>,
    };
  }

  /** Sends what a page would. */
  function page(comm_id: string, data: unknown, buffers: Buffer[] = []): void {
    kernel.send("shell", "comm_msg", { comm_id, data }, { buffers });
  }
  const change = (id: string, state: unknown, more: object = {}, buffers: Buffer[] = []): void =>
    page(id, { method: "update", state, ...more }, buffers);

  /** Returns the comm messages that arrive while `work` and one turn of the kernel last. */
  async function heard(work: () => unknown): Promise<Message[]> {
    const messages: Message[] = [];
    const stop = kernel.onMessage((channel, message) => {
      if (channel === "iopub") messages.push(message);
    });
    await work();
    await value("await turn()");
    stop();
    return messages;
  }
  const updates = (messages: readonly Message[], id: string): unknown[] =>
    ofType(messages, "comm_msg")
      .filter(({ content }) => content["comm_id"] === id)
      .map(({ content }) => (content["data"] as { state: unknown }).state);
  const printed = (messages: readonly Message[], by: Exchange, name = "stdout"): string =>
    ofType(messages, "stream")
      .filter(
        ({ content, parent }) => content["name"] === name && parent.msg_id === by.request.msg_id,
      )
      .map(({ content }) => content["text"])
      .join("");
  const comms = async (): Promise<string[]> => {
    const { reply } = await kernel.request("shell", "comm_info_request", {
      target_name: "jupyter.widget",
    });
    return Object.keys(reply.content["comms"] as object);
  };

  test("nothing is open before a widget is shown; then its state is, in protocol 2.1", async () => {
    const before = await comms();
    const made = await run("const beta = slider(0, 10, { description: 'beta' }); 0");
    assert.deepEqual(ofType(made.iopub, "comm_open"), []);
    const { id, states, bundle, exchange } = await show("beta");
    assert.deepEqual(await comms(), [...before, id]);
    assert.deepEqual(bundle[VIEW], { version_major: 2, version_minor: 1, model_id: id });
    assert.equal(bundle["text/plain"], "slider: 0");
    const [open] = ofType(exchange.iopub, "comm_open");
    assert.deepEqual(
      [open!.content["target_name"], open!.metadata],
      ["jupyter.widget", { version: "2.1.0" }],
    );
    const { _model_module, _model_name, _view_name, min, max, step, value } = states[id]!;
    assert.deepEqual(
      [_model_module, _model_name, _view_name, min, max, step, value],
      ["@jupyter-widgets/controls", "IntSliderModel", "IntSliderView", 0, 10, 1, 0],
    );
  });

  test("values go both ways; what an event prints is below the cell that made the widget", async () => {
    const { id, exchange } = await show(
      "const both = slider(0, 1); both.observe((now, before) => console.log(before, now)); both",
    );
    const messages = await heard(() => change(id, { value: 1 }));
    assert.equal(printed(messages, exchange), "0 1\n");
    assert.deepEqual(updates(messages, id), [], "the page knows its own value");
    assert.equal(await value("both.value"), "1");
    const back = await heard(() => value("both.value = 0; both.max = 5; 0"));
    assert.deepEqual(updates(back, id), [{ value: 0 }, { max: 5 }]);
    const failed = await run("both.value = 7");
    assert.match(
      String(failed.reply.content["evalue"]),
      /^slider: a number from 0 to 5 was expected$/,
    );
    assert.equal(await value("both.value"), "0");
  });

  test("each control's value has its own form in the state", async () => {
    const cases: [string, State, string][] = [
      ["dropdown({ one: 1, two: 2 })", { index: 1 }, "2"],
      ["dropdown(['a', 'b'], { value: 'b' })", { index: 0 }, "'a'"],
      ["checkbox('on')", { value: true }, "true"],
      ["text({ value: 'x' })", { value: "Ada" }, "'Ada'"],
      ["color()", { value: "#ff0000" }, "'#ff0000'"],
      ["date()", { value: { year: 2026, month: 10, date: 30 } }, "'2026-11-30'"],
      ["slider(0, 1, { step: 0.1, value: 0.5 })", { value: 0.25 }, "0.25"],
      ["tabs({ first: html('<b>'), second: 7 })", { selected_index: 1 }, "'second'"],
    ];
    for (const [code, state, expected] of cases) {
      const { id } = await show(`var made = ${code}; made`);
      change(id, state);
      assert.equal(await value("made.value"), expected, code);
    }
    const { states, id } = await show("date({ value: '2026-11-30' })");
    assert.deepEqual(states[id]!["value"], { year: 2026, month: 10, date: 30 });
    const { states: bars, id: bar } = await show("progress(10, { value: 4 })");
    assert.deepEqual([bars[bar]!["_view_name"], bars[bar]!["value"]], ["ProgressView", 4]);
    const upload = await show("const files = fileUpload(); files");
    const file = { name: "a.txt", type: "text/plain", size: 2, last_modified: 0 };
    change(upload.id, { value: [file] }, { buffer_paths: [["value", 0, "content"]] }, [
      Buffer.from("hi"),
    ]);
    assert.equal(
      await value(
        "[files.value[0].name, files.value[0].bytes, files.value[0].lastModified.getTime()]",
      ),
      "[ 'a.txt', Uint8Array(2) [ 104, 105 ], 0 ]",
    );
  });

  test("events come while a cell awaits, and an observer that is slow hears the last value", async () => {
    const { id } = await show("const wait = slider(0, 100); wait");
    const asked = next(kernel, ({ header }) => header.msg_type === "execute_input");
    const waiting = run(
      "await new Promise((go) => { const end = wait.observe((now) => { end(); go(now); }); })",
    );
    await asked;
    change(id, { value: 3 });
    assert.equal(resultOf(await waiting), "3");

    await value(
      "const seen: number[] = []; const stop = wait.observe((now) => { seen.push(now); const end = Date.now() + 30; while (Date.now() < end); }); 0",
    );
    for (let n = 4; n <= 40; n++) change(id, { value: n });
    const seen = JSON.parse(
      ((await value("await turn(100); stop(); JSON.stringify(seen)")) as string).slice(1, -1),
    ) as number[];
    assert.equal(seen.at(-1), 40);
    assert.ok(seen.length < 20, `${seen.length} of 37 were heard`);
  });

  test("an observer's error is shown where the widget was made; others hear the change all the same", async () => {
    const { id, exchange } = await show(
      "const bad = checkbox(); bad.observe(() => { throw new Error('no') }); bad.observe((v) => console.log('heard', v)); bad",
    );
    await value("'another cell'");
    const messages = await heard(() => change(id, { value: true }));
    assert.match(printed(messages, exchange, "stderr"), /Error.*: no\n.*Cell \[\d+\]:1:/s);
    assert.equal(printed(messages, exchange), "heard true\n");
  });

  test("buttons are clicked; boxes hold widgets and other values; links keep values the same", async () => {
    const { id, states } = await show(
      "let clicks = 0; const press = button('press', () => { clicks++; }); box([press, [{ a: 1 }]], { direction: 'row', layout: { width: '50%' } })",
    );
    const { children, layout, _model_name } = states[id]!;
    assert.equal(_model_name, "HBoxModel");
    assert.equal(states[String(layout).slice(10)]!["width"], "50%");
    const [press, shown] = (children as string[]).map((each) => each.slice(10));
    page(press!, { method: "custom", content: { event: "click" } });
    page(press!, { method: "custom", content: { event: "other" } });
    assert.equal(await value("await turn(); clicks"), "1");
    assert.equal(states[shown!]!["_model_name"], "OutputModel");

    const a = await show(
      "const a = slider(0, 10, { value: 4 }); const b = text(); const unlink = link(a, slider(0, 10)); const c = slider(0, 9); link(a, c); c",
    );
    assert.equal(await value("c.value"), "4");
    change(a.id, { value: 6 });
    assert.equal(await value("await turn(); const linked = a.value; unlink(); linked"), "6");
  });

  test("interact: output is replaced, errors are shown in it, and the last value wins", async () => {
    const { id, states, bundle } = await show(
      "interact(async ({ n, on }) => { console.log('n is', n); await turn(5); if (n === 3) throw new Error('three'); return { n, on }; }, { n: slider(0, 9), on: checkbox() })",
    );
    assert.equal(bundle["text/plain"], "{ n: 0, on: false }", "what a page without widgets shows");
    const [n, on, shown] = (states[id]!["children"] as string[]).map((each) => each.slice(10)) as [
      string,
      string,
      string,
    ];
    assert.deepEqual([states[n]!["description"], states[on]!["description"]], ["n", "on"]);
    type Outputs = {
      outputs: { output_type: string; text?: string; ename?: string; data?: State }[];
    }[];
    const last = async (state: State): Promise<Outputs[number]["outputs"]> => {
      const messages = await heard(async () => {
        change(n, state);
        await value("await turn(60)");
      });
      return (updates(messages, shown) as Outputs).at(-1)!.outputs;
    };
    const [text, result] = await last({ value: 2 });
    assert.deepEqual(
      [text!.text, result!.data],
      ["n is 2\n", { "text/plain": "{ n: 2, on: false }" }],
    );
    const failed = await last({ value: 3 });
    assert.deepEqual(
      failed.map((each) => each.ename ?? each.text),
      ["n is 3\n", "Error"],
    );
    assert.equal((await last({ value: 4 })).length, 2);
    const wrong = await run(
      "interact(({ n }) => { throw new Error('at once') }, { n: slider(0, 1) })",
    );
    assert.equal(wrong.reply.content["evalue"], "at once");
  });

  test("interact: a view that takes a while is waited for, and nothing is shown twice", async () => {
    const { id, states, bundle } = await show(
      "interact(({ n }) => ({ [Symbol.for('Jupyter.display')]: async () => { await turn(n < 2 ? 40 : 0); return { 'text/plain': 'picture ' + n }; } }), { n: slider(0, 9) })",
    );
    assert.equal(bundle["text/plain"], "picture 0", "what a page without widgets shows");
    const [n, shown] = (states[id]!["children"] as string[]).map((each) => each.slice(10)) as [
      string,
      string,
    ];
    const messages = await heard(async () => {
      change(n, { value: 1 });
      change(n, { value: 2 });
      await value("await turn(120)");
    });
    assert.deepEqual(
      (updates(messages, shown) as { outputs: { data: State }[] }[])
        .map(({ outputs }) => outputs.map(({ data }) => data["text/plain"]))
        .at(-1),
      ["picture 2"],
    );
  });

  test("an interrupt ends an observer's loop, and the widget lives on", async () => {
    const { id, states } = await show(
      "const loop = slider(0, 9); const panel = interact(({ loop }) => { while (loop === 1); return loop; }, { loop }); panel",
    );
    const [slider] = (states[id]!["children"] as string[]).map((each) => each.slice(10)) as [
      string,
    ];
    change(slider, { value: 1 });
    await new Promise((resolve) => setTimeout(resolve, 150));
    await kernel.interrupt();
    change(slider, { value: 5 });
    // On a machine that is busy, the interrupt may also reach the next cell.
    const after = "await turn(50); [loop.value, panel.output.value.at(-1).data['text/plain']]";
    let last = await run(after);
    for (let n = 0; n < 5 && last.reply.content["ename"] === "KeyboardInterrupt"; n++)
      last = await run(after);
    assert.equal(resultOf(last), "[ 5, '5' ]");
  });

  test("an output catches what is printed and shown in it, later too, and ends with its cell", async () => {
    const { id } = await show(
      "const out = output(); display(0, { id: 'elsewhere' }); let rounds = 0; out",
    );
    const caught = await run(
      "out.run(async () => { console.log('now'); display(1, { id: 'in' }); display(2, { id: 'in', update: true }); display(3, { id: 'elsewhere', update: true }); await turn(5); process.stdout.write('later'); }); console.log('outside'); await turn(60)",
    );
    assert.equal(textOf(caught), "outside\n");
    const elsewhere = ofType(caught.iopub, "update_display_data").map(
      ({ content }) => content["data"],
    );
    assert.deepEqual(elsewhere, [{ "text/plain": "3" }]);
    assert.deepEqual((updates(caught.iopub, id) as { outputs: unknown }[]).at(-1)!.outputs, [
      { output_type: "stream", name: "stdout", text: "now\n" },
      { output_type: "display_data", data: { "text/plain": "2" }, metadata: {} },
      { output_type: "stream", name: "stdout", text: "later" },
    ]);
    const begun = next(kernel, ({ header }) => header.msg_type === "execute_input");
    const endless = run(
      "await out.run(async () => { setInterval(() => rounds++, 5); for (;;) { await turn(5); rounds++; } })",
    );
    await begun;
    await new Promise((resolve) => setTimeout(resolve, 100));
    await kernel.interrupt();
    assert.equal((await endless).reply.content["ename"], "KeyboardInterrupt");
    assert.equal(await value("const then = rounds; await turn(60); rounds - then"), "0");
  });

  test("a page that is loaded again gets every state, with its bytes", async () => {
    const { id } = await show(
      "const bytes = widget({ esm: 'export default {}' }, { deep: { list: [new Uint8Array([1, 200]), 2] }, top: new Float32Array([0.5]) }); bytes",
    );
    const answer = next(kernel, ({ content }) => content["comm_id"] === "control-1");
    kernel.send("shell", "comm_open", {
      comm_id: "control-1",
      target_name: "jupyter.widget.control",
      data: {},
    });
    page("control-1", { method: "request_states" });
    const { content, buffers } = await answer;
    const { method, states, buffer_paths } = content["data"] as {
      method: string;
      states: Record<string, { model_name: string; state: State }>;
      buffer_paths: unknown[][];
    };
    assert.equal(method, "update_states");
    assert.deepEqual(Object.keys(states).sort(), (await comms()).sort());
    assert.deepEqual(
      [states[id]!.model_name, states[id]!.state["deep"]],
      ["AnyModel", { list: [null, 2] }],
    );
    const mine = buffer_paths.flatMap((path, i) =>
      path[0] === id ? [[path.slice(1), [...buffers[i]!]]] : [],
    );
    assert.deepEqual(mine, [
      [
        ["state", "deep", "list", 0],
        [1, 200],
      ],
      [
        ["state", "top"],
        [0, 0, 0, 63],
      ],
    ]);
    const alone = next(kernel, ({ content }) => content["comm_id"] === id);
    page(id, { method: "request_state" });
    assert.equal(
      ((await alone).content["data"] as { state: State }).state["_esm"],
      "export default {}",
    );
  });
});
