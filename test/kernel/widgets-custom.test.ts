// Widgets with views of one's own, strangers' messages to widgets, and widgets that nobody uses any more.
import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { gunzipSync } from "node:zlib";
import type { Exchange, KernelClient } from "../../src/notebook/client.ts";
import { next, ofType, resultOf, start, textOf } from "./protocol-kernel.ts";

type State = Readonly<Record<string, unknown>>;

const VIEW = "application/vnd.jupyter.widget-view+json";

suite("widgets of one's own, strangers, and the end of widgets", () => {
  let kernel: KernelClient;
  before(async () => {
    kernel = await start();
    await value(
      `import { box, checkbox, figure, slider, text, widget } from "tskernel/widgets";
const turn = (ms = 20) => new Promise((go) => setTimeout(go, ms)); 0`,
    );
  });
  after(async () => {
    await kernel.shutdown();
    assert.deepEqual(kernel.rejected, [], "all that the kernel sent could be read");
  });

  const run = (code: string, cellId?: string): Promise<Exchange> =>
    kernel.execute(code, cellId === undefined ? {} : { metadata: { cellId } });
  async function value(code: string, cellId?: string): Promise<unknown> {
    const exchange = await run(code, cellId);
    assert.equal(exchange.reply.content["status"], "ok", JSON.stringify(exchange.reply.content));
    return resultOf(exchange);
  }
  async function show(code: string, cellId?: string) {
    const exchange = await run(code, cellId);
    const [result] = ofType(exchange.iopub, "execute_result");
    const bundle = result?.content["data"] as Record<string, { model_id: string }> | undefined;
    const id = bundle?.[VIEW]?.model_id;
    assert.ok(id, JSON.stringify(exchange.reply.content));
    const opened = ofType(exchange.iopub, "comm_open").find(
      ({ content }) => content["comm_id"] === id,
    );
    const state = (opened?.content["data"] as { state: State } | undefined)?.state;
    return { id, state, exchange };
  }
  const send = (type: string, content: State, buffers: Buffer[] = []): void => {
    kernel.send("shell", type, content, { buffers });
  };
  const change = (comm_id: string, state: unknown): void =>
    send("comm_msg", { comm_id, data: { method: "update", state } });
  const comms = async (): Promise<number> => {
    const { reply } = await kernel.request("shell", "comm_info_request", {
      target_name: "jupyter.widget",
    });
    return Object.keys(reply.content["comms"] as object).length;
  };
  /** Evaluates a view's module as a page does, on a model that only reads. */
  async function rendered(esm: unknown, state: State): Promise<string> {
    const url = `data:text/javascript,${encodeURIComponent(String(esm))}`;
    const { default: view } = (await import(url)) as {
      default: { render(context: object): Promise<unknown> };
    };
    const el = { textContent: "" };
    await view.render({ el, model: { get: (key: string) => state[key] } });
    return el.textContent;
  }

  test("a view's functions reach the page as a module, in each form that a cell may write them", async () => {
    const forms = [
      "render({ model, el }) { el.textContent = 'n is ' + model.get('n'); }",
      "render: ({ model, el }) => { el.textContent = `n is ` + model.get('n'); }",
      "render: function named({ model, el }: { model: any; el: any }): void { el.textContent = 'n is ' + model.get('n'); }",
      "['ren' + 'der']({ model, el }) { el.textContent = 'n is ' + model.get('n'); }",
      "async render({ model, el }) { const { sep } = await import('node:path'); await null; el.textContent = (sep === '/' ? 'n is ' : '') + await model.get('n'); }",
    ];
    for (const form of forms) {
      const { state } = await show(`widget({ ${form} }, { n: 3 })`);
      assert.equal(await rendered(state!["_esm"], { n: 3 }), "n is 3", form);
    }
    const { state } = await show(
      "const outer = 1; widget({ render: ({ el }) => { el.textContent = outer; } }, {})",
    );
    await assert.rejects(
      rendered(state!["_esm"], {}),
      /outer is not defined: a widget's functions run in the page/,
    );
    const bound = await run("widget({ render: ((context) => {}).bind(null) }, {})");
    assert.match(
      String(bound.reply.content["evalue"]),
      /render must be a function that is written out/,
    );
    const names = [state!["_model_module"], state!["_model_name"], state!["_view_name"]];
    assert.deepEqual(names, ["anywidget", "AnyModel", "AnyView"]);
  });

  test("state and messages go both ways, with bytes", async () => {
    const { id } = await show(
      "const w = widget({ esm: '' }, { n: 0, bytes: new Uint8Array([1]) }); w.onMessage((content, buffers) => w.send({ got: content }, buffers)); w",
    );
    send(
      "comm_msg",
      { comm_id: id, data: { method: "update", state: { n: 2 }, buffer_paths: [["bytes"]] } },
      [Buffer.from([7, 200])],
    );
    assert.equal(
      await value("await turn(); [w.state.n, w.state.bytes]"),
      "[ 2, Uint8Array(2) [ 7, 200 ] ]",
    );
    const { iopub } = await run(
      "w.state.bytes = new Uint16Array([258]); w.value = { ...w.value, n: 5 };",
    );
    const [bytes, n] = ofType(iopub, "comm_msg");
    assert.deepEqual(bytes!.content["data"], {
      method: "update",
      state: {},
      buffer_paths: [["bytes"]],
    });
    assert.deepEqual([...bytes!.buffers[0]!], [2, 1]);
    assert.deepEqual((n!.content["data"] as { state: State }).state, { n: 5 });
    const answers: unknown[] = [];
    const stop = kernel.onMessage((_, { header, content, buffers }) => {
      if (header.msg_type === "comm_msg") answers.push([content["data"], [...buffers[0]!]]);
    });
    send("comm_msg", { comm_id: id, data: { method: "custom", content: "hi" } }, [
      Buffer.from([9]),
    ]);
    await value("await turn()");
    stop();
    assert.deepEqual(answers, [[{ method: "custom", content: { got: "hi" } }, [9]]]);
    const refused = await run("widget({ esm: '' }, { _esm: 1 })");
    assert.match(
      String(refused.reply.content["evalue"]),
      /_esm in the state belongs to the protocol/,
    );
  });

  test("a figure is changed by Plotly's paths, hears of clicks, and brings plotly.js when it is asked for", async () => {
    const { id, state } = await show(
      "const fig = figure([{ y: new Float32Array([1, 2]) }, { y: [3], line: { width: 1 } }], { xaxis: { range: [0, 1] } }); fig",
    );
    assert.deepEqual(state!["data"], [{ y: { dtype: "f4" } }, { y: [3], line: { width: 1 } }]);
    const content = async (code: string): Promise<unknown> => {
      const shown = (await value(`${code}; JSON.stringify(fig.value)`)) as string;
      return JSON.parse(shown.slice(1, -1)) as unknown;
    };
    await run(
      "fig.value = { data: [{ y: [1, 2] }, fig.value.data[1]], layout: fig.value.layout };",
    );
    assert.deepEqual(
      await content(
        "fig.restyle({ 'line.color': ['red', 'blue'], name: 'both' }); fig.restyle({ y: [[9, 8]], 'line.width': null }, [1]); fig.relayout({ 'xaxis.range[1]': 5, title: { text: 't' } })",
      ),
      {
        data: [
          { y: [1, 2], line: { color: "red" }, name: "both" },
          { y: [9, 8], line: { color: "blue" }, name: "both" },
        ],
        layout: { xaxis: { range: [0, 5] }, title: { text: "t" } },
      },
    );
    assert.deepEqual(
      await content(
        "fig.addTraces({ x: [1] }, { x: [2] }); fig.deleteTraces(0, 1); fig.relayout({ xaxis: null, title: null })",
      ),
      {
        data: [{ x: [1] }, { x: [2] }],
        layout: {},
      },
    );
    assert.match(
      String((await run("fig.restyle({ x: 1 }, [7])")).reply.content["evalue"]),
      /no trace 7, only 2/,
    );

    await value("let clicked: unknown; fig.onClick((points) => { clicked = points; }); 0");
    const point = { curveNumber: 0, pointNumber: 1, x: 2 };
    send("comm_msg", {
      comm_id: id,
      data: { method: "custom", content: { type: "hover", points: [] } },
    });
    send("comm_msg", {
      comm_id: id,
      data: { method: "custom", content: { type: "click", points: [point] } },
    });
    assert.equal(
      await value("await turn(); clicked"),
      "[ { curveNumber: 0, pointNumber: 1, x: 2 } ]",
    );

    const answer = next(
      kernel,
      ({ header, content }) => header.msg_type === "comm_msg" && content["comm_id"] === id,
    );
    send("comm_msg", { comm_id: id, data: { method: "custom", content: { type: "plotly.js" } } });
    const [zipped] = (await answer).buffers;
    assert.match(gunzipSync(zipped!).subarray(0, 100).toString(), /plotly\.js v4\./);
    assert.ok(zipped!.length < 3e6, "more than a Jupyter server lets through in three seconds");
  });

  test("run again, a cell's widget gets the new code and keeps its state, except what now begins otherwise", async () => {
    const code = (esm: string, n: number) =>
      `const hot = widget({ esm: '${esm}' }, { n: ${n}, m: 0 }); hot.observe(() => console.log('heard')); hot`;
    const first = await show(code("one", 1), "cell-a");
    change(first.id, { n: 8, m: 9 });
    const again = await show(code("two", 1), "cell-a");
    assert.equal(again.id, first.id);
    const [update] = ofType(again.exchange.iopub, "comm_msg");
    assert.deepEqual((update!.content["data"] as { state: State }).state, { _esm: "two" });
    assert.equal(await value("hot.value"), "{ n: 8, m: 9 }");
    await show(code("two", 2), "cell-a");
    assert.equal(await value("hot.value"), "{ n: 2, m: 9 }");
    // An observer of an earlier run would be a second one.
    assert.equal(textOf(await run("hot.state.n = 4;")), "heard\n");
    // A widget in the state is another one each time.
    const parent =
      "const child = slider(0, 9); const parent = widget({ esm: '' }, { child }); parent";
    await show(parent, "cell-p");
    await show(parent, "cell-p");
    assert.equal(await value("parent.state.child === child"), "true");
    const other = await show(code("two", 2), "cell-b");
    assert.notEqual(other.id, first.id);
  });

  test("a stranger's message changes nothing, is told in a line, and ends no service", async () => {
    const { id, exchange } = await show("const safe = slider(0, 10); safe", "cell-safe");
    const custom = await show("const open = widget({ esm: '' }, { n: 1, list: [null] }); open");
    const deep = JSON.parse("[".repeat(480) + "]".repeat(480)) as unknown;
    const strange: [unknown, Buffer[]?][] = [
      [{ method: "update", state: { value: "7" } }],
      [{ method: "update", state: { value: 11 } }],
      [{ method: "update", state: { value: null } }],
      [{ method: "update", state: { value: deep } }],
      [{ method: "update", state: { max: 1e9 } }],
      [{ method: "update", state: { _model_name: "x", toString: 1 } }],
      [{ method: "update", state: JSON.parse('{ "__proto__": { "polluted": 1 } }') }],
      [{ method: "update", state: [1] }],
      [{ method: "update" }],
      [{ method: 7 }],
      [null],
      ["text"],
      [{ method: "update", state: {}, buffer_paths: [["value"]] }],
      [
        { method: "update", state: {}, buffer_paths: [["__proto__", "polluted"]] },
        [Buffer.from([1])],
      ],
      [{ method: "update", state: {}, buffer_paths: "x" }, [Buffer.from([1])]],
    ];
    const lines: string[] = [];
    const stop = kernel.onMessage((_, { header, parent, content }) => {
      if (header.msg_type === "stream" && parent.msg_id === exchange.request.msg_id)
        lines.push(...String(content["text"]).trimEnd().split("\n"));
    });
    for (const [data, buffers] of strange) send("comm_msg", { comm_id: id, data }, buffers);
    change(custom.id, deep);
    change(custom.id, { list: [deep] });
    // Too deep for a message, an unknown comm, one that is in use, a control without sense.
    send("comm_msg", { comm_id: id, data: JSON.parse("[".repeat(600) + "]".repeat(600)) });
    send("comm_msg", { comm_id: "nobody", data: {} });
    send("comm_open", { comm_id: id, target_name: "jupyter.widget.control", data: {} });
    send("comm_open", { comm_id: "c", target_name: "jupyter.widget.control", data: 7 });
    for (const data of [null, [], { method: "request_state" }, { method: {} }])
      send("comm_msg", { comm_id: "c", data });
    assert.equal(
      await value("await turn(50); [safe.value, ({}).polluted, open.state.n]"),
      "[ 0, undefined, 1 ]",
    );
    change(id, { value: 4 });
    assert.equal(await value("await turn(); safe.value"), "4");
    stop();
    assert.equal(lines.length, strange.length + 1, lines.join("\n")); // one message named two keys
    assert.equal(await value("JSON.stringify(open.state.list)"), "'[null]'");
    assert.deepEqual(
      lines.filter((line) => !/^slider: a message of the page was ignored: .+/.test(line)),
      [],
    );
  });

  test("3,000 widgets made and dropped leave nothing behind", async () => {
    const collect =
      "(await import('node:v8')).setFlagsFromString('--expose-gc'); const gc = (await import('node:vm')).runInNewContext('gc'); const sweep = async () => { for (let i = 0; i < 3; i++) { gc(); await turn(10); } return process.memoryUsage().heapUsed / 2 ** 20; }; 0";
    await value(collect);
    await value("await sweep()"); // what the tests above have dropped
    const before = await comms();
    // Never shown: the page never hears of them.
    await value(
      "for (let i = 0; i < 500; i++) box([slider(0, i + 1), checkbox()]).observe(() => {}); 0",
    );
    assert.equal(await comms(), before);
    // Closed by hand.
    await value(
      "for (let i = 0; i < 20; i++) { using shown = slider(0, 9); display(shown); } 0",
      "cell-c",
    );
    assert.equal(await comms(), before);
    // Shown by a cell that is run again and again, and dropped with what it showed before.
    const many =
      "display(box(Array.from({ length: 100 }, () => { const one = slider(0, 9); one.observe((v) => { one.value = v; }); return one; }))); 0";
    for (let i = 0; i < 3; i++) await value(many, "cell-d");
    const settled = Number(await value("await sweep()"));
    for (let i = 0; i < 30; i++) await value(many, "cell-d");
    const grown = Number(await value("await sweep()"));
    // What the last two runs showed is still in use: boxes of 100.
    assert.equal(await comms(), before + 202);
    assert.ok(grown - settled < 3, `${settled} MiB, then ${grown}`);
    await value("0", "cell-d");
    await value("const kept = slider(0, 9); display(kept); 0", "cell-d");
    await value("await sweep()");
    assert.equal(await comms(), before + 1);
    const closed = await run(
      "const two = box([kept, text()]); display(two); kept.close(); kept",
      "cell-e",
    );
    assert.match(
      JSON.stringify(ofType(closed.iopub, "execute_result")[0]?.content),
      /was closed: make another one/,
    );
    // A page that is loaded again gets the box without it.
    const answer = next(kernel, ({ content }) => content["comm_id"] === "control-2");
    send("comm_open", { comm_id: "control-2", target_name: "jupyter.widget.control", data: {} });
    send("comm_msg", { comm_id: "control-2", data: { method: "request_states" } });
    const { states } = (await answer).content["data"] as {
      states: Record<string, { state: State }>;
    };
    const lists = Object.values(states).map(({ state }) => state["children"]);
    assert.deepEqual(
      lists.filter((list) => list !== undefined).map((list) => (list as []).length),
      [1],
    );
  });
});
