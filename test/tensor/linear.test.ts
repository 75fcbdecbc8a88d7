// Linear layers with a bias, narrow and wide, against plain tf and central differences, on any number of threads.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import * as tf from "@tensorflow/tfjs";
import { symmetricNormalised } from "../../src/graph/normalise.ts";
import { runningBackend } from "../../src/tensor/engine/backend.ts";
import { SMALLEST_CHUNK } from "../../src/tensor/engine/work.ts";
import {
  gcniiConvolutions,
  mapLinear,
  memory,
  SparseMatrix,
  sparseLinear,
  startEngine,
} from "../../src/tensor/index.ts";
import { type Draw, dropoutFactors } from "./philox.ts";
import {
  assertClose,
  assertClosely,
  assertSameBits,
  dense,
  differences,
  dot,
  numbers,
  randomAdjacency,
  randomSparse,
} from "./support.ts";

const draw: Draw = { rate: 0.4, seed: 2 ** 40 + 17, step: 9, site: 3 };

type Layer = (...xs: tf.Tensor[]) => tf.Tensor;

/** Returns a layer's value, and the gradients of the sum of value times `taps` with respect to all inputs. */
function valueAndGradients(layer: Layer, inputs: readonly tf.Tensor[], taps: tf.Tensor) {
  return tf.tidy(() => {
    const scalar = (...xs: tf.Tensor[]): tf.Scalar => tf.sum(tf.mul(layer(...xs), taps));
    const gradients = tf.grads(scalar)([...inputs]);
    return [layer(...inputs), ...gradients].map((x) => x.dataSync() as Float32Array);
  });
}

function assertAgree(
  mine: readonly Float32Array[],
  expected: readonly Float32Array[],
  what: string,
): void {
  for (const [i, values] of expected.entries()) {
    assertClosely(mine[i]!, values, 1e-5, `${what}: ${i === 0 ? "value" : `gradient ${i}`}`);
  }
}

before(() => {
  startEngine();
});

