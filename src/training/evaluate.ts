// What a trained model says, without dropout and without leaving tensors behind.
import * as tf from "@tensorflow/tfjs";
import type { Forward, GraphInputs, Model } from "../models/model.ts";

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
  let result: T;
  tf.tidy(() => {
    result = read(model.forward(inputs, { maps }));
  });
  return result!;
}

/** The class of the largest logit of each node. */
export function predictedClasses({ logits }: Forward): Int32Array {
  return Int32Array.from(tf.tidy(() => logits.argMax(1)).dataSync());
}
