// The patterns of history searches: SQLite's GLOB, with an end to what one search may cost.
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { Glob } from "../../src/kernel/glob.ts";
import { processorTime } from "../processor-time.ts";
import { randomOf } from "./fuzz-messages.ts";

test("patterns match as SQLite's GLOB does", () => {
  const database = new DatabaseSync(":memory:");
  const glob = database.prepare("SELECT ? GLOB ? AS matches");
  const random = randomOf(5);
  const text = (letters: readonly string[], most: number): string =>
    Array.from({ length: random(most) }, () => letters[random(letters.length)]).join("");
  for (let i = 0; i < 20_000; i++) {
    const pattern = text([..."ab*?[]^-\u{1f600}é"], 9);
    const source = text([..."ab-^]*[\u{1f600}é"], 7);
    const expected = glob.get(source, pattern)?.["matches"] === 1;
    assert.equal(new Glob(pattern).matches(source), expected, `${source} GLOB ${pattern}`);
  }
  database.close();
});

const costly: Readonly<Record<string, readonly [pattern: string, text: string]>> = {
  // SQLite's own matcher would not finish this in a lifetime.
  "many stars": [`${"*a?".repeat(200)}b`, "a".repeat(1e6)],
  "a long tail after a star": [`*${"a?".repeat(499)}b`, "a".repeat(1e6)],
  "a set that says the same twice": [`*[${"ab".repeat(498)}]z`, "x".repeat(1e6)],
  "a set of a thousand": [
    `*[${Array.from({ length: 996 }, (_, i) => String.fromCharCode(0x4e00 + 2 * i)).join("")}]z`,
    String.fromCharCode(0x4e00 + 2 * 995).repeat(1e6),
  ],
};
for (const [name, [pattern, text]] of Object.entries(costly)) {
  test(`a search gives up before it delays others: ${name}`, () => {
    const glob = new Glob(pattern);
    const took = processorTime(() => assert.equal(glob.matches(text), false));
    assert.ok(took < 1_000, `${took} ms of processor time`); // about 100 is usual
  });
}

test("a glob knows when it has given up", () => {
  const glob = new Glob(`${"*a?".repeat(200)}b`);
  glob.matches("a");
  assert.ok(!glob.exhausted);
  glob.matches("a".repeat(1e6));
  assert.ok(glob.exhausted);
});
