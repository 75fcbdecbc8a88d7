// Relational sums on the engine: values and gradients against double precision, equal bits, refused shapes.
import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import * as tf from "@tensorflow/tfjs";
import { rowNormalised } from "../../src/graph/normalise.ts";
import { runningBackend } from "../../src/tensor/engine/backend.ts";
import {
  memory,
  type RelationalOptions,
  relationalSums,
  SparseMatrix,
  startEngine,
  type TypeRows,
} from "../../src/tensor/index.ts";
import {
  assertClosely,
  assertSameBits,
  differences,
  dot,
  type Numbers,
  numbers,
  randomSparse,
} from "./support.ts";

before(() => {
  startEngine();
});

/** The nodes of each type, and the ends of each relation. */
const SIZES = [7, 5, 6, 4];
const ENDS = [
  [0, 0],
  [0, 1],
  [1, 0],
  [2, 0],
  [3, 1],
  [2, 3],
  [1, 2],
] as const;

interface Given {
  readonly inputs: number;
  readonly outputs: number;
  /** Whether each type has its own rows: differentiable, constant, sparse, unit vectors; or all are in one. */
  readonly mixed: boolean;
  readonly options?: RelationalOptions;
}

const nodes = SIZES.reduce((sum, size) => sum + size, 0);
const arcs = ENDS.map(([source, target], r) =>
  rowNormalised(randomSparse(SIZES[target]!, SIZES[source]!, r + 1)),
);
const sparseRows = (inputs: number) => randomSparse(SIZES[2]!, inputs, 9);
const firsts = SIZES.map((_, t) => SIZES.slice(0, t).reduce((sum, size) => sum + size, 0));

/** W, R, b and x: of all nodes, or of type 0. */
const inputsOf = ({ inputs, outputs, mixed }: Given): Float32Array[] => [
  numbers(ENDS.length * inputs * outputs, 1),
  numbers(SIZES.length * inputs * outputs, 2),
  numbers(SIZES.length * outputs, 5),
  numbers((mixed ? SIZES[0]! : nodes) * inputs, 3),
];

/** A type's rows, in double precision. */
function rowsOf({ inputs, mixed }: Given, x: Numbers, type: number): number[][] {
  const size = SIZES[type]!;
  const row = (from: Numbers, n: number) =>
    Array.from({ length: inputs }, (_, i) => from[n * inputs + i]!);
  return Array.from({ length: size }, (_, n) => {
    if (!mixed) return row(x, firsts[type]! + n);
    if (type === 0) return row(x, n);
    if (type === 1) return row(numbers(size * inputs, 4), n);
    if (type === 3) return Array.from({ length: inputs }, (_, i) => Number(i === n));
    const { indptr, indices, values } = sparseRows(inputs);
    const dense = new Array<number>(inputs).fill(0);
    for (let k = indptr[n]!; k < indptr[n + 1]!; k++) dense[indices[k]!] = values?.[k] ?? 1;
    return dense;
  });
}

/** y by its formula, in double precision. */
function naive(given: Given, [w, r, b, x]: readonly Numbers[]): Float64Array {
  const { inputs, outputs, options = {} } = given;
  const types = SIZES.slice(0, options.types ?? SIZES.length);
  const times = (row: readonly number[], all: Numbers, k: number): number[] =>
    Array.from({ length: outputs }, (_, o) =>
      row.reduce((sum, v, i) => sum + v * all[(k * inputs + i) * outputs + o]!, 0),
    );
  const y = types.map((_, t) =>
    rowsOf(given, x!, t).map((row) =>
      times(row, r!, t).map((sum, o) => sum + b![t * outputs + o]!),
    ),
  );
  for (const [k, [source, target]] of ENDS.entries()) {
    const sent = rowsOf(given, x!, source).map((row) => times(row, w!, k));
    for (const [n, row] of (y[target] ?? []).entries()) {
      const { indptr, indices, values } = arcs[k]!;
      for (let at = indptr[n]!; at < indptr[n + 1]!; at++) {
        for (let o = 0; o < outputs; o++) row[o]! += values![at]! * sent[indices[at]!]![o]!;
      }
    }
  }
  return Float64Array.from(y.flat(2));
}

