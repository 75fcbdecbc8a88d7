// The default form, and its hot path: D_ij = |T_i - S_j P_s^j|^2 / (n d_t), the teacher's side fixed.
//
// Student layers are regressed onto the teacher's maps, so nothing can shrink but the distance. A
// step reads T once: on the engine one wasm kernel computes D and its gradients.
import * as tf from "@tensorflow/tfjs";
import { BACKEND } from "../../tensor/engine/backend.ts";
import { pairRegression } from "../../tensor/ops/pairs.ts";
import { blockMask, nodeMajor, repetition, sideBySide } from "./blocks.ts";
import type { Comparison, Dissimilarity, Measured } from "./dissimilarity.ts";
import { unitRows } from "./maps.ts";
import { pairDistances } from "./pair-distances.ts";

/**
 * With cosine, both sides' vectors are divided by their lengths first: the same distance is then
 * 2 (1 - cos).
 */
export class FixedTeacher implements Dissimilarity {
  readonly #comparison: Comparison;
  /** [n, T_l, d_t], node-major. */
  readonly #teacher: tf.Tensor3D;
  /** [S_l * d_s, S_l * d_t]: which numbers of the widened P_s are not zero. */
  readonly #mask: tf.Tensor2D;
  /** Spreads a P_s^j over all blocks of its row. */
  readonly #repetition: tf.Tensor2D;
  /** |T_i|^2, summed over nodes and width. */
  readonly #teacherSums: Float32Array;
  /** |T_i|^2 / (n d_t), [T_l]. */
  readonly #teacherSquares: tf.Tensor1D;
  /** Turns a sum of squares into D. */
  readonly #factor: number;
  readonly #cosine: boolean;

