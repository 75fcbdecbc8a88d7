// Batches of nodes: each node once per epoch, labels in each step, an MLP from a GCN, a stop within an epoch.
import assert from "node:assert/strict";
import { test } from "node:test";
import { resolveOptions } from "../../src/base/options.ts";
import { createDistillation, findMethod } from "../../src/distillation/registry.ts";
import { FrozenTeacher } from "../../src/distillation/teacher.ts";
import type { ModelConfig } from "../../src/models/registry.ts";
import { createModel } from "../../src/models/registry.ts";
import type { Targets } from "../../src/tensor/index.ts";
import { memory, startEngine } from "../../src/tensor/index.ts";
import type { TrainingState } from "../../src/training/checkpoint.ts";
import { graphInputs, splitTargets } from "../../src/training/inputs.ts";
import { nodeBatches } from "../../src/training/node-batches.ts";
import { studentConfig, teacherConfig } from "../../src/training/recipes.ts";
import type { RunConfig } from "../../src/training/run.ts";
import { type TrainingOptions, train } from "../../src/training/train.ts";
import { runTrials } from "../../src/training/trials.ts";
import { smallConfig, smallGraph, smallSplit, temporaryFolder } from "./small.ts";

startEngine("wasm", { threads: 1 });
const [graph, split] = [smallGraph(), smallSplit()];
const layered = { layers: 2, dropout: 0.4, batchNorm: false };

function parts() {
  const [forms, targets] = [graphInputs(graph), splitTargets(graph, split)];
  const whole = { inputs: forms.value, targets: targets.value };
  return {
    whole,
    forms: forms.value,
    dispose() {
      for (const held of [forms, targets]) held.dispose();
    },
  };
}

test("an epoch has every node once, in batches up to the given size, each with training nodes", () => {
  const { whole, dispose } = parts();
  const before = memory().used;
  for (const [size, count] of [
    [60, 1],
    [16, 4],
    [7, 9],
  ] as const) {
    const batches = nodeBatches(whole, { graph, split, size, kind: "mlp" });
    const drawn = [0, 1, 0].map((epoch) =>
      [...batches.epoch(3, epoch)].map(({ nodes, targets }) => {
        assert.ok(nodes!.length <= size);
        const labelled = [...nodes!.keys()].filter((row) => split.train.includes(nodes![row]!));
        assert.ok(labelled.length > 0);
        assert.deepEqual([...(targets.train as Targets).chosen], labelled);
        return [...nodes!];
      }),
    );
    const all = drawn[0]!.flat().sort((a, b) => a - b);
    assert.deepEqual(all, [...Array(60).keys()]);
    assert.equal(drawn[0]!.length, count);
    assert.deepEqual(drawn[2], drawn[0]);
    if (count > 1) assert.notDeepEqual(drawn[1], drawn[0]);
  }
  assert.equal(memory().used, before);
  const tooMany = () => nodeBatches(whole, { graph, split, size: 2, kind: "mlp" });
  assert.throws(tooMany, /more than the 24 training nodes: choose a larger batch/);
  assert.throws(
    () => nodeBatches(whole, { graph, split, size: 16, kind: "gcn" }),
    /gcn reads the whole graph/,
  );
  dispose();
});

/** Trains an MLP from an untrained GCN, which still knows something. */
async function run(
  method: "softkd" | "fitnet",
  batch: number | undefined,
  options: TrainingOptions = {},
) {
  const { whole, forms, dispose } = parts();
  const shape = { features: 12, classes: 3 };
  const model: ModelConfig = { kind: "mlp", width: 6, ...layered };
  const { name, version } = findMethod(method);
  const given = resolveOptions(findMethod(method), { hardWeight: 0.3 });
  const config: RunConfig = {
    ...smallConfig({ epochs: 5, ...(batch !== undefined && { batch }) }),
    ...{ model, method: { name, version, options: given } },
  };
  const known = createModel({ kind: "gcn", width: 8, ...layered }, shape, 7);
  const teacher = new FrozenTeacher(known, forms);
  const student = createModel(model, shape, config.seed);
  const distillation = createDistillation(config.method!, {
    ...{ teacher, graph: forms, student: student.outline, seed: config.seed },
    train: whole.targets.train,
  });
  const batches = batch && nodeBatches(whole, { graph, split, size: batch, kind: "mlp" });
  const task = { ...whole, config, model: student, distillation };
  const { curve } = await train({ ...task, ...(batches && { batches }) }, options);
  const trained = [...student.parameters, ...distillation.parameters];
  const weights = trained.map(({ variable }) => [...variable.dataSync()]);
  for (const held of [distillation, teacher, student, known]) held.dispose();
  dispose();
  return { curve, weights };
}

for (const method of ["softkd", "fitnet"] as const) {
  test(`${method}: one batch of all nodes trains to the bits of the whole graph`, async () => {
    assert.deepEqual(await run(method, 60), await run(method, undefined));
  });

  test(`${method}: a training stopped after any step of batches ends in the same bits`, async () => {
    const whole = await run(method, 16);
    const states: TrainingState[] = [];
    const save = (state: TrainingState): void => {
      states.push(structuredClone(state));
    };
    await run(method, 16, { checkpoints: { everySeconds: 0, save } });
    assert.deepEqual(
      states.map(({ step }) => step),
      Array.from({ length: 20 }, (_, k) => k + 1),
    );
    for (const from of states.filter(({ within }) => within)) {
      assert.deepEqual(await run(method, 16, { from }), whole, `after step ${from.step}`);
    }
  });
}

test("an MLP learns from a GCN in batches of 512, and faster per epoch than from the whole graph", async (t) => {
  const subject = { dataset: "synthetic", seed: 1 };
  const training = { epochs: 30, patience: 30 };
  const teacher = teacherConfig(subject, { model: { kind: "gcn" }, training });
  const student = (batch?: number) =>
    studentConfig(subject, "softkd", teacher, {
      model: { kind: "mlp" },
      training: { ...training, ...(batch !== undefined && { batch }) },
    });
  const configs = [student(512), student()];
  const [batched, whole] = await runTrials(configs, { runsDir: temporaryFolder(t) });
  assert.notEqual(batched!.id, whole!.id);
  const { loss } = batched!.curve;
  assert.ok(loss.at(-1)! < loss[0]! / 2, `${loss[0]} to ${loss.at(-1)}`);
  // Six steps per epoch in place of one.
  assert.ok(loss.at(-1)! < whole!.curve.loss.at(-1)!);
  // Seven classes; its features alone do not say much.
  assert.ok(batched!.accuracy.test > 0.25, `${batched!.accuracy.test}`);
});
