// RGCN on a graph of several types: every method from and into it, files, predictions, other graphs.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { UserError } from "../../src/base/errors.ts";
import { registerDataset } from "../../src/datasets/index.ts";
import { type MethodName, methods } from "../../src/distillation/registry.ts";
import type { Graph } from "../../src/graph/graph.ts";
import { type GraphArrays, makeGraph } from "../../src/graph/make.ts";
import { randomStream } from "../../src/graph/random.ts";
import type { ModelChanges, ModelName } from "../../src/models/registry.ts";
import { startEngine } from "../../src/tensor/index.ts";
import { evaluate } from "../../src/training/apply.ts";
import { decodeModel, encodeModel, encodeModelNpz } from "../../src/training/model-file.ts";
import { studentConfig, teacherConfig } from "../../src/training/recipes.ts";
import { readModel, runFiles } from "../../src/training/run-store.ts";
import { runTrials } from "../../src/training/trials.ts";
import { temporaryFolder } from "./small.ts";

startEngine("wasm", { threads: 1 });

const [PAPERS, AUTHORS, VENUES] = [40, 20, 5];

/** Papers whose class is their venue's number modulo 3; venues have no features. */
function papers(changes: Partial<GraphArrays> = {}): Graph {
  const random = randomStream(5);
  const all = Array.from({ length: PAPERS }, (_, paper) => paper);
  const features = [...all, ...Array.from({ length: AUTHORS }, (_, a) => a)].map(() =>
    Array.from({ length: 4 }, () => random.uniform()),
  );
  return makeGraph({
    name: "papers",
    types: { paper: PAPERS, author: AUTHORS, venue: VENUES },
    relations: {
      cites: { source: "paper", target: "paper", from: all.slice(5), to: all.slice(0, -5) },
      writes: {
        source: "author",
        target: "paper",
        from: all.map((paper) => paper % AUTHORS),
        to: all,
      },
      at: { source: "paper", target: "venue", from: all, to: all.map((paper) => paper % VENUES) },
    },
    features: [...features, ...Array.from({ length: VENUES }, () => [0, 0, 0, 0])],
    labels: all.map((paper) => (paper % VENUES) % 3),
    ...changes,
  });
}

const graph = papers();
const nodes = Array.from({ length: PAPERS }, (_, paper) => paper);
registerDataset({
  name: "papers",
  graph,
  split: { train: nodes.slice(0, 20), val: nodes.slice(20, 30), test: nodes.slice(30) },
});

const subject = { dataset: "papers", seed: 1 };
const training = { epochs: 4 };
const sized = (kind: ModelName, width: number): ModelChanges<ModelName> => ({
  ...{ kind, width, layers: 3 },
  ...(kind === "rgcn" && { bases: width === 6 ? 2 : 0, undirected: true }),
});

for (const [from, into] of [
  ["rgcn", ["rgcn", "gcn", "mlp"]],
  ["gcnii", ["rgcn"]],
] as const) {
  describe(`from ${from}`, () => {
    for (const kind of into) {
      test(`every method into ${kind}: finite, exported, read back, the same predictions`, async (t) => {
        const teacher = teacherConfig(subject, { model: sized(from, 9), training });
        const configs = methods.map(({ name }) =>
          studentConfig(subject, name as MethodName, teacher, { model: sized(kind, 6), training }),
        );
        const runsDir = temporaryFolder(t);
        const results = await runTrials(configs, { runsDir, engine: "wasm", workers: 1 });
        for (const [k, { curve, accuracy, config }] of results.entries()) {
          const name = config.method!.name;
          assert.ok(Object.values(curve).flat().every(Number.isFinite), name);
          const file = readModel(runFiles(runsDir, configs[k]!).model);
          const own = await evaluate(file, { dataset: graph });
          assert.equal(own.accuracy.test, accuracy.test, `${name} predicts what the run reports`);
          assert.equal(own.classes.length, PAPERS);
          for (const bytes of [encodeModel(file), encodeModelNpz(file)]) {
            const again = await evaluate(decodeModel(Buffer.from(bytes), name), { dataset: graph });
            assert.deepEqual(again.logits, own.logits, name);
          }
        }
      });
    }
  });
}

test("an RGCN learns what only relations tell, and refuses a graph that has others", async (t) => {
  const runsDir = temporaryFolder(t);
  const config = teacherConfig(subject, {
    model: { kind: "rgcn", layers: 3, width: 16, dropout: 0, start: "linear" },
    training: { epochs: 150, patience: 150, learningRate: 0.02, weightDecay: 0 },
  });
  const [result] = await runTrials([config], { runsDir, engine: "wasm", workers: 1 });
  // A venue says the class; the papers' own features are drawn at random.
  assert.equal(result!.accuracy.test, 1);
  const file = readModel(runFiles(runsDir, config).model);
  const { relations, types } = {
    relations: { cites: { source: "paper", target: "paper", from: [0], to: [1] } },
    types: { paper: PAPERS, author: AUTHORS, venue: VENUES },
  } satisfies Partial<GraphArrays>;
  const wider = { paper: PAPERS, author: AUTHORS - 1, venue: VENUES + 1 };
  const ends = { from: [0], to: [0] };
  const all = {
    cites: { source: "paper", target: "paper", ...ends },
    writes: { source: "author", target: "paper", ...ends },
    at: { source: "paper", target: "venue", ...ends },
  };
  for (const [changes, message] of [
    [{ relations, types }, /the model is for 3 relations, not 1 \(papers\)/],
    [
      { relations: { ...relations, at: all.at, writes: all.writes } },
      /for the relation 1 "author writes paper", not "paper at venue"/,
    ],
    [
      { types: wider, relations: all },
      /for 5 nodes of the type "venue", each with learned features/,
    ],
  ] as const) {
    await assert.rejects(
      evaluate(file, { dataset: papers(changes as never) }),
      (error: Error) => error instanceof UserError && message.test(error.message),
      String(message),
    );
  }
});

test("a model that cannot fit is refused before anything is made", async (t) => {
  const config = teacherConfig(subject, {
    model: { kind: "rgcn", layers: 40, width: 4096 },
    training,
  });
  await assert.rejects(
    runTrials([config], { runsDir: temporaryFolder(t), engine: "wasm" }),
    /RGCN 40L-4096H on 65 nodes needs at least \d+ GiB, but the engine has 4.0/,
  );
});