  constructor(comparison: Comparison) {
    const { teacher, teacherSide, studentSide, options } = comparison;
    const nodes = teacher[0]!.shape[0];
    const { width } = teacherSide;
    this.#comparison = comparison;
    this.#cosine = options.distance === "cosine";
    this.#factor = this.#cosine ? 0.5 / nodes : 1 / (nodes * width);
    this.#teacher = tf.tidy(() => {
      const layers = this.#cosine ? teacher.map(unitRows) : teacher;
      return tf.keep(tf.reshape(sideBySide(layers), [nodes, layers.length, width]));
    });
    this.#mask = tf.keep(blockMask(studentSide.layers.length, studentSide.width, width));
    this.#repetition = tf.keep(repetition(width, studentSide.layers.length));
    this.#teacherSquares = tf.keep(tf.tidy(() => meanSquares(this.#teacher)));
    const means = this.#teacherSquares.dataSync<"float32">();
    this.#teacherSums = means.map((mean) => mean * nodes * width);
  }

  weighted(student: tf.Tensor3D, weights: tf.Tensor2D): tf.Scalar {
    if (this.#cosine || tf.getBackend() !== BACKEND) {
      return fixedTeacherLoss(this.#teacher, this.#projected(student), weights, this.#factor);
    }
    const { projections, studentSide } = this.#comparison;
    const sizes = [student.shape[0], studentSide.width, projections.width] as const;
    const matrices = tf.reshape(projections.studentMatrices(), [...sizes]) as tf.Tensor3D;
    return regressionLoss(
      this.#teacher,
      this.#teacherSums,
      student,
      matrices,
      weights,
      this.#factor,
    );
  }

  measure(student: tf.Tensor3D): Measured {
    const projected = this.#projected(student);
    const teacherLayers = this.#teacher.shape[1];
    const studentLayers = projected.shape[1];
    const noWeights = tf.zeros([teacherLayers, studentLayers]) as tf.Tensor2D;
    const { distances } = pairDistances(this.#teacher, projected, noWeights);
    const dissimilarity = tf.mul(distances, this.#factor) as tf.Tensor2D;
    if (this.#cosine) return { dissimilarity };
    return {
      dissimilarity,
      squares: { teacher: this.#teacherSquares, student: meanSquares(projected) },
    };
  }

  teacherSquares(): tf.Tensor1D {
    return this.#teacherSquares;
  }

  dispose(): void {
    this.#teacher.dispose();
    this.#mask.dispose();
    this.#repetition.dispose();
    this.#teacherSquares.dispose();
  }

  /** Returns R, [n, S_l, d_t], by one product with the P_s^j as blocks, whose result is node-major. */
  #projected(student: tf.Tensor3D): tf.Tensor3D {
    const { projections } = this.#comparison;
    const { width } = projections;
    const repeated = tf.matMul(projections.studentMatrices(), this.#repetition);
    const blocks = tf.mul(repeated, this.#mask) as tf.Tensor2D;
    const projected = tf.matMul(nodeMajor(student), blocks);
    const unit = this.#cosine
      ? unitRows(tf.reshape(projected, [-1, width]) as tf.Tensor2D)
      : projected;
    return tf.reshape(unit, [-1, student.shape[0], width]);
  }
}

/** Returns the mean square of each layer of [n, layers, width], over nodes and width. */
function meanSquares(maps: tf.Tensor3D): tf.Tensor1D {
  const [nodes, layers, width] = maps.shape;
  const nothing = tf.zeros([nodes, 1, width]) as tf.Tensor3D;
  const { distances } = pairDistances(maps, nothing, tf.zeros([layers, 1]));
  return tf.mul(tf.reshape(distances, [layers]), 1 / (nodes * width));
}

/**
 * Returns factor * sum_ij w_ij |T_i - R_j|^2, differentiable with respect to R and w; T is a constant. With
 * D_ij = factor |T_i - R_j|^2:
 *
 *     dL/dR_j = -2 factor sum_i w_ij (T_i - R_j),   dL/dw_ij = D_ij
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
    const { distances, pull } = pairDistances(teacher, r, w);
    const dissimilarity = tf.mul(distances, factor);
    save([pull, dissimilarity]);
    const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]): tf.Tensor[] => [
      tf.mul(saved[0]!, tf.mul(dy, -2 * factor)),
      tf.mul(saved[1]!, dy),
    ];
    return {
      value: tf.sum(tf.mul(w, dissimilarity)),
      gradFunc: gradFunc as unknown as () => tf.Tensor,
    };
  });
  return loss(projected, weights) as tf.Scalar;
}

/**
 * Returns the same for R_j = S_j P_j, differentiable with respect to S, P and w, on the engine. With
 * U_j = sum_i w_ij (T_i - R_j):
 *
 *     dL/dS_j = -2 factor U_j P_j',   dL/dP_j = -2 factor S_j' U_j,   dL/dw_ij = D_ij
 *
 * @param teacherSquares |T_i|^2
 * @param student [S_l, n, d_s]: S
 * @param projections [S_l, d_s, d]: P
 */
function regressionLoss(
  teacher: tf.Tensor3D,
  teacherSquares: Float32Array,
  student: tf.Tensor3D,
  projections: tf.Tensor3D,
  weights: tf.Tensor2D,
  factor: number,
): tf.Scalar {
  const loss = tf.customGrad((...args: unknown[]) => {
    const [s, p, w, save] = args as [tf.Tensor3D, tf.Tensor3D, tf.Tensor2D, tf.GradSaveFunc];
    const { distances, byStudent, byProjection } = pairRegression(teacher, teacherSquares, s, p, w);
    const dissimilarity = distances.map((distance) => distance * factor);
    const shares = w.dataSync<"float32">();
    const value = dissimilarity.reduce((sum, d, pair) => sum + d * shares[pair]!, 0);
    save([byStudent, byProjection, tf.tensor2d(Float32Array.from(dissimilarity), w.shape)]);
    const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]): tf.Tensor[] => {
      const scale = tf.mul(dy, -2 * factor);
      return [tf.mul(saved[0]!, scale), tf.mul(saved[1]!, scale), tf.mul(saved[2]!, dy)];
    };
    return {
      value: tf.scalar(value),
      gradFunc: gradFunc as unknown as () => tf.Tensor,
    };
  });
  return loss(student, projections, weights) as tf.Scalar;
}
