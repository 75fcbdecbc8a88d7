// Equation 4 as written, both sides trained, on the engine: one pass over the teacher's maps per step.
//
// What scalar-per-node.ts computes by products of matrices and vectors is local to a node here: its
// numbers t_i and s_j, their differences, and its share of each gradient.
import * as tf from "@tensorflow/tfjs";
import { scalarPairs } from "../../tensor/ops/pairs.ts";
import { sideBySide } from "./blocks.ts";
import type { Comparison, Dissimilarity, Measured } from "./dissimilarity.ts";

/** The forms "literal" and "node-mean" with the Euclidean distance. */
export class TrainedScalars implements Dissimilarity {
  readonly #comparison: Comparison;
  /** [n, T_l, d_t], node-major. */
  readonly #teacher: tf.Tensor3D;
  readonly #nodes: number;
  /** Turns a sum over nodes into D. */
  readonly #factor: number;

  constructor(comparison: Comparison) {
    const { teacher, teacherSide, options } = comparison;
    this.#comparison = comparison;
    this.#nodes = teacher[0]!.shape[0];
    this.#factor = options.form === "literal" ? 1 : 1 / this.#nodes;
    const shape = [this.#nodes, teacher.length, teacherSide.width] as const;
    this.#teacher = tf.tidy(() => tf.keep(tf.reshape(sideBySide(teacher), [...shape])));
  }

  weighted(student: tf.Tensor3D, weights: tf.Tensor2D): tf.Scalar {
    const vectors = [this.#teacherVectors(), this.#studentVectors()] as const;
    return scalarLoss(this.#teacher, student, ...vectors, weights, this.#factor);
  }

  measure(student: tf.Tensor3D): Measured {
    const vectors = this.#studentVectors();
    const teacherLayers = this.#teacher.shape[1];
    const [studentLayers, nodes] = student.shape;
    const noWeights = tf.zeros([teacherLayers, studentLayers]) as tf.Tensor2D;
    const pairs = scalarPairs(this.#teacher, this.#teacherVectors(), student, vectors, noWeights);
    const columns = tf.reshape(vectors, [studentLayers, -1, 1]);
    const numbers = tf.reshape(tf.matMul(student, columns), [studentLayers, nodes]);
    const scaled = (x: tf.Tensor): tf.Tensor => tf.mul(x, this.#factor);
    return {
      dissimilarity: scaled(pairs.distances) as tf.Tensor2D,
      squares: {
        teacher: tf.mul(this.teacherSquares(), this.#nodes * this.#factor) as tf.Tensor1D,
        student: scaled(tf.sum(tf.mul(numbers, numbers), 1)) as tf.Tensor1D,
      },
    };
  }

  /** Taken as the distances to a student of zeros. */
  teacherSquares(): tf.Tensor1D {
    const [nodes, layers] = this.#teacher.shape;
    const zeros = [tf.zeros([1, nodes, 1]), tf.zeros([1, 1]), tf.zeros([layers, 1])] as const;
    const [student, vectors, weights] = zeros as [tf.Tensor3D, tf.Tensor2D, tf.Tensor2D];
    const pairs = scalarPairs(this.#teacher, this.#teacherVectors(), student, vectors, weights);
    return tf.mul(tf.reshape(pairs.distances, [layers]), 1 / nodes) as tf.Tensor1D;
  }

  teacherVectorNorms(): tf.Tensor1D {
    return tf.sqrt(tf.sum(tf.square(this.#teacherVectors()), 1)) as tf.Tensor1D;
  }

  dispose(): void {
    this.#teacher.dispose();
  }

  #teacherVectors(): tf.Tensor2D {
    const { projections, teacherSide } = this.#comparison;
    return tf.reshape(projections.teacherVectors(), [-1, teacherSide.width]);
  }

  #studentVectors(): tf.Tensor2D {
    const { projections, studentSide } = this.#comparison;
    return tf.reshape(projections.studentVectors(), [-1, studentSide.width]);
  }
}

/**
 * Returns factor * sum_ij w_ij |t_i - s_j|^2 with t_i = T_i u_i and s_j = S_j v_j; only T is a constant.
 * With D_ij = factor |t_i - s_j|^2, e_i = sum_j w_ij (t_i - s_j) and c_j = sum_i w_ij (t_i - s_j):
 *
 *     dL/du_i = 2 factor T_i' e_i,       dL/dw_ij = D_ij,
 *     dL/dS_j = -2 factor c_j v_j',      dL/dv_j = -2 factor S_j' c_j
 *
 * @param teacher [n, T_l, d_t]: T, node-major
 * @param student [S_l, n, d_s]: S
 * @param teacherVectors [T_l, d_t]: u
 * @param studentVectors [S_l, d_s]: v
 * @param weights [T_l, S_l]: w
 */
function scalarLoss(
  teacher: tf.Tensor3D,
  student: tf.Tensor3D,
  teacherVectors: tf.Tensor2D,
  studentVectors: tf.Tensor2D,
  weights: tf.Tensor2D,
  factor: number,
): tf.Scalar {
  const loss = tf.customGrad((...args: unknown[]) => {
    const [s, u, v, w] = args as [tf.Tensor3D, tf.Tensor2D, tf.Tensor2D, tf.Tensor2D];
    const save = args[4] as tf.GradSaveFunc;
    const found = scalarPairs(teacher, u, s, v, w);
    const dissimilarity = tf.mul(found.distances, factor);
    save([found.byStudent, found.byTeacherVector, found.byStudentVector, dissimilarity]);
    const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]): tf.Tensor[] => {
      const scale = tf.mul(dy, 2 * factor);
      const minus = tf.neg(scale);
      const [byStudent, byTeacherVector, byStudentVector, byWeights] = saved as tf.Tensor[];
      return [
        tf.mul(byStudent!, minus),
        tf.mul(byTeacherVector!, scale),
        tf.mul(byStudentVector!, minus),
        tf.mul(byWeights!, dy),
      ];
    };
    return {
      value: tf.sum(tf.mul(w, dissimilarity)),
      gradFunc: gradFunc as unknown as () => tf.Tensor,
    };
  });
  return loss(student, teacherVectors, studentVectors, weights) as tf.Scalar;
}
