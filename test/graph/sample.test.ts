// Drawn parts of a graph: what they hold, by the definition, and how likely each is.
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Csr, csrFromPairs } from "../../src/graph/csr.ts";
import { randomStream } from "../../src/graph/random.ts";
import { GraphSampler } from "../../src/graph/sample.ts";

/** 40 nodes of many degrees, node 0 with 60 neighbours of 80, the last one without any. */
function someGraph(): Csr {
  const [rows, columns]: [number[], number[]] = [[], []];
  const random = randomStream(5);
  for (let node = 1; node <= 60; node++) {
    rows.push(0, node);
    columns.push(node, 0);
  }
  for (let k = 0; k < 150; k++) {
    const [a, b] = [random.below(79), random.below(79)];
    if (a === b) continue;
    rows.push(a, b);
    columns.push(b, a);
  }
  return csrFromPairs(80, 80, rows, columns);
}

const graph = someGraph();
const neighboursOf = ({ indptr, indices }: Csr, row: number): number[] => [
  ...indices.subarray(indptr[row]!, indptr[row + 1]!),
];

test("each computed node has its fan-out of its neighbours, no arc twice, and layers fit each other", () => {
  const sampler = new GraphSampler(graph);
  const seeds = Int32Array.of(79, 0, 7, 33);
  const fanOut = [5, 3, 50];
  for (let seed = 1; seed <= 20; seed++) {
    const { nodes, layers } = sampler.neighbours(seeds, fanOut, randomStream(seed));
    assert.deepEqual(nodes.subarray(0, 4), seeds);
    assert.equal(new Set(nodes).size, nodes.length);
    assert.equal(layers.length, 3);
    assert.equal(layers[2]!.rows, 4);
    assert.equal(layers[0]!.columns, nodes.length);
    for (const [l, layer] of layers.entries()) {
      if (l > 0) assert.equal(layer.columns, layers[l - 1]!.rows);
      const most = fanOut[2 - l]!;
      const met = new Set(nodes.subarray(0, layer.rows));
      for (let row = 0; row < layer.rows; row++) {
        const places = neighboursOf(layer, row);
        assert.deepEqual(
          places,
          [...new Set(places)].sort((a, b) => a - b),
        );
        const all = neighboursOf(graph, nodes[row]!);
        const drawn = places.map((place) => nodes[place]!);
        assert.equal(drawn.length, Math.min(most, all.length));
        for (const node of drawn) {
          assert.ok(all.includes(node));
          met.add(node);
        }
      }
      // Nothing is read that no arc or computed node needs.
      assert.deepEqual(new Set(nodes.subarray(0, layer.columns)), met);
    }
    const again = sampler.neighbours(seeds, fanOut, randomStream(seed));
    assert.deepEqual(again, { nodes, layers });
  }
});

test("every subset of a node's neighbours is equally likely", () => {
  // A star: node 0 has 6 neighbours, of which 3 are drawn: 20 subsets.
  const ends = [1, 2, 3, 4, 5, 6];
  const star = csrFromPairs(7, 7, [0, 0, 0, 0, 0, 0], ends);
  const sampler = new GraphSampler(star);
  const random = randomStream(11);
  const counts = new Map<string, number>();
  const DRAWS = 20_000;
  for (let k = 0; k < DRAWS; k++) {
    const { nodes } = sampler.neighbours(Int32Array.of(0), [3], random);
    const key = String([...nodes.subarray(1)].sort());
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  assert.equal(counts.size, 20);
  const expected = DRAWS / 20;
  const square = [...counts.values()].reduce((sum, n) => sum + (n - expected) ** 2 / expected, 0);
  // Chi-squared with 19 degrees of freedom: above 43.8 with probability 0.001.
  assert.ok(square < 43.8, `chi-squared ${square}`);
});

test("the mean over drawn neighbours is right on average", () => {
  const sampler = new GraphSampler(graph);
  const value = (node: number): number => Math.sin(node);
  const all = neighboursOf(graph, 0);
  const mean = all.reduce((sum, node) => sum + value(node), 0) / all.length;
  const random = randomStream(3);
  const DRAWS = 4000;
  let [sum, squares] = [0, 0];
  for (let k = 0; k < DRAWS; k++) {
    const { nodes } = sampler.neighbours(Int32Array.of(0), [10], random);
    const own = [...nodes.subarray(1)].reduce((total, node) => total + value(node), 0) / 10;
    sum += own;
    squares += own * own;
  }
  const found = sum / DRAWS;
  const error = Math.sqrt((squares / DRAWS - found * found) / DRAWS);
  assert.ok(Math.abs(found - mean) < 4 * error, `${found}, not ${mean} within 4 x ${error}`);
});

test("walks go to neighbours, each equally likely, and every arc between the nodes met is taken", () => {
  const sampler = new GraphSampler(graph);
  for (let seed = 1; seed <= 20; seed++) {
    const roots = Int32Array.of(79, 12, 12, 50);
    const { nodes, layers } = sampler.walks(roots, 3, 2, randomStream(seed));
    assert.deepEqual(
      [...nodes],
      [...new Set(nodes)].sort((a, b) => a - b),
    );
    assert.ok(nodes.length <= 3 * 4 && [79, 12, 50].every((node) => nodes.includes(node)));
    assert.equal(layers.length, 2);
    assert.equal(layers[0], layers[1]);
    const { rows, columns } = layers[0]!;
    assert.deepEqual([rows, columns], [nodes.length, nodes.length]);
    for (let row = 0; row < rows; row++) {
      const own = neighboursOf(graph, nodes[row]!).filter((node) => nodes.includes(node));
      assert.deepEqual(
        neighboursOf(layers[0]!, row).map((place) => nodes[place]),
        own,
      );
    }
    assert.deepEqual(sampler.walks(roots, 3, 2, randomStream(seed)), { nodes, layers });
  }
  const random = randomStream(2);
  const [STEPS, counts] = [12_000, new Map<number, number>()];
  for (let k = 0; k < STEPS; k++) {
    const { nodes } = sampler.walks(Int32Array.of(0), 1, 1, random);
    counts.set(nodes[1]!, (counts.get(nodes[1]!) ?? 0) + 1);
  }
  const all = neighboursOf(graph, 0);
  const expected = STEPS / all.length;
  const square = all.reduce((sum, n) => sum + ((counts.get(n) ?? 0) - expected) ** 2 / expected, 0);
  // Degrees of freedom: the neighbours but one; mean k and variance 2 k, here to 4 deviations.
  const free = all.length - 1;
  assert.ok(square < free + 4 * Math.sqrt(2 * free), `chi-squared ${square} of ${free}`);
});
