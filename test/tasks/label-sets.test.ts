// Items with any number of classes: the loss and its gradient against the definition, the score, a run.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import * as tf from "@tensorflow/tfjs";
import { registerDataset } from "../../src/datasets/index.ts";
import { makeGraph } from "../../src/graph/make.ts";
import { randomStream } from "../../src/graph/random.ts";
import { taskOf } from "../../src/tasks/task.ts";
import { LabelSetTargets, startEngine } from "../../src/tensor/index.ts";
import { batchScores } from "../../src/training/evaluate.ts";
import { studentConfig, teacherConfig } from "../../src/training/recipes.ts";
import { readResult, runFiles } from "../../src/training/run-store.ts";
import { runTrials } from "../../src/training/trials.ts";
import { temporaryFolder } from "../training/small.ts";

const ITEMS = 120;
const CLASSES = 5;
const random = randomStream(11);
const sets = Array.from({ length: ITEMS }, () =>
  Array.from({ length: CLASSES }, (_, c) => c).filter(() => random.uniform() < 0.4),
);
/** A ring whose features say which classes a node has and which it lacks. */
const graph = makeGraph({
  name: "sets",
  edges: {
    from: Array.from({ length: ITEMS }, (_, i) => i),
    to: Array.from({ length: ITEMS }, (_, i) => (i + 1) % ITEMS),
  },
  features: sets.map((set) =>
    Array.from({ length: 2 * CLASSES }, (_, k) => Number(set.includes(k >> 1) === (k % 2 === 0))),
  ),
  labelSets: sets.map((set, item) => (item === ITEMS - 1 ? undefined : set)),
  classes: CLASSES,
});
const logits = Array.from({ length: ITEMS }, () =>
  Array.from({ length: CLASSES }, () => 8 * random.uniform() - 4),
);
const chosen = Int32Array.of(3, 4, 7, 20, 38);

before(() => {
  startEngine();
});

/** Computes the loss by its definition, in float64. */
function meanLoss(rows: readonly (readonly number[])[]): number {
  let sum = 0;
  for (const item of chosen) {
    for (let c = 0; c < CLASSES; c++) {
      const probability = 1 / (1 + Math.exp(-rows[item]![c]!));
      sum -= Math.log(sets[item]!.includes(c) ? probability : 1 - probability);
    }
  }
  return sum / (chosen.length * CLASSES);
}

test("the loss and its gradient match the definition, even for extreme logits", () => {
  const targets = new LabelSetTargets(graph.labelSets!, chosen);
  const { value, grad } = tf.valueAndGrad((x) => targets.loss(x as tf.Tensor2D))(
    tf.tensor2d(logits),
  ) as {
    value: tf.Tensor;
    grad: tf.Tensor;
  };
  assert.ok(Math.abs(value.dataSync()[0]! - meanLoss(logits)) < 1e-6);
  const found = grad.arraySync() as number[][];
  const step = 1e-5;
  for (const item of [3, 20, 21]) {
    for (let c = 0; c < CLASSES; c++) {
      const moved = (by: number) =>
        logits.map((row, i) => row.map((x, k) => (i === item && k === c ? x + by : x)));
      const slope = (meanLoss(moved(step)) - meanLoss(moved(-step))) / (2 * step);
      assert.ok(Math.abs(found[item]![c]! - slope) < 1e-6, `item ${item}, class ${c}`);
    }
  }
  const far = tf.tensor2d(logits.map((row) => row.map((x) => 1000 * Math.sign(x))));
  assert.ok(Number.isFinite(targets.loss(far).dataSync()[0]));
});

test("the score is the micro-F1, and the scores of batches combine to the whole's", () => {
  let [right, given, there] = [0, 0, 0];
  for (const item of chosen) {
    for (let c = 0; c < CLASSES; c++) {
      const [isGiven, isThere] = [logits[item]![c]! > 0, sets[item]!.includes(c)];
      right += Number(isGiven && isThere);
      given += Number(isGiven);
      there += Number(isThere);
    }
  }
  const [precision, recall] = [right / given, right / there];
  const expected = (2 * precision * recall) / (precision + recall);
  const whole = new LabelSetTargets(graph.labelSets!, chosen).scores(tf.tensor2d(logits));
  assert.ok(Math.abs(whole.accuracy - expected) < 1e-12);
  assert.ok(Math.abs(whole.loss - meanLoss(logits)) < 1e-6);

  const model = { forward: () => ({ logits: tf.tensor2d(logits) }) };
  const parts = [chosen.slice(0, 1), chosen.slice(1)].map((items) => ({
    inputs: {},
    targets: { val: new LabelSetTargets(graph.labelSets!, items) },
  }));
  const batches = { epoch: () => [], all: () => parts };
  const { val } = batchScores(model as never, batches, ["val"]);
  assert.ok(Math.abs(val.accuracy - whole.accuracy) < 1e-12);
  assert.ok(Math.abs(val.loss - whole.loss) < 1e-6);
});

test("items that do not fit are rejected", () => {
  const { labelSets } = graph;
  assert.throws(() => new LabelSetTargets(labelSets!, Int32Array.of()), /at least one item/);
  assert.throws(() => new LabelSetTargets(labelSets!, Int32Array.of(1, 1)), /named twice/);
  assert.throws(
    () => new LabelSetTargets(labelSets!, Int32Array.of(ITEMS)),
    /item 120 is not one of 120/,
  );
  const targets = new LabelSetTargets(labelSets!, chosen);
  assert.throws(() => targets.loss(tf.zeros([ITEMS, 4])), /\[120,4\].*\[120, 5\]/);
});

test("a model that predicts the same classes for every item is dead", () => {
  const { isConstant, metric } = taskOf(graph);
  assert.equal(metric, "micro-F1");
  assert.ok(
    isConstant(
      tf.tensor2d([
        [1, -2],
        [3, -1],
      ]),
    ),
  );
  assert.ok(
    !isConstant(
      tf.tensor2d([
        [1, -2],
        [3, 1],
      ]),
    ),
  );
});

const items = Array.from({ length: ITEMS - 1 }, (_, item) => item);
registerDataset({
  name: "sets",
  graph,
  split: { train: items.slice(0, 80), val: items.slice(80, 100), test: items.slice(100) },
});

test("a run's record names its score; methods that read logits as one distribution are rejected at the start", async (t) => {
  const runsDir = temporaryFolder(t);
  const training = { epochs: 300, patience: 300, learningRate: 0.02, weightDecay: 0 };
  const teacher = teacherConfig(
    { dataset: "sets", seed: 1 },
    { model: { kind: "mlp", width: 16, dropout: 0 }, training },
  );
  const student = (method: string) =>
    studentConfig({ dataset: "sets", seed: 1 }, method, teacher, {
      model: { kind: "mlp", width: 4 },
      training: { epochs: 3 },
    });
  const [result] = await runTrials([teacher], { runsDir, workers: 1 });
  assert.equal(result!.metric, "micro-F1");
  assert.ok(result!.accuracy.test > 0.9, `micro-F1 ${result!.accuracy.test}`);
  assert.equal(readResult(runFiles(runsDir, teacher).result).metric, "micro-F1");
  await runTrials([student("student")], { runsDir, workers: 1 });
  await assert.rejects(
    runTrials([student("softkd")], { runsDir, workers: 1 }),
    /softkd reads logits as one distribution.*methods for that: student/,
  );
});
