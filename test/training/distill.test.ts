// distill(), evaluate() and prepareRun(): one call each, with the same bits as the longer way.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { inspect } from "node:util";
import { OptionError, UserError } from "../../src/base/errors.ts";
import { InputError } from "../../src/graph/check.ts";
import {
  distill,
  evaluate,
  loadDataset,
  loadSplit,
  makeGraph,
  prepareRun,
  restoreModel,
  runTrials,
  train,
} from "../../src/index.ts";
import { readModelFile } from "../../src/training/apply.ts";
import { encodeModel } from "../../src/training/model-file.ts";
import { studentConfig, teacherConfig } from "../../src/training/recipes.ts";
import { InterruptedError } from "../../src/training/train.ts";
import { crafted, model } from "./own-files.ts";
import { contents, smallGraph, smallSplit, temporaryFolder } from "./small.ts";

const training = { epochs: 6 };
const small = { model: { layers: 3, width: 8 }, training };
const request = {
  dataset: "synthetic",
  teacher: { model: { kind: "gcn", layers: 2, width: 8 }, training },
  student: { model: { kind: "mlp", layers: 2, width: 6 }, training },
  method: "softkd",
  seed: 4,
} as const;

test("distill() writes the files that runTrials() writes, and returns the student that they hold", async (t) => {
  const [one, two] = [temporaryFolder(t), temporaryFolder(t)];
  const student = await distill({ ...request, options: { temperature: 2 }, runsDir: one });
  const teacher = teacherConfig({ dataset: "synthetic", seed: 1 }, request.teacher);
  const config = studentConfig({ dataset: "synthetic", seed: 4 }, "softkd", teacher, {
    ...request.student,
    options: { temperature: 2 },
  });
  const [result] = await runTrials([config], { runsDir: two });
  assert.deepEqual(contents(one), contents(two));
  assert.deepEqual(student.config, config);
  assert.deepEqual(student.accuracy, result!.accuracy);
  const shown = inspect({ student }, { depth: 4 });
  assert.match(shown, /TrainedModel: MLP.*softkd on synthetic .*, seed 4(, DEAD)?\n/);
  assert.match(shown, /accuracy: test \d+\.\d %, validation .* \(best epoch \d, of 6\)/);
  assert.doesNotMatch(shown, /Float32Array/);
  const restored = restoreModel(student);
  assert.equal(restored.outline.kind, "mlp");
  restored.dispose();
});

test("the student and its files are scored with the accuracies of the run", async (t) => {
  const folder = temporaryFolder(t);
  const student = await distill({ ...request, runsDir: folder });
  const [file, npz] = [join(folder, "student.safetensors"), join(folder, "student.npz")];
  student.export(file);
  student.export(npz);
  const graph = await loadDataset("synthetic");
  for (const model of [file, npz, student, readModelFile(file)]) {
    const { accuracy, split, dataset } = await evaluate(model);
    const { all, ...sets } = accuracy;
    assert.deepEqual(sets, student.accuracy);
    assert.deepEqual([dataset, split], ["synthetic", student.config.split]);
  }
  const classes = await student.predict();
  const { test: nodes } = await loadSplit(graph, student.config.split);
  const right = nodes.filter((node) => classes[node] === graph.labels[node]).length;
  assert.equal(right / nodes.length, student.accuracy.test);
  // The public split has other test nodes.
  const other = await evaluate(file, { dataset: graph, split: "public" });
  assert.notEqual(other.accuracy.test, student.accuracy.test);
  assert.deepEqual(other.classes, classes);
  assert.equal(other.logits.length, graph.nodes * graph.classes);

  assert.throws(() => student.export(join(folder, "student.pt")), /ends in \.safetensors or \.npz/);
  await assert.rejects(
    evaluate(student, { dataset: smallGraph() }),
    /the model is for 1433 features/,
  );
  await assert.rejects(evaluate(join(folder, "none.npz")), UserError);
});

