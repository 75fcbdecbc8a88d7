// Evaluates a trained model, without dropout and without leaving tensors behind.
import * as tf from "@tensorflow/tfjs";
import { needFunction, needObject } from "../base/arguments.ts";
import type { Graph } from "../graph/graph.ts";
import type { Model, Outputs, Reads } from "../models/model.ts";
import { taskOf } from "../tasks/task.ts";
import type { Scores } from "../tensor/index.ts";
import type { Batches, SetName } from "./batches.ts";
import type { SplitTargets } from "./inputs.ts";
import type { RunResult } from "./run.ts";

/**
 * Hands one forward pass to `read` and frees its tensors afterwards.
 * @param reads how much of the pass is needed
 */
export function withForward<T, I>(
  model: Model<I>,
  inputs: I,
  reads: Reads,
  read: (outputs: Outputs) => T,
): T {
  needObject(model, "withForward: model", "a model, such as new Gcnii()", "forward");
  // What it contains depends on the model's kind.
  needObject(inputs, "withForward: inputs", "a graph's inputs, as returned by graphInputs()");
  needFunction(read, "withForward: read", "a function that reads the outputs");
  let result: T;
  tf.tidy(() => {
    result = read(model.forward(inputs, { reads }));
  });
  return result!;
}

/**
 * Returns each set's loss and accuracy: means over its items in all batches.
 * @throws {RangeError} if no batch has items of a set
 */
export function batchScores<Name extends SetName>(
  model: Model,
  batches: Batches,
  sets: readonly Name[],
): Record<Name, Scores> {
  const means = {} as Record<Name, { items: number; loss: number; accuracy: number; of: number }>;
  for (const set of sets) means[set] = { items: 0, loss: 0, accuracy: 0, of: 0 };
  for (const { inputs, targets } of batches.all(sets)) {
    withForward(model, inputs, "logits", ({ logits }) => {
      for (const set of sets) {
        const [mean, part] = [means[set], targets[set]];
        if (!part) continue;
        const { loss, accuracy, of } = part.scores(logits);
        mean.items += part.count;
        mean.of += of;
        // With one batch, the means are its own scores, bit for bit.
        mean.loss += (loss - mean.loss) * (part.count / mean.items);
        if (of > 0) mean.accuracy += (accuracy - mean.accuracy) * (of / mean.of);
      }
    });
  }
  const missing = sets.find((set) => means[set].items === 0);
  if (missing !== undefined) throw new RangeError(`no batch has items of ${missing}`);
  return means;
}

/** Returns the class of each node's largest logit. */
export function predictedClasses(outputs: Outputs): Int32Array {
  needObject(outputs, "predictedClasses: outputs", "what a model's forward() gives", "logits");
  const { logits } = outputs;
  return Int32Array.from(tf.tidy(() => logits.argMax(1)).dataSync());
}

/** What is measured on logits: the scores of each set, and whether every item is given the same. */
export type Scored = Pick<RunResult, "accuracy" | "dead">;

/** @param logits items x classes */
export function scoredOutputs(logits: tf.Tensor2D, graph: Graph, targets: SplitTargets): Scored {
  return {
    accuracy: {
      train: targets.train.scores(logits).accuracy,
      val: targets.val.scores(logits).accuracy,
      test: targets.test.scores(logits).accuracy,
    },
    dead: taskOf(graph).isConstant(logits),
  };
}
