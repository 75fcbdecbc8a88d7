// Gradient clipping by the global norm.
import * as tf from "@tensorflow/tfjs";
import { read } from "./elements.ts";

/** Keeps the quotient finite; torch.nn.utils.clip_grad_norm_'s. */
const EPSILON = 1e-6;

/**
 * Scales gradients down to a limit where their common Euclidean norm is above it. The norm is summed in
 * double precision, in one order: the same on any number of threads.
 * @param gradients by name; not disposed of
 * @param limit above 0
 * @returns the same tensors where the norm is within the limit, else new ones
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
