// makeGraph() with what nobody means: an error in words, before memory is spent.
import assert from "node:assert/strict";
import { test } from "node:test";
import { OptionError } from "../../src/base/errors.ts";
import { InputError } from "../../src/graph/check.ts";
import { makeGraph } from "../../src/graph/make.ts";
import { processorClock } from "../processor-time.ts";

const good = { edges: { from: [0], to: [1] }, features: [[1], [2], [3]], labels: [0, 1, 0] };
const types = { a: 3 };
const relation = { source: "a", target: "a", from: [0], to: [1] };
const HOSTILE: readonly (readonly [object, RegExp])[] = [
  [{ features: null }, /features/],
  [{ labels: null }, /labels is null/],
  [{ labels: undefined, labelSets: null }, /labelSets is null/],
  [{ labels: undefined, labelSets: 3 }, /labelSets is 3/],
  [{ types: Number.NaN }, /types is NaN/],
  [{ types: { a: "3" } }, /a has "3" nodes/],
  [{ types: { a: 2 ** 31 - 1 } }, /3 rows for 2147483647 nodes/],
  [
    {
      types: { a: 2 ** 31 - 2 },
      features: { columns: 1, indptr: [0, 1], indices: [0] },
    },
    /indptr has 2 entries for 2147483646 rows/,
  ],
  [{ graphs: [300_000_000] }, /3 rows for 300000000 nodes/],
  [{ edges: undefined, types, relations: 3 }, /relations is 3/],
  [{ edges: undefined, types, relations: { r: null } }, /relation r/],
  [{ edges: undefined, types, relations: { r: { ...relation, from: null } } }, /from/],
];

for (const [changes, message] of HOSTILE) {
  test(String(message), () => {
    const taken = processorClock();
    assert.throws(
      () => makeGraph({ ...good, ...changes } as never),
      (error) =>
        (error instanceof InputError || error instanceof OptionError) &&
        message.test(error.message),
    );
    assert.ok(taken() < 1000, "within a second");
  });
}

test("a set that is null, as JSON has it, is not known", () => {
  const { labels } = makeGraph({ ...good, labels: undefined, labelSets: [[0], null, []] } as never);
  assert.deepEqual([...labels], [0, -1, 0]);
});
