// Widgets' states in a notebook's metadata: what a run saves, and under which names.
import assert from "node:assert/strict";
import { test } from "node:test";
import { createHeader, type Message } from "../../src/kernel/wire.ts";
import type { CodeCell, Notebook } from "../../src/notebook/nbformat.ts";
import { VIEW, WidgetStates } from "../../src/notebook/widgets.ts";

const STATE = "application/vnd.jupyter.widget-state+json";
const ids = ["a", "b", "c", "d"].map((letter) => letter.repeat(32));
const [slider, box, unused, bytes] = ids as [string, string, string, string];

type Content = Record<string, unknown>;

const message = (type: string, content: Content, buffers: Buffer[] = []): Message => ({
  ...{ identities: [], header: createHeader(type, "s"), parent: {}, metadata: {} },
  ...{ content, buffers },
});
const open = (comm_id: string, state: unknown, more: Content = {}, buffers: Buffer[] = []) =>
  message(
    "comm_open",
    { comm_id, target_name: "jupyter.widget", data: { state, ...more } },
    buffers,
  );
const update = (comm_id: string, state: unknown, more: Content = {}, buffers: Buffer[] = []) =>
  message("comm_msg", { comm_id, data: { method: "update", state, ...more } }, buffers);

function shown(id: string, model_id: string): CodeCell {
  const data = { [VIEW]: { version_major: 2, version_minor: 1, model_id }, "text/plain": "x" };
  return {
    ...{ cell_type: "code", id, metadata: {}, source: "x", execution_count: 1 },
    outputs: [{ output_type: "display_data", data, metadata: {} }],
  };
}
const notebook = (cells: CodeCell[], metadata: Notebook["metadata"] = {}): Notebook => ({
  ...{ nbformat: 4, nbformat_minor: 5, metadata, cells },
});
type Saved = Record<string, { state: Content; buffers?: unknown; model_name: string }>;
const statesOf = ({ metadata }: Notebook): Saved =>
  (metadata["widgets"] as unknown as Record<string, { state: Saved }>)[STATE]!.state;
const idOf = ({ outputs: [output] }: CodeCell): string => {
  const { data } = output as unknown as { data: Record<string, { model_id: string }> };
  return data[VIEW]!.model_id;
};

/** One run: a box with a slider, which is moved, a widget that nothing shows, and one with bytes. */
function run(renamed: (id: string) => string): Notebook {
  const states = new WidgetStates();
  const [s, b, u, y] = [slider, box, unused, bytes].map(renamed) as [
    string,
    string,
    string,
    string,
  ];
  const file = notebook([shown("one", b), shown("two", y)]);
  states.apply(open(s, { _model_name: "IntSliderModel", value: 1, min: 0, own: s }), "one");
  states.apply(open(b, { _model_name: "VBoxModel", children: [`IPY_MODEL_${s}`] }), "one");
  states.apply(open(u, { _model_name: "TextModel" }), "one");
  states.apply(update(s, { value: 7 }), "two");
  states.apply(
    open(y, { n: 1 }, { buffer_paths: [["top"], ["list", 0]] }, [Buffer.of(1), Buffer.of(2)]),
    "two",
  );
  states.apply(update(y, {}, { buffer_paths: [["top"]] }, [Buffer.of(3, 4)]), "two");
  states.settle(file);
  return file;
}

test("the last states of what is shown are saved, also of what it refers to, and bytes in base64", () => {
  const file = run((id) => id);
  const states = statesOf(file);
  const [first, second] = file.cells.map((cell) => idOf(cell as CodeCell)) as [string, string];
  assert.equal(Object.keys(states).length, 3);
  const [child] = states[first]!.state["children"] as [string];
  const { own, ...state } = states[child.slice("IPY_MODEL_".length)]!.state;
  assert.deepEqual(state, { _model_name: "IntSliderModel", value: 7, min: 0 });
  assert.equal(`IPY_MODEL_${own}`, child);
  assert.deepEqual(states[second]!.buffers, [
    { path: ["list", 0], encoding: "base64", data: "Ag==" },
    { path: ["top"], encoding: "base64", data: "AwQ=" },
  ]);
});

test("names are the same at every run, whatever the comms are called", () => {
  const again = run((id) => id.replaceAll(/./g, (letter) => "0123"["abcd".indexOf(letter)]!));
  assert.deepEqual(
    run((id) => id),
    again,
  );
});

test("a cell that is skipped keeps its widget; what nothing shows any more goes", () => {
  const before = run((id) => id);
  const [one, two] = before.cells as [CodeCell, CodeCell];
  const kept = notebook([one, { ...two, outputs: [] }], before.metadata);
  new WidgetStates().settle(kept);
  assert.equal(Object.keys(statesOf(kept)).length, 2);
  const none = notebook([{ ...one, outputs: [] }], { ...kept.metadata, title: "x" });
  new WidgetStates().settle(none);
  assert.deepEqual(none.metadata, { title: "x" });
});

test("messages without sense change nothing; a closed widget is forgotten", () => {
  const states = new WidgetStates();
  const file = notebook([shown("one", slider)]);
  states.apply(open(slider, { value: 1 }), "one");
  for (const content of [
    {},
    { comm_id: slider },
    { comm_id: slider, data: { method: "update", state: 7 } },
  ])
    states.apply(message("comm_msg", content), "one");
  states.apply(update("nobody", { value: 2 }), "one");
  states.apply(update(slider, {}, { buffer_paths: [7, ["x"]] }, []), "one");
  states.settle(file);
  assert.deepEqual(
    Object.values(statesOf(file)).map(({ state }) => state),
    [{ value: 1 }],
  );
  states.apply(message("comm_close", { comm_id: slider, data: {} }), "one");
  const closed = notebook([shown("one", slider)]);
  states.settle(closed);
  assert.deepEqual(closed.metadata, {});
});
