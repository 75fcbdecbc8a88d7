// Distances from all teacher layers to all student layers by tf's operators, on any back end.
import * as tf from "@tensorflow/tfjs";
import type { PairDistances } from "../ops/pairs.ts";

/** pairDistances() of src/tensor/ops/pairs.ts, by direct differences, one student layer after the other. */
export function pairDistancesByOperators(
  teacher: tf.Tensor3D,
  projected: tf.Tensor3D,
  weights: tf.Tensor2D,
): PairDistances {
  return tf.tidy(() => {
    const columns = tf.split(projected, projected.shape[1], 1).map((r) => {
      return tf.sum(tf.squaredDifference(teacher, r), [0, 2]);
    });
    const [mixing, batch] = [tf.expandDims(tf.transpose(weights), 0), projected.shape[0]];
    const totals = tf.reshape(tf.sum(weights, 0), [1, -1, 1]);
    const mixed = tf.matMul(tf.tile(mixing, [batch, 1, 1]), teacher);
    const pull = tf.sub(mixed, tf.mul(projected, totals)) as tf.Tensor3D;
    return { distances: tf.stack(columns, 1) as tf.Tensor2D, pull };
  });
}
