// Richer graphs: several classified graphs in one, and nodes of several types with relations.
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { before, describe, test } from "node:test";
import * as tf from "@tensorflow/tfjs";
import { registerDataset } from "../../src/datasets/index.ts";
import { ZipArchive } from "../../src/formats/zip.ts";
import { InputError } from "../../src/graph/check.ts";
import { type GraphArrays, makeGraph } from "../../src/graph/make.ts";
import { NodeOrder } from "../../src/graph/reorder.ts";
import { createModel, findModel, type ModelConfig, models } from "../../src/models/registry.ts";
import { startEngine } from "../../src/tensor/index.ts";
import { fingerprint, graphInputs, splitTargets } from "../../src/training/inputs.ts";
import { studentConfig, teacherConfig } from "../../src/training/recipes.ts";
import { runTrials } from "../../src/training/trials.ts";
import { temporaryFolder } from "../training/small.ts";

before(() => {
  startEngine();
});

/** A triangle, a path of two, one node. */
const three: GraphArrays = {
  name: "three",
  edges: { from: [0, 1, 2, 3], to: [1, 2, 0, 4] },
  graphs: [3, 2, 1],
  features: [[1], [2], [3], [1], [1], [5]],
  labels: [0, 1, 1],
};

describe("several graphs", () => {
  for (const { name, defaults } of models) {
    test(`${name}: each graph's logits are the mean of its nodes' logits in a separate graph`, () => {
      const config = { kind: name, ...defaults, layers: 2, width: 4 } as unknown as ModelConfig;
      const whole = logitsOf(config, three);
      const parts: GraphArrays[] = [
        { edges: { from: [0, 1, 2], to: [1, 2, 0] }, features: [[1], [2], [3]], labels: [0, 0, 1] },
        { edges: { from: [0], to: [1] }, features: [[1], [1]], labels: [0, 1] },
        { edges: { from: [], to: [] }, features: [[5]], labels: [1] },
      ];
      for (const [index, part] of parts.entries()) {
        const rows = logitsOf(config, part);
        for (let c = 0; c < 2; c++) {
          const mean = rows.reduce((sum, row) => sum + row[c]!, 0) / rows.length;
          assert.ok(Math.abs(whole[index]![c]! - mean) < 1e-6, `graph ${index}, class ${c}`);
        }
      }
    });
  }

  const refused: Record<string, [Partial<GraphArrays>, RegExp]> = {
    "an arc from one to another": [
      { edges: { from: [2], to: [3] } },
      /leads out of graph 0, to node 3/,
    ],
    "sizes that do not sum to the nodes": [{ graphs: [3, 3, 1] }, /6 rows for 7 nodes|features/],
    "an empty one": [{ graphs: [3, 0, 3] }, /entry 1 is 0, not a whole number from 1/],
    "labels of nodes": [{ labels: [0, 0, 0, 1, 1, 1] }, /labels: 6 for 3 nodes/],
  };
  for (const [what, [changes, message]] of Object.entries(refused)) {
    test(`${what} is rejected`, () => {
      assert.throws(
        () => makeGraph({ ...three, ...changes }),
        (error) => error instanceof InputError && message.test(error.message),
      );
    });
  }

  test("nodes keep their order", () => {
    const order = new NodeOrder(Int32Array.of(5, 4, 3, 2, 1, 0));
    assert.throws(() => order.graph(makeGraph(three)), /ordered by their graphs/);
  });
});

const mutag = path.join(import.meta.dirname, "../../../shared/data/tu/MUTAG.zip");

test("a GCN and its students learn MUTAG's 188 graphs", { skip: !existsSync(mutag) }, async (t) => {
  const archive = new ZipArchive(readFileSync(mutag), "MUTAG.zip");
  const text = (name: string): string =>
    Buffer.from(archive.read(`MUTAG/${name}`)).toString("latin1");
  const graph = parseGin(text("MUTAG.txt"));
  assert.deepEqual(
    [graph.graphs!.length, graph.nodes, graph.adjacency.indices.length, graph.features.columns],
    // TUDataset's statistics: 188 graphs, 17.93 nodes and 19.79 edges each.
    [188, 3371, 2 * 3721, 7],
  );
  const fold = (set: string): number[] =>
    text(`10fold_idx/${set}_idx-1.txt`).trim().split(/\s+/).map(Number);
  const train = fold("train");
  const split = { train: train.slice(20), val: train.slice(0, 20), test: fold("test") };
  registerDataset({ name: "mutag-graphs", graph, split });
  const runsDir = temporaryFolder(t);
  const training = { epochs: 150, patience: 150, learningRate: 0.02, weightDecay: 0 };
  const teacher = teacherConfig(
    { dataset: "mutag-graphs", seed: 1 },
    { model: { kind: "gcn", width: 32, layers: 3, dropout: 0 }, training },
  );
  const taught = ["student", "softkd", "abkd", "lsp"].map((method) =>
    studentConfig({ dataset: "mutag-graphs", seed: 1 }, method, teacher, {
      model: { kind: "gcn", width: 8, layers: 3 },
      training,
    }),
  );
  const results = await runTrials([teacher, ...taught], { runsDir, workers: 1 });
  const constant = [...graph.labels].filter((label) => label === 1).length / 188;
  for (const { accuracy, config } of results) {
    const line = `${config.method?.name ?? "teacher"} ${accuracy.train.toFixed(3)}`;
    assert.ok(accuracy.train > constant + 0.03, `${line} is above ${constant.toFixed(3)}`);
  }
});

