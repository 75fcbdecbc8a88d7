// InfoNCE, tanh and bilinear products per arc: double precision, central differences, rejected arguments.
import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import * as tf from "@tensorflow/tfjs";
import {
  arcProducts,
  infoNce,
  memory,
  SparseMatrix,
  startEngine,
  tanh,
} from "../../src/tensor/index.ts";
import {
  assertClose,
  assertClosely,
  differences,
  dot,
  type Numbers,
  numbers,
  ROUNDING,
  randomSparse,
} from "./support.ts";

before(() => {
  startEngine();
});

/** Computes the loss and its gradients with respect to both sides, in double precision. */
function contrast(a: Numbers, b: Numbers, rows: number, temperature: number) {
  const width = a.length / rows;
  const [byA, byB] = [new Float64Array(a.length), new Float64Array(a.length)];
  let loss = 0;
  const scores = new Float64Array(rows);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < rows; j++) {
      let sum = 0;
      for (let d = 0; d < width; d++) sum += a[i * width + d]! * b[j * width + d]!;
      scores[j] = sum / temperature;
    }
    const own = scores[i]!;
    const largest = scores.reduce((x, y) => Math.max(x, y));
    let total = 0;
    for (let j = 0; j < rows; j++) {
      scores[j] = Math.exp(scores[j]! - largest);
      total += scores[j]!;
    }
    loss += (Math.log(total) + largest - own) / rows;
    for (let j = 0; j < rows; j++) {
      const g = (scores[j]! / total - (i === j ? 1 : 0)) / (rows * temperature);
      for (let d = 0; d < width; d++) {
        byA[i * width + d]! += g * b[j * width + d]!;
        byB[j * width + d]! += g * a[i * width + d]!;
      }
    }
  }
  return { loss, byA, byB };
}

function unit(count: number, width: number, seed: number): Float32Array {
  const x = numbers(count * width, seed);
  for (let i = 0; i < count; i++) {
    const row = x.subarray(i * width, (i + 1) * width);
    const length = Math.hypot(...row);
    row.forEach((v, d) => {
      row[d] = v / length;
    });
  }
  return x;
}

function found(a: Float32Array, b: Float32Array, rows: number, temperature: number) {
  return tf.tidy(() => {
    const shape: [number, number] = [rows, a.length / rows];
    const op = (x: tf.Tensor, y: tf.Tensor): tf.Tensor =>
      tf.mul(infoNce(x as tf.Tensor2D, y as tf.Tensor2D, temperature), 3);
    const { value, grads } = tf.valueAndGrads(op)([tf.tensor2d(a, shape), tf.tensor2d(b, shape)]);
    return {
      loss: value.dataSync()[0]! / 3,
      gradients: grads.map((g) => tf.mul(g, 1 / 3).dataSync<"float32">()),
    };
  });
}

describe("infoNce", () => {
  for (const rows of [1, 2, 3, 4, 5, 31, 64, 65]) {
    for (const [width, temperature] of [
      [1, 1],
      [3, 0.075],
      [64, 0.02],
      [65, 0.5],
    ] as const) {
      test(`${rows} x ${width}, temperature ${temperature}`, () => {
        const [a, b] = [unit(rows, width, 1), unit(rows, width, 2)];
        const blocks = memory().blocks;
        const { loss, gradients } = found(a, b, rows, temperature);
        assert.equal(memory().blocks, blocks);
        const expected = contrast(a, b, rows, temperature);
        assertClose([loss], [expected.loss], 4e-6 / temperature, "loss");
        const bound = 4e-6 / temperature ** 2 / rows;
        assertClose(gradients[0]!, expected.byA, bound, "by a");
        assertClose(gradients[1]!, expected.byB, bound, "by b");
        if (rows * width > 200) return;
        const slope = differences((x) => contrast(x, b, rows, temperature).loss, a);
        assertClose(expected.byA, slope, 1e-6 / temperature ** 2, "by differences");
      });
    }
  }

  test("more cosines than are held at once", () => {
    const rows = 3000;
    const [a, b] = [unit(rows, 3, 1), unit(rows, 3, 2)];
    const { loss, gradients } = found(a, b, rows, 0.1);
    const expected = contrast(a, b, rows, 0.1);
    assertClose([loss], [expected.loss], 1e-5, "loss");
    assertClosely(gradients[0]!, expected.byA, 1e-4, "by a");
    assertClosely(gradients[1]!, expected.byB, 1e-4, "by b");
  });

  test("without a tape, only the loss is computed", () => {
    const [a, b] = [unit(7, 3, 1), unit(7, 3, 2)];
    const loss = tf.tidy(() => infoNce(tf.tensor2d(a, [7, 3]), tf.tensor2d(b, [7, 3]), 0.1));
    assertClose(loss.dataSync(), [contrast(a, b, 7, 0.1).loss], 1e-5, "loss");
    loss.dispose();
  });

  test("sides of different shapes are rejected, naming both", () => {
    tf.tidy(() => {
      assert.throws(() => infoNce(tf.zeros([3, 2]), tf.zeros([2, 2]), 1), /\[3,2\] and \[2,2\]/);
    });
  });
});

