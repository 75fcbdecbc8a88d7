// Students that take turns: each learns from the others as they are at that time, with an optimiser of its own,
// and a stop between two turns loses nothing.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import * as tf from "@tensorflow/tfjs";
import { createDistillation, findMethod } from "../../src/distillation/registry.ts";
import type { GraphInputs, Model, Outputs } from "../../src/models/model.ts";
import { createModel } from "../../src/models/registry.ts";
import { Students } from "../../src/models/students.ts";
import { Adam, startEngine } from "../../src/tensor/index.ts";
import type { TrainingState } from "../../src/training/checkpoint.ts";
import { graphInputs, splitTargets } from "../../src/training/inputs.ts";
import type { RunConfig } from "../../src/training/run.ts";
import { readModel, runFiles } from "../../src/training/run-store.ts";
import { type TrainingOptions, train } from "../../src/training/train.ts";
import { runTrials } from "../../src/training/trials.ts";
import { contents, smallConfig, smallGraph, smallSplit, temporaryFolder } from "./small.ts";

before(() => startEngine());

const shape = { features: 12, classes: 3 };
const epochs = 7;

function config(a: number, dropout = 0, students = 2): RunConfig {
  const small = smallConfig({ epochs, patience: epochs });
  const options = { ...findMethod("alignahead").defaults, students, a };
  return {
    ...small,
    model: { ...small.model, dropout },
    method: { name: "alignahead", version: 1, options: options as never },
  };
}

const create = ({ model, seed }: RunConfig): Model<GraphInputs> =>
  createModel(model, shape, seed) as Model<GraphInputs>;

const weights = ({ parameters }: Pick<Model, "parameters">): number[][] =>
  parameters.map(({ variable }) => Array.from(variable.dataSync()));

function method(own: RunConfig, student: Model["outline"], seed: number) {
  const inputs = graphInputs(smallGraph()).value;
  const { train } = splitTargets(smallGraph(), smallSplit()).value;
  return createDistillation(own.method!, { graph: inputs, student, train, seed });
}

/** Trains by the project's loop; the model holds the last epoch's parameters, which is the best here if kept. */
async function trained(own: RunConfig, options: TrainingOptions = {}) {
  const { students } = own.method!.options as { students: number };
  const model = new Students(Array.from({ length: students }, () => create(own)));
  const distillation = method(own, model.outline, own.seed);
  const task = {
    ...{ config: own, model, distillation },
    inputs: graphInputs(smallGraph()).value,
    targets: splitTargets(smallGraph(), smallSplit()).value,
  };
  const states: TrainingState[] = [];
  const save = (state: TrainingState) => void states.push(structuredClone(state));
  const outcome = await train(task, { checkpoints: { everySeconds: 0, save }, ...options });
  return { outcome, states, weights: weights(model) };
}

test("two models in turn, written out: the second sees what the first has just learned", async () => {
  const own = config(1);
  const { states } = await trained(own);
  const inputs = graphInputs(smallGraph()).value;
  const targets = splitTargets(smallGraph(), smallSplit()).value.train;
  const models = [create(own), create(own)] as const;
  const loss = method(own, models[0].outline, own.seed);
  const { learningRate, weightDecay } = own.training;
  const optimisers = models.map(({ parameters }, k) => {
    const named = parameters.map(({ name, variable }) => ({ name: `${k}/${name}`, variable }));
    return new Adam([{ parameters: named, learningRate, weightDecay }]);
  });
  const pass = { dropout: { seed: own.seed, step: 0 }, reads: "layers" } as const;
  for (let epoch = 0; epoch < epochs; epoch++) {
    for (const turn of [0, 1] as const) {
      tf.tidy(() => {
        const peer = models[1 - turn]!.forward(inputs, pass);
        const { grads } = tf.variableGrads(() => {
          const outputs = models[turn].forward(inputs, pass);
          const student = Object.create(outputs, { peers: { value: [peer] } }) as Outputs;
          return loss.loss(student, targets.loss(outputs.logits), epoch);
        }, optimisers[turn]!.variables);
        optimisers[turn]!.step(grads);
      });
    }
  }
  const last = states.at(-1)!;
  assert.deepEqual([last.epoch, last.step], [epochs, 2 * epochs]);
  const expected = models.flatMap(weights);
  const actual = [...last.parameters.values()].map((values) => Array.from(values));
  assert.deepEqual(actual, expected);
  assert.notDeepEqual(expected.slice(0, expected.length / 2), expected.slice(expected.length / 2));
});

test("without the method's term, each is as if it were alone", async () => {
  const { states } = await trained(config(0, 0, 3));
  const alone = create(config(0));
  const { method: _, ...plain } = config(0);
  const kept: TrainingState[] = [];
  const save = (state: TrainingState) => void kept.push(structuredClone(state));
  await train(
    {
      ...{
        config: { ...plain, method: { name: "student", version: 1, options: {} } },
        model: alone,
      },
      inputs: graphInputs(smallGraph()).value,
      targets: splitTargets(smallGraph(), smallSplit()).value,
    },
    { checkpoints: { everySeconds: 0, save } },
  );
  const one = [...kept.at(-1)!.parameters.values()].map((values) => Array.from(values));
  const three = [...states.at(-1)!.parameters.values()].map((values) => Array.from(values));
  assert.deepEqual(three, [...one, ...one, ...one]);
});

test("from a checkpoint between two turns: the same bits", async () => {
  const own = config(1, 0.4, 3);
  const whole = await trained(own);
  for (const step of [4, 5, 6]) {
    const from = whole.states.find((state) => state.step === step)!;
    assert.equal(from.within?.steps ?? 0, step % 3);
    const { outcome, states } = await trained(own, { from });
    assert.deepEqual(states.at(-1), { ...whole.states.at(-1)!, seconds: states.at(-1)!.seconds });
    assert.deepEqual(outcome.curve, whole.outcome.curve);
  }
});

test("trials: on two workers, stopped and resumed, the same files; each student is scored", async (t) => {
  const [whole, parts] = [temporaryFolder(t), temporaryFolder(t)];
  const all = [1, 2].map((seed) => ({
    ...config(1, 0.3),
    ...{ dataset: "synthetic", split: "public", seed },
    // Long enough that a stop comes before the end.
    training: { ...smallConfig().training, epochs: 60, patience: 60 },
  }));
  const [first] = await runTrials(all, { runsDir: whole, workers: 1 });
  assert.equal(first!.students!.length, 2);
  const stop = new AbortController();
  const stopped = runTrials(all, {
    ...{ runsDir: parts, workers: 1, signal: stop.signal },
    observer: (event) => {
      // Not every epoch is told of.
      if (event.type === "epoch") stop.abort();
    },
  });
  await assert.rejects(stopped, /stopped/);
  await runTrials(all, { runsDir: parts, workers: 2, resume: true });
  assert.deepEqual(contents(parts), contents(whole));
  const { model } = runFiles(whole, all[0]!);
  assert.notDeepEqual([...readModel(model, 2).parameters], [...readModel(model, 1).parameters]);
});
