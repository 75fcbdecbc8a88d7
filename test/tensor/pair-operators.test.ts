// The operators over rows, arcs and all pairs of nodes: values against double precision, gradients against
// central differences, rejected arguments.
import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import * as tf from "@tensorflow/tfjs";
import { csrFromPairs } from "../../src/graph/csr.ts";
import {
  Arcs,
  arcAbsoluteDistances,
  arcCrossEntropy,
  arcDistances,
  arcDots,
  arcSoftmax,
  meanSquaredError,
  memory,
  similarities,
  similarityMismatch,
  startEngine,
  takeRows,
  unitRows,
} from "../../src/tensor/index.ts";
import { mapElements } from "../../src/tensor/ops/elements.ts";
import {
  absoluteDistance,
  entries,
  KINDS,
  row,
  similarity,
  squaredDistance,
} from "./pair-cases.ts";
import {
  assertClose,
  assertClosely,
  differences,
  dot,
  type Numbers,
  numbers,
  randomAdjacency,
} from "./support.ts";

before(() => {
  startEngine();
});

/** Checks the gradient of an operator's sum with taps against central differences in double precision. */
function slopes(
  operator: (x: tf.Tensor2D) => tf.Tensor,
  plain: (x: Numbers) => Numbers,
  shape: [number, number],
  what: string,
): void {
  const x = numbers(shape[0] * shape[1], 11);
  const expected = plain(x);
  const taps = numbers(expected.length, 12);
  const { blocks } = memory();
  tf.tidy(() => {
    const input = tf.tensor2d(x, shape);
    const value = operator(input);
    assertClosely(value.dataSync(), expected, 5e-6, `${what}: value`);
    const gradient = tf.grad((t: tf.Tensor) => operator(t as tf.Tensor2D))(
      input,
      tf.tensor(taps, value.shape),
    );
    const slope = differences((y) => dot(plain(y), taps), x);
    assertClosely(gradient.dataSync(), slope, 2e-5, `${what}: gradient`);
  });
  assert.equal(memory().blocks, blocks, `${what}: blocks left behind`);
}

