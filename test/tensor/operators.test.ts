// Every operator of tfjs works on the back end "abkd" and agrees with tfjs's cpu back end.
import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import * as tf from "@tensorflow/tfjs";
import { BACKEND } from "../../src/tensor/index.ts";
import { agree, startBoth } from "./agreement.ts";
import { numericCases } from "./operator-cases-numeric.ts";
import { plainCases } from "./operator-cases-plain.ts";
import {
  assertClose,
  assertClosely,
  assertSameBits,
  numbers,
  product,
  transposed,
} from "./support.ts";

before(startBoth);

test("each kernel of the cpu back end has a counterpart", () => {
  const names = (backend: string): string[] =>
    tf
      .getKernelsForBackend(backend)
      .map(({ kernelName }) => kernelName)
      .sort();
  assert.ok(names("cpu").length >= 170);
  assert.deepEqual(names(BACKEND), names("cpu"));
});

describe("operators", () => {
  for (const c of [...plainCases, ...numericCases]) test(c.name, () => agree(c));
});

test("tfjs's own optimisers make the same steps on both back ends", () => {
  const fit = (backend: string): number[][] => {
    tf.setBackend(backend);
    return [
      tf.train.sgd(0.1),
      tf.train.momentum(0.1, 0.9),
      tf.train.adam(0.05),
      tf.train.rmsprop(0.01),
    ].map((optimiser) => {
      const x = tf.tensor2d(numbers(40, 1), [10, 4]);
      const y = tf.tensor2d(numbers(10, 2), [10, 1]);
      const weight = tf.variable(tf.tensor2d(numbers(4, 3), [4, 1]));
      const bias = tf.variable(tf.zeros([1]));
      for (let step = 0; step < 15; step++) {
        optimiser.minimize(() => {
          const predicted = tf.tanh(tf.add(tf.matMul(x, weight), bias));
          return tf.losses.meanSquaredError(y, predicted) as tf.Scalar;
        });
      }
      return [...weight.dataSync(), ...bias.dataSync()];
    });
  };
  const expected = fit("cpu");
  for (const [i, found] of fit(BACKEND).entries()) {
    assertClose(found, expected[i]!, 1e-5, `optimiser ${i}`);
  }
});

test("tensors made on one back end can be used on the other", () => {
  tf.setBackend("cpu");
  const [x, n] = [tf.tensor2d(numbers(12, 1), [3, 4]), tf.tensor1d([1, 2, 3], "int32")];
  tf.setBackend(BACKEND);
  const moved = tf.add(tf.matMul(x, x, false, true), tf.cast(n, "float32"));
  const y = tf.tensor2d(numbers(12, 2), [3, 4]);
  tf.setBackend("cpu");
  const back = tf.sub(tf.add(moved, 0), tf.matMul(y, y, false, true)).dataSync();
  const [a, b] = [numbers(12, 1), numbers(12, 2)];
  const expected = Float64Array.from({ length: 9 }, (_, i) => {
    let sum = (i % 3) + 1;
    for (let k = 0; k < 4; k++) {
      const [row, column] = [Math.floor(i / 3) * 4 + k, (i % 3) * 4 + k];
      sum += a[row]! * a[column]! - b[row]! * b[column]!;
    }
    return sum;
  });
  assertClose(back, expected, 1e-6, "product");
});

test("products so wide that the right side is packed first, plain and transposed", () => {
  tf.setBackend(BACKEND);
  for (const [rows, inner, columns] of [
    [256, 370, 371],
    [7, 33, 45],
    [5, 33, 45],
  ] as const) {
    const [a, b] = [numbers(rows * inner, 3), numbers(inner * columns, 4)];
    const expected = product(a, b, rows, inner, columns);
    const back = Float32Array.from(transposed(b, inner, columns));
    const [plain, turned] = tf.tidy(() => {
      const left = tf.tensor2d(a, [rows, inner]);
      return [
        tf.matMul(left, tf.tensor2d(b, [inner, columns])).dataSync() as Float32Array,
        tf
          .matMul(left, tf.tensor2d(back, [columns, inner]), false, true)
          .dataSync() as Float32Array,
      ] as const;
    });
    assertClosely(plain, expected, 2e-6, `${rows} x ${inner} x ${columns}`);
    assertSameBits(turned, plain, `${rows} x ${inner} x ${columns}, transposed`);
  }
});
