// Distances of all teacher layers to all student layers: the engine's wasm kernel, or tf operators.
import * as tf from "@tensorflow/tfjs";
import { BACKEND } from "../../tensor/engine/backend.ts";
import { pairDistancesByOperators } from "../../tensor/native/pairs.ts";
import { pairDistances as fusedPairDistances, type PairDistances } from "../../tensor/ops/pairs.ts";

/**
 * The primitive under every Euclidean distance to known maps. It takes differences directly, so no
 * digits are lost near zero. The engine has one kernel for it; other tfjs back ends use operators.
 *
 * @param teacher T, [n, T_l, d]: node-major, a node's rows lie side by side
 * @param projected R, [n, S_l, d]
 * @param weights w, [T_l, S_l]
 * @returns `distances` [T_l, S_l], the sums over nodes and width of (T_i - R_j)^2, and
 *   `pull` [n, S_l, d], sum_i w_ij (T_i - R_j). Not differentiable by itself.
 */
export function pairDistances(
  teacher: tf.Tensor3D,
  projected: tf.Tensor3D,
  weights: tf.Tensor2D,
): PairDistances {
  const run = tf.getBackend() === BACKEND ? fusedPairDistances : pairDistancesByOperators;
  return run(teacher, projected, weights);
}
