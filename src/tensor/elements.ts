// A function of each element with its slope, computed on the host: for the few thousand numbers of
// arcs or nodes that is faster than operators of tfjs, and the slope may differ from the tape's.
import * as tf from "@tensorflow/tfjs";
import { runningBackend } from "./backend.ts";

/**
 * @param value f(x)
 * @param slope f'(x), given x and f(x)
 */
export function mapElements<T extends tf.Tensor>(
  x: T,
  value: (x: number) => number,
  slope: (x: number, y: number) => number,
): T {
  const backend = runningBackend();
  const op = tf.customGrad((...args: unknown[]) => {
    const [input, save] = args as [tf.Tensor, tf.GradSaveFunc];
    const [values, slopes] = [backend.allocate(x.shape), backend.allocate(x.shape)];
    const [from, y, d] = [input, values, slopes].map((tensor) => backend.floats(tensor));
    for (let k = 0; k < from!.length; k++) {
      y![k] = value(from![k]!);
      d![k] = slope(from![k]!, y![k]!);
    }
    const saved = tf.engine().makeTensorFromTensorInfo(slopes);
    save([saved]);
    const gradFunc = (dy: tf.Tensor, [by]: tf.Tensor[]): tf.Tensor => tf.mul(dy, by!);
    return { value: tf.engine().makeTensorFromTensorInfo(values), gradFunc };
  });
  return op(x) as T;
}

/**
 * The mean over all elements of a function f, differentiable, in one loop on the host. (The tape's
 * gradient of a mean is a slow broadcast.)
 *
 * @param fill sets f'(x) of each element and returns the sum of all f(x)
 */
export function meanElements(
  x: tf.Tensor,
  fill: (x: Float32Array, slopes: Float32Array) => number,
): tf.Scalar {
  const backend = runningBackend();
  const op = tf.customGrad((...args: unknown[]) => {
    const [input, save] = args as [tf.Tensor, tf.GradSaveFunc];
    const slopes = backend.allocate(x.shape);
    const total = fill(backend.floats(input), backend.floats(slopes));
    save([tf.engine().makeTensorFromTensorInfo(slopes)]);
    const gradFunc = (dy: tf.Tensor, [by]: tf.Tensor[]): tf.Tensor =>
      tf.mul(by!, tf.mul(dy, 1 / x.size));
    return { value: tf.scalar(total / x.size), gradFunc };
  });
  return op(x) as tf.Scalar;
}