/** The operator, and its gradients for random taps. */
function found(given: Given) {
  const { inputs, outputs, mixed, options } = given;
  const relations = ENDS.map(([source, target], r) => ({
    ...{ source, target },
    matrix: SparseMatrix.from(arcs[r]!),
  }));
  const sparse = SparseMatrix.from(sparseRows(inputs));
  const [w, r, b, x] = inputsOf(given);
  const result = tf.tidy(() => {
    const constant = tf.tensor2d(numbers(SIZES[1]! * inputs, 4), [SIZES[1]!, inputs]);
    const rows = (own: tf.Tensor2D): tf.Tensor2D | TypeRows[] =>
      mixed ? [own, { constant }, sparse, undefined] : own;
    const all = [
      tf.tensor(w!, [ENDS.length, inputs, outputs]),
      tf.tensor(r!, [SIZES.length, inputs, outputs]),
      tf.tensor(b!, [SIZES.length, outputs]),
      tf.tensor(x!, [mixed ? SIZES[0]! : nodes, inputs]),
    ];
    const op = (...tensors: tf.Tensor[]): tf.Tensor2D => {
      const [weights, roots, biases, own] = tensors as [
        ...[tf.Tensor3D, tf.Tensor3D, tf.Tensor2D, tf.Tensor2D],
      ];
      const graph = { sizes: SIZES, relations };
      return relationalSums(graph, rows(own), { weights, roots, biases }, options);
    };
    const value = op(...all);
    const taps = tf.tensor(numbers(value.size, 8), value.shape);
    const gradients = tf.grads(op)(all, taps);
    return {
      value: value.dataSync<"float32">(),
      gradients: gradients.map((gradient) => gradient.dataSync<"float32">()),
    };
  });
  for (const matrix of [sparse, ...relations.map((one) => one.matrix)]) matrix.dispose();
  return result;
}

const same = (sent: tf.Tensor2D): tf.Tensor2D => sent;
for (const [name, given] of [
  ["in one tensor, wider after", { inputs: 3, outputs: 9, mixed: false }],
  ["in one tensor, narrower after", { inputs: 8, outputs: 3, mixed: false }],
  ["of the first two types", { inputs: 3, outputs: 5, mixed: false, options: { types: 2 } }],
  ["of a kind for each type, wider after", { inputs: 4, outputs: 6, mixed: true }],
  ["of a kind for each type, narrower after", { inputs: 4, outputs: 2, mixed: true }],
  [
    "of a kind for each type, the first's",
    { inputs: 4, outputs: 5, mixed: true, options: { types: 1 } },
  ],
  [
    "composed of smaller operators",
    { inputs: 4, outputs: 5, mixed: true, options: { message: same } },
  ],
] as const) {
  describe(`rows ${name}`, () => {
    test("have the formula's sums and gradients", () => {
      const { blocks } = memory();
      const { value, gradients } = found(given);
      assert.equal(memory().blocks, blocks, "frees all that it took");
      const inputs = inputsOf(given);
      const expected = naive(given, inputs);
      assertClosely(value, expected, 1e-5, "value");
      const taps = numbers(expected.length, 8);
      for (const [k, gradient] of gradients.entries()) {
        const loss = (x: Numbers) =>
          dot(
            naive(
              given,
              inputs.map((own, at) => (at === k ? x : own)),
            ),
            taps,
          );
        assertClosely(gradient, differences(loss, inputs[k]!), 1e-4, `gradient ${k}`);
      }
    });
  });
}

test("the same bits on 1, 2 and 5 threads, with work split anywhere", () => {
  const { engine } = runningBackend();
  const { threads, smallestChunk } = engine;
  const given = { inputs: 3, outputs: 9, mixed: false };
  const all = [1, 2, 5].map((count) => {
    engine.threads = count;
    engine.smallestChunk = 1;
    return found(given);
  });
  engine.threads = threads;
  engine.smallestChunk = smallestChunk;
  for (const other of all.slice(1)) {
    assertSameBits(other.value, all[0]!.value, "value");
    for (const [k, x] of other.gradients.entries()) {
      assertSameBits(x, all[0]!.gradients[k]!, `gradient ${k}`);
    }
  }
});

test("shapes that do not match are refused by name", () => {
  const matrix = SparseMatrix.from(rowNormalised(randomSparse(3, 2, 1)));
  const graph = { sizes: [3, 2], relations: [{ source: 1, target: 0, matrix }] };
  const x = tf.zeros<tf.Rank.R2>([5, 4]);
  const own = {
    weights: tf.zeros<tf.Rank.R3>([1, 4, 6]),
    roots: tf.zeros<tf.Rank.R3>([2, 4, 6]),
    biases: tf.zeros<tf.Rank.R2>([2, 6]),
  };
  const wrong: [Parameters<typeof relationalSums>, RegExp][] = [
    [[graph, x, { ...own, weights: tf.zeros([2, 4, 6]) }], /2 weights for 1 relations/],
    [
      [graph, x, { ...own, roots: tf.zeros([1, 4, 6]) }],
      /roots \[1,4,6\] for weights \[1,4,6\] and 2 types/,
    ],
    [[graph, x, { ...own, biases: tf.zeros([2, 5]) }], /biases \[2,5\] for weights/],
    [[graph, tf.zeros([4, 4]), own], /x \[4,4\], not \[5,4\]/],
    [[graph, [undefined, tf.zeros([2, 4])], own], /rows \[3,3\] of type 0, not \[3,4\]/],
    [[graph, x, own, { types: 3 }], /3 of 2 types/],
    [[{ ...graph, sizes: [2, 3] }, x, own], /relation 0 is 3 x 2, its types have 2,3 nodes/],
  ];
  for (const [given, message] of wrong) {
    assert.throws(
      () => relationalSums(...given),
      (error: Error) => error instanceof RangeError && message.test(error.message),
      String(message),
    );
  }
  matrix.dispose();
});
