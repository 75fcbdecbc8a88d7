// Epochs of several steps: their batches, and the same bits after a stop within an epoch.
import assert from "node:assert/strict";
import { join } from "node:path";
import { before, test } from "node:test";
import * as tf from "@tensorflow/tfjs";
import type { Distillation } from "../../src/distillation/method.ts";
import { findMethod } from "../../src/distillation/registry.ts";
import type { GraphInputs, Model } from "../../src/models/model.ts";
import { createModel } from "../../src/models/registry.ts";
import { memory, startEngine } from "../../src/tensor/index.ts";
import { wholeGraph } from "../../src/training/batches.ts";
import {
  readCheckpoint,
  type TrainingState,
  writeCheckpoint,
} from "../../src/training/checkpoint.ts";
import { batchScores } from "../../src/training/evaluate.ts";
import { graphInputs, splitTargets } from "../../src/training/inputs.ts";
import type { RunConfig } from "../../src/training/run.ts";
import {
  DivergedError,
  InterruptedError,
  type TrainingOptions,
  type TrainingOutcome,
  train,
} from "../../src/training/train.ts";
import { NodeSets, PARTS } from "./node-sets.ts";
import { smallConfig, smallGraph, smallSplit, temporaryFolder } from "./small.ts";

before(() => startEngine());

interface Trained {
  readonly outcome: TrainingOutcome;
  readonly weights: Record<string, number[]>;
  readonly batches: NodeSets;
}

interface Step {
  readonly number: number;
  readonly loss: number;
}

/**
 * Wraps a model so that it notes each step and its loss.
 * @param torn the step at which its gradients are NaN, though the loss is finite
 */
function noting(
  model: Model<GraphInputs>,
  batches: NodeSets,
  steps: Step[],
  torn?: number,
): Model<GraphInputs> {
  const { outline, parameters } = model;
  return {
    ...{ outline, parameters },
    forward(inputs, pass) {
      const outputs = model.forward(inputs, pass);
      const number = pass?.dropout?.step;
      if (number === undefined) return outputs;
      const logits = number === torn ? tornGradient(outputs.logits) : outputs.logits;
      const loss = batches.targets.train!.loss(logits as tf.Tensor2D);
      steps.push({ number, loss: loss.dataSync()[0]! });
      return { logits: logits as tf.Tensor2D };
    },
    dispose: () => model.dispose(),
  };
}

const tornGradient = tf.customGrad((x) => ({
  value: tf.clone(x as tf.Tensor),
  gradFunc: (dy: tf.Tensor) => tf.mul(dy, Number.NaN),
}));

const numbersOf = (steps: readonly Step[]): number[] => steps.map(({ number }) => number);

async function run(
  config: RunConfig,
  options: TrainingOptions = {},
  steps: Step[] = [],
  torn?: number,
): Promise<Trained> {
  const [inputs, targets] = [graphInputs(smallGraph()), splitTargets(smallGraph(), smallSplit())];
  const batches = new NodeSets(inputs.value);
  const plain = createModel(config.model, { features: 12, classes: 3 }, config.seed);
  const model = noting(plain, batches, steps, torn);
  const task = { config, model, inputs: inputs.value, targets: targets.value };
  try {
    const outcome = await train({ ...task, batches }, options);
    const weights = Object.fromEntries(
      model.parameters.map(({ name, variable }) => [name, [...variable.dataSync()]]),
    );
    return { outcome, weights, batches };
  } finally {
    assert.equal(batches.held, 0, "every batch was freed");
    for (const held of [model, targets, inputs]) held.dispose();
  }
}

const config = smallConfig({
  ...{ epochs: 4, patience: 4, warmUp: 2, clip: 1 },
  optimiser: { name: "sgd", momentum: 0.9 },
});

test("an epoch has one step per batch; steps count on, and the loss is the mean of the epoch's", async () => {
  const steps: Step[] = [];
  const { outcome, batches } = await run(config, {}, steps);
  assert.deepEqual(numbersOf(steps), [...Array(4 * PARTS).keys()]);
  assert.deepEqual(batches.asked, [0, 1, 2, 3]);
  for (const numbers of Object.values(outcome.curve)) assert.equal(numbers.length, 4);
  for (const [epoch, loss] of outcome.curve.loss.entries()) {
    const own = steps.slice(epoch * PARTS, (epoch + 1) * PARTS);
    const mean = own.reduce((sum, step) => sum + step.loss, 0) / PARTS;
    assert.ok(Math.abs(loss - mean) < 1e-9 * mean, `epoch ${epoch}: ${loss}, not ${mean}`);
  }
});

