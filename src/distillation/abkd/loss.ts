// Equations 5 and 6: the attended dissimilarity, and its place beside the cross-entropy.
import * as tf from "@tensorflow/tfjs";
import type { Dissimilarity } from "./dissimilarity.ts";
import type { AbkdOptions } from "./options.ts";

/**
 * L_abkd = 1' (A o D) (1 / S_l): the sum over teacher layers of the mean over student layers.
 *
 * @param attention A, teacher layers x student layers
 * @param student layers x n x d_s
 * @param studentLayers S_l, also where some of them do not take part
 */
export function abkdLoss(
  attention: tf.Tensor2D,
  dissimilarity: Dissimilarity,
  student: tf.Tensor3D,
  studentLayers: number,
): tf.Scalar {
  return dissimilarity.weighted(student, tf.mul(attention, 1 / studentLayers));
}

/** The terms of the total loss, each made only when its weight is not 0. */
export interface LossTerms {
  readonly crossEntropy: tf.Scalar;
  abkd(): tf.Scalar;
  /** Soft labels; not in the paper. */
  soft(): tf.Scalar;
}

/** L = hardWeight H(s_p, y) + beta L_abkd + softWeight (soft labels); eq. 6 with 1 and 0. */
export function totalLoss(terms: LossTerms, options: AbkdOptions): tf.Scalar {
  const { hardWeight, beta, softWeight } = options;
  const hard = terms.crossEntropy;
  let loss: tf.Scalar = hardWeight === 1 ? hard : tf.mul(hard, hardWeight);
  if (beta !== 0) loss = tf.add(loss, tf.mul(terms.abkd(), beta));
  if (softWeight !== 0) loss = tf.add(loss, tf.mul(terms.soft(), softWeight));
  return loss;
}
