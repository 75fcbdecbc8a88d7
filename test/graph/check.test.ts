// Data passed in code is checked like a file: each fault is named before the data is used.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { checkCsr as checkFile } from "../../src/datasets/sparse.ts";
import { BadFileError } from "../../src/formats/errors.ts";
import * as abkd from "../../src/index.ts";
import { smallGraph, smallSplit } from "../training/small.ts";

abkd.startEngine();

const graph = smallGraph();
const split = smallSplit();
const ints = (...numbers: number[]): Int32Array => Int32Array.from(numbers);
const matrix = (indptr: number[], indices: number[], values?: number[]): abkd.Csr => ({
  ...{ rows: indptr.length - 1, columns: 3, indptr: ints(...indptr), indices: ints(...indices) },
  ...(values && { values: Float32Array.from(values) }),
});

/** Asserts that a call is rejected in one line that a person can act on. */
function refuses(action: () => unknown, message: RegExp): void {
  assert.throws(action, (error: unknown) => {
    assert.ok(error instanceof abkd.UserError, String(error));
    assert.match(error.message, message);
    assert.doesNotMatch(error.message, /\n/);
    return true;
  });
}

describe("csrFromPairs", () => {
  const pairs = (rowOf: ArrayLike<number>, columnOf: ArrayLike<number>) => () =>
    abkd.csrFromPairs(3, 3, rowOf, columnOf);
  it("rejects pairs outside the matrix, and invents none", () => {
    refuses(pairs([0, 1, 5], [1, 0, 2]), /pair 2 is in row 5 of 3$/);
    refuses(pairs([0, 1], [1, -1]), /pair 1 is in column -1 of 3$/);
    refuses(pairs([1, 2, 3], [2, 3, 1]), /pair 2 is in row 3 of 3; they are counted from 0$/);
    refuses(pairs([0.5], [1]), /row 0.5 of 3/);
    refuses(pairs([Number.NaN], [1]), /row NaN of 3/);
    refuses(pairs([0, 1], [1]), /2 rows and 1 columns/);
    refuses(() => abkd.csrFromPairs(-1, 3, [], []), /not whole numbers/);
    // Wrong types, as JavaScript may pass them.
    const given = (ends: unknown) => pairs(ends as number[], ends as number[]);
    refuses(given(new Set([1])), /the rows are not an array of numbers$/);
    refuses(given(undefined), /the rows are not an array of numbers$/);
    refuses(given(["1"]), /pair 0 is in row "1" \(string\) of 3$/);
    refuses(given(BigInt64Array.of(1n)), /pair 0 is in row "1" \(bigint\) of 3$/);
    refuses(() => abkd.csrFromPairs(1e12, 3, [], []), /not whole numbers/);
  });
  it("accepts repeated pairs in any order", () => {
    assert.deepEqual(pairs([2, 0, 2], [1, 1, 1])(), matrix([0, 1, 1, 2], [1, 1]));
  });
  it("takes no memory for columns without entries", () => {
    const widest = 2 ** 31 - 1;
    const { indptr, indices } = abkd.csrFromPairs(1, widest, [0, 0, 0], [widest - 1, 5, 5]);
    assert.deepEqual(
      [[...indptr], [...indices]],
      [
        [0, 2],
        [5, widest - 1],
      ],
    );
  });
});

const BAD_MATRICES: readonly [what: string, csr: abkd.Csr, message: RegExp][] = [
  ["too few row starts", { ...matrix([0, 1], [0]), rows: 2 }, /indptr has 2 entries for 2 rows/],
  ["a late start", matrix([1, 1], [0]), /indptr begins with 1, not 0/],
  ["falling row starts", matrix([0, 2, 1], [0, 1]), /indptr decreases at row 1/],
  ["missing entries", matrix([0, 2], [0]), /indptr announces 2 entries, indices has 1/],
  ["a column outside", matrix([0, 1], [3]), /entry 0 is in column 3 of 3/],
  ["a negative column", matrix([0, 1], [-1]), /entry 0 is in column -1 of 3/],
];
const WORSE_MATRICES: typeof BAD_MATRICES = [
  ...BAD_MATRICES,
  ["entries to spare", matrix([0, 1], [0, 1]), /indptr announces 1 entries, indices has 2/],
  ["an unsorted row", matrix([0, 2], [1, 0]), /row 0: column 0 is not in order/],
  ["a repeated entry", matrix([0, 2], [1, 1]), /row 0: column 1 is repeated/],
  ["too few values", matrix([0, 2], [0, 1], [1]), /1 values for 2 indices/],
  ["NaN", matrix([0, 2], [0, 1], [1, Number.NaN]), /entry 1 is NaN, not a finite number/],
  ["an infinity", matrix([0, 1], [0], [-Infinity]), /entry 0 is -Infinity/],
  [
    "another type",
    { ...matrix([0, 1], [0]), indices: Float32Array.of(0) as unknown as Int32Array },
    /indices must be of the type Int32Array, not Float32Array/,
  ],
  [
    "a plain array",
    { ...matrix([0, 1], [0]), indptr: [0, 1] as unknown as Int32Array },
    /indptr must be of the type Int32Array, not Array/,
  ],
];

