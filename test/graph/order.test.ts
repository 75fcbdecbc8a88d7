// Orders of nodes: neighbours move closer together, and everything but the numbering stays the same.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type Csr, csrFromPairs } from "../../src/graph/csr.ts";
import type { Graph, Split } from "../../src/graph/graph.ts";
import { symmetricNormalised } from "../../src/graph/normalise.ts";
import { localityOrder } from "../../src/graph/order.ts";
import { randomStream, shuffle } from "../../src/graph/random.ts";
import { NodeOrder } from "../../src/graph/reorder.ts";
import { syntheticGraph } from "../../src/graph/synthetic.ts";

function graphOf(nodes: number, edges: readonly (readonly [number, number])[]): Csr {
  const [from, to] = [edges.map(([a]) => a), edges.map(([, b]) => b)];
  return csrFromPairs(nodes, nodes, from.concat(to), to.concat(from));
}

/** A chain of cliques of 8 nodes, numbered at random. */
function shuffledCliques(cliques: number): Csr {
  const nodes = 8 * cliques;
  const number = Int32Array.from({ length: nodes }, (_, k) => k);
  shuffle(number, randomStream(3));
  const edges: [number, number][] = [];
  for (let a = 0; a < nodes; a++) {
    const end = a - (a % 8) + 8;
    for (let b = a + 1; b < end; b++) edges.push([number[a]!, number[b]!]);
    if (end < nodes && a === end - 1) edges.push([number[a]!, number[end]!]);
  }
  return graphOf(nodes, edges);
}

/** The average distance between the two ends of an arc. */
function meanGap({ rows, indptr, indices }: Csr): number {
  let sum = 0;
  for (let r = 0; r < rows; r++) {
    for (let k = indptr[r]!; k < indptr[r + 1]!; k++) sum += Math.abs(r - indices[k]!);
  }
  return sum / indices.length;
}

const bare = (adjacency: Csr): Graph => ({
  ...{ name: "bare", nodes: adjacency.rows, classes: 2, adjacency },
  features: csrFromPairs(adjacency.rows, 1, [], []),
  labels: new Int32Array(adjacency.rows),
});

describe("the locality order", () => {
  const cases: readonly (readonly [string, Csr])[] = [
    ["no nodes", graphOf(0, [])],
    ["nodes without arcs", graphOf(5, [])],
    ["two nodes", graphOf(2, [[0, 1]])],
    [
      "a hub",
      graphOf(
        50,
        Array.from({ length: 49 }, (_, k) => [0, k + 1] as const),
      ),
    ],
    ["cliques", shuffledCliques(40)],
    ["the synthetic graph", syntheticGraph(1).adjacency],
  ];
  for (const [name, adjacency] of cases) {
    test(`${name}: has each node once, and is the same each time`, () => {
      const order = localityOrder(adjacency);
      assert.deepEqual(order.toSorted(), Int32Array.from(order.keys()));
      assert.deepEqual(localityOrder(adjacency), order);
    });
  }

  test("brings the members of a clique together", () => {
    const graph = bare(shuffledCliques(100));
    const ordered = new NodeOrder(localityOrder(graph.adjacency)).graph(graph);
    const [before, after] = [graph, ordered].map(({ adjacency }) => meanGap(adjacency));
    assert.ok(before! > 200, `${before}`);
    assert.ok(after! < 10, `${after}`);
  });
});

describe("a graph in another order", () => {
  const graph: Graph = { ...syntheticGraph(2), classless: Int32Array.of(3, 40, 1000) };
  const order = new NodeOrder(localityOrder(graph.adjacency));
  const ordered = order.graph(graph);

  /** Lists rows and their entries by the dataset's numbering. */
  function rowsOf({ indptr, indices, values }: Csr, node: (at: number) => number): unknown {
    const rows: [number, number][][] = [];
    for (let at = 0; at + 1 < indptr.length; at++) {
      const row: [number, number][] = [];
      for (let k = indptr[at]!; k < indptr[at + 1]!; k++)
        row.push([node(indices[k]!), values?.[k] ?? 1]);
      rows[node(at)] = row.sort(([a], [b]) => a - b);
    }
    return rows;
  }
  const same = (at: number): number => at;
  const original = (at: number): number => order.nodes[at]!;

  test("has the same arcs, features, labels and nodes without a class", () => {
    assert.notDeepEqual(order.nodes, Int32Array.from(order.nodes.keys()));
    const [before, after] = [graph, ordered].map(({ adjacency }) => symmetricNormalised(adjacency));
    assert.deepEqual(rowsOf(after!, original), rowsOf(before!, same));
    for (const [at, node] of order.nodes.entries()) {
      const words = ({ features: { indptr, indices } }: Graph, row: number) =>
        indices.slice(indptr[row], indptr[row + 1]);
      assert.deepEqual(words(ordered, at), words(graph, node));
      assert.equal(ordered.labels[at], graph.labels[node]);
    }
    assert.deepEqual(ordered.classless!.map(original).sort(), graph.classless);
  });

  test("has sorted rows, as the whole library expects", () => {
    const { indptr, indices } = ordered.adjacency;
    for (let r = 0; r < graph.nodes; r++) {
      const row = indices.slice(indptr[r], indptr[r + 1]);
      assert.deepEqual(row, row.toSorted());
    }
  });

  test("splits keep their nodes, ascending; per-node values come back", () => {
    const split: Split = {
      ...{ name: "some", unlabelled: { train: 0, val: 0, test: 0 } },
      ...{ train: Int32Array.of(0, 5, 9), val: Int32Array.of(1, 2), test: Int32Array.of(2000) },
    };
    const moved = order.split(split);
    for (const set of ["train", "val", "test"] as const) {
      assert.deepEqual(moved[set], moved[set].toSorted());
      assert.deepEqual(moved[set].map(original).sort(), split[set]);
    }
    assert.deepEqual(order.restored(ordered.labels), graph.labels);
    const pairs = Float32Array.from({ length: 2 * graph.nodes }, (_, k) => k);
    const inOrder = pairs.map((_, k) => pairs[2 * original(k >> 1) + (k & 1)]!);
    assert.deepEqual(order.restored(inOrder), pairs);
  });

  test("an invalid order, or one of another graph, is an error", () => {
    assert.throws(() => new NodeOrder(Int32Array.of(0, 2, 2)), /2 is out of range or repeated/);
    assert.throws(() => new NodeOrder(Int32Array.of(0, 3)), /not an order of 2 nodes: 3/);
    const other = new NodeOrder(Int32Array.of(1, 0));
    assert.throws(() => other.graph(graph), /an order of 2 nodes does not fit synthetic: 2708/);
    assert.throws(() => other.restored(Int32Array.of(1, 2, 3)), RangeError);
  });
});
