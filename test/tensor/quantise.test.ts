// Grids, fake quantisation and its gradients, against slow forms written from Degree-Quant's text and code.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import * as tf from "@tensorflow/tfjs";
import { startEngine, uniform } from "../../src/tensor/index.ts";
import { codesOf, gridOf, nearest, rowCodes, valuesOf } from "../../src/tensor/ops/grid.ts";
import { fakeQuantise } from "../../src/tensor/ops/quantise.ts";
import { SparseMatrix } from "../../src/tensor/ops/sparse.ts";

before(() => startEngine());

/** Half to even, by cases. */
function rint(x: number): number {
  const below = Math.floor(x);
  if (x - below !== 0.5) return Math.round(x);
  return below % 2 === 0 ? below : below + 1;
}

/** The affine quantiser of dq/quantization.py in double precision: codes and values. */
function slow(
  x: number,
  low: number,
  high: number,
  bits: number,
): { code: number; value: number; place: number } {
  const [least, most] = [-(2 ** (bits - 1)), 2 ** (bits - 1) - 1];
  const [min, max] = [Math.min(0, low), Math.max(0, high)];
  const scale = min === max ? 1 : (max - min) / (most - least);
  const zero = min === max ? 0 : Math.min(most, Math.max(least, least - rint(min / scale)));
  const place = rint(x / scale + zero);
  // Of the two zeros the plain one.
  const code = Math.min(most, Math.max(least, place)) + 0;
  return { code, value: (code - zero) * scale, place };
}

const RANGES = [
  [-1.3, 2.2],
  [0, 6],
  [-0.7, 0],
  [0.5, 3],
  [-4, -1],
  [0, 0],
] as const;
// Not near halves of any grid's steps, where float32 and double precision may differ.
const numbers = Float32Array.from(uniform(3, "x", 400), (u) => 9 * u - 4.5);

test("halves are rounded to the even number", () => {
  for (let k = -50; k <= 50; k++) {
    for (const x of [k / 2, k / 2 + 0.01, k / 2 - 0.01]) assert.equal(nearest(x) + 0, rint(x) + 0);
  }
});

test("values, codes and gradients are those of the slow form", () => {
  for (const bits of [4, 8] as const) {
    for (const [low, high] of RANGES) {
      const grid = gridOf(low, high, bits);
      const sure = numbers.filter((x) => {
        const at = x / grid.scale - 0.5;
        return Math.abs(at - Math.round(at)) > 1e-3;
      });
      assert.ok(sure.length > 350);
      const expected = Array.from(sure, (x) => slow(x, low, high, bits));
      assert.deepEqual(
        [...codesOf(sure, grid)],
        expected.map(({ code }) => code),
      );
      const weights = uniform(4, "weights", sure.length);
      for (const gradient of ["straight", "clipped"] as const) {
        const found: number[] = [];
        const x = tf.tensor1d(sure);
        const slope = tf.grad((given) => {
          const y = fakeQuantise(given, grid, { gradient });
          found.push(...y.dataSync());
          return tf.sum(tf.mul(y, tf.tensor1d(weights)));
        })(x);
        for (const [k, { value }] of expected.entries()) {
          assert.ok(Math.abs(found[k]! - value) <= 1e-6 * (1 + Math.abs(value)));
        }
        const [least, most] = [-(2 ** (bits - 1)), 2 ** (bits - 1) - 1];
        const slopes = expected.map(({ place }, k) =>
          gradient === "clipped" && (place <= least || place >= most) ? 0 : weights[k]!,
        );
        assert.deepEqual([...slope.dataSync()], slopes);
      }
    }
  }
});

test("rounding twice is rounding once, bit for bit, and codes give the values back", () => {
  for (const bits of [4, 8] as const) {
    for (const [low, high] of RANGES) {
      const grid = gridOf(low, high, bits);
      const once = fakeQuantise(tf.tensor1d(numbers), grid, { gradient: "straight" });
      const twice = fakeQuantise(once, grid, { gradient: "straight" });
      assert.deepEqual(twice.dataSync(), once.dataSync());
      assert.deepEqual(valuesOf(codesOf(numbers, grid), grid), once.dataSync());
    }
  }
});

/**
 * Of the estimator: with dither, a uniform offset within a step before rounding, the rounded number's expectation
 * is the number itself, so its slope's is 1, which is what the straight-through estimator says.
 */
test("the straight-through slope is the expected slope of dithered rounding", () => {
  const grid = gridOf(-2, 2, 4);
  const draws = uniform(9, "dither", 20_000);
  const mean = (x: number): number => {
    const dithered = Float32Array.from(draws, (u) => x + (u - 0.5) * grid.scale);
    const rounded = fakeQuantise(tf.tensor1d(dithered), grid, { gradient: "straight" });
    return tf.mean(rounded).dataSync()[0]!;
  };
  // Within the grid, so that nothing is clamped; finite differences of the expectation.
  for (const x of [-1.21, 0.13, 0.9]) {
    const slope = (mean(x + 0.3) - mean(x - 0.3)) / 0.6;
    const straight = tf
      .grad((given) => tf.sum(fakeQuantise(given, grid, { gradient: "straight" })))(
        tf.tensor1d([x]),
      )
      .dataSync()[0]!;
    // Four standard errors of a difference of two means.
    assert.ok(
      Math.abs(slope - straight) < (4 * ((grid.scale / 2) * Math.sqrt(2 / draws.length))) / 0.6,
    );
  }
});

test("spared rows and elements stay as they are, both ways", () => {
  const grid = gridOf(-1, 1, 4);
  const x = tf.tensor2d([5, 0.33, -5, 0.41, 7, 0.1], [3, 2]);
  const exemptRows = Uint8Array.of(1, 0, 0);
  const exempt = Uint8Array.of(0, 0, 0, 0, 0, 1);
  const options = { gradient: "clipped", exemptRows, exempt } as const;
  const y = [...fakeQuantise(x, grid, options).dataSync()];
  assert.deepEqual([y[0], y[1], y[5]], [5, Math.fround(0.33), Math.fround(0.1)]);
  assert.ok(y[2]! > -1.2 && y[4]! < 1.2);
  const slopes = tf.grad((given) => tf.sum(fakeQuantise(given as tf.Tensor2D, grid, options)))(x);
  assert.deepEqual([...slopes.dataSync()], [1, 1, 0, 1, 0, 1]);
  assert.throws(
    () => fakeQuantise(x, grid, { gradient: "straight", exempt: new Uint8Array(5) }),
    /5 exempt/,
  );
});

test("rows of equal entries are exact; others are off by half a step of their row at most", () => {
  const indptr = Int32Array.of(0, 3, 3, 6);
  const values = Float32Array.of(1 / 3, 1 / 3, 1 / 3, 0.9, -0.2, 0.004);
  const { codes, scales } = rowCodes(indptr, values);
  assert.deepEqual([...codes.subarray(0, 3)], [127, 127, 127]);
  assert.equal(scales[1], 0);
  assert.deepEqual([...codes.subarray(3)], [127, rint(-0.2 / (0.9 / 127)), 1]);
  const indices = Int32Array.of(0, 1, 2, 0, 1, 2);
  const matrix = SparseMatrix.from({ rows: 3, columns: 3, indptr, indices, values });
  const rounded = matrix.rounded().host.values!;
  for (const [k, value] of values.entries()) {
    const step = k < 3 ? 1e-8 : 0.9 / 127;
    assert.ok(Math.abs(rounded[k]! - value) <= step / 2 + 3e-8);
  }
  matrix.dispose();
});
