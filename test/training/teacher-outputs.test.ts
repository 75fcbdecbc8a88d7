// A teacher known only by its outputs teaches what the model that gave them teaches, to the last bit.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, type TestContext, test } from "node:test";
import { OptionError, UserError } from "../../src/base/errors.ts";
import { registerDataset } from "../../src/datasets/index.ts";
import {
  GivenTeacher,
  type KnownOutputs,
  type OutputMap,
} from "../../src/distillation/given-teacher.ts";
import type { Method } from "../../src/distillation/method.ts";
import {
  createDistillation,
  findMethod,
  methods,
  registerMethod,
} from "../../src/distillation/registry.ts";
import { encodeNpz } from "../../src/formats/npz-writer.ts";
import { InputError } from "../../src/graph/check.ts";
import { distill, prepareRun } from "../../src/index.ts";
import { findModel } from "../../src/models/registry.ts";
import { startEngine } from "../../src/tensor/index.ts";
import { DEAD_TEACHER } from "../../src/training/dead.ts";
import { graphInputs, splitTargets } from "../../src/training/inputs.ts";
import { type ModelFile, restoreModel } from "../../src/training/model-file.ts";
import type { TrainingEvent } from "../../src/training/observer.ts";
import { studentConfig, teacherConfig } from "../../src/training/recipes.ts";
import type { RunConfig } from "../../src/training/run.ts";
import { runId } from "../../src/training/run-id.ts";
import { readModel, readResult, runFiles } from "../../src/training/run-store.ts";
import {
  type GivenOutputs,
  loadTeacherOutputs,
  type TeacherOutputs,
} from "../../src/training/teacher-outputs.ts";
import { InterruptedError, train as trainRun } from "../../src/training/train.ts";
import { runTrials } from "../../src/training/trials.ts";
import { contents, smallGraph, smallSplit, temporaryFolder } from "./small.ts";

const graph = { ...smallGraph(), name: "taught" };
const { train, val, test: rest } = smallSplit();
registerDataset({ name: "taught", graph, split: { train, val, test: rest } });
const subject = { dataset: "taught", seed: 1 };
const training = { epochs: 8 };
const model = teacherConfig(subject, { model: { layers: 3, width: 8 }, training: { epochs: 30 } });
const runsDir = temporaryFolder({ after } as TestContext);
const taught = methods.filter(({ needsTeacher }) => needsTeacher);

/** What the trained teacher gives. */
let given: Required<GivenOutputs>;
let outputs: TeacherOutputs;

before(async () => {
  given = await trainedOutputs(model);
  outputs = await loadTeacherOutputs(given);
});

/** Trains a teacher, and returns what it gives. */
async function trainedOutputs(config: RunConfig): Promise<Required<GivenOutputs>> {
  await runTrials([config], { runsDir, resume: true });
  startEngine();
  const restored = restoreModel(readModel(runFiles(runsDir, config).model));
  const inputs = findModel(config.model.kind).prepare(graphInputs(graph).value) as never;
  const { logits, hidden, layers } = restored.forward(inputs, { reads: "layers" });
  return { logits, hidden: hidden!, layers: layers!.widths.map((_, i) => layers!.at(i)) };
}

/** The student's weights after its run. */
function weights(folder: string, config: RunConfig): ModelFile["parameters"] {
  return readModel(runFiles(folder, config).model).parameters;
}

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

