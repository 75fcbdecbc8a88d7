// Runs that cannot work are refused before a teacher is trained; what other runs left is kept.
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { UserError } from "../../src/base/errors.ts";
import { findMethod } from "../../src/distillation/registry.ts";
import { ResultsStore } from "../../src/experiments/results-store.ts";
import { runRecorded } from "../../src/experiments/run-study.ts";
import { checkConfig } from "../../src/training/config-check.ts";
import { DEAD_DONOR, DEAD_TEACHER } from "../../src/training/dead.ts";
import type { TrainingEvent } from "../../src/training/observer.ts";
import { studentConfig, teacherConfig } from "../../src/training/recipes.ts";
import type { RunConfig } from "../../src/training/run.ts";
import { runId } from "../../src/training/run-id.ts";
import { runFiles } from "../../src/training/run-store.ts";
import { runTrials, type TrialsOptions } from "../../src/training/trials.ts";
import { i4, NPZ_FILE, npzToy, range, TOY, toyLabel } from "../datasets/support/toy.ts";
import { committedRecords } from "../experiments/committed-records.ts";
import { contents, temporaryFolder } from "./small.ts";

const subject = { dataset: "synthetic", seed: 1 };
const SHORT = { training: { epochs: 3 } };
const teacher = teacherConfig(subject, { model: { layers: 3, width: 8 }, ...SHORT });
const student = studentConfig(subject, "abkd", teacher, SHORT);
const options = student.method!.options;
const studentMethod = findMethod("student");

/** A configuration as JavaScript code may give it. */
const config = (changes: object): RunConfig => ({ ...student, ...changes }) as RunConfig;
const model = (changes: object) => config({ model: { ...student.model, ...changes } });
const training = (changes: object) => config({ training: { ...student.training, ...changes } });
const method = (changes: object) =>
  config({ method: { ...student.method, options: { ...options, ...changes } } });

