// The engine's differentiable operators: values against double precision, gradients against central
// differences of that.
import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import * as tf from "@tensorflow/tfjs";
import {
  dropout,
  memory,
  reluDropout,
  SparseMatrix,
  scores,
  softmaxCrossEntropy,
  spmm,
  startEngine,
  Targets,
} from "../../src/tensor/index.ts";
import { type Draw, dropoutFactors } from "./philox.ts";
import {
  assertClose,
  assertClosely,
  dense,
  differences,
  dot,
  numbers,
  product,
  ROUNDING,
  randomSparse,
  transposed,
} from "./support.ts";

const draw: Draw = { rate: 0.3, seed: 123_456_789_012, step: 4, site: 2 };
const RAGGED = [0, 1, 3, 7, 64, 65];

before(() => {
  startEngine();
});

/** Returns an operator's value, and the gradient of sum(value * taps) with respect to its input. */
function valueAndGradient(
  operator: (x: tf.Tensor) => tf.Tensor,
  x: Float32Array,
  shape: number[],
  taps: Float32Array,
): { value: Float32Array; gradient: Float32Array } {
  return tf.tidy(() => {
    const input = tf.tensor(x, shape);
    const { value, grads } = { value: operator(input), grads: tf.grad(operator) };
    const gradient = grads(input, tf.tensor(taps, value.shape));
    return {
      value: value.dataSync() as Float32Array,
      gradient: gradient.dataSync() as Float32Array,
    };
  });
}

describe("spmm", () => {
  for (const rows of RAGGED) {
    for (const [inner, columns] of [
      [1, 1],
      [3, 7],
      [9, 64],
      [65, 33],
      [64, 4],
    ] as const) {
      for (const stream of [undefined, draw]) {
        test(`${rows} x ${inner} times ${inner} x ${columns}${stream ? ", dropout" : ""}`, () => {
          const csr = randomSparse(rows, inner, 3 + rows, rows === 7);
          const factors = dropoutFactors(csr.indices.length, stream);
          const matrix = SparseMatrix.from(csr);
          const x = numbers(inner * columns, 8);
          const taps = numbers(rows * columns, 9);
          const full = dense(csr, (k) => factors[k]!);
          const { value, gradient } = valueAndGradient(
            (t) => spmm(matrix, t as tf.Tensor2D, stream),
            x,
            [inner, columns],
            taps,
          );
          matrix.dispose();
          const bound = (inner + rows + 4) * 3 * ROUNDING;
          assertClose(value, product(full, x, rows, inner, columns), bound, "value");
          const back = transposed(full, rows, inner);
          assertClose(gradient, product(back, taps, inner, rows, columns), bound, "gradient");
          if (rows * columns > 500) return;
          const slope = differences((y) => dot(product(full, y, rows, inner, columns), taps), x);
          assertClose(gradient, slope, 1e-5, "gradient by differences");
        });
      }
    }
  }

  test("a product of the wrong size is rejected, naming both shapes", () => {
    const matrix = SparseMatrix.from(randomSparse(3, 4, 1));
    assert.throws(() => tf.tidy(() => spmm(matrix, tf.zeros([3, 2]))), /3 x 4 times \[3,2\]/);
    matrix.dispose();
  });

  test("dispose() releases every block, including the transpose's, and may be called twice", () => {
    const before = memory().blocks;
    const matrix = SparseMatrix.from(randomSparse(7, 5, 1));
    assert.equal(memory().blocks, before, "nothing is copied before it is needed");
    tf.tidy(() => {
      tf.grad((x: tf.Tensor) => tf.sum(spmm(matrix, x as tf.Tensor2D)))(tf.ones([5, 2]));
    });
    assert.equal(memory().blocks, before + 7);
    matrix.dispose();
    matrix.dispose();
    assert.equal(memory().blocks, before);
  });
});

