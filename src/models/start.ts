// Initial parameters, drawn from the model's seed and their names.
import * as tf from "@tensorflow/tfjs";
import { uniform } from "../tensor/ops/random.ts";
import type { Parameter } from "./model.ts";

/** Draws a parameter uniformly from [-bound, bound): a function of (seed, name, shape). */
export function drawn(
  name: string,
  shape: readonly number[],
  bound: number,
  seed: number,
): Parameter {
  const values = uniform(seed, name, tf.util.sizeFromShape([...shape]));
  return {
    name,
    variable: tf.tidy(() =>
      tf.variable(
        tf.tensor(
          values.map((u) => (2 * u - 1) * bound),
          [...shape],
        ),
      ),
    ),
  };
}

/** Makes a parameter or a buffer of equal numbers. */
export function filled(name: string, shape: readonly number[], value: number): Parameter {
  return { name, variable: tf.tidy(() => tf.variable(tf.fill([...shape], value))) };
}
