// The operators of the rival methods on the native engine against the wasm engine.
import { before, describe, test } from "node:test";
import * as tf from "@tensorflow/tfjs";
import {
  Arcs,
  arcAbsoluteDistances,
  arcCrossEntropy,
  arcDistances,
  arcDots,
  arcProducts,
  arcSoftmax,
  infoNce,
  meanSquaredError,
  SparseMatrix,
  similarities,
  similarityMismatch,
  startEngine,
  takeRows,
  tanh,
  unitRows,
} from "../../src/tensor/index.ts";
import { mapElements, meanElements } from "../../src/tensor/ops/elements.ts";
import { assertClosely, numbers, randomAdjacency, randomSparse } from "../tensor/support.ts";
import { agree, TOLERANCE, whyNoNative } from "./support.ts";

const KINDS = ["poly", "l2", "rbf", "exp", "tanh"] as const;

/** Makes some rows zero and some equal, where lengths and distances have no slope. */
function awkward(x: tf.Tensor): tf.Tensor2D {
  const rows = x as tf.Tensor2D;
  const zero = tf.zeros([1, rows.shape[1]]);
  return tf.concat([rows, zero, tf.slice(rows, 0, 2), zero]) as tf.Tensor2D;
}

describe("the rivals' operators agree with the wasm engine's", { skip: whyNoNative() }, () => {
  before(() => {
    startEngine("wasm");
  });

  test("unitRows and takeRows", () => {
    agree(() => (x) => unitRows(awkward(x)), [9, 5]);
    agree(() => (x) => takeRows(x as tf.Tensor2D, Int32Array.of(7, 0, 3)), [9, 5]);
  });

  for (const [nodes, width] of [
    [2, 1],
    [40, 7],
  ] as const) {
    test(`per-arc values, ${nodes} x ${width}`, () => {
      const graph = randomAdjacency(nodes, 5);
      const arcs = Arcs.from(graph);
      agree(() => (x) => arcDots(arcs, x as tf.Tensor2D), [nodes, width]);
      agree(() => (x) => arcDistances(arcs, x as tf.Tensor2D), [nodes, width]);
      agree(() => (x) => arcAbsoluteDistances(arcs, x as tf.Tensor2D), [nodes, width]);
      const targets = (): tf.Tensor1D => arcSoftmax(arcs, tf.tensor1d(numbers(arcs.count, 8)));
      const [expected, actual] = (["wasm", "native"] as const).map((engine) => {
        startEngine(engine);
        return targets().dataSync<"float32">();
      });
      assertClosely(actual!, expected!, TOLERANCE, "softmax");
      const entropy = () => {
        const wanted = targets();
        return (x: tf.Tensor) => arcCrossEntropy(arcs, tf.mul(x, 30) as tf.Tensor1D, wanted);
      };
      agree(entropy, [arcs.count]);
      arcs.dispose();
    });
  }

  test("arcProducts of a non-square matrix", () => {
    const host = randomSparse(13, 29, 5);
    const run = () => {
      const matrix = SparseMatrix.from(host);
      return (x: tf.Tensor, y: tf.Tensor) =>
        arcProducts(matrix, x as tf.Tensor2D, y as tf.Tensor2D);
    };
    agree(run, [13, 6], [29, 6]);
  });

  for (const kind of KINDS) {
    test(`similarities and their mismatch, ${kind}`, () => {
      const x = numbers(21 * 4, 3);
      const [expected, actual] = (["wasm", "native"] as const).map((engine) => {
        startEngine(engine);
        const rows = awkward(tf.tensor2d(x, [21, 4]));
        return similarities(rows, kind).dataSync<"float32">();
      });
      assertClosely(actual!, expected!, TOLERANCE, "similarities");
      for (const chosen of [undefined, Int32Array.from({ length: 25 }, (_, i) => 2 * i)]) {
        const run = () => {
          const rows = tf.tensor2d(numbers(chosen ? 200 : 100, 5), [chosen ? 50 : 25, 4]);
          const target = similarities(rows, kind);
          return (y: tf.Tensor) => similarityMismatch(awkward(y), target, kind, chosen);
        };
        agree(run, [21, 4]);
      }
    });
  }

  test("similarities in several blocks", () => {
    // 2^24 differences are held at once.
    const x = numbers(1500 * 16, 3);
    const run = () => (y: tf.Tensor) => {
      const target = similarities(tf.tensor2d(x, [1500, 16]), "rbf");
      return similarityMismatch(y as tf.Tensor2D, target, "rbf");
    };
    agree(run, [1500, 16]);
  });

  test("infoNce, in one block and in several", () => {
    const run = () => (x: tf.Tensor, y: tf.Tensor) =>
      infoNce(unitRows(x as tf.Tensor2D), unitRows(y as tf.Tensor2D), 0.1);
    agree(run, [37, 6], [37, 6]);
    agree(run, [3000, 4], [3000, 4]);
  });

  test("tanh, mean squares and functions computed on the host", () => {
    agree(() => (x) => tanh(tf.mul(x, 3)), [5, 7]);
    const target = numbers(35, 2);
    agree(() => (x) => meanSquaredError(x, tf.tensor2d(target, [5, 7])), [5, 7]);
    agree(() => (x) => mapElements(x, Math.exp, (_, y) => y), [5, 7]);
    const squares = (x: Float32Array, slopes: Float32Array): number =>
      x.reduce((sum, value, k) => {
        slopes[k] = 2 * value;
        return sum + value * value;
      }, 0);
    agree(() => (x) => meanElements(x, squares), [5, 7]);
  });

  test("no tensor is left behind", () => {
    startEngine("native");
    const arcs = Arcs.from(randomAdjacency(20, 4));
    const x = tf.tensor2d(numbers(80, 1), [20, 4]);
    const target = tf.tensor2d(numbers(400, 2), [20, 20]);
    const count = (): number => {
      tf.tidy(() => {
        const loss = (y: tf.Tensor): tf.Scalar =>
          tf.addN([
            similarityMismatch(y as tf.Tensor2D, target, "rbf"),
            infoNce(unitRows(y as tf.Tensor2D), unitRows(y as tf.Tensor2D), 0.1),
            arcCrossEntropy(
              arcs,
              arcDots(arcs, y as tf.Tensor2D),
              arcSoftmax(arcs, tf.zeros([arcs.count])),
            ),
          ]) as tf.Scalar;
        tf.grad(loss)(x);
      });
      return tf.memory().numTensors;
    };
    const once = count();
    if (count() !== once) throw new Error(`${count() - once} more tensors per step`);
  });
});
