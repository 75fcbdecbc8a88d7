// What a trained model says, without dropout and without leaving tensors behind.
import * as tf from "@tensorflow/tfjs";
import { needFunction, needObject } from "../arguments.ts";
import type { Forward, GraphInputs, Model } from "../models/model.ts";
import { type Scores, scores } from "../tensor/index.ts";
import type { Batches, SetName } from "./batches.ts";

/**
 * Hands one forward pass to `read` and frees its tensors afterwards.
 * @param maps whether the layer maps are wanted
 */
export function withForward<T>(
  model: Model,
  inputs: GraphInputs,
  maps: boolean,
  read: (forward: Forward) => T,
): T {
  needObject(model, "withForward: model", "a model, such as new Gcnii()", "forward");
  needObject(
    inputs,
    "withForward: inputs",
    "a graph's inputs, as graphInputs() gives them",
    "adjacency",
  );
  needFunction(read, "withForward: read", "a function that reads the outputs");
  let result: T;
  tf.tidy(() => {
    result = read(model.forward(inputs, { maps }));
  });
  return result!;
}

/** Each set's loss and accuracy: means over its nodes in all batches. */
export function evaluate<Name extends SetName>(
  model: Model,
  batches: Batches,
  sets: readonly Name[],
): Record<Name, Scores> {
  const means = {} as Record<Name, { nodes: number; loss: number; accuracy: number }>;
  for (const set of sets) means[set] = { nodes: 0, loss: 0, accuracy: 0 };
  for (const { inputs, targets } of batches.all(sets)) {
    withForward(model, inputs, false, ({ logits }) => {
      for (const set of sets) {
        const [mean, part] = [means[set], targets[set]];
        if (!part) continue;
        const { loss, accuracy } = scores(logits, part);
        mean.nodes += part.count;
        // Of one batch they are its own scores, bit for bit.
        const share = part.count / mean.nodes;
        mean.loss += (loss - mean.loss) * share;
        mean.accuracy += (accuracy - mean.accuracy) * share;
      }
    });
  }
  return means;
}

/** The class of the largest logit of each node. */
export function predictedClasses(forward: Forward): Int32Array {
  needObject(forward, "predictedClasses: forward", "what a model's forward() gives", "logits");
  const { logits } = forward;
  return Int32Array.from(tf.tidy(() => logits.argMax(1)).dataSync());
}
