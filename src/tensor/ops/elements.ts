// Elementwise functions and their slopes, computed on the host: for a few thousand per-arc or per-node
// values that is faster than tfjs's operators, and the slope may differ from the tape's.
import * as tf from "@tensorflow/tfjs";
import { asTensor, runningBackend } from "../engine/backend.ts";
import { nativeIsCurrent } from "../native/backend.ts";

/**
 * Applies f to each element, differentiably.
 * @param value f(x)
 * @param slope f'(x), given x and f(x)
 */
export function mapElements<T extends tf.Tensor>(
  x: T,
  value: (x: number) => number,
  slope: (x: number, y: number) => number,
): T {
  const op = tf.customGrad((...args: unknown[]) => {
    const [input, save] = args as [tf.Tensor, tf.GradSaveFunc];
    const from = read(input);
    const [values, slopes] = [fresh(x.shape), fresh(x.shape)];
    const [y, d] = [values.numbers, slopes.numbers];
    for (let k = 0; k < from.length; k++) {
      y[k] = value(from[k]!);
      d[k] = slope(from[k]!, y[k]!);
    }
    save([slopes.tensor()]);
    const gradFunc = (dy: tf.Tensor, [by]: tf.Tensor[]): tf.Tensor => tf.mul(dy, by!);
    return { value: values.tensor(), gradFunc };
  });
  return op(x) as T;
}

/**
 * The mean of a function f over all elements, differentiable, in one loop on the host. (The tape's
 * gradient of a mean is a slow broadcast.)
 *
 * @param fill sets f'(x) of each element and returns the sum of all f(x)
 */
export function meanElements(
  x: tf.Tensor,
  fill: (x: Float32Array, slopes: Float32Array) => number,
): tf.Scalar {
  const op = tf.customGrad((...args: unknown[]) => {
    const [input, save] = args as [tf.Tensor, tf.GradSaveFunc];
    const from = read(input);
    const slopes = fresh(x.shape);
    const total = fill(from, slopes.numbers);
    save([slopes.tensor()]);
    const gradFunc = (dy: tf.Tensor, [by]: tf.Tensor[]): tf.Tensor =>
      tf.mul(by!, tf.mul(dy, 1 / x.size));
    return { value: tf.scalar(total / x.size), gradFunc };
  });
  return op(x) as tf.Scalar;
}

/** Returns a tensor's numbers: the wasm engine's own, which must not be changed, or a copy of the native engine's. */
export function read(x: tf.Tensor): Float32Array {
  return nativeIsCurrent() ? x.dataSync<"float32">() : runningBackend().floats(x);
}

/** Returns numbers to be set, and a function that makes the tensor of them. The wasm engine's are set in place. */
export function fresh(shape: number[]): { readonly numbers: Float32Array; tensor(): tf.Tensor } {
  if (nativeIsCurrent()) {
    const numbers = new Float32Array(tf.util.sizeFromShape(shape));
    return { numbers, tensor: () => tf.tensor(numbers, shape) };
  }
  const info = runningBackend().allocate(shape);
  const tensor = (): tf.Tensor => asTensor(info);
  return { numbers: runningBackend().floats(info), tensor };
}
