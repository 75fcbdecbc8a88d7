// Whether the native engine can be tested here, and operators on both engines.
import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs";
import { type EngineName, nativeRecord, startEngine } from "../../src/tensor/index.ts";
import { assertClosely, numbers } from "../tensor/support.ts";

/** The reason to skip the native engine's tests, or false. */
export function whyNoNative(): string | false {
  return nativeRecord() ? false : "the native engine is not built: run `npm run native`";
}

/** The required agreement, relative to the largest number. */
export const TOLERANCE = 1e-4;

export type Shape = readonly number[];
export type Run = (...x: tf.Tensor[]) => tf.Tensor;

/** Returns the value of `run` and its gradients with respect to all arguments, on an engine. */
export function outcome(
  engine: EngineName,
  run: () => Run,
  shapes: readonly Shape[],
): Float32Array[] {
  startEngine(engine);
  const operator = run();
  const args = shapes.map((shape, i) => {
    const size = shape.reduce((product, length) => product * length, 1);
    return tf.tensor(numbers(size, 40 + i), [...shape]);
  });
  const value = operator(...args);
  const dy = tf.tensor(numbers(value.size, 99), value.shape);
  const found = [value, ...tf.grads(operator)(args, dy)];
  const read = found.map((tensor) => tensor.dataSync<"float32">());
  tf.dispose([...args, value, dy, ...found]);
  return read;
}

/** Asserts that value and gradients agree on both engines, for numbers of the given shapes. */
export function agree(run: () => Run, ...shapes: readonly Shape[]): void {
  const expected = outcome("wasm", run, shapes);
  const actual = outcome("native", run, shapes);
  for (const [i, numbers] of expected.entries()) {
    const what = i === 0 ? "value" : `gradient ${i}`;
    assert.ok(numbers.every(Number.isFinite), `${what} is finite`);
    assertClosely(actual[i]!, numbers, TOLERANCE, what);
  }
}
