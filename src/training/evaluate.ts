// What a trained model says, without dropout and without leaving tensors behind.
import * as tf from "@tensorflow/tfjs";
import { needFunction, needObject } from "../arguments.ts";
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

/** The class of the largest logit of each node. */
export function predictedClasses(forward: Forward): Int32Array {
  needObject(forward, "predictedClasses: forward", "what a model's forward() gives", "logits");
  const { logits } = forward;
  return Int32Array.from(tf.tidy(() => logits.argMax(1)).dataSync());
}
