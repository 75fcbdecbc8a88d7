// Whole trainings by each optimiser against torch's documented algorithms in double precision: weight
// decay, momentum, clipping, warm-up and schedule together, on a model whose gradient is known.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import * as tf from "@tensorflow/tfjs";
import type { Distillation } from "../../src/distillation/method.ts";
import type { Model } from "../../src/models/model.ts";
import { startEngine } from "../../src/tensor/index.ts";
import { graphInputs, splitTargets } from "../../src/training/inputs.ts";
import type { TrainingConfig } from "../../src/training/run.ts";
import { rateFactor } from "../../src/training/schedule.ts";
import { train } from "../../src/training/train.ts";
import { assertClose, numbers } from "../tensor/support.ts";
import { clipped, type Torch, torch } from "../tensor/torch.ts";
import { smallConfig, smallGraph, smallSplit } from "./small.ts";

before(() => startEngine());

const [INPUTS, CLASSES] = [4, 3];
const { labels, nodes } = smallGraph();
const { train: known } = smallSplit();
const features = numbers(nodes * INPUTS, 1);
const start = { weight: numbers(INPUTS * CLASSES, 2), bias: numbers(CLASSES, 3), gain: [0.5, -2] };
const TARGET = [1, 3];

/** Logits X W + b: the cross-entropy's gradients are X' (p - y) / n and the sum of (p - y) / n. */
function linearModel(): Model {
  const weight = tf.tidy(() => tf.variable(tf.tensor2d(start.weight, [INPUTS, CLASSES])));
  const bias = tf.tidy(() => tf.variable(tf.tensor1d(start.bias)));
  const x = tf.tensor2d(features, [nodes, INPUTS]);
  return {
    outline: { kind: "linear", widths: [CLASSES], hidden: CLASSES, classes: CLASSES },
    parameters: [
      { name: "weight", variable: weight },
      { name: "bias", variable: bias },
    ],
    forward: () => ({ logits: tf.add(tf.matMul(x, weight as tf.Tensor2D), bias) as tf.Tensor2D }),
    dispose: () => tf.dispose([weight, bias, x]),
  };
}

/** Adds |gain - target|^2, whose gradient is clipped with the others' and not decayed. */
function quadratic(): Distillation {
  const gain = tf.tidy(() => tf.variable(tf.tensor1d(start.gain)));
  return {
    parameters: [{ name: "gain", variable: gain }],
    learningRate: 0.05,
    reads: "logits",
    loss: (_, crossEntropy) =>
      tf.add(crossEntropy, tf.sum(tf.square(tf.sub(gain, tf.tensor1d(TARGET))))),
    inspect: () => ({ scalars: {}, matrices: {}, warnings: [] }),
    dispose: () => gain.dispose(),
  };
}

/** Returns the gradients with respect to weight, bias and gain. */
function gradientsAt([w, b, gain]: readonly Float64Array[]): Float64Array[] {
  const [dw, db] = [new Float64Array(w!.length), new Float64Array(CLASSES)];
  for (const node of known) {
    const x = features.slice(node * INPUTS, (node + 1) * INPUTS);
    const logits = Array.from(b!, (bias, c) =>
      x.reduce((sum, xi, i) => sum + xi * w![i * CLASSES + c]!, bias),
    );
    const largest = Math.max(...logits);
    const total = logits.reduce((sum, z) => sum + Math.exp(z - largest), 0);
    for (let c = 0; c < CLASSES; c++) {
      const wrong = Math.exp(logits[c]! - largest) / total - (labels[node] === c ? 1 : 0);
      db[c]! += wrong / known.length;
      for (let i = 0; i < INPUTS; i++) dw[i * CLASSES + c]! += (x[i]! * wrong) / known.length;
    }
  }
  return [dw, db, gain!.map((value, k) => 2 * (value - TARGET[k]!))];
}

const EPOCHS = 20;

