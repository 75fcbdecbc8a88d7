// The kernels over rows, arcs and all pairs of nodes, in both flavours, and their operators:
// numbers in double precision, gradients by central differences, refusals.
import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import * as tf from "@tensorflow/tfjs";
import type { Csr } from "../../src/graph/csr.ts";
import { csrFromPairs } from "../../src/graph/csr.ts";
import { mapElements } from "../../src/tensor/elements.ts";
import {
  Arcs,
  arcCrossEntropy,
  arcDistances,
  arcDots,
  arcSoftmax,
  meanSquaredError,
  memory,
  type Similarity,
  similarities,
  similarityMismatch,
  startEngine,
  takeRows,
  unitRows,
} from "../../src/tensor/index.ts";
import {
  assertClose,
  assertClosely,
  differences,
  dot,
  type Numbers,
  numbers,
  ROUNDING,
  randomAdjacency,
} from "./support.ts";
import { check, engineOf, FLAVOURS, type Trial } from "./trial.ts";

const KINDS: readonly Similarity[] = ["poly", "l2", "rbf"];
const WIDTHS = [1, 3, 4, 7, 64, 65];

const row = (x: Numbers, i: number, width: number): number[] =>
  Array.from({ length: width }, (_, d) => x[i * width + d]!);
const squaredDistance = (a: readonly number[], b: readonly number[]): number =>
  a.reduce((sum, v, d) => sum + (v - b[d]!) ** 2, 0);

function similarity(kind: Similarity, a: number[], b: number[]): number {
  if (kind === "poly") return dot(a, b) ** 2;
  const square = squaredDistance(a, b);
  return kind === "l2" ? Math.sqrt(square) : Math.exp(-0.5 * square);
}

/** In groups of four nodes, as the kernels read x. */
function groupsOf(x: Numbers, nodes: number, width: number): Float32Array {
  const out = new Float32Array(Math.ceil(nodes / 4) * 4 * width);
  for (let i = 0; i < nodes; i++) {
    const group = Math.floor(i / 4);
    for (let d = 0; d < width; d++) out[(group * width + d) * 4 + (i % 4)] = x[i * width + d]!;
  }
  return out;
}

function unitTrials(rows: number, width: number): Trial[] {
  const x = numbers(rows * width, 1);
  // A row without length in the middle.
  x.fill(0, width * (rows >> 1), width * (rows >> 1) + (rows > 2 ? width : 0));
  const dy = numbers(rows * width, 2);
  const lengths = Array.from({ length: rows }, (_, r) =>
    Math.sqrt(dot(row(x, r, width), row(x, r, width))),
  );
  const inverse = lengths.map((length) => (length === 0 ? 0 : 1 / length));
  const y = Float32Array.from(x, (v, k) => v * inverse[Math.floor(k / width)]!);
  const gradient = Float64Array.from(dy, (v, k) => {
    const r = Math.floor(k / width);
    return inverse[r]! * (v - y[k]! * dot(row(y, r, width), row(dy, r, width)));
  });
  const tolerance = gradient.map(
    (_, k) => 1e-6 * (1 + 4 * inverse[Math.floor(k / width)]!) * width,
  );
  const title = `${rows} x ${width}`;
  return [
    {
      ...{ title, kernel: "unitRows", units: rows },
      inputs: { x },
      outputs: { y: x.length, inverse: rows },
      args: ["x", "y", "inverse", width],
      expected: {
        y: { values: y, tolerance: width * 2 * ROUNDING },
        inverse: { values: inverse, tolerance: inverse.map((v) => width * 4 * ROUNDING * v) },
      },
    },
    {
      ...{ title, kernel: "unitRowsGradient", units: rows },
      inputs: { y, inverse: Float32Array.from(inverse), dy },
      outputs: { dx: x.length },
      args: ["y", "inverse", "dy", "dx", width],
      expected: { dx: { values: gradient, tolerance } },
    },
  ];
}

/** Row and column of every entry. */
function entries({ rows, indptr, indices }: Csr): (readonly [number, number])[] {
  return Array.from({ length: rows }, (_, i) =>
    [...indices.subarray(indptr[i]!, indptr[i + 1]!)].map((j) => [i, j] as const),
  ).flat();
}

