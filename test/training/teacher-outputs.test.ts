// A teacher known only by its outputs teaches what the model that gave them teaches, to the last bit.
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { OptionError, UserError } from "../../src/base/errors.ts";
import {
  GivenTeacher,
  type KnownOutputs,
  type OutputMap,
} from "../../src/distillation/given-teacher.ts";
import { createDistillation, findMethod } from "../../src/distillation/registry.ts";
import { prepareRun } from "../../src/index.ts";
import { graphInputs, splitTargets } from "../../src/training/inputs.ts";
import type { TrainingEvent } from "../../src/training/observer.ts";
import { studentConfig, teacherConfig } from "../../src/training/recipes.ts";
import type { RunConfig } from "../../src/training/run.ts";
import { runId } from "../../src/training/run-id.ts";
import { readResult, runFiles } from "../../src/training/run-store.ts";
import {
  type GivenOutputs,
  loadTeacherOutputs,
  type TeacherOutputs,
} from "../../src/training/teacher-outputs.ts";
import { InterruptedError, train as trainRun } from "../../src/training/train.ts";
import { runTrials } from "../../src/training/trials.ts";
import { contents, smallSplit, temporaryFolder } from "./small.ts";
import {
  graph,
  model,
  noted,
  outputs,
  runsDir,
  subject,
  taught,
  trainedOutputs,
  training,
  weights,
} from "./taught.ts";

test("every method learns from the outputs what it learns from the model", async (t) => {
  const folder = temporaryFolder(t);
  const student = (teacher: RunConfig | TeacherOutputs, name: string): RunConfig =>
    studentConfig(subject, name, teacher, { training });
  const pairs = taught.map(({ name }) => [student(outputs, name), student(model, name)] as const);
  const notes: string[] = [];
  const results = await runTrials(
    pairs.map(([config]) => config),
    { runsDir: folder, workers: 2, observer: noted(notes) },
  );
  await runTrials(
    pairs.map(([, config]) => config),
    { runsDir, resume: true },
  );
  for (const [k, [fromOutputs, fromModel]] of pairs.entries()) {
    const { name } = taught[k]!;
    assert.notEqual(runId(fromOutputs), runId(fromModel));
    assert.deepEqual(weights(folder, fromOutputs), weights(runsDir, fromModel), name);
  }
  const [one] = results;
  const own = (await runTrials([model], { runsDir, resume: true }))[0]!.accuracy;
  assert.deepEqual(one!.teacherAccuracy, own, "the record has the teacher's own accuracy");
  assert.equal(one!.config.teacher, undefined);
  assert.ok(!JSON.stringify(one!.config).includes("/"), "no path is in it");
  const percent = (x: number): string => `${(100 * x).toFixed(1)} %`;
  assert.deepEqual(notes, [
    `the teacher outputs ${outputs.config.fingerprints[0]} on taught public: accuracy val ${percent(own.val)}, test ${percent(own.test)}`,
  ]);
});

test("what a method says that it reads of its teacher is what it reads, with every preset and choice", async () => {
  const forms = graphInputs(graph);
  const { value: targets } = splitTargets(graph, smallSplit());
  for (const { name, defaults, presets, options } of taught) {
    const choices = Object.entries(options).flatMap(([key, info]): object[] => {
      if (info.kind === "switch") return [true, false].map((value) => ({ [key]: value }));
      return info.kind === "choice" ? info.choices.map((value) => ({ [key]: value })) : [];
    });
    const weights = [{ softLabels: 0.5 }, { softWeight: 0.5 }, { epsilon: 0.2 }].filter((choice) =>
      Object.keys(choice).every((key) => key in defaults),
    );
    const last = name === "abkd" ? [{ attention: "last", logits: true }] : [];
    for (const choice of [{}, ...Object.values(presets), ...choices, ...weights, ...last]) {
      const given = { ...defaults, ...choice };
      const read = new Set<string>();
      const teacher = new GivenTeacher({ known: watched(outputs.outputs, read) }, 3);
      read.clear();
      const student = { kind: "gcnii", widths: [4, 4], hidden: 4, classes: 3 };
      const start = { teacher, graph: forms.value, student, train: targets.train, seed: 1 };
      try {
        createDistillation({ name, options: given }, start).dispose();
      } catch (error) {
        // Two choices may contradict each other.
        assert.ok(error instanceof OptionError && /legal/.test(error.message), `${error}`);
        continue;
      }
      const said = findMethod(name).teacherParts!(given as never);
      assert.deepEqual(
        [...read].sort(),
        [...new Set(said)].sort(),
        `${name} ${JSON.stringify(choice)}`,
      );
    }
  }
  forms.dispose();
});

/** The outputs, and a note of each part whose numbers are read. */
function watched({ logits, hidden, layers }: KnownOutputs, read: Set<string>): KnownOutputs {
  const watch = (map: OutputMap, part: string): OutputMap => ({
    shape: map.shape,
    get values() {
      read.add(part);
      return map.values;
    },
  });
  return {
    logits: watch(logits!, "logits"),
    hidden: watch(hidden!, "hidden"),
    layers: layers.map((map) => watch(map, "layers")),
  };
}

