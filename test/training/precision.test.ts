// Students of low precision from end to end: trained by methods, resumed, saved and read back to the same bits.
import assert from "node:assert/strict";
import { test } from "node:test";
import { loadDataset } from "../../src/datasets/index.ts";
import type { PrecisionConfig } from "../../src/models/precision/precision.ts";
import type { ModelChanges, ModelName } from "../../src/models/registry.ts";
import { startEngine } from "../../src/tensor/index.ts";
import { evaluate } from "../../src/training/apply.ts";
import { decodeModel, encodeModelNpz } from "../../src/training/model-file.ts";
import { studentConfig, teacherConfig } from "../../src/training/recipes.ts";
import type { RunConfig } from "../../src/training/run.ts";
import { runId } from "../../src/training/run-id.ts";
import { readModel, runFiles } from "../../src/training/run-store.ts";
import { InterruptedError } from "../../src/training/train.ts";
import { runTrials } from "../../src/training/trials.ts";
import { contents, temporaryFolder } from "./small.ts";

startEngine("wasm", { threads: 1 });
const subject = { dataset: "synthetic", split: "random:48/32/20:0", seed: 1 };
const graph = await loadDataset("synthetic");
const teacher = teacherConfig(subject, {
  model: { kind: "gcn", layers: 2, width: 12 },
  training: { epochs: 3 },
});

function student(
  kind: ModelName,
  method: "abkd" | "softkd" | "alignahead",
  precision?: PrecisionConfig,
  epochs = 4,
): RunConfig {
  const model: ModelChanges<ModelName> = { kind, layers: 3, width: 5, dropout: 0.3 };
  const training = { epochs, ...(precision && { precision }) };
  return studentConfig(subject, method, teacher, { model, training });
}

const int8 = { name: "int8" } as const;
const spared = { name: "int4", scheme: "degree-quant" } as const;

test("without a precision a run's id is yesterday's; with one, another", () => {
  const [plain, low] = [student("gcn", "softkd"), student("gcn", "softkd", int8)];
  assert.equal("precision" in plain.training, false);
  assert.notEqual(runId(plain), runId(low));
  const { precision: _, ...training } = low.training;
  assert.equal(runId({ ...low, training }), runId(plain));
});

test("students of every kind: the file gives the run's predictions, in both formats", async (t) => {
  const configs = [
    student("gcnii", "abkd", int8),
    student("gcn", "softkd", spared),
    student("gat", "softkd", { name: "int8", scheme: "quant-noise", share: 0.5 }),
    student("sage", "abkd", { name: "int8", scheme: "after" }),
    student("mlp", "softkd", { name: "int4" }),
    student("gcn", "alignahead", spared),
  ];
  const runsDir = temporaryFolder(t);
  const results = await runTrials(configs, { runsDir, engine: "wasm", workers: 1 });
  for (const [k, { accuracy, curve }] of results.entries()) {
    const what = `${configs[k]!.model.kind} ${JSON.stringify(configs[k]!.training.precision)}`;
    assert.ok(curve.loss.every(Number.isFinite), what);
    const file = readModel(runFiles(runsDir, configs[k]!).model);
    const found = await evaluate(file, { dataset: graph });
    assert.equal(found.accuracy.test, accuracy.test, what);
    const npz = decodeModel(Buffer.from(encodeModelNpz(file)), what);
    assert.deepEqual((await evaluate(npz, { dataset: graph })).logits, found.logits, what);
    const wide = { ...file, config: { ...file.config, training: teacher.training } };
    const unrounded = await evaluate(wide, { dataset: graph });
    assert.notDeepEqual(unrounded.logits, found.logits, `${what} is rounded`);
  }
});

test("a run of low precision goes on from a checkpoint to the same bits, ranges included", async (t) => {
  const [whole, parts] = [temporaryFolder(t), temporaryFolder(t)];
  const config = student("sage", "softkd", spared, 12);
  await runTrials([config], { runsDir: whole, engine: "wasm", workers: 1 });
  const stop = new AbortController();
  await assert.rejects(
    runTrials([config], {
      ...{ runsDir: parts, engine: "wasm", workers: 1, signal: stop.signal, checkpointSeconds: 0 },
      observer(event) {
        if (event.type === "epoch" && event.epochs === 12) stop.abort();
      },
    }),
    InterruptedError,
  );
  assert.ok([...contents(parts).keys()].some((name) => name.endsWith("checkpoint.safetensors")));
  await runTrials([config], { runsDir: parts, engine: "wasm", workers: 1, resume: true });
  assert.deepEqual(contents(parts), contents(whole));
});
