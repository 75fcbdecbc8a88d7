// A thousand steps let neither the engine's memory nor the JavaScript heap grow.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import * as tf from "@tensorflow/tfjs";
import { resolveOptions } from "../../src/distillation/options.ts";
import { createDistillation, findMethod } from "../../src/distillation/registry.ts";
import { Gcnii, type GcniiConfig } from "../../src/models/gcnii.ts";
import { memory, startEngine } from "../../src/tensor/index.ts";
import { withForward } from "../../src/training/evaluate.ts";
import { graphInputs, splitTargets } from "../../src/training/inputs.ts";
import { optimiser, step, type TrainingTask } from "../../src/training/train.ts";
import { smallConfig, smallGraph, smallSplit } from "./small.ts";

const STEPS = 1000;
/** Until everything is compiled and every block has been used once. */
const WARM_UP = 1000;
/** What a leak of one small object a step would exceed; the compiler's own growth stays below. */
const HEAP = STEPS * 200;

before(() => {
  startEngine();
  setFlagsFromString("--expose-gc");
});

/** Bytes of live JavaScript objects. */
async function heap(): Promise<number> {
  const collect = runInNewContext("gc") as () => void;
  // Finalizers run in a task of their own.
  for (let pass = 0; pass < 3; pass++) {
    collect();
    await setImmediate();
  }
  return process.memoryUsage().heapUsed;
}

const STUDENT: Partial<GcniiConfig> = { layers: 4, width: 4 };
const TEACHER: Partial<GcniiConfig> = { layers: 8, width: 32 };

for (const [what, shape, method, options] of [
  ["student", STUDENT, undefined],
  ["student of SoftKD", STUDENT, "softkd"],
  ["student of ABKD", STUDENT, "abkd", { embedding: 8 }],
  ["teacher", TEACHER, undefined],
] as const) {
  test(`${what}: memory stays as it is over ${STEPS} steps`, async () => {
    const { model: base, ...rest } = smallConfig();
    const config = { ...rest, model: { ...base, ...shape } };
    const graph = smallGraph();
    const [inputs, targets] = [graphInputs(graph), splitTargets(graph, smallSplit())];
    const sizes = { features: graph.features.columns, classes: graph.classes };
    const model = new Gcnii(config.model, sizes, 1);
    const teacher = new Gcnii({ ...config.model, ...TEACHER }, sizes, 2);
    const outputs = withForward(teacher, inputs.value, true, ({ logits, maps }) => ({
      logits: tf.keep(logits),
      maps: tf.keep(maps!),
    }));
    const student = { layers: config.model.layers, width: config.model.width, classes: 3 };
    const known = { ...inputs.value, train: targets.value.train };
    const distillation =
      method &&
      createDistillation(
        { name: method, options: resolveOptions(findMethod(method), options) },
        outputs,
        student,
        known,
        1,
      );
    const task: TrainingTask = {
      ...{ config, model, inputs: inputs.value, targets: targets.value },
      ...(distillation && { distillation }),
    };
    const adam = optimiser(task);
    const run = (from: number, to: number): void => {
      for (let epoch = from; epoch < to; epoch++) step(task, adam, epoch);
    };
    run(0, WARM_UP);
    const [first, used, tensors] = [await heap(), memory(), tf.memory()];
    run(WARM_UP, WARM_UP + STEPS);
    // Before a collection: what only the collector would free has not been waited for.
    assert.deepEqual(memory(), used);
    assert.equal(tf.memory().numTensors, tensors.numTensors);
    assert.equal(tf.memory().numDataBuffers, tensors.numDataBuffers);
    const grown = (await heap()) - first;
    assert.ok(grown < HEAP, `the heap grew by ${grown} bytes`);
    adam.dispose();
    distillation?.dispose();
    tf.dispose([outputs.logits, outputs.maps]);
    for (const held of [model, teacher, inputs, targets]) held.dispose();
  });
}