describe("tanh", () => {
  test("agrees with double precision everywhere, and keeps the sign", () => {
    for (const count of [0, 1, 3, 4, 5, 33]) {
      for (const scale of [1e-6, 0.1, 0.63, 1, 5, 40, 1e4]) {
        const x = numbers(count, 3).map((v) => v * scale);
        tf.tidy(() => {
          const { value, grad } = tf.valueAndGrad((t: tf.Tensor) => tanh(t))(
            tf.tensor1d(x),
            tf.fill([count], 2),
          );
          const y = Float64Array.from(x, Math.tanh);
          assertClose(
            value.dataSync(),
            y,
            y.map((v) => 4 * ROUNDING * Math.abs(v) + 1e-40),
            `tanh, ${scale}`,
          );
          assertClose(
            grad.dataSync(),
            y.map((v) => 2 - 2 * v * v),
            2e-6,
            `slope, ${scale}`,
          );
        });
      }
    }
  });

  test("is right for extreme numbers", () => {
    tf.tidy(() => {
      const y = tanh(tf.tensor1d([Infinity, -Infinity, 0, 3.4e38, -3.4e38]));
      assert.deepEqual([...y.dataSync()], [1, -1, 0, 1, -1]);
    });
  });
});

describe("arcProducts", () => {
  for (const [rows, columns] of [
    [1, 1],
    [7, 5],
    [33, 65],
  ] as const) {
    for (const width of [1, 3, 4, 7, 64, 65]) {
      test(`${rows} x ${columns}, width ${width}`, () => {
        const csr = randomSparse(rows, columns, 5);
        const matrix = SparseMatrix.from(csr);
        const [x, y] = [numbers(rows * width, 6), numbers(columns * width, 7)];
        const count = csr.indices.length;
        const taps = numbers(count, 8);
        const expected = new Float64Array(count);
        const [byX, byY] = [new Float64Array(x.length), new Float64Array(y.length)];
        for (let r = 0; r < rows; r++) {
          for (let k = csr.indptr[r]!; k < csr.indptr[r + 1]!; k++) {
            const c = csr.indices[k]!;
            const [own, other] = [
              x.subarray(r * width, (r + 1) * width),
              y.subarray(c * width, (c + 1) * width),
            ];
            expected[k] = dot(own, other);
            for (let d = 0; d < width; d++) {
              byX[r * width + d]! += taps[k]! * other[d]!;
              byY[c * width + d]! += taps[k]! * own[d]!;
            }
          }
        }
        tf.tidy(() => {
          const op = (a: tf.Tensor, b: tf.Tensor): tf.Tensor =>
            arcProducts(matrix, a as tf.Tensor2D, b as tf.Tensor2D);
          const inputs = [tf.tensor2d(x, [rows, width]), tf.tensor2d(y, [columns, width])];
          const { value, grads } = tf.valueAndGrads(op)(inputs, tf.tensor1d(taps));
          const bound = (width + columns + rows + 4) * ROUNDING;
          assertClose(value.dataSync(), expected, bound, "value");
          assertClose(grads[0]!.dataSync(), byX, bound, "by x");
          assertClose(grads[1]!.dataSync(), byY, bound, "by y");
        });
        matrix.dispose();
      });
    }
  }

  test("shapes that do not match are rejected", () => {
    const matrix = SparseMatrix.from(randomSparse(3, 4, 1));
    tf.tidy(() => {
      assert.throws(() => arcProducts(matrix, tf.zeros([3, 2]), tf.zeros([3, 2])), /3 x 4/);
      assert.throws(() => arcProducts(matrix, tf.zeros([3, 2]), tf.zeros([4, 3])), /3 x 4/);
    });
    matrix.dispose();
  });
});
