// For several losses in one pass that each train their own weights: values without a gradient, and
// gradients without a value.
import * as tf from "@tensorflow/tfjs";

/** Returns the same numbers as a constant: no gradient goes through, and none is computed. */
export function detached<T extends tf.Tensor>(x: T): T {
  return tf.tensor(x.dataSync(), x.shape) as T;
}

/** Returns 0 with the gradient of the loss. */
export function gradientOnly(loss: tf.Scalar): tf.Scalar {
  return tf.sub(loss, detached(loss));
}