test("a teacher given as a kind, a configuration, a result, a trained model or its file is one run", async (t) => {
  const runsDir = temporaryFolder(t);
  const file = join(runsDir, "teacher.safetensors");
  const [config] = [teacherConfig({ dataset: "synthetic", seed: 1 }, small)];
  const [result] = await runTrials([config], { runsDir });
  const alone = { dataset: "synthetic", student: { training }, runsDir } as const;
  const trained = await distill({ ...alone, teacher: config });
  assert.equal(trained.result.parameters.teacher, result!.parameters.model);
  trained.export(file);
  const before = contents(join(runsDir, "teachers"));
  for (const teacher of [small, result!, { config }]) {
    const again = await distill({ ...alone, teacher });
    assert.deepEqual(again.parameters, trained.parameters);
  }
  assert.deepEqual(contents(join(runsDir, "teachers")), before, "it was trained once");
  // A student of this student, given by its file and as it is; a given student starts anew.
  const third = await distill({ ...alone, method: "softkd", teacher: file, student: config });
  assert.deepEqual(third.config.teacher, trained.config);
  assert.deepEqual([third.config.model, third.config.training], [config.model, config.training]);
  const fourth = await distill({ ...alone, method: "softkd", teacher: trained, student: result! });
  assert.deepEqual(fourth.parameters, third.parameters);

  const mlp = await distill({
    ...alone,
    teacher: "mlp",
    method: "student",
    student: "gcn",
    resume: true,
  });
  assert.equal(mlp.config.teacher, undefined, "the plain student has none");
});

test("a program's own graph is trained on under its name, with its sets", async (t) => {
  const runsDir = temporaryFolder(t);
  const { train, val, test: rest } = smallSplit();
  const sets = { train, val, test: rest };
  const graph = { ...smallGraph(), name: "circle" };
  const own = { ...request, dataset: graph, split: sets, runsDir };
  const [student, same] = await Promise.all([distill(own), distill({ ...own, seed: 5 })]);
  assert.equal(student!.config.dataset, "circle");
  assert.match(student!.config.split, /^sets:[0-9a-f]{16}$/);
  assert.equal(same!.config.seed, 5);
  const { accuracy } = await evaluate(student!, { dataset: graph, split: sets });
  assert.equal(accuracy.test, student!.accuracy.test);
  assert.equal((await evaluate(student!)).accuracy.test, accuracy.test, "it is known by its name");
  assert.deepEqual(await student!.predict({ ...graph, name: "other" }), await student!.predict());

  const labels = graph.labels.map((label) => (label + 1) % 3);
  const wrong: [Partial<Parameters<typeof distill>[0]>, RegExp][] = [
    [{ dataset: { ...graph, labels } }, /not the dataset "circle".*name: "mine"/s],
    [{ dataset: { ...graph, name: "synthetic" } }, /not the dataset "synthetic"/],
    [{ dataset: "synthetic" }, /your own split needs a graph/],
    [{ dataset: { ...graph, name: "Two Words" } }, /cannot be named/],
  ];
  for (const [change, message] of wrong) {
    await assert.rejects(distill({ ...own, ...change } as never), (error: Error) => {
      assert.ok(error instanceof OptionError, error.stack ?? "");
      assert.match(error.message, message);
      return true;
    });
  }
  const overlap = {
    ...own,
    dataset: { ...graph, name: "overlap" },
    split: { ...sets, val: train },
  };
  await assert.rejects(distill(overlap), InputError);
});

test("one graph is trained on with another split in each call", async (t) => {
  const runsDir = temporaryFolder(t);
  const { train, val, test: rest } = smallSplit();
  const folds = [
    { train, val, test: rest },
    { train, val: rest, test: val },
    { train: rest, val, test: train },
  ];
  const graph = { ...smallGraph(), name: "folded" };
  const quick = { student: { model: { kind: "mlp" }, training: { epochs: 2 } }, method: "student" };
  const of = (split: object, more = {}) =>
    distill({ ...quick, dataset: graph, split, runsDir, ...more } as never);
  const students = [];
  for (const fold of folds) students.push(await of(fold));
  const names = students.map(({ config }) => config.split);
  assert.equal(new Set(names).size, 3, "each fold has runs of its own");
  for (const [k, fold] of folds.entries()) {
    assert.equal(students[k]!.result.data.test, fold.test.length);
    const { accuracy, split } = await evaluate(students[k]!, { dataset: graph });
    assert.deepEqual([split, accuracy.test], [names[k], students[k]!.accuracy.test]);
  }
  const mask = (nodes: ArrayLike<number>) => {
    const chosen = new Set(Array.from(nodes));
    return Array.from(graph.labels, (_, node) => chosen.has(node));
  };
  const again = await of(
    { train: mask(train), val: mask(rest), test: mask(val) },
    { resume: true },
  );
  assert.equal(
    again.result.id,
    students[1]!.result.id,
    "a mask of the same nodes is the same split",
  );
});