test("teachers whose last layer gives the logits teach by their outputs as they do themselves", async (t) => {
  const folder = temporaryFolder(t);
  for (const kind of ["gcn", "sage"] as const) {
    const large = { model: { kind, layers: 3, width: 8 }, training: { epochs: 10 } } as const;
    const teacher = teacherConfig(subject, large);
    const loaded = await loadTeacherOutputs(await trainedOutputs(teacher));
    const names = ["abkd", "fitnet", "softkd"];
    const pairs = names.map((name) =>
      [loaded, teacher].map((from) => studentConfig(subject, name, from, { training })),
    );
    await runTrials(pairs.flat(), { runsDir: folder, workers: 2 });
    for (const [k, [fromOutputs, fromModel]] of pairs.entries()) {
      const [found, wanted] = [weights(folder, fromOutputs!), weights(folder, fromModel!)];
      assert.deepEqual(found, wanted, `${names[k]} from ${kind}`);
    }
  }
});

test("in the order of communities and in batches it teaches the same as the model", async (t) => {
  const folder = temporaryFolder(t);
  const mlp = { model: { kind: "mlp", layers: 2, width: 6 }, training: { ...training, batch: 10 } };
  const cases = [
    ["gcrd", { ...subject, order: "locality" }, { training }],
    ["softkd", { ...subject, order: "locality" }, { training }],
    ["fitnet", subject, mlp],
    ["softkd", subject, mlp],
  ] as const;
  for (const [name, what, changes] of cases) {
    const fromOutputs = studentConfig(what, name, outputs, changes as never);
    const fromModel = studentConfig(what, name, model, changes as never);
    await runTrials([fromOutputs, fromModel], { runsDir: folder });
    const [found, wanted] = [fromOutputs, fromModel].map((config) => weights(folder, config));
    for (const [part, { values }] of wanted!) {
      const off = values.map((x, k) => Math.abs(x - found!.get(part)!.values[k]!));
      // In another order the teacher's own sums differ in their last bits.
      const most = "order" in what ? 1e-5 : 0;
      assert.ok(Math.max(...off) <= most, `${name}: ${part} is off by ${Math.max(...off)}`);
    }
  }
});

test("a stopped run goes on to the same bits; finished ones need no outputs any more", async (t) => {
  const [one, two] = [temporaryFolder(t), temporaryFolder(t)];
  const config = studentConfig(subject, "softkd", outputs, { training: { epochs: 40 } });
  await runTrials([config], { runsDir: one });
  const stop = new AbortController();
  const observer = (event: TrainingEvent): void => {
    if (event.type === "epoch") stop.abort();
  };
  const options = { runsDir: two, checkpointSeconds: 0 };
  await assert.rejects(
    runTrials([config], { ...options, observer, signal: stop.signal }),
    InterruptedError,
  );
  const [result] = await runTrials([config], { ...options, resume: true });
  assert.deepEqual(contents(one), contents(two));

  const strange = {
    ...config,
    teacherOutputs: { ...config.teacherOutputs!, fingerprints: ["0".repeat(16)] },
  };
  await assert.rejects(runTrials([strange], { runsDir: one }), (error: Error) => {
    assert.ok(error instanceof UserError);
    assert.match(
      error.message,
      /^softkd on taught public, seed 1: .*0{16}.*--teacher-outputs FILE/,
    );
    return true;
  });
  assert.deepEqual(readResult(runFiles(two, config).result), result);
});

test("a teacher of several is the mean of their logits, in whatever order they are named", async () => {
  const logits = [
    [1, -2, 0.5],
    [4, 0, -1],
  ];
  const other = [
    [3, 2, 0],
    [-1, 0.25, 7],
  ];
  const one = await loadTeacherOutputs([
    { logits, layers: [logits, [[1], [2]]] },
    { logits: other },
  ]);
  const two = await loadTeacherOutputs([
    { logits: other },
    { logits, layers: [logits, [[1], [2]]] },
  ]);
  assert.deepEqual(one.config, two.config);
  assert.deepEqual([...one.outputs.logits!.values], [2, 0, 0.25, 1.5, 0.125, 3]);
  assert.deepEqual(one.outputs, two.outputs);
  assert.deepEqual([one.config.classes, one.config.hidden, one.config.widths], [3, undefined, []]);
  assert.equal(one.config.fingerprints.length, 2);
  assert.throws(() => studentConfig(subject, "fitnet", one), /outputs have only logits/);

  const wrong: [GivenOutputs, RegExp][] = [
    [{ logits }, /hold the same outputs: name each teacher once/],
    [{ hidden: other }, /has no logits, but several teachers teach by their logits' mean/],
    [{ logits: [[1, 2]] }, /logits are .* but those of .* are /],
  ];
  for (const [second, message] of wrong) {
    await assert.rejects(loadTeacherOutputs([{ logits }, second]), message);
  }
});

test("prepareRun() gives the run that is trained, and refuses outputs that are not loaded", async (t) => {
  const root = temporaryFolder(t);
  const config = studentConfig(subject, "abkd", outputs, { training });
  const run = await prepareRun(config, root);
  const { curve } = await trainRun(run);
  run.dispose();
  const [result] = await runTrials([config], { runsDir: join(root, "runs") });
  assert.deepEqual(result!.curve, curve);
  const teacherOutputs = { ...config.teacherOutputs!, fingerprints: ["1".repeat(16)] };
  await assert.rejects(
    prepareRun({ ...config, teacherOutputs }, root),
    /1{16}\), which are not loaded/,
  );
});
