// Outputs and sources with odd texts: the time for each must grow linearly.
import assert from "node:assert/strict";
import { test } from "node:test";
import { createHeader } from "../../src/kernel/wire.ts";
import { findMachinePaths } from "../../src/notebook/machine-paths.ts";
import type { Notebook } from "../../src/notebook/nbformat.ts";
import { CellOutputs } from "../../src/notebook/outputs.ts";
import { processorTime } from "../processor-time.ts";

const LENGTH = 100_000;
/** Far more than any of them takes, and far less than a quadratic pass over the text would. */
const MOST_MILLISECONDS = 1_000;

const PRINTED: Readonly<Record<string, readonly [text: string, shown: string]>> = {
  "many \\r and no end of line": [`${"\r".repeat(LENGTH)}x`, "x"],
  "many \\r, each with one character": [
    `${"x".repeat(LENGTH)}${"\ra".repeat(LENGTH)}`,
    `a${"x".repeat(LENGTH - 1)}`,
  ],
  "many \\b": [`${"x".repeat(LENGTH)}${"\b".repeat(LENGTH)}y`, "y"],
};

for (const [name, [text, shown]] of Object.entries(PRINTED)) {
  test(`printed: ${name}`, () => {
    const cell = new CellOutputs(new Map());
    const header = createHeader("stream", "test");
    const content = { name: "stdout", text };
    cell.apply({ identities: [], header, parent: {}, metadata: {}, content, buffers: [] });
    let outputs = cell.outputs;
    const took = processorTime(() => {
      outputs = cell.outputs;
    });
    assert.deepEqual(outputs, [{ output_type: "stream", name: "stdout", text: shown }]);
    assert.ok(took < MOST_MILLISECONDS, `${took} ms of processor time`);
  });
}

const pathsIn = (source: string): string[] => {
  const cells: Notebook["cells"] = [{ cell_type: "markdown", id: "a", metadata: {}, source }];
  const notebook: Notebook = { cells, metadata: {}, nbformat: 4, nbformat_minor: 5 };
  return findMachinePaths(notebook, "/home/me/work").map(({ text }) => text);
};

test("ten thousand home folders are each found", () => {
  const folders = Array.from({ length: 10_000 }, (_, i) => `/home/u${i}`);
  let found: string[] = [];
  const took = processorTime(() => {
    found = pathsIn(folders.join(" "));
  });
  assert.deepEqual(found, folders);
  assert.ok(took < MOST_MILLISECONDS, `${took} ms of processor time`);
});

test("a path is reported once and whole, and its beginning where that stands alone", () => {
  const text = "/home/me/work/a.csv, /home/me/work/b.csv and /home/you";
  assert.deepEqual(pathsIn(text), ["/home/me/work", "/home/you"]);
  assert.deepEqual(pathsIn(`${text}, /home/me`), ["/home/me/work", "/home/you", "/home/me"]);
});
