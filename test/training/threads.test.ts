// Whole trainings on 1, 2, 3 and 8 threads: equal bits; and how runs share the cores.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { after, test } from "node:test";
import * as tf from "@tensorflow/tfjs";
import type { TeacherOutputs } from "../../src/distillation/method.ts";
import { createDistillation } from "../../src/distillation/registry.ts";
import { Gcnii } from "../../src/models/gcnii.ts";
import { runningBackend } from "../../src/tensor/backend.ts";
import { startEngine } from "../../src/tensor/index.ts";
import { SMALLEST_CHUNK } from "../../src/tensor/work.ts";
import { Cores } from "../../src/training/cores.ts";
import { graphInputs, splitTargets } from "../../src/training/inputs.ts";
import { studentConfig, teacherConfig } from "../../src/training/recipes.ts";
import type { RunConfig } from "../../src/training/run.ts";
import { train } from "../../src/training/train.ts";
import { runTrials } from "../../src/training/trials.ts";
import { contents, smallConfig, smallGraph, smallSplit, temporaryFolder } from "./small.ts";

const shape = { features: 12, classes: 3 };
const TEACHER = { ...smallConfig({ epochs: 12, patience: 12 }) };
const deep: RunConfig = { ...TEACHER, model: { ...TEACHER.model, layers: 8, width: 20 } };

after(() => runningBackend().engine.close());

/** Trains, and hands back a digest of every parameter and every number of the curve. */
async function bitsOf(config: RunConfig, teacher?: TeacherOutputs): Promise<string> {
  const inputs = graphInputs(smallGraph());
  const targets = splitTargets(smallGraph(), smallSplit());
  const model = new Gcnii(config.model, shape, config.seed);
  const distillation =
    config.method &&
    createDistillation(
      config.method,
      teacher,
      { ...config.model, classes: 3 },
      { ...inputs.value, train: targets.value.train },
      config.seed,
    );
  const outcome = await train({
    ...{ config, model, inputs: inputs.value, targets: targets.value },
    ...(distillation && { distillation }),
  });
  const hash = createHash("sha256").update(JSON.stringify(outcome.curve));
  for (const { variable } of model.parameters) hash.update(variable.dataSync());
  for (const thing of [inputs, targets, model, distillation]) thing?.dispose();
  return hash.digest("hex");
}

/** A frozen teacher's maps and logits; not trained, which makes no difference here. */
function teacherOutputs(): TeacherOutputs {
  const inputs = graphInputs(smallGraph());
  const model = new Gcnii(deep.model, shape, 1);
  return tf.tidy(() => {
    const { maps, logits } = model.forward(inputs.value, { maps: true });
    return { maps: tf.keep(maps!), logits: tf.keep(logits) };
  });
}

test("a teacher's and an ABKD student's training end in the same bits on 1, 2, 3 and 8 threads", async () => {
  startEngine("wasm", { threads: 1 });
  const { engine } = runningBackend();
  const outputs = teacherOutputs();
  const subject = { dataset: "synthetic", seed: 1 };
  // The default form, and eq. 4 as written: each has a kernel of its own.
  const students = [{}, { preset: "literal" }].map((changes): RunConfig => {
    const { method } = studentConfig(subject, "abkd", teacherConfig(subject), changes);
    return { ...TEACHER, method: method! };
  });
  const bits = async (): Promise<string[]> => {
    const found = [await bitsOf(deep)];
    for (const student of students) found.push(await bitsOf(student, outputs));
    return found;
  };
  const alone = await bits();
  assert.equal(new Set(alone).size, alone.length);
  // Even the smallest operator is split.
  engine.smallestChunk = 0;
  for (const threads of [2, 3, 8]) {
    assert.equal(startEngine("wasm", { threads }).threads, threads);
    assert.deepEqual(await bits(), alone, `${threads} threads`);
  }
  engine.smallestChunk = SMALLEST_CHUNK;
});

test("runs at the same time share the cores out; one that is alone has them all", async () => {
  const cores = new Cores(8, 3);
  assert.equal(await cores.take(), 8, "a teacher alone");
  const waiting = [1, 2, 3, 4].map(() => cores.take());
  cores.give(8);
  assert.deepEqual(await Promise.all(waiting.slice(0, 3)), [2, 3, 3]);
  const fourth = waiting[3]!;
  cores.give(2);
  assert.equal(await fourth, 2, "no more than what came free");
});

test("more places than threads: each run has one", async () => {
  const cores = new Cores(2, 4);
  assert.deepEqual(await Promise.all([1, 2, 3, 4].map(() => cores.take())), [1, 1, 1, 1]);
});

test("the teacher of all has every thread, its students one each; results are those of one", async (t) => {
  const subject = (seed: number) => ({ dataset: "synthetic", seed });
  const teacher = teacherConfig(subject(1), {
    model: { layers: 4, width: 64 },
    training: { epochs: 4 },
  });
  const configs = [1, 2, 3].map((seed) =>
    studentConfig(subject(seed), "abkd", teacher, { training: { epochs: 3 } }),
  );
  const [many, one] = [temporaryFolder(t), temporaryFolder(t)];
  const [found] = await runTrials([teacher], { runsDir: many, workers: 2, threads: 3 });
  assert.equal(found?.timing.threads, 3);
  const students = await runTrials(configs, { runsDir: many, workers: 2, threads: 3 });
  for (const { timing } of students) assert.ok(timing.threads === 1 || timing.threads === 2);
  assert.equal(students.filter(({ timing }) => timing.threads === 1).length >= 1, true);
  await runTrials(configs, { runsDir: one, workers: 1, threads: 1 });
  assert.deepEqual(contents(many), contents(one));
});