describe("matMul", () => {
  const sizes = [
    [1, 1, 1],
    [3, 7, 5],
    [7, 3, 8],
    [6, 64, 16],
    [65, 7, 64],
    [13, 65, 41],
  ] as const;
  for (const [rows, inner, columns] of sizes) {
    for (const transposeA of [false, true]) {
      for (const transposeB of [false, true]) {
        const title = `${rows} x ${inner} x ${columns}${transposeA ? ", A'" : ""}${transposeB ? ", B'" : ""}`;
        test(title, () => {
          const a = numbers(rows * inner, 1);
          const b = numbers(inner * columns, 2);
          const taps = numbers(rows * columns, 3);
          const plainA = transposeA ? transposed(a, inner, rows) : a;
          const plainB = transposeB ? transposed(b, columns, inner) : b;
          tf.tidy(() => {
            const ta = tf.tensor2d(a, transposeA ? [inner, rows] : [rows, inner]);
            const tb = tf.tensor2d(b, transposeB ? [columns, inner] : [inner, columns]);
            const run = (x: tf.Tensor, y: tf.Tensor): tf.Tensor =>
              tf.matMul(x, y, transposeA, transposeB);
            const value = run(ta, tb).dataSync();
            assertClose(
              value,
              product(plainA, plainB, rows, inner, columns),
              (inner + 2) * inner * ROUNDING,
              "value",
            );
            const [da, db] = tf.grads(run)([ta, tb], tf.tensor2d(taps, [rows, columns]));
            const back = [
              product(taps, transposed(plainB, inner, columns), rows, columns, inner),
              product(transposed(plainA, rows, inner), taps, inner, rows, columns),
            ] as const;
            const expectedA = transposeA ? transposed(back[0], rows, inner) : back[0];
            const expectedB = transposeB ? transposed(back[1], inner, columns) : back[1];
            assertClosely(da!.dataSync(), expectedA, 4e-6, "by A");
            assertClosely(db!.dataSync(), expectedB, 4e-6, "by B");
            if (rows * inner > 100) return;
            const scalar = (x: Float64Array): number => {
              const plain = transposeA ? transposed(x, inner, rows) : x;
              return dot(product(plain, plainB, rows, inner, columns), taps);
            };
            assertClosely(da!.dataSync(), differences(scalar, a), 1e-5, "by A, differences");
          });
        });
      }
    }
  }

  test("inner sizes that differ are rejected, naming the shapes", () => {
    assert.throws(() => tf.tidy(() => tf.matMul(tf.zeros([2, 3]), tf.zeros([4, 5]))), /3.*4/);
  });
});

describe("dropout and reluDropout", () => {
  const shapes = [[0], [1], [3], [31], [32], [33], [5, 7], [64, 65], [3, 4, 11]];
  for (const shape of shapes) {
    for (const [name, relu, stream] of [
      ["dropout", false, draw],
      ["reluDropout with a stream", true, draw],
      ["reluDropout without", true, undefined],
    ] as const) {
      test(`${name} of [${shape}]`, () => {
        const size = tf.util.sizeFromShape(shape);
        const x = numbers(size, 5);
        const taps = numbers(size, 6);
        const factors = dropoutFactors(size, stream);
        const { value, gradient } = valueAndGradient(
          (t) => (relu ? reluDropout(t, stream) : dropout(t, draw)),
          x,
          shape,
          taps,
        );
        const formula = (y: ArrayLike<number>): Float64Array =>
          Float64Array.from(y, (v, i) => (relu ? Math.max(v, 0) : v) * factors[i]!);
        assertClose(value, formula(x), 4 * ROUNDING, "value");
        // Each output depends only on its own input, so one difference gives all slopes.
        const h = 1e-7;
        const above = formula(Float64Array.from(x, (v) => v + h));
        const below = formula(Float64Array.from(x, (v) => v - h));
        const slope = above.map((y, i) => ((y - below[i]!) / (2 * h)) * taps[i]!);
        assertClose(gradient, slope, 1e-6, "gradient");
      });
    }
  }

  test("a rate outside [0, 1) is rejected", () => {
    for (const rate of [1, -0.1, Number.NaN]) {
      assert.throws(() => tf.tidy(() => dropout(tf.ones([3]), { ...draw, rate })), RangeError);
    }
  });

  test("a seed that is not a whole number from 0 to 2^53 - 1 is rejected", () => {
    for (const seed of [-1, 0.5, 2 ** 53]) {
      assert.throws(() => tf.tidy(() => dropout(tf.ones([3]), { ...draw, seed })), RangeError);
    }
  });

  test("NaN and infinity pass through where they are kept", () => {
    const x = Float32Array.of(Number.NaN, Infinity, -Infinity, 2, Number.NaN);
    const value = tf.tidy(() => dropout(tf.tensor1d(x), { ...draw, rate: 0 }).dataSync());
    assertClose(value, x, 0, "dropout of rate 0");
  });
});

/** Computes the mean over `nodes` of -log softmax(row)[label], and the share of hits. */
function crossEntropy(
  logits: ArrayLike<number>,
  labels: Int32Array,
  nodes: Int32Array,
  classes: number,
) {
  let loss = 0;
  let hits = 0;
  for (const node of nodes) {
    const row = Array.from({ length: classes }, (_, c) => logits[node * classes + c]!);
    const largest = Math.max(...row);
    const sum = row.reduce((total, x) => total + Math.exp(x - largest), 0);
    loss += Math.log(sum) - (row[labels[node]!]! - largest);
    if (row.indexOf(largest) === labels[node]) hits++;
  }
  return { loss: loss / nodes.length, accuracy: hits / nodes.length };
}

