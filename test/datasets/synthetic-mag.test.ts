// The synthetic Mag: Mag's types, relations and counts at every scale, its laws, its bits, and linear time.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, test } from "node:test";
import { loadDataset, loadSplit, syntheticMag } from "../../src/datasets/index.ts";
import { checkGraph } from "../../src/graph/check.ts";
import { type Csr, nonzeros } from "../../src/graph/csr.ts";
import type { Graph } from "../../src/graph/graph.ts";

/** OGB's counts, from its documentation and ABKD's table 2: 1,939,743 nodes, 21,111,007 arcs. */
const MAG = {
  nodes: { paper: 736_389, author: 1_134_649, field_of_study: 59_965, institution: 8_740 },
  arcs: {
    "author affiliated_with institution": 1_043_998,
    "author writes paper": 7_145_660,
    "paper cites paper": 5_416_271,
    "paper has_topic field_of_study": 7_505_078,
  },
};

function countsOf({ types, relations }: Graph): { nodes: object; arcs: Record<string, number> } {
  return {
    nodes: Object.fromEntries(types!.map(({ name, nodes }) => [name, nodes])),
    arcs: Object.fromEntries(
      relations!.map(({ source, name, target, arcs }) => [
        `${source} ${name} ${target}`,
        nonzeros(arcs),
      ]),
    ),
  };
}

const scaled = (counts: Record<string, number>, scale: number): Record<string, number> =>
  Object.fromEntries(
    Object.entries(counts).map(([key, count]) => [key, Math.round(count * scale)]),
  );

function digest({ labels, features, relations, adjacency }: Graph): string {
  const hash = createHash("sha256")
    .update(labels)
    .update(features.values!)
    .update(adjacency.indices);
  for (const { arcs } of relations!) hash.update(arcs.indptr).update(arcs.indices);
  return hash.digest("hex").slice(0, 16);
}

const degrees = ({ rows, indptr }: Csr): number[] =>
  Array.from({ length: rows }, (_, r) => indptr[r + 1]! - indptr[r]!).sort((a, b) => b - a);

describe("the synthetic Mag", () => {
  for (const scale of [0.001, 1 / 300, 0.01]) {
    test(`at ${scale}: exactly Mag's share of each count, and a sound graph`, () => {
      const graph = syntheticMag({ scale });
      checkGraph(graph);
      assert.deepEqual(countsOf(graph), {
        nodes: scaled(MAG.nodes, scale),
        arcs: scaled(MAG.arcs, scale),
      });
      assert.deepEqual([graph.classes, graph.features.columns], [349, 128]);
      const papers = graph.types![0]!.nodes;
      assert.equal(graph.labels.length, papers);
      assert.equal(nonzeros(graph.features), 128 * papers, "papers alone have features");
      const cites = graph.relations!.find(({ name }) => name === "cites")!.arcs;
      for (let r = 0; r < cites.rows; r++) {
        assert.ok(!cites.indices.subarray(cites.indptr[r], cites.indptr[r + 1]).includes(r));
      }
    });
  }

  test("the full scale's counts are Mag's own", () => {
    const sum = (counts: Record<string, number>): number =>
      Object.values(counts).reduce((a, b) => a + b, 0);
    assert.deepEqual([sum(MAG.nodes), sum(MAG.arcs)], [1_939_743, 21_111_007]);
    // A tenth is large enough for rounding to hide nothing.
    const tenth = syntheticMag({ scale: 0.1 });
    assert.deepEqual(countsOf(tenth), {
      nodes: scaled(MAG.nodes, 0.1),
      arcs: scaled(MAG.arcs, 0.1),
    });
    // Heavy tails: the most cited hundredth of the papers would have 0.22 of the citations by the law (0.01^(1/3)), less what repeats; one has 1 %.
    const cited = degrees(tenth.relations!.find(({ name }) => name === "cites")!.arcs);
    const share = (count: number): number =>
      cited.slice(0, count).reduce((a, b) => a + b, 0) / 541_627;
    assert.ok(
      share(736) > 0.15 && share(1) > 0.005 && share(1) < 0.03,
      `${share(736)} ${share(1)}`,
    );
    // Homophily: what `within` says, and what falls into the class by chance.
    const { arcs } = tenth.relations!.find(({ name }) => name === "cites")!;
    let same = 0;
    for (let r = 0; r < arcs.rows; r++) {
      for (let k = arcs.indptr[r]!; k < arcs.indptr[r + 1]!; k++) {
        if (tenth.labels[r] === tenth.labels[arcs.indices[k]!]) same++;
      }
    }
    const homophily = same / nonzeros(arcs);
    assert.ok(homophily > 0.55 && homophily < 0.65, `${homophily}`);
  });

  test("the same bits for a seed, on every machine; others for another", () => {
    const first = digest(syntheticMag({ scale: 0.001 }));
    assert.equal(digest(syntheticMag({ scale: 0.001 })), first);
    assert.equal(first, "514c17a5240292b0");
    assert.notEqual(digest(syntheticMag({ scale: 0.001, seed: 1 })), first);
  });

  test("time is linear in the arcs", () => {
    const seconds = (scale: number): number => {
      const before = process.cpuUsage();
      syntheticMag({ scale });
      const { user, system } = process.cpuUsage(before);
      return (user + system) / 1e6;
    };
    seconds(0.003);
    const [small, large] = [seconds(0.01), seconds(0.08)];
    // Eight times the arcs; what a cache holds of the smaller graph is what the factor 2 is for.
    assert.ok(large < 16 * small, `${small} s, ${large} s`);
  });

  test("its names in the registry, and a split of OGB's sizes", async () => {
    const graph = await loadDataset("synthetic-mag-100");
    assert.equal(graph.name, "synthetic-mag-100");
    assert.deepEqual(countsOf(graph), {
      nodes: scaled(MAG.nodes, 0.01),
      arcs: scaled(MAG.arcs, 0.01),
    });
    const split = await loadSplit(graph, "public");
    const sizes = [split.train, split.val, split.test].map(({ length }) => length);
    // 629,571 / 64,879 / 41,939 of 736,389.
    assert.deepEqual(sizes, [6_296, 649, 419]);
  });

  test("another scale or seed is refused", () => {
    for (const options of [
      { scale: 0 },
      { scale: 1.1 },
      { scale: "1" },
      { seed: -1 },
      { size: 1 },
    ]) {
      assert.throws(() => syntheticMag(options as never), { name: "OptionError" });
    }
  });
});