function arcTrials(nodes: number, width: number): Trial[] {
  const graph = randomAdjacency(nodes, 3);
  const ends = entries(graph);
  const { indptr, indices } = graph;
  const [x, w, s] = [numbers(nodes * width, 4), numbers(ends.length, 5), numbers(ends.length, 6)];
  const raw = numbers(ends.length, 7).map(Math.abs);
  const rowSum = (values: Numbers, i: number): number =>
    ends.reduce((sum, [from], k) => sum + (from === i ? values[k]! : 0), 0);
  const targets = raw.map((v, k) => v / rowSum(raw, ends[k]![0]));
  const exponentials = Array.from(s, (v) => Math.exp(4 * v));
  const softmax = exponentials.map((v, k) => v / rowSum(exponentials, ends[k]![0]));
  const scores = s.map((v) => 4 * v);
  const losses = Array.from({ length: nodes }, (_, i) =>
    ends.reduce(
      (sum, [from], k) => sum - (from === i ? targets[k]! * Math.log(softmax[k]!) : 0),
      0,
    ),
  );
  const pulls = new Float64Array(nodes * width);
  for (const [k, [i, j]] of ends.entries()) {
    for (let d = 0; d < width; d++)
      pulls[i * width + d]! += w[k]! * (x[i * width + d]! - x[j * width + d]!);
  }
  const common = { title: `${nodes} nodes, width ${width}`, units: nodes };
  const pairs = (distances: boolean): Trial => ({
    ...{ ...common, kernel: "arcPairs" },
    inputs: { indptr, indices, x },
    outputs: { out: ends.length },
    args: ["indptr", "indices", "x", "out", width, distances ? 1 : 0],
    expected: {
      out: {
        values: ends.map(([i, j]) => {
          const [a, b] = [row(x, i, width), row(x, j, width)];
          return distances ? squaredDistance(a, b) : dot(a, b);
        }),
        tolerance: width * 8 * ROUNDING,
      },
    },
  });
  const entropy = (target: boolean): Trial => ({
    ...{ ...common, kernel: "arcCrossEntropy" },
    inputs: { indptr, scores, targets },
    outputs: { losses: nodes, rest: ends.length },
    args: ["indptr", "scores", target ? "targets" : 0, "losses", "rest"],
    expected: {
      ...(target && { losses: { values: losses, tolerance: 1e-5 } }),
      rest: { values: softmax.map((v, k) => v - (target ? targets[k]! : 0)), tolerance: 1e-6 },
    },
  });
  return [
    pairs(false),
    pairs(true),
    entropy(false),
    entropy(true),
    {
      ...{ ...common, kernel: "arcDifferences" },
      inputs: { indptr, indices, w, x },
      outputs: { out: x.length },
      args: ["indptr", "indices", "w", "x", "out", width],
      expected: { out: { values: pulls, tolerance: 60 * nodes * ROUNDING } },
    },
  ];
}

