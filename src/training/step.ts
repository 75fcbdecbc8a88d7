// One step of gradient descent on a batch.
import * as tf from "@tensorflow/tfjs";
import { turnCount } from "../distillation/registry.ts";
import type { Outputs } from "../models/model.ts";
import {
  Adam,
  AdamW,
  beginPhase,
  clipGradients,
  type Optimiser,
  type ParameterGroup,
  RMSprop,
  SGD,
} from "../tensor/index.ts";
import type { TrainingBatch } from "./batches.ts";
import type { OptimiserConfig } from "./run.ts";
import type { TrainingTask } from "./train.ts";
import { type Stepper, studentsInTurns, TurnOptimiser } from "./turns.ts";

/** Makes the optimiser of the model's parameters and, without weight decay, the method's; or one per student. */
export function optimiser(task: TrainingTask): Stepper {
  const { config, model, distillation } = task;
  const { learningRate, weightDecay } = config.training;
  if (turnCount(config.method) > 1) {
    const each = studentsInTurns(task).parts.map(({ parameters }) =>
      createOptimiser(config.training.optimiser, [{ parameters, learningRate, weightDecay }]),
    );
    return new TurnOptimiser(each);
  }
  return createOptimiser(config.training.optimiser, [
    { parameters: model.parameters, learningRate, weightDecay },
    {
      parameters: distillation?.parameters ?? [],
      learningRate: distillation?.learningRate ?? learningRate,
      weightDecay: 0,
    },
  ]);
}

function createOptimiser(
  config: OptimiserConfig | undefined,
  groups: readonly ParameterGroup[],
): Optimiser {
  switch (config?.name) {
    case undefined:
      return new Adam(groups);
    case "adamw":
      return new AdamW(groups);
    case "rmsprop":
      return new RMSprop(groups);
    case "sgd":
      return new SGD(groups, config);
  }
}

interface StepOptions {
  /** The task's whole graph if left out. */
  readonly batch?: TrainingBatch;
  /** Multiplies all learning rates. */
  readonly rate?: number;
}

/**
 * Takes one step and returns the loss; if the loss is not finite, nothing changes.
 * @param number the step's, from 0: what dropout and the method draw depends on it
 */
export function step(
  task: TrainingTask,
  optimiser: Stepper,
  number: number,
  { batch = task, rate = 1 }: StepOptions = {},
): number {
  const { config, model, distillation } = task;
  const { turn } = optimiser;
  beginPhase("forward");
  return tf.tidy(() => {
    let moved: Outputs["moved"];
    const { value, grads } = tf.variableGrads(() => {
      const outputs = model.forward(batch.inputs, {
        dropout: { seed: config.seed, step: number },
        reads: distillation?.reads ?? "logits",
        ...(turn !== undefined && { turn }),
      });
      moved = outputs.moved;
      const crossEntropy = batch.targets.train.loss(outputs.logits);
      const total = distillation
        ? distillation.loss(outputs, crossEntropy, number, batch)
        : crossEntropy;
      beginPhase("backward");
      return total;
    }, optimiser.variables);
    const loss = value.dataSync()[0]!;
    beginPhase("optimiser");
    if (!Number.isFinite(loss)) return loss;
    const { clip } = config.training;
    optimiser.step(clip === undefined ? grads : clipGradients(grads, clip), rate);
    const { buffers = [] } = turn === undefined ? model : studentsInTurns(task).parts[turn]!;
    for (const { name, variable } of buffers) {
      const values = moved?.get(name);
      if (values) variable.assign(tf.tensor(values, variable.shape));
    }
    return loss;
  });
}