/** Trainings, each with a separate formula for the factor of its learning rate in an epoch (from 1). */
const TRAININGS: readonly {
  readonly title: string;
  readonly training: Partial<TrainingConfig>;
  readonly documented: Torch;
  readonly factor: (epoch: number) => number;
}[] = [
  {
    title: "Adam, warm-up of 5 epochs",
    training: { warmUp: 5 },
    documented: torch.adam,
    factor: (epoch) => (epoch <= 5 ? epoch / 5 : 1), // DGL's adjust_learning_rate
  },
  {
    title: "AdamW, linear to 0, clipped to 9.5",
    training: { optimiser: { name: "adamw" }, schedule: { name: "linear" }, clip: 9.5 },
    documented: torch.adamw,
    factor: (epoch) => (EPOCHS - (epoch - 1)) / EPOCHS,
  },
  {
    title: "RMSprop, halved every 6 epochs",
    training: {
      optimiser: { name: "rmsprop" },
      schedule: { name: "step", every: 6, factor: 0.5 },
    },
    documented: torch.rmsprop,
    factor: (epoch) => [1, 0.5, 0.25, 0.125][Math.ceil(epoch / 6) - 1]!,
  },
  {
    title: "SGD with momentum 0.9, warm-up of 3 epochs, a tenth after 8, clipped to 6",
    training: {
      optimiser: { name: "sgd", momentum: 0.9 },
      ...{ warmUp: 3, clip: 6, learningRate: 0.1 },
      schedule: { name: "step", every: 8, factor: 0.1 },
    },
    documented: torch.sgd(0.9),
    factor: (epoch) => Math.min(1, epoch / 3) * (epoch <= 8 ? 1 : epoch <= 16 ? 0.1 : 0.01),
  },
  {
    title: "SGD alone",
    training: { optimiser: { name: "sgd" }, learningRate: 0.2 },
    documented: torch.sgd(0),
    factor: () => 1,
  },
];

for (const { title, training, documented, factor } of TRAININGS) {
  test(`${title}: ${EPOCHS} epochs agree with double precision`, async () => {
    const config = smallConfig({
      ...{ epochs: EPOCHS, patience: EPOCHS, learningRate: 0.03, weightDecay: 0.05 },
      ...training,
    });
    const [inputs, targets] = [graphInputs(smallGraph()), splitTargets(smallGraph(), smallSplit())];
    const [model, distillation] = [linearModel(), quadratic()];
    const variables = [...model.parameters, ...distillation.parameters].map(
      ({ variable }) => variable,
    );
    const { learningRate, weightDecay, clip } = config.training;
    let theta: Float64Array[] = [start.weight, start.bias, start.gain].map((values) =>
      Float64Array.from(values),
    );
    const groups = [
      [learningRate, weightDecay],
      [learningRate, weightDecay],
      [0.05, 0],
    ] as const;
    const steps = theta.map((values, k) => documented(values, groups[k]![1]));
    let [epoch, cuts] = [0, 0];
    // Compared after each epoch's step, because at its end training restores the best parameters.
    const observer = ({ type }: { readonly type: string }): void => {
      if (type !== "epoch") return;
      epoch++;
      const raw = gradientsAt(theta);
      const gradients = clip === undefined ? raw : clipped(raw, clip);
      if (gradients[2]![0] !== raw[2]![0]) cuts++;
      theta = steps.map((take, k) => take(gradients[k]!, groups[k]![0] * factor(epoch)));
      for (const [k, variable] of variables.entries()) {
        const name = ["weight", "bias", "gain"][k]!;
        assertClose(variable.dataSync(), theta[k]!, 2e-6 * epoch, `${name}, epoch ${epoch}`);
      }
    };
    const task = { config, model, inputs: inputs.value, targets: targets.value, distillation };
    await train(task, { observer });
    assert.equal(epoch, EPOCHS);
    if (clip !== undefined) assert.ok(cuts > 0 && cuts < EPOCHS, `clipped in ${cuts} epochs`);
    for (const held of [model, distillation, targets, inputs]) held.dispose();
  });
}

test("without warm-up and schedule, learning rates are multiplied by exactly 1", () => {
  const { training } = smallConfig();
  assert.deepEqual(
    [1, 2, 30].map((epoch) => rateFactor(training, epoch)),
    [1, 1, 1],
  );
});
