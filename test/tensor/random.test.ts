// Counter-based random numbers: published vectors, agreement of all implementations, dropout rates.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import * as tf from "@tensorflow/tfjs";
import { dropout, reluDropout, startEngine } from "../../src/tensor/index.ts";
import { philox, uniform } from "../../src/tensor/ops/random.ts";
import { philox4x32 } from "./philox.ts";

before(() => {
  startEngine();
});

test("the reference generator gives Random123's known answers (kat_vectors, philox4x32 10)", () => {
  const ones = 0xffffffff;
  const vectors = [
    [
      [0, 0, 0, 0],
      [0, 0],
      [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8],
    ],
    [
      [ones, ones, ones, ones],
      [ones, ones],
      [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd],
    ],
    [
      [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
      [0xa4093822, 0x299f31d0],
      [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
    ],
  ] as const;
  for (const [counter, key, answer] of vectors) {
    assert.deepEqual(philox4x32(counter, key), [...answer]);
  }
});

test("the library's generator agrees with the reference", () => {
  const counters = [
    [0, 0, 0],
    [1, 2, 3],
    [0x243f6a88, 0x85a308d3, 0x13198a2e],
    [0xffffffff, 0xffffffff, 0xffffffff],
  ] as const;
  for (const seed of [0, 1, 0xffffffff, 2 ** 32, 123_456_789_012_345, 2 ** 53 - 1]) {
    for (const [c0, c1, c2] of counters) {
      const key = [seed % 2 ** 32, Math.floor(seed / 2 ** 32)];
      assert.deepEqual([...philox(seed, c0, c1, c2)], philox4x32([c0, c1, c2, 0], key));
    }
  }
});

test("uniform numbers are in [0, 1), even, and depend only on seed, stream and place", () => {
  const count = 100_000;
  const x = uniform(7, "input.weight", count);
  assert.ok(x.every((u) => u >= 0 && u < 1));
  const mean = x.reduce((sum, u) => sum + u, 0) / count;
  const square = x.reduce((sum, u) => sum + u * u, 0) / count;
  // Five standard errors of the mean of u, and of u^2.
  assert.ok(Math.abs(mean - 1 / 2) < 5 * Math.sqrt(1 / 12 / count), `mean ${mean}`);
  assert.ok(Math.abs(square - 1 / 3) < 5 * Math.sqrt(4 / 45 / count), `mean square ${square}`);
  assert.deepEqual(uniform(7, "input.weight", 13), x.slice(0, 13));
  for (const other of [uniform(8, "input.weight", 64), uniform(7, "input.bias", 64)]) {
    const same = other.filter((u, i) => u === x[i]).length;
    assert.ok(same <= 1, `${same} of 64 numbers agree between streams`);
  }
});

/** Returns which of `count` ones are kept. */
function mask(count: number, rate: number, seed: number, step: number, site: number): boolean[] {
  return tf.tidy(() => {
    const kept = dropout(tf.ones([count]), { rate, seed, step, site });
    return Array.from(kept.dataSync(), (x) => x > 0);
  });
}

test("dropout drops the share given by its rate, in every lane of a group", () => {
  const count = 32 * 4000;
  for (const rate of [0.05, 0.5, 0.6, 0.95]) {
    const kept = mask(count, rate, 42, 3, 1);
    const within = (hits: number, of: number, what: string): void => {
      const deviations = Math.abs(hits - of * (1 - rate)) / Math.sqrt(of * rate * (1 - rate));
      assert.ok(deviations < 5, `${what} at rate ${rate}: ${deviations} standard deviations off`);
    };
    within(kept.filter(Boolean).length, count, "all");
    for (let lane = 0; lane < 32; lane++) {
      const mine = kept.filter((_, e) => e % 32 === lane);
      within(mine.filter(Boolean).length, mine.length, `lane ${lane}`);
    }
  }
});

test("kept elements are scaled so that the expectation stays the same", () => {
  const mean = tf.tidy(
    () =>
      tf.mean(dropout(tf.ones([200_000]), { rate: 0.6, seed: 1, step: 0, site: 0 })).dataSync()[0],
  )!;
  assert.ok(Math.abs(mean - 1) < 5 * Math.sqrt(0.6 / 0.4 / 200_000), `mean ${mean}`);
});

test("masks of other seeds, steps, sites and elements are independent", () => {
  const count = 64_000;
  const first = mask(count, 0.5, 1, 1, 1);
  const others = {
    seed: mask(count, 0.5, 2, 1, 1),
    "high word of the seed": mask(count, 0.5, 1 + 2 ** 32, 1, 1),
    step: mask(count, 0.5, 1, 2, 1),
    site: mask(count, 0.5, 1, 1, 2),
    "the next element": first.map((_, e) => first[(e + 1) % count]!),
    "the next group": first.map((_, e) => first[(e + 32) % count]!),
    "the other half word": first.map((_, e) => first[e ^ 4]!),
  };
  for (const [what, other] of Object.entries(others)) {
    const agree = other.filter((kept, e) => kept === first[e]).length;
    const deviations = Math.abs(agree - count / 2) / Math.sqrt(count / 4);
    // The last counts pairs twice, so its number has twice the variance.
    assert.ok(deviations < 8, `${what}: ${deviations} standard deviations from independent`);
  }
});

test("the same stream gives the same mask, and ReLU does not move it", () => {
  assert.deepEqual(mask(1000, 0.3, 9, 8, 7), mask(1000, 0.3, 9, 8, 7));
  const behindRelu = tf.tidy(() => {
    const stream = { rate: 0.3, seed: 9, step: 8, site: 7 };
    return Array.from(reluDropout(tf.ones([1000]), stream).dataSync(), (x) => x > 0);
  });
  assert.deepEqual(behindRelu, mask(1000, 0.3, 9, 8, 7));
});
