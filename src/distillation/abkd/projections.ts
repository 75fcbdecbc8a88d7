// The projections through which D compares: P_t, P_s and the subspace matrix P of equation 4.
import * as tf from "@tensorflow/tfjs";
import type { AbkdOptions } from "./options.ts";
import type { Side } from "./side.ts";
import type { Weights } from "./weights.ts";

/**
 * Project both sides into d_a or, with a fixed teacher, the student's side into the teacher's
 * width. Results are one matrix per layer, on top of each other: [layers * width, ...].
 */
export class Projections {
  /** d_a, or d_t if the teacher's side is the identity. */
  readonly width: number;
  readonly #teacher: tf.Tensor | undefined;
  readonly #student: tf.Tensor;
  readonly #subspace: tf.Tensor | undefined;
  readonly #teacherSide: Side;
  readonly #studentSide: Side;

  constructor(teacher: Side, student: Side, options: AbkdOptions, weights: Weights) {
    const { embedding, linear, projections, subspace } = options;
    const fixed = projections === "fixed-teacher";
    const trained = projections !== "frozen";
    this.width = fixed ? teacher.width : embedding;
    this.#teacherSide = teacher;
    this.#studentSide = student;
    const draw = (name: string, layers: Side["layers"] | "shared", fanIn: number): tf.Tensor =>
      weights.stack(`abkd.projection.${name}`, {
        layers: linear === "shared" ? "shared" : layers,
        shape: [fanIn, this.width],
        fanIn,
        trained,
      });
    if (!fixed) this.#teacher = draw("teacher", teacher.layers, teacher.width);
    this.#student = draw("student", student.layers, student.width);
    if (subspace) this.#subspace = draw("subspace", "shared", embedding);
  }

  /** Returns Q_t^i = P_t^i P, [T_l * d_t, d_a]. */
  teacherMatrices(): tf.Tensor2D {
    if (!this.#teacher) throw new Error("a fixed teacher side has no projection");
    return this.#matrices(this.#teacher, this.#teacherSide);
  }

  /** Returns Q_s^j = P_s^j P, [S_l * d_s, d_a]; with a fixed teacher P_s^j, [S_l * d_s, d_t]. */
  studentMatrices(): tf.Tensor2D {
    return this.#matrices(this.#student, this.#studentSide);
  }

  /** Returns u_t^i = P_t^i P 1 / d_a, [T_l * d_t, 1]; with a fixed teacher 1 / d_t. */
  teacherVectors(): tf.Tensor2D {
    if (this.#teacher) return this.#vectors(this.#teacher, this.#teacherSide);
    return tf.fill([this.#teacherSide.layers.length * this.width, 1], 1 / this.width);
  }

  /** Returns u_s^j = P_s^j P 1 / d_a, [S_l * d_s, 1]. */
  studentVectors(): tf.Tensor2D {
    return this.#vectors(this.#student, this.#studentSide);
  }

  #matrices(stack: tf.Tensor, side: Side): tf.Tensor2D {
    const flat = tf.reshape(stack, [-1, this.width]) as tf.Tensor2D;
    const p = this.#subspace && tf.reshape(this.#subspace, [this.width, this.width]);
    return perLayer(p ? tf.matMul(flat, p as tf.Tensor2D) : flat, side);
  }

  #vectors(stack: tf.Tensor, side: Side): tf.Tensor2D {
    const flat = tf.reshape(stack, [-1, this.width]) as tf.Tensor2D;
    const mean = tf.fill([this.width, 1], 1 / this.width) as tf.Tensor2D;
    const p = this.#subspace && tf.reshape(this.#subspace, [this.width, this.width]);
    return perLayer(tf.matMul(flat, p ? tf.matMul(p as tf.Tensor2D, mean) : mean), side);
  }
}

/** Repeats a shared matrix for each layer. */
function perLayer(stack: tf.Tensor2D, side: Side): tf.Tensor2D {
  const copies = (side.layers.length * side.width) / stack.shape[0];
  return copies === 1 ? stack : tf.concat(new Array<tf.Tensor2D>(copies).fill(stack), 0);
}