const WRONG: readonly [config: RunConfig, message: RegExp][] = [
  [method({ subspace: true }), /option "subspace" is true, but projections "fixed-teacher"/],
  [method({ beta: "much" }), /abkd: option "beta" is "much"; legal: a number/],
  [method({ betta: 1 }), /abkd: unknown option "betta"/],
  [method({ embedding: 1e9 }), /needs at least [\d,]+ GiB, .* has [\d.,]+; choose fewer layers/],
  [config({ method: { ...student.method, version: 0 } }), /abkd: version 0 is configured/],
  [config({ method: { ...student.method, name: "abdk" } }), /no method "abdk"; known: student/],
  [config({ teacher: undefined }), /abkd needs a teacher, but none is given/],
  [
    studentConfig(subject, "gnnsd", teacher, { model: { layers: 1 } }),
    /gnnsd on synthetic .*: gnnsd compares 2 hidden layers or more, and this gcnii has 1: give .* \(--layers 2\)/,
  ],
  [config({ seed: 2 ** 53 }), /seed is 9007199254740992; legal: a whole number from 0 to/],
  [config({ seed: 0.5 }), /seed is 0.5/],
  [config({ split: "halves" }), /split "halves": expected/],
  [config({ dataset: "coral" }), /no dataset "coral"/],
  [config({ order: "random" }), /order is "random"; legal: "locality"/],
  [config({ epochs: 3 }), /the run: unknown key "epochs"; legal: dataset, split/],
  [model({ layers: 0 }), /GCNII: option "layers" is 0; legal: a whole number of at least 1 /],
  [model({ width: -1 }), /GCNII: option "width" is -1; legal/],
  [model({ width: 65_536 }), /GCNII 4L-65536H on 2708 nodes needs at least 267 GiB/],
  [model({ depth: 4 }), /GCNII: unknown option "depth"; its options are layers/],
  [model({ kind: "gcn" }), /GCN: unknown option "alpha"; its options are layers/],
  [model({ kind: ["gcn"] }), /model is an array; expected: the name of a model/],
  [model({ kind: "gta" }), /no model "gta"; known: cpf, gat, gcn, /],
  [config({ model: undefined }), /the run: model is undefined, not an object with a kind/],
  [
    training({ learningRate: Number.NaN }),
    /option "learningRate" is NaN; legal: a number of at least 0/,
  ],
  [training({ epochs: 1.5 }), /"epochs" is 1.5; legal: a whole number of at least 0/],
  [training({ patience: 0 }), /"patience" is 0; legal: a whole number of at least 1/],
  [training({ weightDecay: "0" }), /"weightDecay" is "0"/],
  [training({ momentum: 0.9 }), /training: unknown option "momentum"; its options are epochs/],
  [training({ optimiser: "sgd" }), /"optimiser" is "sgd"; legal: adamw, rmsprop, sgd\[:momentum\]/],
  [
    training({ optimiser: { name: "adam" } }),
    /"adam"}; legal: adamw, rmsprop, sgd\[:momentum\]; left out: adam/,
  ],
  [
    training({ optimiser: { name: "adamw", momentum: 0.9 } }),
    /optimiser adamw: unknown option "momentum"; it has no options/,
  ],
  [
    training({ optimiser: { name: "sdg", momentum: 0.9 } }),
    /"optimiser" is {"name":"sdg".*; legal: adamw/,
  ],
  [
    training({ optimiser: { name: "sgd", momentum: 0 } }),
    /optimiser sgd: option "momentum" is 0; legal: a number above 0 and below 1; left out: none/,
  ],
  [training({ optimiser: { name: "sgd", momentum: 1 } }), /"momentum" is 1; legal/],
  [
    training({ optimiser: { name: ["sgd"], momentum: 7 } }),
    /"optimiser" is {"name":\["sgd"\].*; legal: adamw, rmsprop, sgd/,
  ],
  [
    training({ schedule: { name: ["step"], every: -3 } }),
    /"schedule" is {"name":\["step"\].*; legal: step:every:factor, linear/,
  ],
  [training({ warmUp: 0 }), /"warmUp" is 0; legal: a whole number of at least 2; left out: none/],
  // One run has one id.
  [training({ warmUp: 1 }), /"warmUp" is 1; legal: a whole number of at least 2; left out: none/],
  [
    training({ epochs: 1, schedule: { name: "linear" } }),
    /the linear schedule changes no rate before the second epoch, but there is only 1: leave it out/,
  ],
  [
    config({ method: { name: "student", version: studentMethod.version, options: [] } }),
    /student: its options are an array, not an object/,
  ],
  [training({ warmUp: 4 }), /warmUp is 4, more than the 3 epochs/],
  [training({ schedule: { name: "cosine" } }), /"cosine"}; legal: step:every:factor, linear/],
  [training({ schedule: { name: "linear", every: 2 } }), /schedule linear: unknown option "every"/],
  [
    training({ schedule: { name: "step", every: 2 } }),
    /schedule step: option "factor" is missing; legal: a number above 0/,
  ],
  [training({ schedule: { name: "step", every: 2, factor: 1 } }), /"factor" is 1; legal/],
  [
    training({ schedule: { name: "step", every: 3, factor: 0.5 } }),
    /after 3 epochs, but there are only 3/,
  ],
  [training({ schedule: null }), /"schedule" is null; legal/],
  [training({ clip: 0 }), /"clip" is 0; legal: a number above 0/],
  [
    training({ keep: "loss" }),
    /"keep" is "loss"; legal: accuracy, latest-accuracy; left out: loss/,
  ],
  [config({ teacher: { ...teacher, split: "public" } }), /has a teacher of synthetic public/],
  [config({ teacher: { ...teacher, seed: -1 } }), /the run: teacher: seed is -1/],
  [
    config({ teacher: undefined, method: undefined, initial: { from: teacher, layer: 0 } }),
    /copied from a model of width 8 into one layer of that width, not into 4L-4H/,
  ],
];

const WRONG_OPTIONS: readonly [options: object, message: RegExp][] = [
  [{ labourers: 1 }, /the options of runTrials: unknown key "labourers"; legal: .*workers/],
  [{ workers: 0 }, /option "workers" is 0; legal: a whole number from 1 to 256/],
  [{ threads: 1.5 }, /option "threads" is 1.5; legal/],
  [{ resume: "yes" }, /option "resume" is "yes"; legal: true, false or "repair"/],
  [{ checkpointSeconds: Number.NaN }, /option "checkpointSeconds" is NaN/],
  [{ runsDir: "" }, /option "runsDir" is ""; legal: the path of a folder/],
  [{ engine: "gpu" }, /engine gpu is not one of auto, wasm, native/],
];

/** Checks that runs are refused in one line, and that nothing has been trained by then. */
async function refuses(configs: RunConfig[], given: TrialsOptions, message: RegExp) {
  const started: string[] = [];
  const observer = (event: TrainingEvent): void => {
    if (event.type === "start") started.push(event.id);
  };
  await assert.rejects(runTrials(configs, { workers: 1, observer, ...given }), (error) => {
    assert.ok(error instanceof UserError, String(error));
    assert.match(error.message, message);
    assert.doesNotMatch(error.message, /\n/);
    return true;
  });
  assert.deepEqual(started, []);
}

test("a configuration or an option that makes no sense costs no teacher", async (t) => {
  const runsDir = temporaryFolder(t);
  for (const [wrong, message] of WRONG) await refuses([wrong], { runsDir }, message);
  for (const [wrong, message] of WRONG_OPTIONS) {
    await refuses([student], { runsDir, ...wrong } as TrialsOptions, message);
  }
  await refuses([student, model({ layers: 0 })], { runsDir }, /"layers" is 0/);
  await refuses("cora" as unknown as RunConfig[], {}, /takes an array of configurations/);
  assert.deepEqual(readdirSync(runsDir), []);
});

test("a model's kind that is undefined means the recipe's, like one that is left out", () => {
  const changes = { model: { kind: undefined, layers: 3 } } as { model: { layers: number } };
  assert.deepEqual(
    teacherConfig(subject, changes),
    teacherConfig(subject, { model: { layers: 3 } }),
  );
});

test("MustaD's student is trained by GCNII's recipes", () => {
  const shared = { model: { kind: "mustad" } } as const;
  const plain = teacherConfig(subject);
  const taught = teacherConfig(subject, shared);
  assert.deepEqual(taught, { ...plain, model: { ...plain.model, kind: "mustad" } });
  const own = studentConfig(subject, "softkd", plain);
  assert.deepEqual(studentConfig(subject, "softkd", plain, shared), {
    ...own,
    model: { ...own.model, kind: "mustad" },
  });
});

test("a typo in a recipe's changes is reported where it is made", () => {
  const wrong = (changes: object) => () => teacherConfig(subject, changes);
  assert.throws(wrong({ modle: { layers: 3 } }), /unknown key "modle"; legal: model, training/);
  assert.throws(wrong({ model: { layres: 3 } }), /unknown option "layres"/);
  assert.throws(
    wrong({ training: { epochs: 1.5 } }),
    /the teacher: training: option "epochs" is 1.5/,
  );
  assert.throws(() => teacherConfig({ ...subject, seed: Number.NaN }), /seed is NaN/);
  assert.throws(() => studentConfig(subject, "abkd", student, { options: { subspace: true } }), {
    name: "OptionError",
  });
});

test("every committed record of this version has a configuration that can be run", () => {
  const records = committedRecords();
  assert.ok(records.length > 100);
  for (const { record } of records) {
    try {
      checkConfig(record.config);
    } catch (error) {
      // Records of an earlier form of a method are reported, not run.
      assert.match(String(error), /version \d+ is configured/, record.id);
    }
  }
});

test("a folder that cannot be written is reported before the teacher is trained", async (t) => {
  const folder = temporaryFolder(t);
  writeFileSync(join(folder, "file"), "");
  await refuses([student], { runsDir: join(folder, "file/runs") }, /cannot write .*folder/);
  // The teacher's folder can be made, but the student's cannot.
  writeFileSync(runFiles(folder, student).folder, "");
  await refuses([student], { runsDir: folder }, /cannot write .*folder/);
});

test("a damaged file to be resumed is reported before the teacher is trained", async (t) => {
  const folder = temporaryFolder(t);
  const { result } = runFiles(folder, student);
  mkdirSync(dirname(result));
  writeFileSync(result, "{");
  const options = { runsDir: folder, resume: true };
  await refuses(
    [student],
    options,
    /^abkd on synthetic .*run\.json is cut off or damaged: .*without --resume/,
  );
});

/** Writes Amazon Photo's file with a toy graph in it, or with another graph if `change`. */
function toyData(folder: string, change: boolean): string {
  const files = npzToy((members) => {
    const reversed = range(TOY.nodes).map((node) => toyLabel(TOY.nodes - 1 - node));
    if (change) members.set("labels", i4(reversed));
  });
  mkdirSync(join(folder, dirname(NPZ_FILE)), { recursive: true });
  writeFileSync(join(folder, NPZ_FILE), files.get(NPZ_FILE)!);
  return folder;
}

test("two graphs with one name: the first one's runs and checkpoints are kept, and it is reported", async (t) => {
  const folder = temporaryFolder(t);
  const runsDir = join(folder, "runs");
  const [one, other] = [toyData(join(folder, "a"), false), toyData(join(folder, "b"), true)];
  const toy = { dataset: "amazon-photo", split: "random:40/30/30:0", seed: 1 };
  const taught = teacherConfig(toy, { model: { layers: 2, width: 4 }, ...SHORT });
  const configs = [studentConfig(toy, "softkd", taught, SHORT)];
  await runTrials(configs, { runsDir, dataDir: one, workers: 1 });
  const before = contents(runsDir);
  const said = /the same run on other data of that name; it is kept/;
  for (const resume of [false, true, "repair"] as const) {
    await refuses(configs, { runsDir, dataDir: other, resume }, said);
    await refuses([taught], { runsDir, dataDir: other, resume }, said);
  }
  assert.deepEqual(contents(runsDir), before);

  // A checkpoint alone is somebody's work, too.
  const stopped = { runsDir: join(folder, "stopped"), workers: 1, checkpointSeconds: 0 };
  const controller = new AbortController();
  const observer = (event: TrainingEvent): void => {
    if (event.type === "epoch") controller.abort();
  };
  const long = teacherConfig(toy, {
    model: { layers: 2, width: 4 },
    training: { epochs: 1e6, patience: 1e6 },
  });
  const { signal } = controller;
  await assert.rejects(
    runTrials([long], { ...stopped, dataDir: one, signal, observer }),
    /stopped/,
  );
  assert.ok(existsSync(runFiles(stopped.runsDir, long).checkpoint));
  await refuses([long], { ...stopped, dataDir: other }, said);
});

test("a study stops if earlier records are of other data of the same name", async (t) => {
  const folder = temporaryFolder(t);
  const [one, other] = [toyData(join(folder, "a"), false), toyData(join(folder, "b"), true)];
  const toy = { dataset: "amazon-photo", split: "random:40/30/30:0" };
  const trials = (...seeds: number[]): Map<string, RunConfig> => {
    const model = { layers: 2, width: 4 };
    const all = seeds.map((seed) => teacherConfig({ ...toy, seed }, { model, ...SHORT }));
    return new Map(all.map((config) => [runId(config), config]));
  };
  const store = new ResultsStore(join(folder, "results"));
  const run = (seeds: number[], dataDir: string, runsDir: string) =>
    runRecorded(trials(...seeds), { store, dataDir, runsDir, workers: 1 }, runTrials);
  assert.equal(await run([1], one, join(folder, "runs")), 1);
  const before = contents(store.folder);
  const runsDir = join(folder, "elsewhere");
  await assert.rejects(run([1, 2], other, runsDir), (error) => {
    assert.ok(error instanceof UserError);
    const said =
      /results\/[0-9a-f]{16}\.json is the result of other data named amazon-photo random/;
    assert.match(error.message, said);
    return true;
  });
  assert.ok(!existsSync(join(runsDir, "teachers")), "nothing was trained");
  assert.deepEqual(contents(store.folder), before);
  assert.equal(await run([1, 2], one, runsDir), 1);
});

test("a dead teacher is reported before its students start, even if it is cached, and in their records", async (t) => {
  const runsDir = temporaryFolder(t);
  const dying = teacherConfig(subject, { model: { layers: 3, width: 8 }, training: { epochs: 6 } });
  const config = studentConfig(subject, "softkd", dying, SHORT);
  for (const cached of [false, true]) {
    const events: TrainingEvent[] = [];
    const [result] = await runTrials([config], {
      ...{ runsDir, workers: 1 },
      observer: (event) => events.push(event),
    });
    const at = events.findIndex(
      (e) => e.type === "note" && / is dead: it gives every/.test(e.message),
    );
    const ended = events.findIndex((e) => e.type === "finish" && !e.result.config.method);
    const start = events.findIndex((e) => e.type === "start" && e.config.method !== undefined);
    assert.ok(ended >= 0 && ended < at && at < start, `${ended} ${at} ${start}`);
    const finish = events[ended];
    assert.equal(finish?.type === "finish" && finish.cached, cached);
    assert.ok(result!.warnings.includes(DEAD_TEACHER), result!.warnings.join());
  }
});

test("a run that starts from a dead one's weights says so, and so does the command", async (t) => {
  const dying = teacherConfig(subject, { model: { layers: 3, width: 8 }, training: { epochs: 6 } });
  const heir = teacherConfig(subject, { model: { layers: 1, width: 8 }, ...SHORT });
  const notes: string[] = [];
  const [result] = await runTrials([{ ...heir, initial: { from: dying, layer: 0 } }], {
    ...{ runsDir: temporaryFolder(t), workers: 1 },
    observer: (event) => event.type === "note" && notes.push(event.message),
  });
  assert.ok(result!.warnings.includes(DEAD_DONOR), result!.warnings.join());
  assert.ok(!result!.warnings.includes(DEAD_TEACHER));
  assert.match(notes.join(), /^the donor 3L-8H alone .* is dead: it gives every node one class/);
});

test("a teacher that learned nothing is reported, but not one that learned", async (t) => {
  const notes = async (config: RunConfig): Promise<string[]> => {
    const found: string[] = [];
    await runTrials([studentConfig(subject, "softkd", config, SHORT)], {
      ...{ runsDir: temporaryFolder(t), workers: 1 },
      observer: (event) => event.type === "note" && found.push(event.message),
    });
    return found;
  };
  const small = { layers: 2, width: 16 };
  const untrained = teacherConfig(subject, { model: small, training: { epochs: 0 } });
  const trained = teacherConfig(subject, { model: small, training: { epochs: 60 } });
  assert.match((await notes(untrained)).join(), / has learned nothing: | is dead: /);
  assert.deepEqual(await notes(trained), []);
});
