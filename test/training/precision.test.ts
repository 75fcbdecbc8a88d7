// Students of low precision from end to end: trained by methods, resumed, saved and read back to the same bits.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { loadDataset } from "../../src/datasets/index.ts";
import { encodeOnnxModel } from "../../src/deployment/onnx.ts";
import {
  decodeSafetensors,
  encodeSafetensors,
  type WrittenArray,
} from "../../src/formats/safetensors.ts";
import { type PrecisionConfig, precisionOf } from "../../src/models/precision/precision.ts";
import { Quantised } from "../../src/models/precision/quantised.ts";
import {
  createModel,
  findModel,
  type ModelChanges,
  type ModelName,
} from "../../src/models/registry.ts";
import { startEngine } from "../../src/tensor/index.ts";
import { evaluate } from "../../src/training/apply.ts";
import {
  readCheckpoint,
  type TrainingState,
  writeCheckpoint,
} from "../../src/training/checkpoint.ts";
import { predictedClasses, withForward } from "../../src/training/evaluate.ts";
import { graphInputs } from "../../src/training/inputs.ts";
import { integerScores } from "../../src/training/integer-scores.ts";
import { loadStudent } from "../../src/training/load-student.ts";
import {
  decodeModel,
  encodeModel,
  encodeModelNpz,
  modelParameters,
} from "../../src/training/model-file.ts";
import { prepare } from "../../src/training/prepared.ts";
import { studentConfig, teacherConfig } from "../../src/training/recipes.ts";
import type { RunConfig } from "../../src/training/run.ts";
import { runId } from "../../src/training/run-id.ts";
import { readModel, runFiles } from "../../src/training/run-store.ts";
import { train } from "../../src/training/train.ts";
import { runTrials } from "../../src/training/trials.ts";
import { smallConfig, smallGraph, smallSplit, temporaryFolder } from "./small.ts";

startEngine("wasm", { threads: 1 });
const subject = { dataset: "synthetic", split: "random:48/32/20:0", seed: 1 };
const graph = await loadDataset("synthetic");
const teacher = teacherConfig(subject, {
  model: { kind: "gcn", layers: 2, width: 12 },
  training: { epochs: 1 },
});