test("a refused call leaves no graph behind: the corrected one may have its name", async (t) => {
  const runsDir = temporaryFolder(t);
  const graph = { ...smallGraph(), name: "draft" };
  const request = {
    dataset: graph,
    student: { model: { kind: "mlp" }, training: { epochs: 2 } },
    runsDir,
  };
  const teacher = { model: { kind: "mlp" }, training: { epochs: 2 } };
  await assert.rejects(distill({ ...request, teacher, method: "sotfkd" } as never), /no method/);
  const corrected = { ...graph, labels: graph.labels.map((label) => (label + 1) % 3) };
  const student = await distill({
    ...request,
    dataset: corrected,
    teacher,
    method: "softkd",
  } as never);
  assert.equal(student.config.dataset, "draft");
});

test("items with sets of classes are scored by the metric of their runs", async (t) => {
  const { adjacency, features, labels } = smallGraph();
  const labelSets = Array.from(labels, (label) =>
    [label, (label + 1) % 3].slice(0, 1 + (label % 2)),
  );
  const graph = makeGraph({ name: "sets", adjacency, features, labelSets });
  const own = { dataset: graph, split: "random:50/25/25:1", runsDir: temporaryFolder(t) };
  const student = await distill({ ...own, method: "student", student: { training } });
  const { metric, accuracy } = await evaluate(student);
  const { all, ...sets } = accuracy;
  assert.deepEqual([metric, student.result.metric], ["micro-F1", "micro-F1"]);
  assert.deepEqual(sets, student.accuracy);
  assert.ok(all! > 0);
});

test("a prepared run is the one that is trained: train() takes it to the same bits", async (t) => {
  const root = temporaryFolder(t);
  const teacher = teacherConfig({ dataset: "synthetic", seed: 1 }, small);
  const config = studentConfig({ dataset: "synthetic", seed: 2 }, "abkd", teacher, { training });
  const run = await prepareRun(config, root);
  assert.equal(run.teacher?.outline.widths.length, 3);
  assert.ok(run.distillation!.parameters.length > 0);
  const { curve, bestEpoch } = await train(run);
  const { accuracy } = run.targets.test.scores(run.model.forward(run.inputs).logits);
  run.dispose();
  const [result] = await runTrials([config], { runsDir: join(root, "runs") });
  assert.deepEqual([result!.curve, result!.bestEpoch], [curve, bestEpoch]);
  assert.equal(result!.accuracy.test, accuracy);
});

test("a request that makes no sense is refused before anything is trained", async (t) => {
  const runsDir = temporaryFolder(t);
  const foreign = join(runsDir, "foreign.safetensors");
  const bytes = Buffer.from(encodeModel(model));
  const start = 8 + Number(bytes.readBigUInt64LE());
  const header = JSON.parse(bytes.toString("utf8", 8, start)) as {
    readonly __metadata__: Record<"config" | "shape", string>;
  };
  const { config, shape } = header.__metadata__;
  const theirs = { ...header, __metadata__: { config, shape } };
  writeFileSync(foreign, crafted(theirs, bytes.subarray(start)));
  const wrong: [object, RegExp][] = [
    [{ dataset: "coar" }, /did you mean "cora"/],
    [{ studnet: "mlp" }, /distill: unknown key "studnet"/],
    [{ workers: 2 }, /distill: unknown key "workers"/],
    [{ student: "mpl" }, /no model "mpl".*did you mean "mlp"/],
    [{ teacher: 5 }, /distill: teacher is 5; expected: a kind's name/],
    [{ teacher: { layers: 3 } }, /unknown key "layers"/],
    [{ teacher: foreign }, /the model is for 5 features and 3 classes; synthetic has 1433 and 7/],
    [{ student: foreign }, /student: .* was written by another program, so no configuration/],
    [{ method: "abdk" }, /did you mean "abkd"/],
    [{ preset: "none" }, /none/],
    [{ seed: -1 }, /seed/],
    [{ checkpointSeconds: -1 }, /checkpointSeconds/],
    [{ teacher: teacherConfig({ dataset: "synthetic", split: "public", seed: 1 }) }, /test nodes/],
  ];
  for (const [change, message] of wrong) {
    await assert.rejects(distill({ ...request, runsDir, ...change } as never), (error: Error) => {
      assert.ok(error instanceof UserError, error.stack ?? "");
      assert.match(error.message, message);
      return true;
    });
  }
  assert.deepEqual([...contents(runsDir).keys()], ["foreign.safetensors"]);
});

test("a signal stops distill(), and the same call goes on", async (t) => {
  const runsDir = temporaryFolder(t);
  const controller = new AbortController();
  const long = { ...request, runsDir, resume: true } as const;
  const stopped = distill({
    ...long,
    signal: controller.signal,
    observer: ({ type }) => {
      if (type === "start") controller.abort();
    },
  });
  await assert.rejects(stopped, InterruptedError);
  const { result } = await distill(long);
  assert.equal(result.curve.loss.length, 6);
});