describe("sparseLinear", () => {
  for (const [rows, inputs, outputs] of [
    [1, 1, 4],
    [7, 3, 4],
    [300, 65, 4],
    [33, 12, 8],
    [300, 40, 16],
    [33, 12, 5],
    [33, 12, 7],
    [12, 5, 64],
  ] as const) {
    for (const dropout of [undefined, draw]) {
      const title = `${rows} x ${inputs} to ${outputs}${dropout ? ", dropout" : ""}`;
      test(`${title}: agrees with a product and a sum`, () => {
        const csr = randomSparse(rows, inputs, 3);
        const factors = dropoutFactors(csr.indices.length, dropout);
        const plain = dense(csr, (k) => factors[k]!);
        const matrix = SparseMatrix.from(csr);
        tf.tidy(() => {
          const a = tf.tensor2d(Float32Array.from(plain), [rows, inputs]);
          const w = tf.tensor2d(numbers(inputs * outputs, 5), [inputs, outputs]);
          const b = tf.tensor1d(numbers(outputs, 6));
          const taps = tf.tensor2d(numbers(rows * outputs, 7), [rows, outputs]);
          const mine = valueAndGradients(
            (x, y) => sparseLinear(matrix, x as tf.Tensor2D, y as tf.Tensor1D, dropout),
            [w, b],
            taps,
          );
          const expected = valueAndGradients(
            (x, y) => tf.add(tf.matMul(a, x as tf.Tensor2D), y!),
            [w, b],
            taps,
          );
          assertAgree(mine, expected, title);
        });
        matrix.dispose();
      });
    }
  }

  test("features that are mostly not 0 are multiplied as a dense matrix, others as before", () => {
    const [rows, inputs, outputs] = [40, 9, 16];
    const values = numbers(rows * inputs, 3).map((value, k) => (k % 5 === 0 ? 0 : value + 1));
    const places = [...values.keys()].filter((k) => values[k] !== 0);
    const csr = {
      rows,
      columns: inputs,
      indptr: Int32Array.from(
        { length: rows + 1 },
        (_, r) => places.filter((k) => k < r * inputs).length,
      ),
      indices: Int32Array.from(places, (k) => k % inputs),
      values: Float32Array.from(places, (k) => values[k]!),
    };
    const matrix = SparseMatrix.ofFeatures(csr);
    assert.deepEqual([...matrix.dense()!.dataSync()], [...values]);
    const factors = dropoutFactors(rows * inputs, draw);
    for (const dropout of [undefined, draw]) {
      const a = values.map((value, k) => (dropout ? value * factors[k]! : value));
      tf.tidy(() => {
        const w = tf.tensor2d(numbers(inputs * outputs, 5), [inputs, outputs]);
        const b = tf.tensor1d(numbers(outputs, 6));
        const taps = tf.tensor2d(numbers(rows * outputs, 7), [rows, outputs]);
        const mine = valueAndGradients(
          (x, y) => sparseLinear(matrix, x as tf.Tensor2D, y as tf.Tensor1D, dropout),
          [w, b],
          taps,
        );
        const expected = valueAndGradients(
          (x, y) => tf.add(tf.matMul(tf.tensor2d(a, [rows, inputs]), x as tf.Tensor2D), y!),
          [w, b],
          taps,
        );
        assertAgree(mine, expected, dropout ? "dropout" : "plain");
      });
    }
    const { numTensors } = tf.memory();
    matrix.dispose();
    assert.equal(tf.memory().numTensors, numTensors - 1);
    const sparse = randomSparse(300, 65, 3);
    const [other, same] = [SparseMatrix.ofFeatures(sparse), SparseMatrix.from(sparse)];
    assert.equal(other.dense(), undefined);
    tf.tidy(() => {
      const w = tf.tensor2d(numbers(65 * 16, 5), [65, 16]);
      const b = tf.tensor1d(numbers(16, 6));
      const [mine, theirs] = [other, same].map((m) => sparseLinear(m, w, b, draw).dataSync());
      assertSameBits(mine as Float32Array, theirs as Float32Array, "the sparse product");
    });
    other.dispose();
    same.dispose();
  });

  test("rows and columns without entries get the bias and no gradient", () => {
    const csr = {
      rows: 3,
      columns: 2,
      indptr: Int32Array.of(0, 0, 1, 1),
      indices: Int32Array.of(1),
    };
    const matrix = SparseMatrix.from({ ...csr, values: Float32Array.of(2) });
    tf.tidy(() => {
      const w = tf.tensor2d(numbers(8, 1), [2, 4]);
      const b = tf.tensor1d([1, 2, 3, 4]);
      const [value, dw, db] = valueAndGradients(
        (x, y) => sparseLinear(matrix, x as tf.Tensor2D, y as tf.Tensor1D),
        [w, b],
        tf.ones([3, 4]),
      );
      assert.deepEqual([...value!.subarray(0, 4)], [1, 2, 3, 4]);
      assert.deepEqual([...value!.subarray(8)], [1, 2, 3, 4]);
      assert.deepEqual([...dw!], [0, 0, 0, 0, 2, 2, 2, 2]);
      assert.deepEqual([...db!], [3, 3, 3, 3]);
    });
    matrix.dispose();
  });

  test("shapes that do not match are rejected", () => {
    const matrix = SparseMatrix.from(randomSparse(7, 3, 1));
    tf.tidy(() => {
      const run = (weight: [number, number], bias: number) => () =>
        sparseLinear(matrix, tf.zeros(weight), tf.zeros([bias]));
      assert.throws(run([2, 4], 4), /7 x 3 times \[2,4\]/);
      assert.throws(run([3, 4], 3), /weight \[3,4\], bias \[3\]/);
    });
    matrix.dispose();
  });
});

