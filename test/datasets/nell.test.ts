// NELL: labels joined over its variants, nodes without a class, files that contradict each other.
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, describe, test } from "node:test";
import {
  BadFileError,
  DATASET_NAMES,
  datasetEntry,
  loadDataset,
  loadSplit,
} from "../../src/datasets/index.ts";
import { verifyDataset } from "../../src/datasets/verify.ts";
import { constantPredictor } from "../../src/graph/constant-predictor.ts";
import { type Graph, UNLABELLED } from "../../src/graph/graph.ts";
import { abkd } from "../cli/abkd.ts";
import { SHARED_DATA, skipWithoutData } from "./support/shared-data.ts";
import type { Files } from "./support/toy.ts";
import {
  nellCsr,
  nellToy,
  TOY_NELL,
  TOY_VARIANTS,
  type ToyNellParts,
  toyNellFeatures,
  toyNellLabel,
  toyNellNodes,
} from "./support/toy-nell.ts";

const NELL = DATASET_NAMES.filter((name) => name.startsWith("nell"));
const folders: string[] = [];
after(() => {
  for (const folder of folders) rmSync(folder, { recursive: true });
});

function folderOf(files: Files): string {
  const folder = mkdtempSync(path.join(tmpdir(), "abkd-nell-"));
  folders.push(folder);
  mkdirSync(path.join(folder, "nell"));
  for (const [file, bytes] of files) writeFileSync(path.join(folder, file), bytes);
  return folder;
}

async function load(name: string, files: Files, warnings: string[] = []): Promise<Graph> {
  const onWarning = (message: string): void => void warnings.push(message);
  return loadDataset(name, { dataDir: folderOf(files), onWarning });
}

const classOf = (entity: number, known: readonly number[]): number =>
  known.includes(entity) ? toyNellLabel(entity) : UNLABELLED;

describe("a NELL of 12 entities", () => {
  for (const [name, rate, unknown] of [
    ["nell", "0.001", [2]],
    ["nell-0.01", "0.01", [2, 10, 11]],
    ["nell-0.1", "0.1", [2, 10]],
  ] as const) {
    test(`${name}: an entity gets the class that any variant publishes for its features`, async () => {
      const graph = await load(name, nellToy());
      const { entity, relation } = toyNellNodes(TOY_VARIANTS[rate]!);
      const known = [...entity.keys()].filter((e) => !unknown.includes(e as never));
      for (const [e, node] of entity) {
        assert.equal(graph.labels[node], classOf(e, known), `entity ${e}`);
        const { indptr, indices, values } = graph.features;
        const row = Array.from(indices.subarray(indptr[node], indptr[node + 1]), (column, k) => [
          column,
          values![indptr[node]! + k],
        ]);
        assert.deepEqual(row, toyNellFeatures(e), `entity ${e}`);
        const neighbours = graph.adjacency.indices.subarray(
          graph.adjacency.indptr[node],
          graph.adjacency.indptr[node + 1],
        );
        assert.deepEqual([...neighbours], [relation[e % 8]]);
      }
      assert.deepEqual([...graph.classless!], relation);
      for (const node of relation) assert.equal(graph.labels[node], UNLABELLED);
      assert.equal(graph.nodes, TOY_NELL.nodes);
      assert.equal(graph.classes, TOY_NELL.classes);
      assert.equal(graph.adjacency.indices.length, 2 * TOY_NELL.edges);
    });
  }

  test("nell-identity: each relation node has its own column after the others", async () => {
    const [plain, graph] = [await load("nell", nellToy()), await load("nell-identity", nellToy())];
    const { indptr, indices, values, columns } = graph.features;
    assert.equal(columns, TOY_NELL.features + TOY_NELL.relations);
    assert.equal(indices.length, plain.features.indices.length + TOY_NELL.relations);
    graph.classless!.forEach((node, k) => {
      assert.deepEqual(
        [...indices.subarray(indptr[node], indptr[node + 1])],
        [TOY_NELL.features + k],
      );
      assert.equal(values![indptr[node]!], 1);
    });
    for (let node = 0; node < graph.nodes; node++) {
      if (graph.classless!.includes(node)) continue;
      const [start, end] = [plain.features.indptr[node]!, plain.features.indptr[node + 1]!];
      assert.deepEqual(
        indices.slice(indptr[node], indptr[node + 1]),
        plain.features.indices.slice(start, end),
      );
      assert.deepEqual(
        values!.slice(indptr[node], indptr[node + 1]),
        plain.features.values!.slice(start, end),
      );
    }
  });

  test("nell-class0: relation nodes have class 0, unknown entities none", async () => {
    const [plain, graph] = [await load("nell", nellToy()), await load("nell-class0", nellToy())];
    const relation = new Set(plain.classless);
    plain.labels.forEach((label, node) => {
      assert.equal(graph.labels[node], relation.has(node) ? 0 : label);
    });
    assert.deepEqual(graph.classless, plain.classless);
  });

  test("ally is used if it is present, and no entity is unknown", async () => {
    const files = nellToy((parts, rate) => {
      parts.ally = TOY_VARIANTS[rate]!.stacked.map(toyNellLabel);
    });
    const warnings: string[] = [];
    const graph = await load("nell", files, warnings);
    const { entity } = toyNellNodes(TOY_VARIANTS["0.001"]!);
    for (const [e, node] of entity) assert.equal(graph.labels[node], toyNellLabel(e));
    assert.match(warnings.join(), /this is not the published nell/);
  });

  test("the public split: y trains, test.index tests", async () => {
    const graph = await load("nell", nellToy());
    await assert.rejects(
      loadSplit(graph, "public", { dataDir: folders.at(-1)! }),
      /500 validation nodes do not fit between 2 training nodes and the first test node 10/,
    );
    const { train, val, test: held } = await loadSplit(graph, "random:50/25/25:1");
    for (const node of [...train, ...val, ...held]) assert.ok(!graph.classless!.includes(node));
    assert.equal(train.length + val.length + held.length, 11);
  });
});

