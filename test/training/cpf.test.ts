// CPF's student from start to file: it is given the training nodes' classes, and keeps them; what it refuses.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { OptionError, UserError } from "../../src/base/errors.ts";
import { registerDataset } from "../../src/datasets/index.ts";
import { makeGraph } from "../../src/graph/make.ts";
import { startEngine } from "../../src/tensor/index.ts";
import { checkFit, evaluate } from "../../src/training/apply.ts";
import { checkConfig } from "../../src/training/config-check.ts";
import { decodeModel, encodeModel, encodeModelNpz } from "../../src/training/model-file.ts";
import { studentConfig, teacherConfig } from "../../src/training/recipes.ts";
import { readModel, runFiles } from "../../src/training/run-store.ts";
import { runTrials } from "../../src/training/trials.ts";
import { smallGraph, smallSplit, temporaryFolder } from "./small.ts";

startEngine("wasm", { threads: 1 });
const { train, val, test: rest } = smallSplit();
const sets = { train, val, test: rest };
const graph = { ...smallGraph(), name: "cpf-ring" };
registerDataset({ name: graph.name, graph, split: sets });
const subject = { dataset: graph.name, seed: 1 };
const training = { epochs: 6 };
const teacher = teacherConfig(subject, { model: { kind: "gcn", width: 6 }, training });
const small = { model: { kind: "cpf", layers: 3 }, training } as const;

test("its authors' recipe, by dataset", () => {
  const { model, training } = studentConfig(
    { dataset: "citeseer", seed: 1 },
    "cpf",
    teacherConfig({ dataset: "citeseer", seed: 1 }),
    { model: { kind: "cpf" } },
  );
  assert.equal(model.layers, 6);
  const { keep, weightDecay } = training;
  assert.deepEqual({ keep, weightDecay }, { keep: "latest-accuracy", weightDecay: 0.01 });
});

test("it knows the training nodes, and predicts from its file as it did", async (t) => {
  const runsDir = temporaryFolder(t);
  const configs = [
    studentConfig(subject, "cpf", teacher, small),
    studentConfig(subject, "cpf", teacher, { ...small, model: { ...small.model, variant: "tra" } }),
    studentConfig(subject, "lsp", teacher, small),
    studentConfig(subject, "alignahead", teacher, small),
    studentConfig(subject, "softkd", teacher, {
      ...small,
      training: { ...training, precision: { name: "int8" } },
    }),
  ];
  const results = await runTrials(configs, { runsDir, workers: 1, threads: 1, engine: "wasm" });
  for (const [k, { accuracy, curve, config }] of results.entries()) {
    const name = config.method!.name;
    assert.equal(accuracy.train, 1, `${name}: it is told their classes`);
    assert.ok([...curve.loss, ...curve.valLoss].every(Number.isFinite), name);
    const file = readModel(runFiles(runsDir, configs[k]!).model);
    const known = file.parameters.get("known")!.values;
    assert.deepEqual(
      Array.from(known),
      Array.from(graph.labels, (label, node) => (node < train.length ? label + 1 : 0)),
    );
    // The labels of the graph that it is applied to are not read.
    const blind = { ...graph, labels: graph.labels.map(() => 0) };
    const { logits } = await evaluate(file, { dataset: blind });
    for (const bytes of [encodeModel(file), encodeModelNpz(file)]) {
      const again = decodeModel(Buffer.from(bytes), name);
      const found = await evaluate(again, { dataset: graph, split: sets });
      assert.equal(found.accuracy.test, accuracy.test, name);
      assert.deepEqual(found.logits, logits, name);
    }
  }
});

describe("refused", () => {
  test("an order of its own, before anything is trained", () => {
    const config = { ...studentConfig(subject, "cpf", teacher, small), order: "locality" } as const;
    assert.throws(() => checkConfig(config), OptionError);
    assert.throws(() => checkConfig(config), /cpf has learned numbers of each node.*leave it out/);
  });

  test("items that are no nodes of one class", async (t) => {
    const graphs = makeGraph({
      name: "cpf-graphs",
      edges: { from: [0, 2, 4], to: [1, 3, 5] },
      features: [0, 1, 2, 3, 4, 5].map((v) => [v % 2, 1]),
      graphs: [2, 2, 2],
      labels: [0, 1, 1],
    });
    const split = { train: [0], val: [1], test: [2] };
    registerDataset({ name: graphs.name, graph: graphs, split });
    const config = studentConfig({ dataset: graphs.name, seed: 1 }, "student", teacher, small);
    await assert.rejects(
      runTrials([config], { runsDir: temporaryFolder(t), workers: 1 }),
      /cpf spreads the one class of each node, but cpf-graphs has whole graphs/,
    );
  });

  test("a graph of other nodes", async (t) => {
    const runsDir = temporaryFolder(t);
    const config = studentConfig(subject, "cpf", teacher, { ...small, training: { epochs: 1 } });
    await runTrials([config], { runsDir, workers: 1, threads: 1 });
    const file = readModel(runFiles(runsDir, config).model);
    const other = makeGraph({
      name: "cpf-other",
      edges: { from: [0], to: [1] },
      features: [0, 1].map((v) => Array.from({ length: 12 }, (_, j) => Number(j === v))),
      labels: [0, 2],
    });
    assert.throws(() => checkFit(file, { ...other, classes: 3 }), UserError);
    await assert.rejects(
      evaluate(file, { dataset: other }),
      /knows the nodes of cpf-ring by their rows \(cpf learns numbers of each\), and none of .*cpf-other/,
    );
  });
});
