// Losses in one pass of which each trains its own weights: numbers without a past, and gradients
// without a value.
import * as tf from "@tensorflow/tfjs";

/** The same numbers without a past: no gradient goes through, and none is computed. */
export function detached<T extends tf.Tensor>(x: T): T {
  return tf.tensor(x.dataSync(), x.shape) as T;
}

/** 0, with the gradient of the loss. */
export function gradientOnly(loss: tf.Scalar): tf.Scalar {
  return tf.sub(loss, detached(loss));
}
