// Several students in one run: deep mutual learning (Zhang, Xiang, Hospedales, Lu; CVPR 2018, eq. 4 and 5),
// as a program adds it.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, type TestContext, test } from "node:test";
import { pathToFileURL } from "node:url";
import * as tf from "@tensorflow/tfjs";
import { registerDataset } from "../../src/datasets/index.ts";
import { findModel } from "../../src/models/registry.ts";
import { Students } from "../../src/models/students.ts";
import { startEngine } from "../../src/tensor/index.ts";
import { graphInputs, splitTargets } from "../../src/training/inputs.ts";
import { decodeModel, restoreModel } from "../../src/training/model-file.ts";
import { importModules, moduleUrls } from "../../src/training/modules.ts";
import type { RunConfig } from "../../src/training/run.ts";
import { readModel, readResult, runFiles } from "../../src/training/run-store.ts";
import { runTrials } from "../../src/training/trials.ts";
import { contents, smallConfig, smallGraph, smallSplit, temporaryFolder } from "./small.ts";

const MUTUAL = `import * as tf from "@tensorflow/tfjs";
import { type Outputs, registerMethod, softmaxCrossEntropy, type Targets } from "abkd";

registerMethod<{ readonly students: number; readonly weight: number }>({
  name: "mutual",
  summary: "students that match each other's predictions",
  version: 1,
  needsTeacher: false,
  defaults: { students: 2, weight: 1 },
  options: {
    students: { kind: "number", min: 2, max: 6, whole: true, description: "students" },
    weight: { kind: "number", min: 0, description: "of each other's predictions" },
  },
  presets: {},
  students: ({ students }) => students,
  create({ train }, { weight }) {
    const apart = (x: tf.Tensor2D) => tf.tidy(() => tf.tensor2d(x.dataSync(), x.shape));
    return {
      parameters: [],
      reads: "logits",
      loss(first, crossEntropy) {
        const all = [first, ...(first.peers ?? [])];
        const terms = all.map((own, k) => {
          const others = all.filter((_, j) => j !== k);
          const divergences = others.map(({ logits }) => {
            const p = tf.softmax(apart(logits));
            const q = tf.logSoftmax(own.logits);
            return tf.mean(tf.sum(tf.mul(p, tf.sub(tf.log(p), q)), 1));
          });
          const mutual = tf.mul(tf.addN(divergences), weight / others.length);
          return tf.add(k === 0 ? crossEntropy : train.loss(own.logits), mutual);
        });
        return tf.addN(terms);
      },
      inspect: () => ({ scalars: {}, matrices: {}, warnings: [] }),
      dispose() {},
    };
  },
});
`;

const { train, val, test: rest } = smallSplit();
registerDataset({ name: "circle", graph: smallGraph(), split: { train, val, test: rest } });
const folder = temporaryFolder({ after } as TestContext);
const file = join(folder, "mutual.ts");
writeFileSync(file, MUTUAL);
const modules = [pathToFileURL(file)];
await importModules(moduleUrls(modules));
startEngine();

function config(options: { students: number; weight: number } | undefined, seed = 3): RunConfig {
  const alone = {
    ...smallConfig({ epochs: 25, patience: 25 }),
    dataset: "circle",
    split: "public",
  };
  const name = options ? "mutual" : "student";
  return { ...alone, seed, method: { name, version: 1, options: options ?? {} } };
}