describe("a sparse matrix", () => {
  for (const [what, csr, message] of WORSE_MATRICES) {
    it(`with ${what} reaches neither the engine nor a normalisation`, () => {
      refuses(() => abkd.SparseMatrix.from(csr), message);
      refuses(() => abkd.rowNormalised(csr), message);
      refuses(() => abkd.symmetricNormalised(csr), message);
    });
  }
  it("gets the same message as a file of it", () => {
    for (const [, csr, message] of BAD_MATRICES) {
      assert.throws(() => checkFile(csr, "file.npz"), BadFileError);
      assert.throws(() => checkFile(csr, "file.npz"), message);
    }
  });
});

describe("an adjacency", () => {
  const BAD: readonly [abkd.Csr, RegExp][] = [
    [matrix([0, 1, 2], [1, 0]), /2 x 3, not square/],
    [matrix([0, 1, 1, 1], [0]), /node 0 has an arc to itself/],
    [matrix([0, 1, 1, 1], [1]), /the arc 0 -> 1 without its opposite/],
    [matrix([0, 0, 0, 1], [1]), /the arc 2 -> 1 without its opposite/],
    [matrix([0, 0, 1, 2], [0, 1]), /the arc 1 -> 0 without its opposite/],
    [matrix([0, 1, 2, 2], [1, 0], [2, 2]), /it has values, but arcs have no weights/],
  ];
  it("must have both directions of each edge and nothing else", () => {
    for (const [csr, message] of BAD) {
      refuses(() => abkd.symmetricNormalised(csr), message);
      refuses(() => abkd.localityOrder(csr), message);
      refuses(() => abkd.graphInputs({ ...graph, nodes: 3, adjacency: csr }), message);
    }
  });
});

describe("a graph", () => {
  const BAD: readonly [changes: Partial<abkd.Graph>, RegExp][] = [
    [{ nodes: 59 }, /small: adjacency: 60 rows for 59 nodes/],
    [{ nodes: 0 }, /small: nodes: 0, not 1 or more/],
    [{ classes: 2.5 }, /small: classes: 2.5, not 1 or more/],
    [{ classes: 2 }, /small: labels: node 2 has class 2, not one of 0 to 1 or -1 for none/],
    [{ labels: graph.labels.subarray(1) }, /small: labels: 59 for 60 nodes/],
    [{ labels: Array.from(graph.labels) as unknown as Int32Array }, /Int32Array, not Array/],
    [{ features: matrix([0, 1], [0]) }, /small: features: 1 rows for 60 nodes/],
    [{ classless: ints(60) }, /small: classless: node 60 is not one of 0 to 59/],
    [
      { features: { ...graph.features, values: new Float32Array(3) } },
      /small: features: 3 values for \d+ indices/,
    ],
  ];
  it("whose parts do not fit together is rejected", () => {
    for (const [changes, message] of BAD) {
      refuses(() => abkd.graphInputs({ ...graph, ...changes }), message);
    }
  });
  it("with a NaN feature is rejected, because a ReLU would hide it", () => {
    const values = new Float32Array(graph.features.indices.length).fill(1);
    values[7] = Number.NaN;
    const features = { ...graph.features, values };
    refuses(
      () => abkd.graphInputs({ ...graph, features }),
      /small: features: entry 7 is NaN, not a finite number/,
    );
  });
  it("with labels that are not classes has no constant predictor and no random split", async () => {
    const wrong = { ...graph, labels: graph.labels.map((label) => label + 1) };
    refuses(() => abkd.constantPredictor(wrong), /node 2 has class 3, not one of 0 to 2/);
    await assert.rejects(abkd.loadSplit(wrong, "random:48/32/20:0"), /node 2 has class 3/);
  });
});

describe("a split", () => {
  const BAD: readonly [changes: Partial<abkd.Split>, RegExp][] = [
    [{ train: ints() }, /train: it has no nodes/],
    [{ val: ints(24, 60) }, /val: node 60 is not one of 0 to 59/],
    [{ val: ints(-1) }, /val: node -1 is not one of 0 to 59/],
    [{ test: ints(0, 42) }, /test: node 0 is in train too/],
    [{ train: ints(3, 3) }, /train: node 3 is in it twice/],
    [{ val: [24] as unknown as Int32Array }, /val: it must be of the type Int32Array, not Array/],
  ];
  it("whose sets are empty, overlap or leave the graph is rejected", () => {
    for (const [changes, message] of BAD) {
      refuses(() => abkd.splitTargets(graph, { ...split, ...changes }), message);
    }
    const labels = graph.labels.with(5, abkd.UNLABELLED);
    refuses(() => abkd.splitTargets({ ...graph, labels }, split), /train: node 5 has no class/);
  });
  it("of another graph is not reordered", () => {
    const order = new abkd.NodeOrder(ints(1, 0));
    refuses(() => order.split(split), /a set of nodes: node 2 is not one of 0 to 1/);
  });
});