/** Parses GIN's text format: per graph its nodes and class, then per node its kind and neighbours. */
function parseGin(text: string): ReturnType<typeof makeGraph> {
  const lines = text.split("\n").map((line) => line.trim().split(/\s+/).map(Number));
  const [sizes, labels, kinds] = [[] as number[], [] as number[], [] as number[]];
  const edges = { from: [] as number[], to: [] as number[] };
  let at = 1;
  for (let g = 0; g < lines[0]![0]!; g++) {
    const [size, label] = lines[at++] as [number, number];
    const first = kinds.length;
    for (let n = 0; n < size; n++) {
      const [kind, , ...neighbours] = lines[at++] as [number, number, ...number[]];
      kinds.push(kind);
      for (const other of neighbours) {
        edges.from.push(first + n);
        edges.to.push(first + other);
      }
    }
    sizes.push(size);
    labels.push(label);
  }
  const features = kinds.map((kind) => Array.from({ length: 7 }, (_, k) => Number(k === kind)));
  return makeGraph({ name: "MUTAG", edges, graphs: sizes, features, labels });
}

/** Papers cite papers and have authors. */
const typed: GraphArrays = {
  name: "typed",
  types: { paper: 3, author: 2 },
  relations: {
    cites: { source: "paper", target: "paper", from: [0, 1, 1], to: [1, 2, 1] },
    writes: { source: "author", target: "paper", from: [0, 1, 1], to: [0, 1, 2] },
  },
  features: [[1], [2], [3], [4], [5]],
  labels: [0, 1, 1],
};

describe("types and relations", () => {
  test("arcs are stored by relation and together as edges; the first type's nodes are classified", () => {
    const graph = makeGraph(typed);
    assert.deepEqual(graph.types, [
      { name: "paper", nodes: 3 },
      { name: "author", nodes: 2 },
    ]);
    const [cites, writes] = graph.relations!;
    // One row per target.
    assert.deepEqual(
      [[...cites!.arcs.indptr], [...cites!.arcs.indices]],
      [
        [0, 0, 2, 3],
        [0, 1, 1],
      ],
    );
    assert.deepEqual(
      [[...writes!.arcs.indptr], [...writes!.arcs.indices]],
      [
        [0, 1, 2, 3],
        [0, 1, 1],
      ],
    );
    // 0-1, 1-2 (the loop is left out), 0-3, 1-4, 2-4.
    assert.deepEqual([...graph.adjacency.indptr], [0, 2, 5, 7, 8, 10]);
    assert.deepEqual([...graph.adjacency.indices], [1, 3, 0, 2, 4, 1, 4, 0, 1, 2]);
    const config = { kind: "gcn", ...findModel("gcn").defaults } as unknown as ModelConfig;
    const all = logitsOf(config, typed);
    assert.equal(all.length, 3);
    const edges = { from: [0, 1, 0, 1, 2], to: [1, 2, 3, 4, 4] };
    const plain = logitsOf(config, { features: typed.features, labels: [0, 1, 1, 0, 0], edges });
    assert.deepEqual(all, plain.slice(0, 3));
  });

  const writes = typed.relations!["writes"]!;
  const refused: Record<string, [Partial<GraphArrays>, RegExp]> = {
    "an unknown type": [
      { relations: { has: { ...writes, source: "venue" } } },
      /relation has: "venue" is not a type; known: paper, author/,
    ],
    "a node beyond its type": [
      { relations: { writes: { ...writes, from: [0, 1, 2] } } },
      /relation writes\.from: entry 2 is 2, not a whole number from 0 to 1/,
    ],
    "ends of different lengths": [
      { relations: { writes: { ...writes, from: [0] } } },
      /relation writes: 1 of `from` and 3 of `to`/,
    ],
    "edges besides relations": [{ edges: { from: [0], to: [1] } }, /leave out `edges`/],
    "labels of all nodes": [{ labels: [0, 1, 1, 0, 0] }, /labels: 5 for 3 nodes/],
  };
  for (const [what, [changes, message]] of Object.entries(refused)) {
    test(`${what}: rejected`, () => {
      assert.throws(
        () => makeGraph({ ...typed, ...changes }),
        (error) => error instanceof InputError && message.test(error.message),
      );
    });
  }

  test("the fingerprint depends on types and relations", () => {
    const split = {
      name: "s",
      train: Int32Array.of(0),
      val: Int32Array.of(1),
      test: Int32Array.of(2),
    };
    const unlabelled = { train: 0, val: 0, test: 0 };
    const of = (changes: Partial<GraphArrays>): string =>
      fingerprint(makeGraph({ ...typed, ...changes }), { ...split, unlabelled });
    const renamed = { cites: typed.relations!["cites"]!, reads: writes };
    const prints = [
      of({}),
      of({ relations: renamed }),
      of({
        types: { paper: 3, person: 2 },
        relations: {
          cites: typed.relations!["cites"]!,
          writes: { ...writes, source: "person" },
        },
      }),
    ];
    assert.equal(new Set(prints).size, 3);
  });
});

/** Returns the logits of a new model. */
function logitsOf(config: ModelConfig, arrays: GraphArrays): number[][] {
  const graph = makeGraph({ ...arrays, classes: 2 });
  const forms = graphInputs(graph);
  const items = Int32Array.from(graph.labels.keys());
  assert.ok(
    items.length < 3 ||
      splitTargets(graph, {
        name: "",
        train: items.slice(0, 1),
        val: items.slice(1, 2),
        test: items.slice(2),
        unlabelled: { train: 0, val: 0, test: 0 },
      }),
  );
  const model = createModel(config, { features: 1, classes: 2 }, 5);
  const inputs = findModel(config.kind).prepare(forms.value);
  return tf.tidy(() => model.forward(inputs as never).logits.arraySync());
}
