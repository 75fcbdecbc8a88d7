// The loop: the same bits after any interruption, early stopping, divergence, no leaks.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import * as tf from "@tensorflow/tfjs";
import type { Distillation } from "../../src/distillation/method.ts";
import { createModel } from "../../src/models/registry.ts";
import { memory, startEngine } from "../../src/tensor/index.ts";
import type { TrainingState } from "../../src/training/checkpoint.ts";
import { graphInputs, splitTargets } from "../../src/training/inputs.ts";
import type { EpochEvent } from "../../src/training/observer.ts";
import type { RunConfig, TrainingConfig } from "../../src/training/run.ts";
import {
  DivergedError,
  InterruptedError,
  type TrainingOptions,
  type TrainingOutcome,
  train,
} from "../../src/training/train.ts";
import { smallConfig, smallGraph, smallSplit } from "./small.ts";

before(() => startEngine());

/** Trains a fresh model; returns the outcome and the final weights. */
async function run(
  config: RunConfig,
  options: TrainingOptions = {},
  method?: () => Distillation,
): Promise<{ outcome: TrainingOutcome; weights: Record<string, number[]> }> {
  const graph = smallGraph();
  const inputs = graphInputs(graph);
  const targets = splitTargets(graph, smallSplit());
  const model = createModel(config.model, { features: 12, classes: 3 }, config.seed);
  const distillation = method?.();
  try {
    const task = { config, model, inputs: inputs.value, targets: targets.value };
    const outcome = await train(distillation ? { ...task, distillation } : task, options);
    const weights = Object.fromEntries(
      model.parameters.map(({ name, variable }) => [name, [...variable.dataSync()]]),
    );
    return { outcome, weights };
  } finally {
    distillation?.dispose();
    model.dispose();
    targets.dispose();
    inputs.dispose();
  }
}

/** A method with its own parameter and scalar: pulls a gain towards the mean of the maps. */
function toyMethod(): Distillation {
  const gain = tf.tidy(() => tf.variable(tf.tensor1d([0.5, -0.25])));
  return {
    parameters: [{ name: "toy.gain", variable: gain }],
    learningRate: 0.05,
    reads: "layers",
    loss: ({ layers }, crossEntropy) =>
      tf.add(crossEntropy, tf.sum(tf.square(tf.sub(gain, tf.mean(layers!.stack!))))),
    inspect: () => ({
      scalars: { gain: gain.dataSync()[0]! },
      matrices: { gains: [[...gain.dataSync()]] },
      warnings: [],
    }),
    dispose: () => gain.dispose(),
  };
}

/** Returns the state after `epochs` epochs, as an interruption leaves it. */
async function interrupted(
  config: RunConfig,
  epochs: number,
  method?: () => Distillation,
): Promise<TrainingState> {
  let done = 0;
  let state: TrainingState | undefined;
  const options: TrainingOptions = {
    signal: {
      get aborted() {
        return done === epochs;
      },
    },
    observer: () => {
      done++;
    },
    checkpoints: {
      everySeconds: 3600,
      // A deep copy, as through a file: later steps must not change what was saved.
      save: (saved) => {
        state = structuredClone(saved);
      },
    },
  };
  await assert.rejects(run(config, options, method), InterruptedError);
  assert.ok(state);
  assert.equal(state.epoch, epochs);
  return state;
}

test("a training learns: the loss falls and the best epoch's weights are kept", async () => {
  const events: EpochEvent[] = [];
  const { outcome } = await run(smallConfig({ epochs: 60, patience: 60 }), {
    observer: (event) => event.type === "epoch" && events.push(event),
  });
  const { loss, valLoss, valAccuracy } = outcome.curve;
  assert.equal(loss.length, 60);
  assert.ok(Math.min(...loss) < 0.75 * loss[0]!, `loss from ${loss[0]} to ${loss.at(-1)}`);
  assert.equal(outcome.bestEpoch, valLoss.indexOf(Math.min(...valLoss)) + 1);
  assert.deepEqual(
    events.map(({ epoch, valAccuracy: accuracy }) => [epoch, accuracy]),
    valAccuracy.map((accuracy, k) => [k + 1, accuracy]),
  );
});

test("the best epoch's weights are those of a run that ends there", async () => {
  const long = await run(smallConfig({ epochs: 80, patience: 15, learningRate: 0.1 }));
  const { bestEpoch, curve } = long.outcome;
  assert.equal(curve.loss.length, bestEpoch + 15, "stopped by its patience");
  assert.ok(curve.loss.length < 80);
  const short = await run(smallConfig({ epochs: bestEpoch, patience: 15, learningRate: 0.1 }));
  assert.deepEqual(long.weights, short.weights);
});

test("a run interrupted after any epoch and resumed ends in the same bits", async () => {
  const config = smallConfig({ epochs: 12, patience: 12 });
  const whole = await run(config, {}, toyMethod);
  for (const epochs of [1, 2, 6, 11]) {
    const from = await interrupted(config, epochs, toyMethod);
    const resumed = await run(config, { from }, toyMethod);
    assert.deepEqual(resumed.weights, whole.weights);
    assert.deepEqual(resumed.outcome.curve, whole.outcome.curve);
    assert.equal(resumed.outcome.bestEpoch, whole.outcome.bestEpoch);
    assert.deepEqual(resumed.outcome.inspection, whole.outcome.inspection);
    assert.ok(resumed.outcome.seconds >= from.seconds);
  }
});

