// A cell's outputs: what a notebook keeps of the messages that a kernel publishes.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Content, createHeader } from "../../src/kernel/wire.ts";
import { CellOutputs, type Displays } from "../../src/notebook/outputs.ts";

function apply(cell: CellOutputs, type: string, content: Content): void {
  const header = createHeader(type, "test");
  cell.apply({ identities: [], header, parent: {}, metadata: {}, content, buffers: [] });
}

function print(cell: CellOutputs, text: string, name = "stdout"): void {
  apply(cell, "stream", { name, text });
}

function display(cell: CellOutputs, text: string, id?: string, type = "display_data"): void {
  const transient = id === undefined ? {} : { display_id: id };
  apply(cell, type, { data: { "text/plain": text }, metadata: {}, transient });
}

function texts(cell: CellOutputs): unknown[] {
  return cell.outputs.map((output) => {
    if (output.output_type === "stream") return `${output.name}:${output.text}`;
    return "data" in output ? output.data["text/plain"] : output.ename;
  });
}

const fresh = (displays: Displays = new Map()): CellOutputs => new CellOutputs(displays);

describe("a cell's outputs", () => {
  it("joins consecutive texts of one stream", () => {
    const cell = fresh();
    for (const part of ["a\n", "b", "\n"]) print(cell, part);
    print(cell, "!", "stderr");
    print(cell, "c\n");
    display(cell, "x");
    print(cell, "d\n");
    assert.deepEqual(texts(cell), ["stdout:a\nb\n", "stderr:!", "stdout:c\n", "x", "stdout:d\n"]);
  });

  for (const [parts, expected] of [
    [["10 %\r20 %\r100 %\n"], "100 %\n"],
    [["10 %", "\r20 %", "\r"], "20 %"],
    [["long line\rshort"], "shortline"],
    [["a\r\nb\r\r\n"], "a\nb\n"],
    [["abc\b\bX"], "aX"],
    [["done\n1\r2\n"], "done\n2\n"],
  ] as const) {
    it(`shows ${JSON.stringify(parts)} as a terminal does`, () => {
      const cell = fresh();
      for (const part of parts) print(cell, part);
      assert.deepEqual(texts(cell), [`stdout:${expected}`]);
    });
  }

  it("updates a display by its id, also from another cell, wherever it was shown", () => {
    const displays: Displays = new Map();
    const [one, two] = [fresh(displays), fresh(displays)];
    display(one, "old", "id");
    display(one, "same", "other");
    display(two, "old", "id");
    display(two, "new", "id", "update_display_data");
    display(two, "nothing", "unknown", "update_display_data");
    assert.deepEqual(texts(one), ["new", "same"]);
    assert.deepEqual(texts(two), ["new"]);
  });

  it("clears at once, or when the next output comes", () => {
    const cell = fresh();
    print(cell, "a");
    apply(cell, "clear_output", { wait: false });
    assert.deepEqual(texts(cell), []);
    print(cell, "b");
    apply(cell, "clear_output", { wait: true });
    assert.deepEqual(texts(cell), ["stdout:b"]);
    print(cell, "c");
    print(cell, "d");
    assert.deepEqual(texts(cell), ["stdout:cd"]);
  });

  it("keeps colours in tracebacks, and drops ids and times", () => {
    const cell = fresh();
    const error = { ename: "E", evalue: "v", traceback: ["\u001b[31mE\u001b[0m: v"] };
    apply(cell, "error", error);
    display(cell, "x", "id");
    apply(cell, "status", { execution_state: "idle" });
    assert.deepEqual(cell.outputs, [
      { output_type: "error", ...error },
      { output_type: "display_data", data: { "text/plain": "x" }, metadata: {} },
    ]);
  });

  it("makes text of values that nbformat allows for JSON types only", () => {
    const cell = fresh();
    const data = { "application/x-mine": { a: 1 }, "application/x+json": { a: 1 } };
    apply(cell, "display_data", { data, metadata: {} });
    const [output] = cell.outputs;
    assert.ok(output && "data" in output);
    assert.deepEqual(output.data, {
      "application/x-mine": '{"a":1}',
      "application/x+json": { a: 1 },
    });
  });
});
