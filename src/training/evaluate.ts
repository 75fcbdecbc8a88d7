// What a trained model says, without dropout and without leaving tensors behind.
import * as tf from "@tensorflow/tfjs";
import type { Model, Outputs, Reads } from "../models/model.ts";

/**
 * Hands one forward pass to `read` and frees its tensors afterwards.
 * @param reads how much of it
 */
export function withForward<T, I>(
  model: Model<I>,
  inputs: I,
  reads: Reads,
  read: (outputs: Outputs) => T,
): T {
  let result: T;
  tf.tidy(() => {
    result = read(model.forward(inputs, { reads }));
  });
  return result!;
}

/** The class of the largest logit of each node. */
export function predictedClasses({ logits }: Outputs): Int32Array {
  return Int32Array.from(tf.tidy(() => logits.argMax(1)).dataSync());
}