/** All options of a training other than Adam. */
const RECIPES: readonly Partial<TrainingConfig>[] = [
  { optimiser: { name: "adamw" }, warmUp: 4 },
  { optimiser: { name: "rmsprop" }, learningRate: 0.002, schedule: { name: "linear" } },
  { optimiser: { name: "sgd" }, clip: 0.1, learningRate: 0.5 },
  {
    optimiser: { name: "sgd", momentum: 0.9 },
    ...{ clip: 0.1, learningRate: 0.1, warmUp: 3, keep: "accuracy" },
    schedule: { name: "step", every: 5, factor: 0.5 },
  },
];

for (const recipe of RECIPES) {
  const { optimiser, ...rest } = recipe;
  const title = `${optimiser?.name} with ${Object.keys(rest).join(", ")}`;
  test(`${title}: a training resumed after an epoch ends in the same bits`, async () => {
    const config = smallConfig({ epochs: 12, patience: 12, ...recipe });
    const whole = await run(config, {}, toyMethod);
    const plain = await run(smallConfig({ epochs: 12, patience: 12 }), {}, toyMethod);
    assert.notDeepEqual(whole.outcome.curve.loss, plain.outcome.curve.loss);
    for (const epochs of [1, 7]) {
      const from = await interrupted(config, epochs, toyMethod);
      const resumed = await run(config, { from }, toyMethod);
      assert.deepEqual(resumed.weights, whole.weights);
      assert.deepEqual(resumed.outcome.curve, whole.outcome.curve);
      assert.equal(resumed.outcome.bestEpoch, whole.outcome.bestEpoch);
    }
    const adams = await interrupted(smallConfig({ epochs: 12, patience: 12 }), 2, toyMethod);
    await assert.rejects(run(config, { from: adams }, toyMethod), {
      name: "OptionError",
      message: new RegExp(`with adam, but the configuration asks for ${optimiser?.name}`),
    });
  });
}

test("with keep accuracy, the first epoch of the highest validation accuracy is kept and waited for", async () => {
  const training = { epochs: 80, patience: 12, learningRate: 0.05 } as const;
  const { outcome, weights } = await run(smallConfig({ ...training, keep: "accuracy" }));
  const { valAccuracy, valLoss } = outcome.curve;
  const highest = Math.max(...valAccuracy);
  const { bestEpoch } = outcome;
  assert.equal(bestEpoch, valAccuracy.indexOf(highest) + 1);
  assert.ok(valAccuracy.lastIndexOf(highest) + 1 > bestEpoch, "there were ties");
  assert.notEqual(bestEpoch, valLoss.indexOf(Math.min(...valLoss)) + 1);
  assert.equal(valAccuracy.length, bestEpoch + 12);
  const short = await run(smallConfig({ ...training, epochs: bestEpoch, keep: "accuracy" }));
  assert.deepEqual(short.weights, weights);
});

test("the patience goes on counting across an interruption", async () => {
  const config = smallConfig({ epochs: 80, patience: 5, learningRate: 0.1 });
  const whole = await run(config);
  const { bestEpoch, curve } = whole.outcome;
  assert.ok(curve.loss.length < 80, "stopped by its patience");
  const resumed = await run(config, { from: await interrupted(config, bestEpoch + 3) });
  assert.deepEqual(resumed.outcome.curve, curve);
  assert.deepEqual(resumed.weights, whole.weights);
});

test("how often checkpoints are written does not change the bits", async () => {
  const config = smallConfig({ epochs: 8, patience: 8 });
  let saved = 0;
  const often = await run(config, { checkpoints: { everySeconds: 0, save: () => saved++ } });
  assert.equal(saved, 8);
  assert.deepEqual(often.weights, (await run(config)).weights);
});

test("a non-finite loss ends the run, and the last sound state is kept", async () => {
  for (const [bad, shown] of [
    [Number.NaN, "NaN"],
    [Number.POSITIVE_INFINITY, "Infinity"],
  ] as const) {
    let steps = 0;
    let saved: TrainingState | undefined;
    const method = (): Distillation => ({
      parameters: [],
      reads: "logits",
      loss: (_, crossEntropy) => (++steps > 4 ? tf.mul(crossEntropy, bad) : crossEntropy),
      inspect: () => ({ scalars: {}, matrices: {}, warnings: [] }),
      dispose() {},
    });
    const save = (state: TrainingState): void => {
      saved = state;
    };
    await assert.rejects(
      run(smallConfig(), { checkpoints: { everySeconds: 3600, save } }, method),
      (error) =>
        error instanceof DivergedError &&
        error.exitCode === 1 &&
        error.message.startsWith(
          `the loss is ${shown} in epoch 5; the checkpoint of epoch 4 is kept`,
        ),
    );
    assert.equal(saved?.epoch, 4);
    for (const values of saved.parameters.values()) assert.ok(values.every(Number.isFinite));
  }
});

test("weights that overflow in a step are noticed in that epoch", async () => {
  const config = smallConfig({ learningRate: 3e38 });
  await assert.rejects(
    run(config),
    /the validation loss is (NaN|Infinity) in epoch 1; no checkpoint is kept/,
  );
});

test("training leaves no tensor and no engine memory behind, however it ends", async () => {
  const config = smallConfig({ epochs: 5, patience: 5 });
  await run(config, {}, toyMethod);
  const tensors = tf.memory().numTensors;
  const bytes = memory().used;
  await run(config, {}, toyMethod);
  await interrupted(config, 3, toyMethod);
  await assert.rejects(run(smallConfig({ learningRate: 3e38 }), {}, toyMethod), DivergedError);
  assert.equal(tf.memory().numTensors, tensors);
  assert.equal(memory().used, bytes);
});
