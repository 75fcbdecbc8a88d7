// Makes the same call on the back end "abkd" and on tfjs's cpu back end, and compares everything.
import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs";
import { BACKEND, memory, startEngine } from "../../src/tensor/index.ts";
import type { Input, OperatorCase } from "./operator-case.ts";
import { assertClose, numbers } from "./support.ts";

/** Starts both back ends. Call it before the tests. */
export function startBoth(): void {
  startEngine();
  tf.setBackend("cpu");
  // Otherwise the cpu back end prints its advice to install another one.
  (tf.backend() as unknown as { firstUse: boolean }).firstUse = false;
}

interface Result {
  readonly shape: number[];
  readonly dtype: string;
  readonly values: ArrayLike<number | string>;
}

interface Outcome {
  readonly outputs: Result[];
  readonly gradients: Result[];
}

function make([shape, kind = "float"]: Input, seed: number): tf.Tensor {
  const size = shape.reduce((product, length) => product * length, 1);
  const x = numbers(size, seed);
  if (kind === "positive")
    return tf.tensor(
      x.map((v) => Math.abs(v) + 0.1),
      [...shape],
    );
  if (kind === "unit")
    return tf.tensor(
      x.map((v) => v * 0.9),
      [...shape],
    );
  if (kind === "int")
    return tf.tensor(
      Int32Array.from(x, (v) => v * 10),
      [...shape],
      "int32",
    );
  if (kind === "whole") {
    return tf.tensor(
      Int32Array.from(x, (v) => Math.abs(v) * 5),
      [...shape],
      "int32",
    );
  }
  if (kind === "bool")
    return tf.tensor(
      Uint8Array.from(x, (v) => +(v > 0)),
      [...shape],
      "bool",
    );
  return tf.tensor(x, [...shape]);
}

function read(tensor: tf.Tensor): Result {
  return { shape: tensor.shape, dtype: tensor.dtype, values: Array.from(tensor.dataSync()) };
}

const list = (x: tf.Tensor | tf.Tensor[]): tf.Tensor[] => (Array.isArray(x) ? x : [x]);

/** Fills and frees blocks of many sizes, which reveals code that still reads freed memory. */
function churn(): void {
  tf.tidy(() => {
    for (let size = 1; size < 3000; size = Math.ceil(size * 1.4)) {
      for (let copy = 0; copy < 3; copy++) tf.fill([size], Number.NaN);
    }
  });
}

function outcomeOn(backendName: string, { inputs, run, gradient }: OperatorCase): Outcome {
  tf.setBackend(backendName);
  return tf.tidy(() => {
    const args = inputs.map((input, i) => make(input, 50 + i));
    const originals = args.map(read);
    const tensors = list(run(...args));
    const outputs = tensors.map(read);
    churn();
    assert.deepEqual(tensors.map(read), outputs, "the result changed after it was returned");
    for (const [i, tensor] of tensors.entries()) {
      if (tensor.dtype !== "float32") continue;
      const twice = Array.from(outputs[i]!.values, (v) => Math.fround(2 * (v as number)));
      const sum = Array.from(tf.add(tensor, tensor).dataSync());
      assert.deepEqual(sum, twice, "the result cannot be used again");
    }
    const gradients: Result[] = [];
    if (gradient) {
      for (const output of tensors.keys()) {
        const one = (...x: tf.Tensor[]): tf.Tensor => list(run(...x))[output]!;
        const floats = args.filter(({ dtype }) => dtype === "float32");
        const withOthers = (...x: tf.Tensor[]): tf.Tensor => {
          const rest = [...x];
          return one(...args.map((arg) => (arg.dtype === "float32" ? rest.shift()! : arg)));
        };
        const dy = tf.tensor(numbers(tensors[output]!.size, 99), tensors[output]!.shape);
        const found = tf.grads(withOthers)(floats, dy);
        gradients.push(...found.map(read));
        churn();
        assert.deepEqual(found.map(read), gradients.slice(-found.length), "a gradient changed");
      }
    }
    // tfjs's own tensorScatterUpdate writes to its input on the cpu back end.
    if (backendName === BACKEND) assert.deepEqual(args.map(read), originals, "an input changed");
    // tidy() only handles tensors: numbers pass through it untouched.
    return { outputs, gradients } as unknown as tf.TensorContainer;
  }) as unknown as Outcome;
}

function compare(actual: Result[], expected: Result[], what: string): void {
  assert.equal(actual.length, expected.length, `${what}: count`);
  for (const [i, { shape, dtype, values }] of expected.entries()) {
    assert.deepEqual(actual[i]!.shape, shape, `${what} ${i}: shape`);
    assert.equal(actual[i]!.dtype, dtype, `${what} ${i}: dtype`);
    if (dtype !== "float32") {
      assert.deepEqual(actual[i]!.values, values, `${what} ${i}`);
      continue;
    }
    const floats = Float32Array.from(values as ArrayLike<number>);
    const largest = floats.reduce((m, v) => (Number.isFinite(v) ? Math.max(m, Math.abs(v)) : m), 0);
    const mine = actual[i]!.values as ArrayLike<number>;
    assertClose(mine, floats, 2e-6 * (largest + 0.01), `${what} ${i}`);
  }
}

/** Asserts that both back ends agree on a call, and that nothing is left behind. */
export function agree(c: OperatorCase): void {
  const expected = outcomeOn("cpu", c);
  tf.setBackend(BACKEND);
  const held = [tf.memory().numTensors, memory().blocks];
  const actual = outcomeOn(BACKEND, c);
  assert.deepEqual(
    [tf.memory().numTensors, memory().blocks],
    held,
    "tensors and blocks left behind",
  );
  compare(actual.outputs, expected.outputs, "output");
  compare(actual.gradients, expected.gradients, "gradient");
}
