// Gradient clipping by the global norm.
import * as tf from "@tensorflow/tfjs";
import { read } from "./elements.ts";

/** Keeps the quotient finite; the value of torch.nn.utils.clip_grad_norm_. */
const EPSILON = 1e-6;

/**
 * Scales gradients down if their global Euclidean norm exceeds a limit. The norm is summed in
 * double precision and in a fixed order, so it is the same with any number of threads.
 * @param gradients the gradients by name; they are not disposed of
 * @param limit the largest norm, above 0
 * @returns the same tensors if the norm is within the limit, otherwise new ones
 */
export function clipGradients(gradients: tf.NamedTensorMap, limit: number): tf.NamedTensorMap {
  let squares = 0;
  for (const gradient of Object.values(gradients)) {
    for (const number of read(gradient)) squares += number * number;
  }
  const scale = limit / (Math.sqrt(squares) + EPSILON);
  if (scale >= 1) return gradients;
  return Object.fromEntries(
    Object.entries(gradients).map(([name, gradient]) => [name, tf.mul(gradient, scale)]),
  );
}
