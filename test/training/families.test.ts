// Every method with students and teachers of all kinds: it trains, is exported and read back, and resumes.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { loadDataset, loadSplit } from "../../src/datasets/index.ts";
import { type MethodName, methods } from "../../src/distillation/registry.ts";
import type { Model } from "../../src/models/model.ts";
import { findModel, type ModelChanges, type ModelName } from "../../src/models/registry.ts";
import { startEngine } from "../../src/tensor/index.ts";
import { withForward } from "../../src/training/evaluate.ts";
import { graphInputs, splitTargets } from "../../src/training/inputs.ts";
import {
  decodeModel,
  encodeModel,
  encodeModelNpz,
  restoreModel,
} from "../../src/training/model-file.ts";
import { studentConfig, teacherConfig } from "../../src/training/recipes.ts";
import type { RunConfig } from "../../src/training/run.ts";
import { readModel, runFiles } from "../../src/training/run-store.ts";
import { InterruptedError } from "../../src/training/train.ts";
import { runTrials } from "../../src/training/trials.ts";
import { contents, temporaryFolder } from "./small.ts";

startEngine("wasm", { threads: 1 });
const subject = { dataset: "synthetic", split: "random:48/32/20:0", seed: 1 };
const graph = await loadDataset("synthetic");
const split = await loadSplit(graph, subject.split);
const training = { epochs: 3 };

/** Returns a width without a wasm kernel of its own, and only options that the kind has. */
function sized(kind: ModelName, width: number): ModelChanges<ModelName> {
  const layered = kind === "gcnii" ? {} : { batchNorm: true };
  const heads = kind === "gat" ? { heads: 2, edgeDropout: 0.3, symmetric: true } : {};
  return { kind, layers: 3, width, dropout: 0.3, ...layered, ...heads };
}

const teacherOf = (kind: ModelName): RunConfig =>
  teacherConfig(subject, { model: sized(kind, 12), training });
const studentOf = (method: MethodName, kind: ModelName, teacher: RunConfig): RunConfig =>
  studentConfig(subject, method, teacher, { model: sized(kind, 5), training });

/** Returns the logits on the synthetic graph, and the test accuracy. */
function predicted(model: Model): { logits: Float32Array; accuracy: number } {
  const [forms, targets] = [graphInputs(graph), splitTargets(graph, split)];
  const inputs = findModel(model.outline.kind).prepare(forms.value);
  const found = withForward(model, inputs, "logits", ({ logits }) => ({
    logits: logits.dataSync<"float32">(),
    accuracy: targets.value.test.scores(logits).accuracy,
  }));
  for (const held of [model, forms, targets]) held.dispose();
  return found;
}

for (const [from, into] of [
  ["gcnii", ["gcn", "sage", "mlp"]],
  ["gcn", ["gcn", "mlp"]],
  ["sage", ["gcnii", "sage"]],
  ["gat", ["gat", "sage"]],
  ["rgcn", ["rgcn"]],
] as const) {
  describe(`from ${from}`, () => {
    for (const kind of into) {
      test(`every method into ${kind}: finite, exported, read back, the same predictions`, async (t) => {
        const teacher = teacherOf(from);
        const configs = methods.map(({ name }) => studentOf(name as MethodName, kind, teacher));
        const runsDir = temporaryFolder(t);
        const results = await runTrials(configs, { runsDir, engine: "wasm" });
        for (const [k, { curve, inspection, accuracy, config }] of results.entries()) {
          const name = config.method!.name;
          const numbers = [
            ...Object.values(curve).flat(),
            ...Object.values(inspection!.last.scalars),
          ];
          assert.ok(numbers.length >= 12 && numbers.every(Number.isFinite), name);
          const file = readModel(runFiles(runsDir, configs[k]!).model);
          const own = predicted(restoreModel(file));
          assert.equal(own.accuracy, accuracy.test, `${name} predicts what the run reports`);
          for (const bytes of [encodeModel(file), encodeModelNpz(file)]) {
            const again = decodeModel(Buffer.from(bytes), name);
            assert.deepEqual(predicted(restoreModel(again)).logits, own.logits, name);
          }
        }
      });
    }
  });
}

test("a run with batch normalisation goes on from a checkpoint to the same bits", async (t) => {
  const [whole, parts] = [temporaryFolder(t), temporaryFolder(t)];
  const teacher = teacherOf("gcn");
  const config = {
    ...studentOf("abkd", "mlp", teacher),
    training: { ...teacher.training, epochs: 9 },
  };
  await runTrials([config], { runsDir: whole, engine: "wasm" });
  const stop = new AbortController();
  await assert.rejects(
    runTrials([config], {
      ...{ runsDir: parts, engine: "wasm", signal: stop.signal, checkpointSeconds: 0 },
      observer(event) {
        if (event.type === "epoch" && event.id !== "" && event.epochs === 9) stop.abort();
      },
    }),
    InterruptedError,
  );
  assert.ok([...contents(parts).keys()].some((name) => name.endsWith("checkpoint.safetensors")));
  await runTrials([config], { runsDir: parts, engine: "wasm", resume: true });
  assert.deepEqual(contents(parts), contents(whole));
});
