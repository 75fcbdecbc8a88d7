// Sends one row through each of many linear layers, as one differentiable operator.
import * as tf from "@tensorflow/tfjs";
import { asTensor, BACKEND, runningBackend } from "../engine/backend.ts";

/**
 * Sends row i through layer i's own linear layer: x_i W_i + b_i. The wasm engine needs one kernel each way,
 * where tf would need one product per layer; other back ends use tf's operators.
 *
 * @param x layers x inner
 * @param weight layers x inner x columns
 * @param bias layers x columns
 * @param constant whether x is a constant, without a gradient
 * @returns layers x columns
 * @throws {RangeError} for shapes that do not match
 */
export function layerRows(
  x: tf.Tensor2D,
  weight: tf.Tensor3D,
  bias: tf.Tensor2D,
  constant = false,
): tf.Tensor2D {
  const [layers, inner, columns] = weight.shape;
  if (
    !tf.util.arraysEqual(x.shape, [layers, inner]) ||
    !tf.util.arraysEqual(bias.shape, [layers, columns])
  ) {
    throw new RangeError(
      `layerRows: x [${x.shape}], weight [${weight.shape}], bias [${bias.shape}] do not fit`,
    );
  }
  if (tf.getBackend() !== BACKEND) {
    const product = tf.matMul(tf.reshape(x, [layers, 1, inner]), weight);
    return tf.add(tf.reshape(product, [layers, columns]), bias);
  }
  const backend = runningBackend();
  const op = tf.customGrad((...args: unknown[]) => {
    const save = args.pop() as tf.GradSaveFunc;
    const [w, b, row = x] = args as [tf.Tensor3D, tf.Tensor2D, tf.Tensor2D?];
    const out = backend.allocate([layers, columns]);
    backend.engine.run("layerRows", layers, ...backend.addresses(row, w, b, out), inner, columns);
    save([w, row]);
    const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]): tf.Tensor[] => {
      const dw = backend.allocate(weight.shape);
      const dx = constant ? undefined : backend.allocate(x.shape);
      const from = backend.addresses(saved[1]!, saved[0]!, dy);
      const to = [backend.address(dw), dx ? backend.address(dx) : 0] as const;
      backend.engine.run("layerRowsGradient", layers * inner, ...from, ...to, inner, columns);
      const all = [asTensor(dw), tf.clone(dy)];
      return dx ? [...all, asTensor(dx)] : all;
    };
    return { value: asTensor(out), gradFunc: gradFunc as unknown as () => tf.Tensor };
  });
  return (constant ? op(weight, bias) : op(weight, bias, x)) as tf.Tensor2D;
}
