// Whole trainings on 1, 2, 3 and 8 threads have equal bits; and how runs share the cores.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { after, test } from "node:test";
import { setImmediate } from "node:timers/promises";
import type { Teacher } from "../../src/distillation/method.ts";
import { createDistillation } from "../../src/distillation/registry.ts";
import { createModel } from "../../src/models/registry.ts";
import { runningBackend } from "../../src/tensor/engine/backend.ts";
import { SMALLEST_CHUNK } from "../../src/tensor/engine/work.ts";
import { startEngine } from "../../src/tensor/index.ts";
import { Cores, type Share } from "../../src/training/cores.ts";
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

/** Trains, and returns a digest of every parameter and every number of the curve. */
async function bitsOf(config: RunConfig, teacher?: Teacher): Promise<string> {
  const inputs = graphInputs(smallGraph());
  const targets = splitTargets(smallGraph(), smallSplit());
  const model = createModel(config.model, shape, config.seed);
  const distillation =
    config.method &&
    createDistillation(config.method, {
      ...(teacher && { teacher }),
      ...{ graph: inputs.value, train: targets.value.train, seed: config.seed },
      student: model.outline,
    });
  const outcome = await train({
    ...{ config, model, inputs: inputs.value, targets: targets.value },
    ...(distillation && { distillation }),
  });
  const hash = createHash("sha256").update(JSON.stringify(outcome.curve));
  for (const { variable } of model.parameters) hash.update(variable.dataSync());
  for (const thing of [inputs, targets, model, distillation]) thing?.dispose();
  return hash.digest("hex");
}

/** Makes a teacher that is not trained, which makes no difference here. */
function frozenTeacher(): Teacher {
  const inputs = graphInputs(smallGraph());
  const model = createModel(deep.model, shape, 1);
  return {
    outline: model.outline,
    outputs: (reads) => model.forward(inputs.value, { reads }),
  };
}

test("a teacher's and an ABKD student's training end in the same bits on 1, 2, 3 and 8 threads", async () => {
  startEngine("wasm", { threads: 1 });
  const { engine } = runningBackend();
  const teacher = frozenTeacher();
  const subject = { dataset: "synthetic", seed: 1 };
  // The default form, and eq. 4 as written: each has its own wasm kernel.
  const students = [{}, { preset: "literal" }].map((changes): RunConfig => {
    const { method } = studentConfig(subject, "abkd", teacherConfig(subject), changes);
    return { ...TEACHER, method: method! };
  });
  const bits = async (): Promise<string[]> => {
    const found = [await bitsOf(deep)];
    for (const student of students) found.push(await bitsOf(student, teacher));
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

const granted = (shares: readonly Share[]): number[] => shares.map(({ threads }) => threads[0]!);

test("concurrent runs share the cores, and share them anew whenever one begins or ends", async () => {
  const cores = new Cores(8);
  const teacher = await cores.take();
  assert.deepEqual(granted([teacher]), [8], "a teacher alone");
  const students = await Promise.all([1, 2].map(() => cores.take()));
  assert.deepEqual(granted([teacher, ...students]), [3, 3, 2], "the oldest has what is left over");
  cores.give(students[0]!);
  const third = await cores.take();
  assert.deepEqual(
    granted([teacher, students[1]!, third]),
    [3, 3, 2],
    "the next has what was left",
  );
  cores.give(students[1]!);
  cores.give(third);
  await setImmediate();
  assert.deepEqual(granted([teacher]), [8], "alone again");
});

test("with more runs than threads, each has one", async () => {
  const cores = new Cores(2);
  assert.deepEqual(granted(await Promise.all([1, 2, 3, 4].map(() => cores.take()))), [1, 1, 1, 1]);
});

test("a run takes the threads of those that have ended; results are those of one thread", async (t) => {
  const subject = (seed: number) => ({ dataset: "synthetic", seed });
  const teacher = teacherConfig(subject(1), {
    model: { layers: 4, width: 64 },
    training: { epochs: 4 },
  });
  const configs = [2, 2, 60].map((epochs, k) =>
    studentConfig(subject(k + 1), "abkd", teacher, { training: { epochs, patience: epochs } }),
  );
  const [many, one] = [temporaryFolder(t), temporaryFolder(t)];
  const [found] = await runTrials([teacher], { runsDir: many, workers: 2, threads: 3 });
  assert.equal(found?.timing.threads, 3);
  const students = await runTrials(configs, { runsDir: many, workers: 2, threads: 3 });
  assert.equal(students[2]!.timing.threads, 3, "the last is alone for dozens of epochs");
  await runTrials(configs, { runsDir: one, workers: 1, threads: 1 });
  assert.deepEqual(contents(many), contents(one));
});