const changed = (
  rate: string,
  change: (parts: ToyNellParts) => void,
): ((parts: ToyNellParts, of: string) => void) => {
  return (parts, of) => {
    if (of === rate) change(parts);
  };
};

const entityRow = (e: number) => (of: number) =>
  (of === e ? [[8, 9]] : toyNellFeatures(of)) as [number, number][];

/** What is wrong, how to break the files, the file that the message begins with, and what it says. */
const BROKEN: [string, (parts: ToyNellParts, rate: string) => void, string, RegExp][] = [
  [
    "two variants publish different classes",
    changed("0.1", (p) => (p.y[0] = 0)),
    "0.1.y",
    /row 0 has class 0, row 1 of .*0\.01\.ty has the same features and class 2/,
  ],
  [
    "a variant contradicts ally",
    changed("0.001", (p) => (p.ally = [0, 1, 2, 0, 0, 1, 2, 4, 0])),
    "0.01.y",
    /row 0 has class 4, but node 3 of nell\/ind\.nell\.0\.001.* has class 0/,
  ],
  [
    "y is not the beginning of ally",
    changed("0.001", (p) => (p.ally = [1, 1, 2, 4, 0, 1, 2, 4, 0])),
    "0.001.y",
    /row 0 differs from row 0/,
  ],
  [
    "ally is too short",
    changed("0.001", (p) => (p.ally = [0, 1])),
    "0.001.allx",
    /9 rows, but 2 in/,
  ],
  [
    "a variant of another graph",
    changed("0.1", (p) => (p.tx = nellCsr(TOY_VARIANTS["0.1"]!.test, entityRow(4)))),
    "0.1.tx",
    /no entity of nell\/ind\.nell\.0\.001 has the features of row 1/,
  ],
  [
    "another number of features",
    changed("0.01", (p) => (p.x = { ...p.x, shape: [3, 10] })),
    "0.01.x",
    /10 columns, but 9/,
  ],
  ["another width of labels", changed("0.01", (p) => (p.width = 8)), "0.01.y", /8 columns, but 7/],
  ["one label too few", changed("0.01", (p) => void p.ty.pop()), "0.01.tx", /3 rows, but 2/],
  [
    "x is not the beginning of allx",
    changed("0.001", (p) => (p.x = nellCsr([1, 0]))),
    "0.001.x",
    /row 0 differs/,
  ],
  [
    "a test node that is a row of allx",
    changed("0.001", (p) => (p.testIndex[0] = 3)),
    "0.001.test.index",
    /test node 3 is one of the 9 rows/,
  ],
  [
    "a test node beyond the graph",
    changed("0.001", (p) => (p.testIndex[0] = 20)),
    "0.001.test.index",
    /test node 20, but .*graph lists 20 nodes/,
  ],
  [
    "one test node too few",
    changed("0.001", (p) => void p.testIndex.pop()),
    "0.001.test.index",
    /2 test nodes for the 3 rows/,
  ],
  [
    "a graph that leaves a node out",
    changed("0.001", (p) => void p.graph.delete(7)),
    "0.001.graph",
    /node 19 in a graph of the nodes 0 to 18/,
  ],
  [
    "a neighbour beyond the last node",
    changed("0.001", (p) => p.graph.set(0, [20])),
    "0.001.graph",
    /node 20 in a graph/,
  ],
];