describe("softmaxCrossEntropy", () => {
  for (const [graphNodes, classes, scale] of [
    [1, 1, 1],
    [3, 2, 1],
    [7, 3, 5],
    [64, 7, 1],
    [65, 6, 30],
    [65, 65, 3],
  ] as const) {
    test(`${graphNodes} nodes, ${classes} classes, logits up to ${scale}`, () => {
      const logits = numbers(graphNodes * classes, 4).map((x) => x * scale);
      const labels = Int32Array.from({ length: graphNodes }, (_, n) => (n * 5 + 1) % classes);
      // Every other node, backwards; the rest have no class and must be ignored.
      const nodes = Int32Array.from(
        { length: Math.ceil(graphNodes / 2) },
        (_, k) => 2 * k,
      ).reverse();
      for (let n = 1; n < graphNodes; n += 2) labels[n] = -1;
      const targets = new Targets(labels, nodes, classes);
      const expected = crossEntropy(logits, labels, nodes, classes);
      tf.tidy(() => {
        const x = tf.tensor2d(logits, [graphNodes, classes]);
        const loss = (y: tf.Tensor): tf.Scalar => softmaxCrossEntropy(y as tf.Tensor2D, targets);
        assertClose(loss(x).dataSync(), [expected.loss], 1e-6 * (1 + expected.loss), "loss");
        // A factor other than 1, as in a sum of losses.
        const gradient = tf
          .grad((y: tf.Tensor) => tf.mul(loss(y), 3))(x)
          .dataSync();
        const stride = Math.ceil(logits.length / 500);
        const some = Array.from(logits.keys()).filter((i) => i % stride === 0);
        const slope = differences(
          (y) => 3 * crossEntropy(y, labels, nodes, classes).loss,
          logits,
          some,
        );
        const mine = some.map((i) => gradient[i]!);
        assertClose(mine, slope, 1e-6, "gradient");
        const scored = scores(x, targets);
        assertClose([scored.loss], [expected.loss], 1e-6 * (1 + expected.loss), "scores: loss");
        assertClose([scored.accuracy], [expected.accuracy], 1e-7, "scores: accuracy");
      });
      targets.dispose();
    });
  }

  test("logits of 1e4 and of equal size neither overflow nor lose the loss", () => {
    const targets = new Targets(Int32Array.of(0, 1), Int32Array.of(0, 1), 3);
    const logits = Float32Array.of(1e4, -1e4, 0, 1e4, 1e4, 1e4);
    const { loss, gradient } = tf.tidy(() => {
      const x = tf.tensor2d(logits, [2, 3]);
      const run = (y: tf.Tensor): tf.Scalar => softmaxCrossEntropy(y as tf.Tensor2D, targets);
      return { loss: run(x).dataSync(), gradient: tf.grad(run)(x).dataSync() };
    });
    assertClose(loss, [Math.log(3) / 2], 1e-7, "loss");
    assertClose(gradient, [0, 0, 0, 1 / 6, -1 / 3, 1 / 6], 1e-7, "gradient");
    targets.dispose();
  });

  test("among equal logits, the first counts as the prediction", () => {
    const targets = new Targets(Int32Array.of(0, 1), Int32Array.of(0, 1), 2);
    tf.tidy(() => {
      assert.equal(scores(tf.zeros([2, 2]), targets).accuracy, 0.5);
    });
    targets.dispose();
  });

  test("NaN logits give a NaN loss", () => {
    const targets = new Targets(Int32Array.of(0), Int32Array.of(0), 2);
    const loss = tf.tidy(() =>
      softmaxCrossEntropy(tf.tensor2d([Number.NaN, 1], [1, 2]), targets).dataSync(),
    );
    assert.ok(Number.isNaN(loss[0]));
    targets.dispose();
  });

  test("a node without a class or outside the graph, and logits of another shape, are rejected", () => {
    assert.throws(() => new Targets(Int32Array.of(0), new Int32Array(0), 2), /at least one node/);
    assert.throws(() => new Targets(Int32Array.of(0), Int32Array.of(0, 0), 2), /named twice/);
    assert.throws(
      () => new Targets(Int32Array.of(0, -1), Int32Array.of(1), 2),
      /node 1 has class -1/,
    );
    assert.throws(
      () => new Targets(Int32Array.of(0, 2), Int32Array.of(1), 2),
      /node 1 has class 2/,
    );
    assert.throws(() => new Targets(Int32Array.of(0), Int32Array.of(5), 2), /node 5/);
    const targets = new Targets(Int32Array.of(0), Int32Array.of(0), 2);
    tf.tidy(() => {
      assert.throws(() => scores(tf.zeros([1, 3]), targets), /\[1,3\].*\[1, 2\]/);
    });
    targets.dispose();
  });
});

test("none of these operators leaves anything behind", () => {
  assert.deepEqual([tf.memory().numTensors, memory().blocks], [0, 0]);
});