function student(
  kind: ModelName,
  method: "abkd" | "softkd" | "alignahead",
  precision?: PrecisionConfig,
  epochs = 2,
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

test("students of every kind: files hold codes and give the run's predictions, in both formats", async (t) => {
  const configs = [
    student("sage", "abkd", int8),
    student("gcn", "softkd", spared),
    student("gat", "softkd", { name: "int8", scheme: "quant-noise", share: 0.5 }),
    student("gcnii", "abkd", { name: "int8", scheme: "after" }),
    student("mlp", "softkd", { name: "int4" }),
    student("gcn", "alignahead", int8),
  ];
  const runsDir = temporaryFolder(t);
  const results = await runTrials(configs, { runsDir, engine: "wasm", workers: 1 });
  for (const [k, { accuracy, curve, integers }] of results.entries()) {
    const what = `${configs[k]!.model.kind} ${JSON.stringify(configs[k]!.training.precision)}`;
    assert.ok(curve.loss.every(Number.isFinite), what);
    const file = readModel(runFiles(runsDir, configs[k]!).model);
    const found = await evaluate(file, { dataset: graph });
    assert.equal(found.accuracy.test, accuracy.test, what);
    const isWhole = configs[k]!.model.kind !== "gat";
    assert.equal(integers !== undefined, isWhole, what);
    // In integers on the file's weights, as at the end of the training.
    assert.equal(found.integers?.differing, integers?.differing, what);
    assert.equal(found.integers?.accuracy.test, integers?.accuracy.test, what);
    if (integers)
      assert.ok(integers.differing < 0.05 * graph.nodes, `${what}: ${integers.differing}`);
    await assert.rejects(loadStudent(file), {
      message: /of low precision is applied to whole graphs/,
    });
    assert.throws(() => encodeOnnxModel(file), { message: /low precision has no ONNX form/ });
    const npz = decodeModel(Buffer.from(encodeModelNpz(file)), what);
    assert.deepEqual((await evaluate(npz, { dataset: graph })).logits, found.logits, what);
    const wide = { ...file, config: { ...file.config, training: teacher.training } };
    const unrounded = await evaluate(wide, { dataset: graph });
    assert.notDeepEqual(unrounded.logits, found.logits, `${what} is rounded`);
  }
  assertCodes([0, 1, 5].map((k) => runFiles(runsDir, configs[k]!).model));
});

/** @param paths files of a GraphSAGE of int8, a GCN of int4, and several students of int8 */
function assertCodes(paths: readonly string[]): void {
  const read = paths.map((path) => decodeSafetensors(readFileSync(path), path, undefined, true));
  const [eight, four, several] = read;
  const count = graph.features.columns * 5;
  const [bytes, halves] = [eight, four].map((one) => one!.bytes.get("layer.0.weight")!.values);
  assert.equal(bytes!.length, count);
  assert.ok(bytes instanceof Int8Array);
  assert.equal(halves!.length, Math.ceil(count / 2));
  assert.ok(several!.bytes.has("student.2/layer.0.weight"));
  assert.ok(readModel(paths[2]!, 2).parameters.has("layer.0.weight"));
  // The codes are those of the range beside them, by the formula that the file states.
  const ranges = eight!.tensors.get("ranges.weights")!.values;
  const [low, high] = [Math.min(0, ranges[0]!), Math.max(0, ranges[1]!)];
  const scale = (high - low) / 255;
  const zero = -128 - Math.round(low / scale);
  const own = readModel(paths[0]!);
  const stored = own.parameters.get("layer.0.weight")!.values;
  for (const [k, code] of bytes!.entries()) {
    assert.ok(Math.abs((code - zero) * scale - stored[k]!) < 1e-6);
  }
  assert.deepEqual(decodeModel(Buffer.from(encodeModel(own)), "x").parameters, own.parameters);
  const { metadata, tensors, bytes: arrays } = eight!;
  const cut = new Map<string, WrittenArray>([...tensors, ...arrays]);
  cut.set("layer.0.weight", { shape: [7], values: new Int8Array(7) });
  const damaged = Buffer.from(encodeSafetensors({ tensors: cut, metadata }));
  assert.throws(() => decodeModel(damaged, "x"), /layer.0.weight should be \[\d+,5\] codes/);
}

test("a training of low precision goes on from its checkpoint to the same bits, ranges included", async (t) => {
  const path = join(temporaryFolder(t), "checkpoint.safetensors");
  const config: RunConfig = {
    ...smallConfig({ epochs: 12, patience: 12, precision: spared }),
    model: { kind: "sage", layers: 3, width: 5, dropout: 0.3, batchNorm: true },
  };
  const owner = { config, data: "0123", flavour: "fma" };
  const outcome = async (from?: TrainingState) => {
    const run = prepare(config, smallGraph(), smallSplit(), {});
    const save = (state: TrainingState): void => {
      if (state.epoch === 5) writeCheckpoint(path, owner, state);
    };
    const checkpoints = { everySeconds: 0, save };
    const { curve } = await train(run, { checkpoints, ...(from && { from }) });
    const values = modelParameters(run.model);
    run.dispose();
    return { curve, values };
  };
  const whole = await outcome();
  const from = readCheckpoint(path, owner)!;
  assert.ok(from.parameters.get("ranges.maps")!.some((x) => x !== 0));
  const rest = await outcome(from);
  assert.deepEqual(rest.values, whole.values);
  assert.deepEqual(rest.curve, whole.curve);
});

test("items whose class differs in integers are counted", () => {
  const forms = graphInputs(graph);
  const config = { kind: "mlp", layers: 2, width: 4, dropout: 0, batchNorm: false } as const;
  const shape = { features: graph.features.columns, classes: graph.classes };
  const after = precisionOf({ name: "int8", scheme: "after" });
  const model = new Quantised<unknown>(createModel(config, shape, 1), after);
  const inputs = findModel("mlp").prepare(forms.value);
  model.calibrate(inputs);
  const classes = withForward(model, inputs, "logits", predictedClasses);
  const differing = (given: Int32Array): number =>
    integerScores(model, config, inputs, given, () => 0)!.differing;
  const shifted = classes.map((label, k) => (k < 7 ? (label + 1) % graph.classes : label));
  assert.equal(differing(shifted), differing(classes) + 7);
  for (const held of [model, forms]) held.dispose();
});