describe("broken NELL files are rejected in one line that names the file", () => {
  for (const [name, change, file, message] of BROKEN) {
    test(name, async () => {
      await assert.rejects(load("nell", nellToy(change)), (error: unknown) => {
        assert.ok(error instanceof BadFileError, String(error));
        assert.ok(
          error.message.startsWith(path.join(folders.at(-1)!, `nell/ind.nell.${file}: `)),
          error.message,
        );
        assert.match(error.message, message);
        assert.doesNotMatch(error.message, /\n/);
        return true;
      });
    });
  }

  test("every file cut short", async () => {
    for (const file of datasetEntry("nell").files) {
      const whole = nellToy().get(file)!;
      const length = Math.floor(whole.length * 0.7);
      // Less than a line of test.index would still be a list of nodes.
      const cut = file.endsWith("index") ? Buffer.from("10\n1x") : whole.subarray(0, length);
      await assert.rejects(load("nell", nellToy().set(file, cut)), (error: unknown) => {
        assert.ok(error instanceof BadFileError, file);
        assert.ok(error.message.includes(file), error.message);
        return true;
      });
    }
  });
});

test("data info gives the baseline that a model must beat; ally is not required", async () => {
  const { code, stdout } = await abkd(
    "data",
    "info",
    "nell",
    "--json",
    "--data",
    folderOf(nellToy()),
  );
  assert.equal(code, 0);
  const info = JSON.parse(stdout) as Record<string, unknown>;
  assert.equal(info["classless"], TOY_NELL.relations);
  assert.equal(info["unlabelled"], TOY_NELL.relations + 1);
  // 3 of the 11 known entities (0, 4 and 8) are of class 0; entity 2 is unknown.
  const all = (info["constant"] as { all: Record<string, number> }).all;
  assert.ok(Math.abs(all["accuracy"]! - (8 + (3 / 11) * 12) / 20) < 1e-12);
  assert.deepEqual([all["least"], all["most"]], [11 / 20, 12 / 20]);
});

describe("the real NELL", { skip: skipWithoutData("nell") }, () => {
  const options = { dataDir: SHARED_DATA };

  for (const name of NELL) {
    test(`${name} matches what an independent reader found`, async () => {
      assert.deepEqual((await verifyDataset(name, options)).differences, []);
    });
  }

  test("joined labels match those of an alignment by graph structure, plus one more", async () => {
    const file = path.join(SHARED_DATA, "nell", "derived_pooled_labels.json");
    const pooled = JSON.parse(readFileSync(file, "utf8")) as Record<
      string,
      { num_nodes: number; num_entities: number; labels: Record<string, number> }
    >;
    for (const [name, rate, more] of [
      ["nell", "0.001", [8062]],
      ["nell-0.01", "0.01", [8049]],
      ["nell-0.1", "0.1", []],
    ] as const) {
      const graph = await loadDataset(name, options);
      const { num_nodes, num_entities, labels } = pooled[rate]!;
      assert.equal(graph.nodes, num_nodes);
      assert.equal(graph.nodes - graph.classless!.length, num_entities);
      const found = [...graph.labels.keys()].filter((node) => graph.labels[node] !== UNLABELLED);
      // Its features are unique, but its place in the graph is not.
      assert.deepEqual(
        found.filter((node) => !(node in labels)),
        more,
      );
      assert.equal(found.length, Object.keys(labels).length + more.length);
      for (const [node, label] of Object.entries(labels)) {
        assert.equal(graph.labels[Number(node)], label, `${name}, node ${node}`);
      }
    }
  });

  test("predicting class 0 is right for 85.24 % of all nodes, class 8 for 12.41 % of the labelled ones", async () => {
    for (const name of NELL) {
      const { labelled, all } = constantPredictor(await loadDataset(name, options))!;
      assert.equal(labelled.class, 8);
      assert.equal((100 * labelled.accuracy).toFixed(2), "12.41");
      assert.equal((100 * all!.accuracy).toFixed(2), "85.24");
      assert.equal((100 * all!.least).toFixed(2), "85.06");
    }
  });

  test("the splits have the known sizes", async () => {
    for (const [name, sizes] of [
      ["nell", [105, 128, 969]],
      ["nell-0.01", [161, 133, 987]],
      ["nell-0.1", [1054, 92, 848]],
    ] as const) {
      const split = await loadSplit(await loadDataset(name, options), "public", options);
      assert.deepEqual([split.train.length, split.val.length, split.test.length], sizes);
      assert.equal(split.val.length + split.unlabelled.val, 500);
    }
  });
});