test("each is scored, saved and read; without a mutual term the first is as if it were alone", async (t) => {
  const runsDir = temporaryFolder(t);
  const three = config({ students: 3, weight: 0 });
  const [alone, result] = await runTrials([config(undefined), three], {
    runsDir,
    modules,
    workers: 1,
  });
  // Without a mutual term none depends on the others: the same draws, and the same bits.
  assert.deepEqual(result!.accuracy, alone!.accuracy);
  assert.deepEqual(result!.curve.valLoss, alone!.curve.valLoss);
  assert.equal(result!.parameters.model, alone!.parameters.model, "of one student");
  assert.equal(result!.students!.length, 3);
  assert.deepEqual(result!.students![0]!.accuracy, result!.accuracy);
  assert.deepEqual(readResult(runFiles(runsDir, three).result).students, result!.students);

  const { model: path } = runFiles(runsDir, three);
  const weights = [1, 2, 3].map((student) => [...readModel(path, student).parameters.values()]);
  assert.deepEqual(weights[0], [
    ...readModel(runFiles(runsDir, config(undefined)).model).parameters.values(),
  ]);
  assert.notDeepEqual(weights[1], weights[0], "their dropout differs");
  assert.notDeepEqual(weights[2], weights[1]);
  const inputs = graphInputs(smallGraph()).value;
  const targets = splitTargets(smallGraph(), smallSplit()).value;
  for (const [k, student] of result!.students!.entries()) {
    const model = restoreModel(readModel(path, k + 1));
    const { logits } = model.forward(inputs);
    assert.equal(targets.test.scores(logits).accuracy, student.accuracy.test, `student ${k + 1}`);
  }
  const mean = tf.tidy(() =>
    tf.addN([1, 2, 3].map((k) => restoreModel(readModel(path, k)).forward(inputs).logits)),
  ) as tf.Tensor2D;
  assert.equal(targets.test.scores(mean).accuracy, result!.together!.accuracy.test);
  assert.throws(() => readModel(path, 4), /there is no student 4; legal: 1 to 3/);
  assert.throws(() => readModel(path, 0), /there is no student 0; legal: 1 to 3/);
});

test("they learn from each other: their predictions converge", async (t) => {
  const runsDir = temporaryFolder(t);
  const pair = (weight: number) => config({ students: 2, weight });
  await runTrials([pair(0), pair(4)], { runsDir, modules, workers: 1 });
  const inputs = graphInputs(smallGraph()).value;
  const apart = (of: RunConfig): number => {
    const { model: path } = runFiles(runsDir, of);
    const [one, two] = [1, 2].map((k) => {
      const model = restoreModel(readModel(path, k));
      return tf.softmax(model.forward(inputs).logits);
    }) as [tf.Tensor, tf.Tensor];
    return tf.mean(tf.abs(tf.sub(one, two))).dataSync()[0]!;
  };
  assert.ok(apart(pair(4)) < 0.5 * apart(pair(0)), `${apart(pair(4))} of ${apart(pair(0))}`);
});

test("stopped and resumed, or on two workers, they are the same", async (t) => {
  const [whole, parts] = [temporaryFolder(t), temporaryFolder(t)];
  const all = [1, 2, 3].map((seed) => config({ students: 2, weight: 1 }, seed));
  await runTrials(all, { runsDir: whole, modules, workers: 1 });
  const stop = new AbortController();
  let runs = 0;
  const stopped = runTrials(all, {
    ...{ runsDir: parts, modules, workers: 1, signal: stop.signal },
    observer: (event) => {
      // Not every epoch is told of.
      if (event.type === "epoch" && event.epoch < event.epochs && ++runs === 2) stop.abort();
    },
  });
  await assert.rejects(stopped, /stopped/);
  await runTrials(all, { runsDir: parts, modules, workers: 2, resume: true });
  assert.deepEqual(contents(parts), contents(whole));
});

test("abkd export writes one of them as a model by itself", async (t) => {
  const runsDir = temporaryFolder(t);
  const pair = config({ students: 2, weight: 1 });
  await runTrials([pair], { runsDir, modules, workers: 1 });
  const files = runFiles(runsDir, pair);
  const output = join(runsDir, "second.safetensors");
  const args = ["export", files.folder, "--student", "2", "--output", output, "--module", file];
  execFileSync(process.execPath, ["src/cli.ts", ...args], { stdio: "pipe" });
  const exported = decodeModel(readFileSync(output), output);
  assert.deepEqual(exported.parameters, readModel(files.model, 2).parameters);
});

test("batch normalisation's running means are each student's own", () => {
  const kind = findModel("gcn");
  const options = { ...kind.defaults, width: 4, batchNorm: true };
  const create = () =>
    kind.create({ kind: "gcn", ...options } as never, { features: 12, classes: 3 }, 5);
  const model = new Students([create(), create()]);
  const outputs = model.forward(graphInputs(smallGraph()).value as never, {
    dropout: { seed: 1, step: 0 },
  });
  const names = model.buffers.map(({ name }) => name);
  assert.deepEqual([...outputs.moved!.keys()].sort(), [...names].sort());
  const [own, other] = [names[0]!, `student.2/${names[0]}`];
  assert.notDeepEqual(outputs.moved!.get(own), outputs.moved!.get(other));
});
