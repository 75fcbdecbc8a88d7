// Operators on the rows of a matrix on the native engine; src/tensor/ops/rows.ts defines them.
import * as tf from "@tensorflow/tfjs";

/** A row with a smaller square counts as zero. */
const LEAST_SQUARE = 1e-24;

export function nativeUnitRows(x: tf.Tensor2D): tf.Tensor2D {
  const op = tf.customGrad((...args: unknown[]) => {
    const [input, save] = args as [tf.Tensor2D, tf.GradSaveFunc];
    const squares = tf.sum(tf.square(input), 1, true);
    const long = tf.greater(squares, LEAST_SQUARE);
    const inverse = tf.where(long, tf.rsqrt(squares), tf.zerosLike(squares));
    const unit = tf.mul(input, inverse);
    save([unit, inverse]);
    const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]): tf.Tensor => {
      const [u, s] = saved as [tf.Tensor, tf.Tensor];
      return tf.mul(tf.sub(dy, tf.mul(u, tf.sum(tf.mul(u, dy), 1, true))), s);
    };
    return { value: unit, gradFunc };
  });
  return op(x) as tf.Tensor2D;
}

export function nativeTakeRows(x: tf.Tensor2D, chosen: Int32Array): tf.Tensor2D {
  return tf.tidy(() => tf.gather(x, tf.tensor1d(chosen.slice(), "int32")));
}