test("scores of three batches are those of the whole graph", () => {
  const [inputs, targets] = [graphInputs(smallGraph()), splitTargets(smallGraph(), smallSplit())];
  const model = createModel(config.model, { features: 12, classes: 3 }, 1);
  const sets = ["train", "val", "test"] as const;
  const parts = batchScores(model, new NodeSets(inputs.value), sets);
  const whole = batchScores(
    model,
    wholeGraph({ inputs: inputs.value, targets: targets.value }),
    sets,
  );
  for (const set of sets) {
    assert.ok(Math.abs(parts[set].loss - whole[set].loss) < 1e-6, set);
    assert.ok(Math.abs(parts[set].accuracy - whole[set].accuracy) < 1e-12, set);
  }
  const part = wholeGraph({ inputs: inputs.value, targets: { train: targets.value.train } });
  assert.throws(() => batchScores(model, part, ["train", "val"]), /no batch has items of val/);
  for (const held of [model, targets, inputs]) held.dispose();
});

test("a training stopped after any step and resumed from a file ends in the same bits", async (t) => {
  const path = join(temporaryFolder(t), "checkpoint.safetensors");
  const owner = { config, data: "0123", flavour: "fma" };
  const whole = await run(config);
  const states: TrainingState[] = [];
  const save = (state: TrainingState): void => {
    writeCheckpoint(path, owner, state);
    states.push(readCheckpoint(path, owner)!);
  };
  await run(config, { checkpoints: { everySeconds: 0, save } });
  assert.deepEqual(
    states.map(({ epoch, step, within }) => [epoch, step, within?.steps ?? 0]),
    Array.from({ length: 4 * PARTS }, (_, k) => [
      Math.floor((k + 1) / PARTS),
      k + 1,
      (k + 1) % PARTS,
    ]),
  );
  for (const from of states) {
    const steps: Step[] = [];
    const resumed = await run(config, { from }, steps);
    assert.deepEqual(numbersOf(steps), [...Array(4 * PARTS).keys()].slice(from.step));
    assert.deepEqual(resumed.weights, whole.weights, `after step ${from.step}`);
    assert.deepEqual(resumed.outcome.curve, whole.outcome.curve);
    assert.equal(resumed.outcome.bestEpoch, whole.outcome.bestEpoch);
  }
});

test("a stop within an epoch keeps the epoch's steps, and says where it was", async () => {
  let steps = 0;
  let state: TrainingState | undefined;
  const signal = {
    get aborted() {
      return steps++ === 5;
    },
  };
  const save = (saved: TrainingState): void => {
    state = structuredClone(saved);
  };
  await assert.rejects(
    run(config, { signal, checkpoints: { everySeconds: 3600, save } }),
    (error) =>
      error instanceof InterruptedError &&
      error.message === "stopped after step 2 of epoch 2, which is kept" &&
      error.outcome?.curve.loss.length === 1,
  );
  assert.deepEqual([state?.epoch, state?.step, state?.within?.steps], [1, 5, 2]);
  const whole = await run(config);
  const resumed = await run(config, { from: state! });
  assert.deepEqual(resumed.weights, whole.weights);
  assert.deepEqual(resumed.outcome.curve, whole.outcome.curve);
});

test("after a non-finite loss within an epoch, the steps before it are kept in a readable file", async (t) => {
  const path = join(temporaryFolder(t), "checkpoint.safetensors");
  const saved: TrainingState[] = [];
  const hot = smallConfig({ learningRate: 3e38, optimiser: { name: "sgd" } });
  const owner = { config: hot, data: "0123", flavour: "fma" };
  const save = (state: TrainingState): void => {
    writeCheckpoint(path, owner, state);
    saved.push(readCheckpoint(path, owner)!);
  };
  await assert.rejects(
    run(hot, { checkpoints: { everySeconds: 3600, save } }),
    (error) =>
      error instanceof DivergedError &&
      /^the loss is NaN in epoch 1; the checkpoint of step 1 of epoch 1 is kept/.test(
        error.message,
      ),
  );
  assert.deepEqual(
    saved.map(({ step }) => step),
    [1],
  );
});

