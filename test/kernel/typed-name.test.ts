// Which name stands before the cursor, judged by the text alone.
import assert from "node:assert/strict";
import { test } from "node:test";
import { nameBefore } from "../../src/kernel/typed-name.ts";

const CASES: readonly (readonly [code: string, name: string | undefined])[] = [
  ["", "|"],
  ["run", "|run"],
  ["const a = gra", "|gra"],
  ["graph.", "graph|"],
  ["graph.adjacency.ind", "graph.adjacency|ind"],
  ["graph?.labels?.le", "graph.labels|le"],
  ["results[0].acc", "results[0]|acc"],
  [`table["a b"].x`, `table["a b"]|x`],
  ["$x._y", "$x|_y"],
  ["sin(angle.ra", "angle|ra"],
  ["...list.ma", "list|ma"],
  ["[...lis", "|lis"],
  [`f("it's", gra`, "|gra"],
  // The value of a call, an expression or a literal does not exist yet.
  ["f(x).y", undefined],
  ["f().a.b", undefined],
  ["[1, 2].f", undefined],
  [`"text".len`, undefined],
  // Strings and comments contain no names.
  [`loadDataset("co`, undefined],
  ["`a ${na", undefined],
  ["1; // see gra", undefined],
  ["1; /* gra", undefined],
  ["'it\\'s gra", undefined],
  ["// a line\ngra", "|gra"],
];

for (const [code, expected] of CASES) {
  test(`${JSON.stringify(code)}: ${expected ?? "none"}`, () => {
    const name = nameBefore(`${code}.rest`, code.length);
    assert.equal(name && `${name.object}|${name.prefix}`, expected);
  });
}
