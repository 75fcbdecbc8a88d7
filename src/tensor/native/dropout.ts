// Dropout and ReLU on the native engine.
import * as tf from "@tensorflow/tfjs";
import type { DropoutStream } from "../ops/dropout-stream.ts";
import { dropoutFactors } from "./operators.ts";

/**
 * Computes the factor by which ReLU (if requested) and dropout together multiply x.
 * @returns x's shape, or undefined for 1 everywhere
 */
export function passFactors(
  x: tf.Tensor,
  relu: boolean,
  stream: DropoutStream | undefined,
): tf.Tensor | undefined {
  const drawn = dropoutFactors(x.size, stream);
  const factors = drawn && tf.reshape(drawn, x.shape);
  if (!relu) return factors;
  const on = tf.cast(tf.greater(x, 0), "float32");
  return factors ? tf.mul(on, factors) : on;
}

/** ReLU and dropout as in src/tensor/ops/dropout.ts. */
export function nativeMaskedPass(
  x: tf.Tensor,
  relu: boolean,
  stream: DropoutStream | undefined,
): tf.Tensor {
  const pass = tf.customGrad((...args: unknown[]) => {
    const [input, save] = args as [tf.Tensor, tf.GradSaveFunc];
    const factors = passFactors(input, relu, stream);
    if (factors) save([factors]);
    return {
      value: factors ? tf.mul(input, factors) : tf.clone(input),
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) =>
        saved[0] ? tf.mul(dy, saved[0]) : tf.clone(dy),
    };
  });
  return pass(x);
}