describe("operators", () => {
  const [nodes, width] = [9, 5];
  const graph = randomAdjacency(nodes, 3);
  const ends = entries(graph);

  test("unitRows and takeRows", () => {
    slopes(
      unitRows,
      (x) =>
        Array.from(x, (v, k) => {
          const own = row(x, Math.floor(k / width), width);
          return v / Math.sqrt(dot(own, own));
        }),
      [nodes, width],
      "unitRows",
    );
    const chosen = Int32Array.of(7, 0, 3);
    slopes(
      (x) => takeRows(x, chosen),
      (x) => [...chosen].flatMap((r) => row(x, r, width)),
      [nodes, width],
      "takeRows",
    );
  });

  test("dots, distances and softmaxes along arcs", () => {
    const arcs = Arcs.from(graph);
    const along = (x: Numbers, f: (a: number[], b: number[]) => number): number[] =>
      ends.map(([i, j]) => f(row(x, i, width), row(x, j, width)));
    slopes(
      (x) => arcDots(arcs, x),
      (x) => along(x, dot),
      [nodes, width],
      "arcDots",
    );
    slopes(
      (x) => arcDistances(arcs, x),
      (x) => along(x, squaredDistance),
      [nodes, width],
      "arcDistances",
    );
    slopes(
      (x) => arcAbsoluteDistances(arcs, x),
      (x) => along(x, absoluteDistance),
      [nodes, width],
      "arcAbsoluteDistances",
    );
    tf.tidy(() => {
      const targets = arcSoftmax(arcs, tf.tensor1d(numbers(ends.length, 13)));
      const p = targets.dataSync();
      slopes(
        (x) => arcCrossEntropy(arcs, tf.reshape(x, [-1]), targets),
        (x) => {
          const total = (i: number): number =>
            ends.reduce((sum, [from], k) => sum + (from === i ? Math.exp(x[k]!) : 0), 0);
          return [ends.reduce((sum, [i], k) => sum - p[k]! * (x[k]! - Math.log(total(i))), 0)];
        },
        [ends.length, 1],
        "arcCrossEntropy",
      );
    });
    arcs.dispose();
  });

  test("mismatch of similarity matrices: the gradient for both nodes of each pair, of all or some nodes", () => {
    const size = 13;
    const target = numbers(size * size, 14);
    const chosen = Int32Array.from({ length: nodes }, (_, i) => (5 * i) % size);
    // Symmetric, as similarity matrices are.
    for (let i = 0; i < size; i++) {
      for (let j = 0; j < i; j++) target[i * size + j] = target[j * size + i]!;
    }
    tf.tidy(() => {
      const square = tf.tensor2d(target, [size, size]);
      for (const kind of KINDS) {
        const mean = (x: Numbers, of: Numbers): number[] => {
          let total = 0;
          for (let i = 0; i < of.length; i++) {
            for (let j = 0; j < of.length; j++) {
              const k = similarity(kind, row(x, i, width), row(x, j, width));
              total += (k - target[of[i]! * size + of[j]!]!) ** 2;
            }
          }
          return [total / of.length ** 2];
        };
        slopes(
          (x) => similarityMismatch(x, square, kind, chosen),
          (x) => mean(x, chosen),
          [nodes, width],
          `${kind}, chosen`,
        );
        const all = Array.from({ length: size }, (_, i) => i);
        slopes(
          (x) => similarityMismatch(x, square, kind),
          (x) => mean(x, all),
          [size, width],
          `${kind}, all`,
        );
      }
    });
  });

  test("mean squared error, and functions of elements", () => {
    const target = numbers(nodes * width, 15);
    tf.tidy(() => {
      const wanted = tf.tensor2d(target, [nodes, width]);
      slopes(
        (x) => meanSquaredError(x, wanted),
        (x) => [target.reduce((sum, t, k) => sum + (x[k]! - t) ** 2, 0) / target.length],
        [nodes, width],
        "meanSquaredError",
      );
    });
    slopes(
      (x) => mapElements(x, Math.exp, (_, y) => y),
      (x) => Array.from(x, Math.exp),
      [nodes, width],
      "mapElements",
    );
  });

  test("a similarity matrix agrees with double precision", () => {
    const x = numbers(6 * 3, 16);
    tf.tidy(() => {
      for (const kind of KINDS) {
        const rows = Array.from({ length: 6 }, (_, i) => row(x, i, 3));
        const expected = rows.flatMap((a) => rows.map((b) => similarity(kind, a, b)));
        assertClose(similarities(tf.tensor2d(x, [6, 3]), kind).dataSync(), expected, 4e-6, kind);
      }
    });
  });

  test("arguments that do not match are rejected", () => {
    const arcs = Arcs.from(graph);
    tf.tidy(() => {
      assert.throws(() => arcDots(arcs, tf.zeros([8, 2])), /9 nodes do not fit \[8,2\]/);
      assert.throws(() => arcSoftmax(arcs, tf.zeros([3])), /arcs do not fit \[3\]/);
      const square = tf.zeros([4, 4]) as tf.Tensor2D;
      const x = tf.zeros([3, 2]) as tf.Tensor2D;
      assert.throws(
        () => similarityMismatch(x, square, "l2"),
        /\[3,2\] against \[4,4\], all of it/,
      );
      const beyond = Int32Array.of(0, 1, 4);
      assert.throws(() => similarityMismatch(x, square, "l2", beyond), /not one of 0 to 3/);
      for (const row of [3, -1]) {
        const rows = Int32Array.of(0, row);
        assert.throws(() => takeRows(x, rows), new RegExp(`row ${row} is .* of 0 to 2`));
      }
    });
    arcs.dispose();
    assert.throws(() => Arcs.from(csrFromPairs(3, 3, [0], [1])), /symmetric/);
    assert.throws(() => Arcs.from(csrFromPairs(3, 2, [0], [1])), /symmetric/);
  });

  test("arcs leave self loops out, and keep nodes without arcs", () => {
    const arcs = Arcs.from(csrFromPairs(4, 4, [0, 0, 2, 3, 1], [0, 2, 0, 3, 1]));
    assert.deepEqual([arcs.nodes, arcs.count], [4, 2]);
    arcs.dispose();
  });
});