for (const clip of [undefined, 1]) {
  test(`a non-finite state is not kept, but the one before it${clip ? ", also when clipped" : ""}`, async (t) => {
    const path = join(temporaryFolder(t), "checkpoint.safetensors");
    const torn = smallConfig({ optimiser: { name: "sgd" }, ...(clip !== undefined && { clip }) });
    const owner = { config: torn, data: "0123", flavour: "fma" };
    const save = (state: TrainingState): void => writeCheckpoint(path, owner, state);
    const train = (options: TrainingOptions) => run(torn, options, [], 4);
    const saying = (kept: string) => ({
      message: new RegExp(`^the loss is NaN in epoch 2; ${kept}; `),
    });
    // The fifth step's loss is finite, but the state after it is not: the sixth's loss is NaN.
    await assert.rejects(
      train({ checkpoints: { everySeconds: 0, save } }),
      saying("the checkpoint of step 1 of epoch 2 is kept"),
    );
    assert.equal(readCheckpoint(path, owner)?.step, 4);
    await assert.rejects(
      train({ checkpoints: { everySeconds: 3600, save: () => assert.fail("saved") } }),
      saying("no checkpoint is kept"),
    );
    let steps = 0;
    const signal = {
      get aborted() {
        return steps++ === 5;
      },
    };
    await assert.rejects(train({ signal, checkpoints: { everySeconds: 0, save } }), {
      message: "stopped after step 2 of epoch 2; the checkpoint of step 1 of epoch 2 is kept",
    });
  });
}

test("a stop before the first step, or without checkpoints, does not say that anything is kept", async () => {
  const signal = { aborted: true };
  const save = (): void => assert.fail("saved");
  await assert.rejects(run(config, { signal, checkpoints: { everySeconds: 0, save } }), {
    message: "stopped after epoch 0; nothing is kept",
  });
  let steps = 0;
  const later = {
    get aborted() {
      return steps++ === 5;
    },
  };
  await assert.rejects(run(config, { signal: later }), {
    message: "stopped after step 2 of epoch 2; nothing is kept",
  });
});

test("no memory is left behind, however training ends; an epoch without batches is an error", async () => {
  const before = [tf.memory().numTensors, memory().used];
  await run(config);
  let steps = 0;
  const signal = {
    get aborted() {
      return steps++ === 4;
    },
  };
  let state: TrainingState | undefined;
  const save = (saved: TrainingState): void => {
    state = saved;
  };
  const checkpoints = { everySeconds: 3600, save };
  await assert.rejects(run(config, { signal, checkpoints }), InterruptedError);
  // The checkpoint is SGD's, but this training uses Adam.
  await assert.rejects(run(smallConfig(), { from: state! }), /is from training with sgd/);
  assert.deepEqual([tf.memory().numTensors, memory().used], before);
  const inputs = graphInputs(smallGraph());
  const targets = splitTargets(smallGraph(), smallSplit());
  const model = createModel(config.model, { features: 12, classes: 3 }, 1);
  const task = { config, model, inputs: inputs.value, targets: targets.value };
  const batches = { epoch: () => [], all: () => [] };
  await assert.rejects(train({ ...task, batches }), /an epoch has no batch after its first 0/);
  for (const held of [model, targets, inputs]) held.dispose();
});

test("batches of nodes dealt out by chance are refused with a method that reads arcs", async () => {
  const [inputs, targets] = [graphInputs(smallGraph()), splitTargets(smallGraph(), smallSplit())];
  const model = createModel(config.model, { features: 12, classes: 3 }, 1);
  const { name, version, defaults: options } = findMethod("lsp");
  const task = { model, inputs: inputs.value, targets: targets.value };
  const distillation: Distillation = {
    ...{ parameters: [], reads: "logits" },
    loss: (_, crossEntropy) => crossEntropy,
    inspect: () => ({ scalars: {}, matrices: {}, warnings: [] }),
    dispose: () => {},
  };
  const batches = new NodeSets(inputs.value);
  const lsp = { ...config, method: { name, version, options } };
  await assert.rejects(train({ ...task, config: lsp, batches, distillation }), {
    name: "OptionError",
    message: /^lsp compares nodes along arcs.*: draw batches that have theirs \(.*--sampler walks/,
  });
  for (const held of [model, targets, inputs]) held.dispose();
});
