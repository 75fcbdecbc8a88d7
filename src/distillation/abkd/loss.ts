// Equation 5: the dissimilarity weighted by attention. ../objective.ts adds it to the cross-entropy (eq. 6).
import * as tf from "@tensorflow/tfjs";
import type { Dissimilarity } from "./dissimilarity.ts";

/**
 * Returns L_abkd = 1' (A o D) (1 / S_l): the sum over teacher layers of the mean over student layers.
 *
 * @param attention A, teacher layers x student layers
 * @param student layers x n x d_s
 * @param studentLayers S_l, even if some of them do not take part
 */
export function abkdLoss(
  attention: tf.Tensor2D,
  dissimilarity: Dissimilarity,
  student: tf.Tensor3D,
  studentLayers: number,
): tf.Scalar {
  return dissimilarity.weighted(student, tf.mul(attention, 1 / studentLayers));
}
