// Layers in one matrix: side by side, on top of each other, or as blocks on the diagonal.
import * as tf from "@tensorflow/tfjs";

/** A stack's matrices. tfjs's gradient of unstack fails for a stack of one, hence this. */
export function layersOf(stack: tf.Tensor3D): tf.Tensor2D[] {
  const [count, rows, columns] = stack.shape;
  if (count === 1) return [tf.reshape(stack, [rows, columns])];
  return tf.unstack(stack) as tf.Tensor2D[];
}

/** [layers * width, layers]: 1 where a row is of that layer. */
export function membership(layers: number, width: number): tf.Tensor2D {
  const values = new Float32Array(layers * width * layers);
  for (let row = 0; row < layers * width; row++) {
    values[row * layers + Math.floor(row / width)] = 1;
  }
  return tf.tensor2d(values, [layers * width, layers]);
}

/** [layers * rows, layers * columns]: 1 on the layers' own blocks. */
export function blockMask(layers: number, rows: number, columns: number): tf.Tensor2D {
  return tf.tidy(() =>
    tf.matMul(membership(layers, rows), membership(layers, columns), false, true),
  );
}

/** The layers' maps side by side, n x (layers * width): node-major. */
export function sideBySide(layers: readonly tf.Tensor2D[]): tf.Tensor2D {
  return tf.concat([...layers], 1);
}
