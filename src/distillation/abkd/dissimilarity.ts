// Equation 4: how far each student layer is from each teacher layer, in each of its forms.
import * as tf from "@tensorflow/tfjs";
import { BACKEND } from "../../tensor/engine/backend.ts";
import { FixedTeacher } from "./fixed-teacher.ts";
import type { TeacherMaps } from "./maps.ts";
import { MeanSquare } from "./mean-square.ts";
import type { AbkdOptions } from "./options.ts";
import { PerNodeCosine } from "./per-node-cosine.ts";
import type { Projections } from "./projections.ts";
import { ScalarPerNode } from "./scalar-per-node.ts";
import type { Side } from "./side.ts";
import { TrainedScalars } from "./trained-scalars.ts";

/** D, and the sizes of what it compares. */
export interface Measured {
  /** D, teacher layers x student layers. */
  readonly dissimilarity: tf.Tensor2D;
  /** |t_i|^2 and |s_j|^2 of the projected maps in D's unit; absent with cosine, which has no size. */
  readonly squares?: { readonly teacher: tf.Tensor1D; readonly student: tf.Tensor1D };
}

/**
 * With Q_t = P_t P and Q_s = P_s P (without P: P_t and P_s; with a fixed teacher: I and P_s),
 *
 * | form      | Euclidean                                       | cosine                        |
 * | --------- | ----------------------------------------------- | ----------------------------- |
 * | literal   | sum over nodes of ((T_i Q_t - S_j Q_s) 1/d_a)^2 | 1 - cos of the two n-vectors  |
 * | node-mean | that / n                                        | the same: it has no sum       |
 * | mse       | mean over nodes and d_a of (T_i Q_t - S_j Q_s)^2 | 1 - cos of the two d_a-vectors of a node, averaged over nodes |
 *
 * Eq. 4 leaves one number per node, whose cosine is nothing but a sign: hence the n-vectors' cosine
 * in the first two. A vector of zeros has no direction: |a/|a| - b/|b||^2 / 2, which is 1 - cos
 * elsewhere, is taken with 0/|0| = 0. So it is 1/2 against a vector with a direction and 0 against
 * another without one, and its gradient is 0.
 */
export interface Dissimilarity {
  /**
   * Returns sum_ij w_ij D_ij, differentiably.
   * @param student layers x n x d_s
   * @param weights w, teacher layers x student layers
   */
  weighted(student: tf.Tensor3D, weights: tf.Tensor2D): tf.Scalar;
  measure(student: tf.Tensor3D): Measured;
  /** Returns each projected teacher map's mean square over nodes (and d_a), which may collapse. */
  teacherSquares(): tf.Tensor1D;
  /** Returns |u_t| of each teacher layer, in the forms that have it. */
  teacherVectorNorms?(): tf.Tensor1D;
  dispose(): void;
}

/** What every form is made from. */
export interface Comparison {
  /** The prepared teacher maps, n x d_t per layer; the form copies what it keeps. */
  readonly teacher: TeacherMaps;
  readonly teacherSide: Side;
  readonly studentSide: Side;
  readonly projections: Projections;
  readonly options: AbkdOptions;
}

export function createDissimilarity(comparison: Comparison): Dissimilarity {
  const { form, distance, projections } = comparison.options;
  if (form !== "mse") {
    const onePass = projections === "trained" && distance === "euclidean";
    return onePass && tf.getBackend() === BACKEND
      ? new TrainedScalars(comparison)
      : new ScalarPerNode(comparison);
  }
  if (projections === "fixed-teacher") return new FixedTeacher(comparison);
  return distance === "cosine" ? new PerNodeCosine(comparison) : new MeanSquare(comparison);
}