function similarityTrials(nodes: number, width: number, kind: Similarity): Trial[] {
  // Small enough that exp does not vanish, and two nodes that are the same.
  const x = numbers(nodes * width, 8).map((v) => v / Math.sqrt(width));
  if (nodes > 2) x.copyWithin(width, 0, width);
  const size = nodes + 3;
  const target = numbers(size * size, 9);
  const chosen = Int32Array.from({ length: nodes }, (_, i) => size - 1 - i);
  const rows = Array.from({ length: nodes }, (_, i) => row(x, i, width));
  const values = rows.flatMap((a) => rows.map((b) => similarity(kind, a, b)));
  const losses = new Float64Array(nodes);
  const gradient = new Float64Array(nodes * width);
  rows.forEach((a, i) => {
    rows.forEach((b, j) => {
      const k = values[i * nodes + j]!;
      const e = k - target[chosen[i]! * size + chosen[j]!]!;
      losses[i]! += e * e;
      for (let d = 0; d < width; d++) {
        const off = a[d]! - b[d]!;
        const slope =
          kind === "poly" ? 2 * dot(a, b) * b[d]! : kind === "rbf" ? -k * off : k > 0 ? off / k : 0;
        gradient[i * width + d]! += 0.5 * e * slope;
      }
    });
  });
  const at = KINDS.indexOf(kind);
  const grouped = groupsOf(x, nodes, width);
  const blocks = Math.ceil(nodes / engineOf("simd").rowsABlock);
  const title = `${kind}, ${nodes} nodes, width ${width}`;
  return [
    {
      ...{ title, kernel: "similarities", units: nodes },
      inputs: { grouped },
      outputs: { out: nodes * nodes },
      args: ["grouped", "out", nodes, width, at],
      expected: { out: { values, tolerance: 4e-6 } },
    },
    {
      ...{ title, kernel: "similarityMismatch", units: blocks },
      inputs: { grouped, target, chosen },
      outputs: {
        losses: nodes,
        gradient: nodes * width,
        scratch: blocks * Math.ceil(nodes / 4) * 4,
      },
      args: [
        ...["grouped", "target", "chosen", "losses", "gradient", "scratch"],
        ...[nodes, width, size, at, 0.5],
      ],
      expected: {
        losses: { values: losses, tolerance: losses.map((v) => 1e-5 * v + 1e-6) },
        gradient: { values: gradient, tolerance: 2e-5 * (1 + Math.sqrt(nodes)) },
      },
    },
  ];
}

for (const flavour of FLAVOURS) {
  describe(flavour, () => {
    test("rows of length 1, and their gradient", () => {
      for (const rows of [0, 1, 3, 33]) {
        for (const width of WIDTHS)
          for (const trial of unitTrials(rows, width)) check(flavour, trial);
      }
    });

    test("pairs along arcs, differences, softmaxes", () => {
      for (const nodes of [0, 1, 2, 5, 33]) {
        for (const width of WIDTHS)
          for (const trial of arcTrials(nodes, width)) check(flavour, trial);
      }
    });

    test("kernel matrices of all pairs, and their mismatch", () => {
      for (const kind of KINDS) {
        for (const nodes of [0, 1, 3, 4, 5, 33, 70]) {
          for (const width of [1, 3, 4, 7, 65]) {
            for (const trial of similarityTrials(nodes, width, kind)) check(flavour, trial);
          }
        }
      }
    });

    test("the exponential, from where it vanishes to where it is 1", () => {
      const distances = [0, 1e-6, 0.5, 1, 2, 3.3, 5, 8, 11, 13, 13.15, 13.3, 20, 1e4, 1e19];
      const trial = similarityTrials(3, 1, "rbf")[0]!;
      const nodes = distances.length + 1;
      const x = Float32Array.of(0, ...distances);
      const values = [...x].flatMap((a) => [...x].map((b) => Math.exp(-0.5 * (a - b) ** 2)));
      check(flavour, {
        ...{ ...trial, units: nodes },
        inputs: { grouped: groupsOf(x, nodes, 1) },
        outputs: { out: nodes * nodes },
        args: ["grouped", "out", nodes, 1, 2],
        // |x|^2 / 2 is rounded before: that many units of its own size.
        expected: { out: { values, tolerance: values.map((v) => 100 * ROUNDING * v + 2e-38) } },
      });
    });
  });
}

before(() => {
  startEngine();
});

/** The gradient of an operator's sum with taps, against differences of the same in double. */
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

  test("mismatch of kernel matrices: gradient in both of each pair's nodes, all or some nodes", () => {
    const size = 13;
    const target = numbers(size * size, 14);
    const chosen = Int32Array.from({ length: nodes }, (_, i) => (5 * i) % size);
    // Symmetric, as kernel matrices are.
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

  test("a kernel matrix agrees with double precision", () => {
    const x = numbers(6 * 3, 16);
    tf.tidy(() => {
      for (const kind of KINDS) {
        const rows = Array.from({ length: 6 }, (_, i) => row(x, i, 3));
        const expected = rows.flatMap((a) => rows.map((b) => similarity(kind, a, b)));
        assertClose(similarities(tf.tensor2d(x, [6, 3]), kind).dataSync(), expected, 4e-6, kind);
      }
    });
  });

  test("what does not fit is refused", () => {
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
