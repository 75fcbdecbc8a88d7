// The hot path of the default form: distances to a teacher side that is fixed, in one pass over T.
//
// The seam is the primitive `pairDistances`, with this signature:
//
//     pairDistances(
//       teacher: Tensor3D,    [n, T_l, d], node-major: a node's rows lie side by side
//       projected: Tensor3D,  [n, S_l, d]: R_j = S_j P_s^j
//       weights: Tensor2D,    [T_l, S_l]: w_ij, known before D
//     ): {
//       distances: Tensor2D        [T_l, S_l]: sum over nodes and width of (T_i - R_j)^2
//       weightedTeacher: Tensor3D  [n, S_l, d]: U_j = sum_i w_ij T_i
//     }
//
// The engine has it as one kernel; on any other tfjs back end it is written in tf operators.
import * as tf from "@tensorflow/tfjs-core";
import { BACKEND } from "../../tensor/backend.ts";
import { pairDistances as fusedPairDistances, type PairDistances } from "../../tensor/pairs.ts";

/** See the top of this file. By direct differences: no digits are lost near zero. */
export function pairDistances(
  teacher: tf.Tensor3D,
  projected: tf.Tensor3D,
  weights: tf.Tensor2D,
): PairDistances {
  const run = tf.getBackend() === BACKEND ? fusedPairDistances : pairDistancesByOperators;
  return run(teacher, projected, weights);
}

function pairDistancesByOperators(
  teacher: tf.Tensor3D,
  projected: tf.Tensor3D,
  weights: tf.Tensor2D,
): PairDistances {
  const columns = tf.split(projected, projected.shape[1], 1).map((r) => {
    return tf.sum(tf.squaredDifference(teacher, r), [0, 2]);
  });
  const mixing = tf.expandDims(tf.transpose(weights), 0);
  return {
    distances: tf.stack(columns, 1) as tf.Tensor2D,
    weightedTeacher: tf.matMul(mixing, teacher) as tf.Tensor3D,
  };
}

/**
 * factor * sum_ij w_ij |T_i - R_j|^2, differentiable by R and w; T is a constant. With
 * D_ij = factor |T_i - R_j|^2:
 *
 *     dL/dR_j = 2 factor (R_j sum_i w_ij - U_j),   dL/dw_ij = D_ij
 *
 * @param teacher [n, T_l, d], node-major
 * @param projected [n, S_l, d]: R
 * @param weights [T_l, S_l]: w
 */
export function fixedTeacherLoss(
  teacher: tf.Tensor3D,
  projected: tf.Tensor3D,
  weights: tf.Tensor2D,
  factor: number,
): tf.Scalar {
  const loss = tf.customGrad((...args: unknown[]) => {
    const [r, w, save] = args as [tf.Tensor3D, tf.Tensor2D, tf.GradSaveFunc];
    const { distances, weightedTeacher } = pairDistances(teacher, r, w);
    const dissimilarity = tf.mul(distances, factor);
    const [nodes, layers, width] = r.shape;
    // sum_i w_ij for each number of R: equal shapes multiply fast, broadcasts do not.
    const ones = tf.ones([layers, width]);
    const totals = tf.mul(tf.reshape(tf.sum(w, 0), [layers, 1]), ones);
    const spread = tf.matMul(tf.ones([nodes, 1]), tf.reshape(totals, [1, layers * width]));
    const pull = tf.sub(tf.mul(r, tf.reshape(spread, r.shape)), weightedTeacher);
    save([pull, dissimilarity]);
    const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]): tf.Tensor[] => [
      tf.mul(saved[0]!, tf.mul(dy, 2 * factor)),
      tf.mul(saved[1]!, dy),
    ];
    return {
      value: tf.sum(tf.mul(w, dissimilarity)),
      gradFunc: gradFunc as unknown as () => tf.Tensor,
    };
  });
  return loss(projected, weights) as tf.Scalar;
}
