// Initial parameters, drawn from the model's seed and their names.
import * as tf from "@tensorflow/tfjs";
import { normal, uniform } from "../tensor/ops/random.ts";
import type { Parameter } from "./model.ts";

/** Draws a parameter uniformly from [-bound, bound): a function of (seed, name, shape). */
export function drawn(
  name: string,
  shape: readonly number[],
  bound: number,
  seed: number,
): Parameter {
  const values = uniform(seed, name, tf.util.sizeFromShape([...shape]));
  return parameter(
    name,
    shape,
    values.map((u) => (2 * u - 1) * bound),
  );
}

/** Draws a parameter from the normal distribution with mean 0: a function of (seed, name, shape). */
export function drawnNormal(
  name: string,
  shape: readonly number[],
  deviation: number,
  seed: number,
): Parameter {
  const values = normal(seed, name, tf.util.sizeFromShape([...shape]));
  return parameter(
    name,
    shape,
    values.map((x) => x * deviation),
  );
}

const parameter = (name: string, shape: readonly number[], values: Float32Array): Parameter => ({
  name,
  variable: tf.tidy(() => tf.variable(tf.tensor(values, [...shape]))),
});

/** Makes a parameter or a buffer of equal numbers. */
export function filled(name: string, shape: readonly number[], value: number): Parameter {
  return { name, variable: tf.tidy(() => tf.variable(tf.fill([...shape], value))) };
}
