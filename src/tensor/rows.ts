// Operators on the rows of a matrix, differentiable: rows of length 1, chosen rows.
import * as tf from "@tensorflow/tfjs";
import { runningBackend } from "./backend.ts";
import { nativeIsCurrent } from "./native/backend.ts";
import { nativeTakeRows, nativeUnitRows } from "./native/rows.ts";

/**
 * Each row divided by its length; a row of no length (its square 1e-24 or less) becomes zero, with
 * gradient zero.
 */
export function unitRows(x: tf.Tensor2D): tf.Tensor2D {
  if (nativeIsCurrent()) return nativeUnitRows(x);
  const [rows, columns] = x.shape;
  const backend = runningBackend();
  const op = tf.customGrad((...args: unknown[]) => {
    const [input, save] = args as [tf.Tensor2D, tf.GradSaveFunc];
    const unit = asTensor(backend.allocate([rows, columns]));
    const inverse = asTensor(backend.allocate([rows]));
    const to = [backend.address(unit), backend.address(inverse)];
    backend.engine.run("unitRows", rows, backend.address(input), ...to, columns);
    save([unit, inverse]);
    const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]): tf.Tensor => {
      const gradient = backend.allocate([rows, columns]);
      const from = [...saved, dy].map((tensor) => backend.address(tensor));
      const out = backend.address(gradient);
      backend.engine.run("unitRowsGradient", rows, ...from, out, columns);
      return asTensor(gradient);
    };
    return { value: unit, gradFunc };
  });
  return op(x) as tf.Tensor2D;
}

/**
 * The rows that `chosen` names, in its order; the gradient of all others is zero.
 * @param chosen numbers of rows, each at most once
 */
export function takeRows(x: tf.Tensor2D, chosen: Int32Array): tf.Tensor2D {
  if (nativeIsCurrent()) return nativeTakeRows(x, chosen);
  const columns = x.shape[1];
  const backend = runningBackend();
  const op = tf.customGrad((...args: unknown[]) => {
    const [input] = args as [tf.Tensor2D];
    const taken = backend.allocate([chosen.length, columns]);
    const [from, to] = [backend.floats(input), backend.floats(taken)];
    chosen.forEach((row, k) => {
      to.set(from.subarray(row * columns, (row + 1) * columns), k * columns);
    });
    const gradFunc = (dy: tf.Tensor): tf.Tensor => {
      const gradient = backend.allocate(x.shape);
      const [numbers, given] = [backend.floats(gradient).fill(0), backend.floats(dy)];
      chosen.forEach((row, k) => {
        numbers.set(given.subarray(k * columns, (k + 1) * columns), row * columns);
      });
      return asTensor(gradient);
    };
    return { value: asTensor(taken), gradFunc };
  });
  return op(x) as tf.Tensor2D;
}

const asTensor = (info: tf.TensorInfo): tf.Tensor => tf.engine().makeTensorFromTensorInfo(info);
