// Operators on numbers per arc: values against double precision, gradients against central differences.
import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import * as tf from "@tensorflow/tfjs";
import {
  memory,
  Segments,
  SparseMatrix,
  startEngine,
  weightedProduct,
} from "../../src/tensor/index.ts";
import {
  assertClose,
  assertClosely,
  differences,
  dot,
  type Numbers,
  numbers,
  product,
  randomSparse,
} from "./support.ts";

before(() => {
  startEngine();
});

// Some rows are empty, some full.
const host = randomSparse(13, 9, 5, true);
const arcs = host.indices.length;
type Name = "sum" | "mean" | "max" | "softmax";

function naive(name: Name, x: Numbers, width: number): Float64Array {
  const out = new Float64Array((name === "softmax" ? arcs : host.rows) * width);
  for (let i = 0; i < host.rows; i++) {
    const [first, end] = [host.indptr[i]!, host.indptr[i + 1]!];
    if (first === end) continue;
    for (let c = 0; c < width; c++) {
      const own = Array.from({ length: end - first }, (_, k) => x[(first + k) * width + c]!);
      const total = own.reduce((a, b) => a + b, 0);
      const largest = Math.max(...own);
      const exps = own.map((one) => Math.exp(one - largest));
      const all = exps.reduce((a, b) => a + b, 0);
      if (name === "sum") out[i * width + c] = total;
      if (name === "mean") out[i * width + c] = total / own.length;
      if (name === "max") out[i * width + c] = largest;
      if (name !== "softmax") continue;
      for (const [k, e] of exps.entries()) out[(first + k) * width + c] = e / all;
    }
  }
  return out;
}

describe("Segments", () => {
  for (const name of ["sum", "mean", "max", "softmax"] as const) {
    for (const width of [1, 4]) {
      for (const spread of name === "softmax" ? [1, 300] : [1]) {
        test(`${name}, ${width} wide${spread > 1 ? ", far apart" : ""}`, () => {
          const { blocks } = memory();
          const matrix = SparseMatrix.from(host);
          const segments = new Segments(matrix);
          const x = numbers(arcs * width, 3).map((one) => one * spread);
          const taps = numbers(arcs * width, 4);
          const shape = width === 1 ? [arcs] : [arcs, width];
          tf.tidy(() => {
            const input = tf.tensor(x, shape);
            const run = (one: tf.Tensor): tf.Tensor => segments[name](one as tf.Tensor2D);
            const value = run(input);
            assert.equal(value.rank, shape.length);
            assertClosely(value.dataSync(), naive(name, x, width), 2e-6, "value");
            const dy = tf.tensor(taps.slice(0, value.size), value.shape);
            const slope = differences(
              (p) => dot(naive(name, p, width), taps.slice(0, value.size)),
              x,
            );
            const gradient = tf.grad(run)(input, dy).dataSync();
            if (spread > 1) assertClose(gradient, slope, 1e-5, "gradient");
            else assertClosely(gradient, slope, 1e-4, "gradient");
          });
          segments.dispose();
          matrix.dispose();
          assert.equal(memory().blocks, blocks, "dispose() frees everything");
        });
      }
    }
  }

  test("refuses numbers of other arcs", () => {
    const segments = new Segments(SparseMatrix.from(host));
    assert.throws(() => segments.sum(tf.zeros([arcs + 1]) as tf.Tensor1D), /arcs do not fit/);
  });
});

test("weightedProduct is differentiable with respect to its values and X", () => {
  const matrix = SparseMatrix.from(host);
  const [values, x, taps] = [numbers(arcs, 1), numbers(9 * 5, 2), numbers(13 * 5, 3)];
  const plain = (v: Numbers, dense: Numbers): Float64Array => {
    const full = new Float64Array(13 * 9);
    for (let i = 0; i < 13; i++) {
      for (let k = host.indptr[i]!; k < host.indptr[i + 1]!; k++)
        full[i * 9 + host.indices[k]!] = v[k]!;
    }
    return product(full, dense, 13, 9, 5);
  };
  tf.tidy(() => {
    const run = (v: tf.Tensor, dense: tf.Tensor) =>
      weightedProduct(matrix, v as tf.Tensor1D, dense as tf.Tensor2D);
    const inputs = [tf.tensor1d(values), tf.tensor2d(x, [9, 5])];
    assertClosely(run(inputs[0]!, inputs[1]!).dataSync(), plain(values, x), 1e-6, "value");
    const [dv, dx] = tf.grads(run)(inputs, tf.tensor2d(taps, [13, 5]));
    const byValues = differences((v) => dot(plain(v, x), taps), values);
    assertClosely(dv!.dataSync(), byValues, 1e-5, "values");
    assertClosely(
      dx!.dataSync(),
      differences((d) => dot(plain(values, d), taps), x),
      1e-5,
      "X",
    );
  });
  matrix.dispose();
});
