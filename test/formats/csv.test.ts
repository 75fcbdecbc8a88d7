// Tables of text: what has no quotes is taken apart without the parser, and gives the same rows.
import assert from "node:assert/strict";
import { test } from "node:test";
import { openTable, visitRows } from "../../src/formats/csv.ts";
import { randomStream } from "../../src/graph/random.ts";

function rowsOf(text: string): { cells: string[]; line: number }[] {
  const rows: { cells: string[]; line: number }[] = [];
  const table = openTable("t.csv", Buffer.from(text), new Set(["id"]));
  visitRows(table, (cells, line) => rows.push({ cells: [...cells], line }));
  return rows;
}

test("a text without quotes has the rows that the parser finds, in the same lines", () => {
  const random = randomStream(17);
  const one = <T>(of: readonly T[]): T => of[Math.floor(random.uniform() * of.length)]!;
  const cells = ["a", "1", "-0.5e3", "é b", "", " x ", "\u00a0", "#", "'"];
  let compared = 0;
  for (let k = 0; k < 400; k++) {
    const [separator, end] = [one([",", ";", "\t", "|"]), one(["\n", "\r\n"])];
    const lines = Array.from({ length: 2 + Math.floor(random.uniform() * 6) }, () =>
      one(["", "# a,b", "  #c", ...Array<string>(7).fill("row")]),
    ).map((line) =>
      line === "row" ? [one(["a", "2"]), one(cells), one(cells)].join(separator) : line,
    );
    const head = ["id", "p", "q"].join(separator);
    const text = [head, ...lines, ["z", "y", "x"].join(separator)].join(end) + one(["", end]);
    const plain = rowsOf(text);
    // A quoted cell in the last row sends all of them to csv-parse.
    const quoted = rowsOf(text.replace(/z(?=.y.x\s*$)/, '"z"'));
    assert.deepEqual(plain, quoted, JSON.stringify(text));
    compared += plain.length;
  }
  assert.ok(compared > 1000, `${compared}`);
});