test("a method that reads what the outputs lack is refused in one line, before anything runs", async () => {
  const { logits, layers } = given;
  const [only, maps] = [await loadTeacherOutputs({ logits }), await loadTeacherOutputs({ layers })];
  const legal = (teacher: TeacherOutputs): string[] =>
    taught.flatMap(({ name }) => {
      try {
        studentConfig(subject, name, teacher);
        return [name];
      } catch (error) {
        assert.ok(error instanceof OptionError);
        assert.match(error.message, /^[^\n]* reads the teacher's [^\n]*docs\/teachers\.md[^\n]*$/);
        return [];
      }
    });
  assert.deepEqual(legal(only), ["smoothing", "softkd"]);
  assert.deepEqual(legal(maps), ["fitnet", "at", "lsp", "gsp", "gcrd", "geometric", "abkd"]);
  assert.deepEqual(
    legal(outputs),
    taught.map(({ name }) => name),
  );
  const fitnet = () => studentConfig(subject, "fitnet", only);
  const message =
    'fitnet reads the teacher\'s last hidden map, but its outputs have only logits: add "hidden" ' +
    "(docs/teachers.md), or take a method that does without";
  assert.throws(fitnet, new OptionError(message));
});

test("a method that does not say what it reads is refused when it starts", async (t) => {
  const remove = registerMethod({
    ...(findMethod("at") as Method<Record<string, never>>),
    name: "silent",
    teacherParts: undefined as never,
  });
  t.after(remove);
  const { value } = graphInputs(graph);
  const { train } = splitTargets(graph, smallSplit()).value;
  const { logits } = outputs.outputs;
  const teacher = new GivenTeacher({ known: { logits: logits!, layers: [] } }, 3);
  const student = { kind: "gcnii", widths: [4], hidden: 4, classes: 3 };
  const { defaults } = findMethod("at");
  assert.throws(
    () =>
      createDistillation(
        { name: "silent", options: defaults },
        { teacher, graph: value, student, train, seed: 1 },
      ),
    /the method reads the teacher's last hidden map, but its outputs have only logits/,
  );
});

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

test("outputs that no teacher of this graph gave are refused", async () => {
  const rows = (count: number, width: number): number[][] =>
    Array.from({ length: count }, (_, r) => Array.from({ length: width }, (_, c) => r - c));
  const cases: [GivenOutputs, RegExp][] = [
    [{ logits: rows(59, 3) }, /logits is 59 x 3, but taught has 60 nodes, and each is a row$/],
    [{ logits: rows(3, 60) }, /logits is 3 x 60, which is transposed: taught has 60 nodes/],
    [{ logits: rows(60, 4) }, /logits is 60 x 4, but taught has 3 classes, and each is a column$/],
    [{ logits: rows(60, 3), hidden: rows(61, 8) }, /hidden is 61 x 8, but taught has 60 nodes/],
    [{ layers: [rows(60, 8), rows(8, 60)] }, /layer\.1 is 8 x 60, which is transposed/],
  ];
  for (const [wrong, message] of cases) {
    const config = studentConfig(
      subject,
      "logits" in wrong ? "softkd" : "at",
      await loadTeacherOutputs(wrong),
    );
    await assert.rejects(runTrials([config], { runsDir }), (error: Error) => {
      assert.ok(error instanceof InputError, error.stack ?? "");
      assert.match(error.message, message);
      return true;
    });
  }
  const bad: [unknown, RegExp][] = [
    [{ logits: [[1, Number.NaN]] }, /logits: row 0, column 1 is NaN, not a finite float32$/],
    [
      {
        logits: [
          [1, 2],
          [1e39, 2],
        ],
      },
      /row 1, column 0 is 1e\+39/,
    ],
    [
      {
        logits: [
          [0.25, 0.75],
          [1, 0],
        ],
      },
      /each row sums to 1: these are probabilities/,
    ],
    [{ logits: [[1, 2], [1]] }, /row 1 has 1 numbers, row 0 2/],
    [{ logits: { shape: [2, 2], values: [1, 2, 3] } }, /3 numbers of shape \(2,2\), not a matrix/],
    [{ logit: [[1]] }, /unknown key "logit"/],
    [{}, /they are empty/],
    [[], /none; expected/],
    [7, /expected: the path/],
  ];
  for (const [wrong, message] of bad) {
    await assert.rejects(loadTeacherOutputs(wrong as never), (error: Error) => {
      assert.ok(error instanceof UserError, error.stack ?? "");
      assert.match(error.message, message);
      return true;
    });
  }
});

test("a teacher that knows nothing of the graph is reported, and its students say so", async (t) => {
  const notes: string[] = [];
  const options = { runsDir: temporaryFolder(t), observer: noted(notes) };
  const flat = {
    shape: [60, 3],
    values: Float32Array.from({ length: 180 }, (_, k) => (k % 3) * 2),
  };
  const config = studentConfig(subject, "softkd", await loadTeacherOutputs({ logits: flat }), {
    training,
  });
  const [result] = await runTrials([config], options);
  assert.match(
    notes[1]!,
    /is dead: it gives every node one class .*each row must be that of the node/,
  );
  assert.ok(result!.warnings.includes(DEAD_TEACHER));
  const turned = Array.from(graph.labels, (label) =>
    [0, 1, 2].map((c) => (c === (label + 1) % 3 ? 5 : 0)),
  );
  const other = studentConfig(subject, "softkd", await loadTeacherOutputs({ logits: turned }), {
    training,
  });
  notes.length = 0;
  await runTrials([other], options);
  assert.match(notes.at(-1)!, /has learned nothing: test .*each row must be that of the node/);
});

test("distill() takes outputs by path or as they are, and refuses what belongs to other teachers", async (t) => {
  const folder = temporaryFolder(t);
  const file = join(folder, "gat.npz");
  const { logits } = outputs.outputs;
  writeFileSync(file, encodeNpz(new Map([["logits", logits!]])));
  const request = { dataset: "taught", method: "softkd", student: { training }, runsDir } as const;
  const byPath = await distill({ ...request, teacher: { outputs: file } });
  const asTheyAre = await distill({ ...request, teacher: { outputs: { logits: given.logits } } });
  assert.deepEqual(byPath.config, asTheyAre.config);
  assert.deepEqual([...byPath.parameters], [...asTheyAre.parameters]);
  assert.ok(byPath.result.teacherAccuracy!.test > 0.5);
  const wrong: [object, RegExp][] = [
    [
      { teacher: { outputs: file }, teacherSeed: 2 },
      /teacherSeed is for a teacher that is trained/,
    ],
    [{ teacher: { outputs: file, model: {} } }, /unknown key "model"/],
    [{ teacher: { outputs: file }, method: "at" }, /at reads the teacher's last hidden map/],
    [{ teacher: { outputs: join(folder, "none.npz") } }, /no such file or folder/],
  ];
  for (const [change, message] of wrong) {
    await assert.rejects(distill({ ...request, ...change } as never), message);
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

function noted(notes: string[]) {
  return (event: TrainingEvent): void => {
    if (event.type === "note") notes.push(event.message);
  };
}