describe("mapLinear", () => {
  for (const [layers, nodes, width, classes] of [
    [1, 1, 4, 1],
    [1, 7, 4, 3],
    [3, 7, 4, 7],
    [2, 300, 4, 8],
    [1, 300, 8, 5],
    [2, 65, 16, 6],
    [2, 65, 16, 70],
    [2, 33, 5, 7],
    [1, 33, 64, 7],
  ] as const) {
    for (const dropout of [undefined, draw]) {
      const title = `${layers} maps of ${nodes} x ${width} to ${classes}${dropout ? ", dropout" : ""}`;
      const inputs = (): tf.Tensor[] => [
        tf.tensor3d(numbers(layers * nodes * width, 1), [layers, nodes, width]),
        tf.tensor2d(numbers(width * classes, 2), [width, classes]),
        tf.tensor1d(numbers(classes, 3)),
      ];
      const layer: Layer = (maps, w, b) =>
        mapLinear(maps as tf.Tensor3D, w as tf.Tensor2D, b as tf.Tensor1D, dropout);
      const factors = dropoutFactors(nodes * width, dropout);

      test(`${title}: agrees with plain tf operators`, () => {
        tf.tidy(() => {
          const mask = tf.tensor2d(Float32Array.from(factors), [nodes, width]);
          const plain: Layer = (maps, w, b) => {
            const last = tf.reshape(tf.slice(maps!, [layers - 1, 0, 0]), [nodes, width]);
            return tf.add(
              tf.matMul(tf.mul(tf.relu(last), mask) as tf.Tensor2D, w as tf.Tensor2D),
              b!,
            );
          };
          const taps = tf.tensor2d(numbers(nodes * classes, 4), [nodes, classes]);
          const expected = valueAndGradients(plain, inputs(), taps);
          assertAgree(valueAndGradients(layer, inputs(), taps), expected, title);
        });
      });

      test(`${title}: gradients against central differences in double precision`, () => {
        const all = [layers * nodes * width, width * classes, classes].map((n, i) =>
          numbers(n, i + 1),
        );
        const taps = numbers(nodes * classes, 4);
        const from = (layers - 1) * nodes * width;
        const scalar = ([maps, w, b]: readonly (Float32Array | Float64Array)[]): number => {
          const out = new Float64Array(nodes * classes);
          for (let n = 0; n < nodes; n++) {
            for (let c = 0; c < classes; c++) {
              let sum = b![c]!;
              for (let k = 0; k < width; k++) {
                const x = Math.max(0, maps![from + n * width + k]!) * factors[n * width + k]!;
                sum += x * w![k * classes + c]!;
              }
              out[n * classes + c] = sum;
            }
          }
          return dot(out, taps);
        };
        tf.tidy(() => {
          const weights = tf.tensor2d(taps, [nodes, classes]);
          const [, ...gradients] = valueAndGradients(layer, inputs(), weights);
          for (const [v, variable] of all.entries()) {
            const stride = Math.ceil(variable.length / 12);
            const some = Array.from(variable.keys()).filter((i) => i % stride === 0);
            const slope = differences(
              (x) => scalar(all.map((old, i) => (i === v ? x : old))),
              variable,
              some,
            );
            const mine = some.map((i) => gradients[v]![i]!);
            assertClose(mine, slope, 2e-5 * Math.max(1, ...slope.map(Math.abs)), `variable ${v}`);
          }
        });
      });
    }
  }

  test("shapes that do not match are rejected", () => {
    tf.tidy(() => {
      const run = (weight: [number, number], bias: number) => () =>
        mapLinear(tf.zeros([2, 7, 4]), tf.zeros(weight), tf.zeros([bias]));
      assert.throws(run([3, 5], 5), /maps \[2,7,4\], weight \[3,5\]/);
      assert.throws(run([4, 5], 4), /weight \[4,5\], bias \[4\]/);
    });
  });
});

describe("a whole narrow model", () => {
  /** Returns the logits and all gradients of features, convolutions and head. */
  function passes(nodes: number, width: number, maps: boolean): Float32Array[] {
    const features = SparseMatrix.from(randomSparse(nodes, 30, 3));
    const adjacency = SparseMatrix.from(symmetricNormalised(randomAdjacency(nodes, 5)));
    const thetas = [0.6, 0.4, 0.3];
    const layer: Layer = (w, b, head, bias, ...weights) => {
      const hidden = sparseLinear(features, w as tf.Tensor2D, b as tf.Tensor1D, draw);
      const options = { adjacency, alpha: 0.2, thetas, maps, dropout: { ...draw, site: 4 } };
      const stack = gcniiConvolutions(hidden, weights as tf.Tensor2D[], options);
      return mapLinear(stack, head as tf.Tensor2D, bias as tf.Tensor1D, { ...draw, site: 9 });
    };
    const result = tf.tidy(() =>
      valueAndGradients(
        layer,
        [
          tf.tensor2d(numbers(30 * width, 1), [30, width]),
          tf.tensor1d(numbers(width, 2)),
          tf.tensor2d(numbers(width * 7, 3), [width, 7]),
          tf.tensor1d(numbers(7, 4)),
          ...thetas.map((_, l) => tf.tensor2d(numbers(width * width, 10 + l), [width, width])),
        ],
        tf.tensor2d(numbers(nodes * 7, 5), [nodes, 7]),
      ),
    );
    features.dispose();
    adjacency.dispose();
    return result;
  }

  after(async () => {
    const { engine } = runningBackend();
    engine.smallestChunk = SMALLEST_CHUNK;
    await engine.close();
    engine.threads = 1;
  });

  test("widths 4, 8 and 16 have the same bits on 1, 2, 3 and 8 threads", () => {
    const { engine } = runningBackend();
    const cases = [4, 8, 16].flatMap((width) =>
      [1, 255, 600].map((nodes) => [nodes, width, nodes % 2 === 0] as const),
    );
    engine.threads = 1;
    const blocks = memory().blocks;
    const alone = cases.map((c) => passes(...c));
    engine.smallestChunk = 0;
    for (const threads of [2, 3, 8]) {
      engine.threads = threads;
      for (const [k, c] of cases.entries()) {
        for (const [i, many] of passes(...c).entries()) {
          assertSameBits(many, alone[k]![i]!, `${c[0]} x ${c[1]}, ${threads} threads, result ${i}`);
        }
      }
    }
    assert.equal(memory().blocks, blocks);
  });
});
