// Equation 3: how much each teacher layer is aligned with each student layer.
import * as tf from "@tensorflow/tfjs";
import { layerRows } from "../../tensor/layer-rows.ts";
import type { AbkdOptions } from "./options.ts";
import type { Weights } from "./weights.ts";

/** The layers of one side that take part. */
export interface Side {
  /** Their indices, in order. */
  readonly layers: readonly number[];
  readonly width: number;
}

export interface Attention {
  /**
   * A, teacher layers x student layers, differentiable by the student's means.
   * @param studentMeans S_a, S_l x d_s
   */
  scores(studentMeans: tf.Tensor2D): tf.Tensor2D;
  dispose(): void;
}

/** @param teacherMeans T_a, T_l x d_t */
export function createAttention(
  teacherMeans: tf.Tensor2D,
  teacher: Side,
  student: Side,
  options: AbkdOptions,
  weights: Weights,
): Attention {
  if (options.attention === "learned") {
    return new LearnedAttention(teacherMeans, teacher, student, options, weights);
  }
  const rows = teacher.layers.length;
  const columns = student.layers.length;
  const values = fixedScores(options.attention, rows, columns);
  const fixed = tf.keep(tf.tensor2d(values, [rows, columns]));
  return { scores: () => tf.clone(fixed), dispose: () => fixed.dispose() };
}

/** Row-major. With "last" only the last layers take part at all. */
function fixedScores(
  kind: "uniform" | "diagonal" | "last",
  rows: number,
  columns: number,
): Float32Array {
  const scores = new Float32Array(rows * columns);
  if (kind !== "diagonal") return scores.fill(1 / columns);
  for (let i = 0; i < rows; i++) scores[i * columns + Math.floor((i * columns) / rows)] = 1;
  return scores;
}

/** A = softmax(T_p S_p' / sqrt(d_a)), T_p and S_p by linear layers with bias. */
class LearnedAttention implements Attention {
  readonly #teacherMeans: tf.Tensor2D;
  readonly #teacher: Linear;
  readonly #student: Linear;
  readonly #options: AbkdOptions;

  constructor(
    teacherMeans: tf.Tensor2D,
    teacher: Side,
    student: Side,
    options: AbkdOptions,
    weights: Weights,
  ) {
    this.#options = options;
    this.#teacherMeans = tf.keep(tf.clone(teacherMeans));
    this.#teacher = linear("abkd.attention.teacher", teacher, options, weights);
    this.#student = linear("abkd.attention.student", student, options, weights);
  }

  scores(studentMeans: tf.Tensor2D): tf.Tensor2D {
    const { embedding, softmax } = this.#options;
    const teacher = apply(this.#teacher, this.#teacherMeans, true);
    const student = apply(this.#student, studentMeans);
    const scores = tf.mul(tf.matMul(teacher, student, false, true), 1 / Math.sqrt(embedding));
    return softmaxOver(scores as tf.Tensor2D, softmax);
  }

  dispose(): void {
    this.#teacherMeans.dispose();
  }
}

/** tfjs's softmax runs over the last axis only. */
function softmaxOver(scores: tf.Tensor2D, axis: AbkdOptions["softmax"]): tf.Tensor2D {
  if (axis === "student-layers") return tf.softmax(scores);
  if (axis === "teacher-layers") return tf.transpose(tf.softmax(tf.transpose(scores)));
  return tf.reshape(tf.softmax(tf.reshape(scores, [-1])), scores.shape);
}

interface Linear {
  /** [layers or 1, width, d_a] */
  readonly weight: tf.Tensor3D;
  /** [layers or 1, d_a] */
  readonly bias: tf.Tensor2D;
}

function linear(name: string, side: Side, options: AbkdOptions, weights: Weights): Linear {
  const layers = options.linear === "shared" ? "shared" : side.layers;
  const common = { layers, fanIn: side.width, trained: true } as const;
  const { embedding } = options;
  return {
    weight: weights.stack(`${name}.weight`, {
      ...common,
      shape: [side.width, embedding],
    }) as tf.Tensor3D,
    bias: weights.stack(`${name}.bias`, { ...common, shape: [embedding] }) as tf.Tensor2D,
  };
}

/** Row i through layer i's own linear layer; or all through one. */
function apply({ weight, bias }: Linear, rows: tf.Tensor2D, constant = false): tf.Tensor2D {
  const [layers, width, embedding] = weight.shape;
  if (layers === rows.shape[0]) return layerRows(rows, weight, bias, constant);
  return tf.add(tf.matMul(rows, tf.reshape(weight, [width, embedding])), bias);
}
