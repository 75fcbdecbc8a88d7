// Graphs from plain arrays equal those from csrFromPairs, whatever form the arrays have.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { OptionError, UserError } from "../../src/base/errors.ts";
import { loadDataset, loadSplit, registerDataset } from "../../src/datasets/index.ts";
import { InputError } from "../../src/graph/check.ts";
import type { Csr } from "../../src/graph/csr.ts";
import { UNLABELLED } from "../../src/graph/graph.ts";
import { type GraphArrays, makeGraph } from "../../src/graph/make.ts";
import { smallGraph } from "../training/small.ts";

const expected = smallGraph();
const labels = [...expected.labels];

/** Lists each edge of a matrix once, from the lower node. */
function edgesOf({ indptr, indices, rows }: Csr): { from: number[]; to: number[] } {
  const edges = { from: [] as number[], to: [] as number[] };
  for (let r = 0; r < rows; r++) {
    for (const c of indices.subarray(indptr[r], indptr[r + 1])) {
      if (c < r) continue;
      edges.from.push(r);
      edges.to.push(c);
    }
  }
  return edges;
}

function denseOf({ indptr, indices, values, rows, columns }: Csr): number[][] {
  return Array.from({ length: rows }, (_, r) => {
    const row = new Array<number>(columns).fill(0);
    for (let k = indptr[r]!; k < indptr[r + 1]!; k++) row[indices[k]!] = values?.[k] ?? 1;
    return row;
  });
}

const edges = edgesOf(expected.adjacency);
const features = denseOf(expected.features);

describe("the same graph", () => {
  const { indptr, indices } = expected.adjacency;
  const forms: Readonly<Record<string, Omit<GraphArrays, "labels">>> = {
    "edges in one direction, dense rows": { edges, features },
    "edges in both, some twice": {
      edges: { from: [...edges.from, ...edges.to, 0], to: [...edges.to, ...edges.from, 1] },
      features,
    },
    "compressed rows, typed or not": {
      adjacency: { indptr: [...indptr], indices },
      features: { ...expected.features, indices: [...expected.features.indices] },
    },
    "rows of floats": { edges, features: features.map((row) => Float32Array.from(row)) },
  };
  for (const [form, arrays] of Object.entries(forms)) {
    test(form, () => {
      const graph = makeGraph({ name: "small", ...arrays, labels });
      assert.deepEqual(graph, expected);
    });
  }

  test("values that are not 1 are kept, zeros are not; the arrays are copied", () => {
    const own = Int32Array.from([0, UNLABELLED, 1]);
    const rows = [
      [0, 0.5],
      [1, 0],
      [0, 0],
    ];
    const graph = makeGraph({
      edges: { from: [0], to: [2] },
      features: rows,
      labels: own,
      classes: 4,
    });
    own[0] = 1;
    assert.deepEqual(denseOf(graph.features), rows);
    assert.equal(graph.features.indices.length, 2);
    assert.deepEqual([graph.name, graph.classes, [...graph.labels]], ["graph", 4, [0, -1, 1]]);
  });
});

describe("invalid arrays are named", () => {
  const good = { name: "bad", edges, features, labels };
  const wrong: readonly (readonly [change: object, message: RegExp])[] = [
    [{ edges: undefined }, /bad: give its edges either as `edges` or as `adjacency`/],
    [{ adjacency: expected.adjacency }, /either as `edges` or as `adjacency`/],
    [
      { edges: { from: [0], to: [60] } },
      /bad: edges\.to: entry 0 is 60, not a whole number from 0 to 59/,
    ],
    [{ edges: { from: [0, 1], to: [2] } }, /edges: 2 of `from` and 1 of `to`/],
    [{ edges: { from: [5], to: [5] } }, /node 5 has an arc to itself/],
    [{ edges: { from: [0.5], to: [2] } }, /edges\.from: entry 0 is 0\.5/],
    [
      { edges: undefined, adjacency: { indptr: [0, 1], indices: [0] } },
      /indptr has 2 entries for 60 rows/,
    ],
    [
      { edges: undefined, adjacency: { indptr: [0, ...Array(60).fill(1)], indices: [3] } },
      /arc 0 -> 3 without its opposite/,
    ],
    [{ features: features.slice(1) }, /features: 59 rows for 60 nodes/],
    [{ features: [[1], [1, 2]] }, /row 1 has 2 numbers, row 0 has 1/],
    [{ features: [[1], [Number.NaN]] }, /row 1, column 0 is NaN, not a finite number/],
    [{ features: [["1"]] }, /row 0, column 0 is "1", not a finite number/],
    [{ features: [] }, /row 0 is missing/],
    [{ features: "none" }, /expected: rows of numbers/],
    [{ labels: [-2] }, /labels: entry 0 is -2, not a whole number from -1/],
    [{ labels: undefined }, /has no labels/],
    [{ classes: 2 }, /node 2 has class 2, not one of 0 to 1/],
  ];
  for (const [change, message] of wrong) {
    test(String(message), () => {
      assert.throws(
        () => makeGraph({ ...good, ...change } as GraphArrays),
        (error: Error) => {
          assert.ok(error instanceof InputError || error instanceof OptionError, error.stack);
          assert.match(error.message, message);
          return true;
        },
      );
    });
  }
});

describe("a dataset's own split", () => {
  const nodes = [...labels.keys()];
  const mask = (chosen: readonly number[]) => nodes.map((node) => chosen.includes(node));
  const sets = { train: [2, 1, 0], val: [4, 3], test: [5] };

  test("is given by nodes in any order or by masks; pyg-full follows from it", async (t) => {
    const masks = { train: mask(sets.train), val: mask(sets.val), test: mask(sets.test) };
    for (const split of [sets, masks]) {
      const remove = registerDataset({ name: "mine", graph: expected, split });
      t.after(remove);
      const graph = await loadDataset("mine");
      const { train, val, test: rest } = await loadSplit(graph, "public");
      assert.deepEqual([[...train], [...val], [...rest]], [[0, 1, 2], [3, 4], [5]]);
      assert.equal((await loadSplit(graph, "pyg-full")).train.length, 57);
      await assert.rejects(
        loadSplit(graph, "geom-gcn:0"),
        /mine has no split "geom-gcn:0": use public/,
      );
      remove();
    }
  });

  const wrong: readonly (readonly [change: object, message: RegExp])[] = [
    [{ train: [60] }, /the split of mine: train: entry 0 is 60, not a node, 0 to 59/],
    [{ val: [true, false] }, /val: a mask of 2 for 60 nodes/],
    [{ test: [4] }, /test: node 4 is in val too/],
    [{ test: [] }, /test: it has no nodes/],
    [{ test: undefined }, /the split of mine has no test/],
    [{ test: 5 }, /test: it is 5, not an array/],
  ];
  for (const [change, message] of wrong) {
    test(String(message), async (t) => {
      const split = { ...sets, ...change } as typeof sets;
      assert.throws(() => registerDataset({ name: "mine", graph: expected, split }), message);
      // If the graph is made on demand, the error comes then.
      t.after(registerDataset({ name: "mine", graph: () => expected, split }));
      await assert.rejects(loadDataset("mine"), (error: Error) => {
        assert.ok(error instanceof UserError, error.stack);
        assert.match(error.message, message);
        return true;
      });
    });
  }
});
