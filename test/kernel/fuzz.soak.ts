// 5,000 fuzzed messages on all channels of one kernel, with an honest cell after every hundred.
import assert from "node:assert/strict";
import { test } from "node:test";
import { fuzzKernel } from "./fuzz.ts";

/** The longest that an honest cell may wait, in milliseconds; one in a hundred may wait longer. */
const MOST = 500;
const LATE_SHARE = 0.01;
/** On a busy machine, cells of an unfuzzed kernel wait as well, so compare with one. */
const BESIDE_QUIET = 3;

for (const seed of [1, 2]) {
  test(`seed ${seed}: at most one honest cell in a hundred waits over 0.5 s`, async () => {
    const { waits, memory } = await fuzzKernel(5_000, seed);
    assert.equal(waits.length, 50);
    const sorted = waits.map(({ fuzzed }) => fuzzed).sort((a, b) => a - b);
    const [median = 0, longest = 0] = [sorted[25], sorted.at(-1)];
    const times = `median ${Math.round(median)} ms, longest ${Math.round(longest)} ms`;
    console.log(`      honest cells: ${times}; the kernel has ${Math.round(memory)} MB`);
    const late = waits.filter(
      ({ fuzzed, quiet }) => fuzzed > MOST && fuzzed > BESIDE_QUIET * quiet,
    );
    assert.ok(late.length <= LATE_SHARE * waits.length, JSON.stringify(late));
  });
}
