// Over a thousand steps, neither the engine's memory nor the number of JavaScript objects grows.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { queryObjects } from "node:v8";
import * as tf from "@tensorflow/tfjs";
import { resolveOptions } from "../../src/base/options.ts";
import { createDistillation, findMethod } from "../../src/distillation/registry.ts";
import { Gcnii, type GcniiConfig } from "../../src/models/gcnii.ts";
import { memory, startEngine } from "../../src/tensor/index.ts";
import { graphInputs, splitTargets } from "../../src/training/inputs.ts";
import { optimiser, step } from "../../src/training/step.ts";
import type { TrainingTask } from "../../src/training/train.ts";
import { smallConfig, smallGraph, smallSplit } from "./small.ts";

const STEPS = 1000;
/** Steps until everything is compiled and every block has been used once. */
const WARM_UP = 1000;
/** A leak of one object per ten steps exceeds this. */
const OBJECTS = STEPS / 10;

before(() => {
  startEngine();
});

/**
 * Returns the number of live JavaScript objects (arrays and functions too) after a garbage collection. The
 * heap's size would not do: V8 compiles and discards code all the time, which moves it by 200 kB either way.
 */
async function objects(): Promise<number> {
  queryObjects(Object);
  // Finalizers run in their own task.
  await setImmediate();
  return Number(queryObjects(Object));
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
    const distillation =
      method &&
      createDistillation(
        { name: method, options: resolveOptions(findMethod(method), options) },
        {
          teacher: {
            outline: teacher.outline,
            outputs: (reads) => teacher.forward(inputs.value, { reads }),
          },
          ...{ graph: inputs.value, student: model.outline, train: targets.value.train, seed: 1 },
        },
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
    const [first, used, tensors] = [await objects(), memory(), tf.memory()];
    run(WARM_UP, WARM_UP + STEPS);
    // Checked before a garbage collection, so nothing may be left for the collector to free.
    assert.deepEqual(memory(), used);
    assert.equal(tf.memory().numTensors, tensors.numTensors);
    assert.equal(tf.memory().numDataBuffers, tensors.numDataBuffers);
    const grown = (await objects()) - first;
    assert.ok(grown < OBJECTS, `${grown} objects more are alive`);
    adam.dispose();
    distillation?.dispose();
    for (const held of [model, teacher, inputs, targets]) held.dispose();
  });
}
