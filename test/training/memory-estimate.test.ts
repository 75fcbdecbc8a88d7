// Estimates of a run's memory: within a fifth of what it takes, and a limit that refuses with advice.
import assert from "node:assert/strict";
import { test } from "node:test";
import { UserError } from "../../src/base/errors.ts";
import { csrFromPairs } from "../../src/graph/csr.ts";
import type { Graph, Split } from "../../src/graph/graph.ts";
import { randomStream } from "../../src/graph/random.ts";
import { createModel, graphShape } from "../../src/models/registry.ts";
import { mostDuring, startEngine } from "../../src/tensor/index.ts";
import { wholeGraph } from "../../src/training/batches.ts";
import { batchScores } from "../../src/training/evaluate.ts";
import { toldEstimate } from "../../src/training/memory-check.ts";
import { estimateMemory } from "../../src/training/memory-estimate.ts";
import { modelParameters } from "../../src/training/model-file.ts";
import { prepare } from "../../src/training/prepared.ts";
import { type Changes, studentConfig, teacherConfig } from "../../src/training/recipes.ts";
import type { RunConfig } from "../../src/training/run.ts";
import { optimiser, step } from "../../src/training/step.ts";

startEngine("wasm", { threads: 1 });

const NODES = 9000;

/** Hubs and loners, and features of which few or most are not 0. */
function someGraph(dense: boolean): Graph {
  const random = randomStream(3);
  const [from, to]: [number[], number[]] = [[], []];
  for (let k = 0; k < 4 * NODES; k++) {
    const [a, b] = [random.below(NODES), Math.floor(random.uniform() ** 3 * NODES)];
    if (a === b) continue;
    from.push(a, b);
    to.push(b, a);
  }
  const columns = dense ? 24 : 300;
  const rowOf = Int32Array.from({ length: 24 * NODES }, (_, k) => Math.floor(k / 24));
  const columnOf = rowOf.map((_, k) => (dense ? k % 24 : random.below(columns)));
  return {
    ...{ name: "some", nodes: NODES, classes: 5 },
    adjacency: csrFromPairs(NODES, NODES, from, to),
    features: csrFromPairs(NODES, columns, rowOf, columnOf),
    labels: Int32Array.from({ length: NODES }, (_, node) => node % 5),
  };
}

const third = (first: number) =>
  Int32Array.from({ length: NODES / 3 }, (_, k) => first * (NODES / 3) + k);
const split: Split = {
  ...{ name: "thirds", train: third(0), val: third(1), test: third(2) },
  unlabelled: { train: 0, val: 0, test: 0 },
};

/** Takes a step and evaluates, as an epoch does; returns the most bytes of the engine. */
function taken(config: RunConfig, graph: Graph): number {
  return mostDuring(() => {
    const { teacher } = config;
    const known = teacher && createModel(teacher.model, graphShape(graph, teacher.model.kind), 1);
    const model = known && { config: teacher, parameters: modelParameters(known) };
    known?.dispose();
    const shape = graphShape(graph, config.model.kind);
    const earlier = model ? { teacher: { model: { ...model, shape } } } : {};
    const run = prepare(config, graph, split, earlier as never);
    const adam = optimiser(run);
    const { batches = wholeGraph(run) } = run;
    for (const batch of batches.epoch(1, 0)) {
      step(run, adam, 0, { batch });
      break;
    }
    batchScores(run.model, batches, ["train", "val"]);
    adam.dispose();
    run.dispose();
  });
}

const subject = { dataset: "cora", seed: 1 };
const alone = (model: object, training: object = {}): RunConfig =>
  teacherConfig(subject, { model, training } as Changes as never);
const taught = (method: "abkd" | "gsp", model: object): RunConfig =>
  studentConfig(subject, method, alone({ kind: "gcn", width: 24 }), { model } as never);
const neighbours = { batch: 300, sampler: { name: "neighbours", fanOut: "6,4" } };

for (const [name, config, dense] of [
  ["SAGE", alone({ kind: "sage", width: 24 }), false],
  ["SAGE, dense features", alone({ kind: "sage", width: 24 }), true],
  ["SAGE, sampled", alone({ kind: "sage", width: 24 }, neighbours), true],
  ["GAT", alone({ kind: "gat", width: 8, heads: 2 }), false],
  ["GCNII", alone({ kind: "gcnii", layers: 6, width: 16 }), false],
  ["MLP in batches", alone({ kind: "mlp", width: 16 }, { batch: 1000 }), false],
  ["ABKD", taught("abkd", { layers: 3, width: 4 }), false],
] as const) {
  test(`${name}: the estimate is within a fifth of what the run takes`, () => {
    const graph = someGraph(dense);
    const { engine, whole } = estimateMemory(config, graph, split)!;
    const found = taken(config, graph);
    assert.ok(Math.abs(engine / found - 1) < 0.2, `${engine} estimated, ${found} taken`);
    assert.ok(whole > engine);
  });
}

test("no estimate is made of a method that compares pairs, nor of small graphs and whole graphs as items", () => {
  const graph = someGraph(false);
  const gsp = taught("gsp", { layers: 3, width: 4 });
  assert.equal(estimateMemory(gsp, graph, split), undefined);
  const sage = alone({ kind: "sage", width: 4 });
  assert.equal(estimateMemory(sage, { ...graph, nodes: 3000 }, split), undefined);
  assert.equal(estimateMemory(sage, { ...graph, graphs: Int32Array.of(0) }, split), undefined);
});

test("a limit refuses what takes more, with advice that fits the model; large graphs' needs are told", () => {
  const graph = someGraph(false);
  const sage = alone({ kind: "sage", width: 32 });
  const refused = (config: RunConfig, limit: number, message: RegExp) =>
    assert.throws(
      () => toldEstimate(config, { graph, split }, "wasm", limit),
      (error) => error instanceof UserError && message.test(error.message),
    );
  refused(
    sage,
    0.13,
    /takes about 0\.\d GiB.*more than --memory-limit 0\.13; draw parts.*--sampler/,
  );
  refused(
    alone({ kind: "gcn", width: 32 }),
    0.13,
    /--memory-limit 0\.13; draw parts of the graph: .*neighbours:15,10;/,
  );
  refused(alone({ kind: "gin", width: 32 }), 0.13, /--memory-limit 0\.13; choose fewer layers/);
  refused(alone({ kind: "mlp", width: 32 }), 0.13, /cut the nodes into batches: --batch/);
  assert.match(toldEstimate(sage, { graph, split }, "wasm", 4)!, /takes about 0\.\d GiB of memory/);
  assert.equal(toldEstimate(sage, { graph, split }, "wasm"), undefined);
});
