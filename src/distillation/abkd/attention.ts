// Equation 3: how much each teacher layer is aligned with each student layer.
import * as tf from "@tensorflow/tfjs";
import { layerRows } from "../../tensor/ops/layer-rows.ts";
import type { AbkdOptions } from "./options.ts";
import type { Side } from "./side.ts";
import type { Weights } from "./weights.ts";

export interface Attention {
  /**
   * Returns A, teacher layers x student layers, differentiable with respect to the student's means.
   * @param studentMeans S_a, S_l x d_s
   * @param teacherMeans T_a of a batch, T_l x d_t; by default the whole graph's
   */
  scores(studentMeans: tf.Tensor2D, teacherMeans?: tf.Tensor2D): tf.Tensor2D;
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

/** Returns the scores, row-major. With "last", only the last layers take part at all. */
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

/** A = softmax(T_p S_p' / sqrt(d_a)), where linear layers with bias give T_p and S_p. */
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

  scores(studentMeans: tf.Tensor2D, teacherMeans = this.#teacherMeans): tf.Tensor2D {
    const { embedding, softmax } = this.#options;
    const teacher = apply(this.#teacher, teacherMeans, true);
    const student = apply(this.#student, studentMeans);
    const products = tf.matMul(teacher, student, false, true) as tf.Tensor2D;
    return softmaxOver(products, 1 / Math.sqrt(embedding), softmax);
  }

  dispose(): void {
    this.#teacherMeans.dispose();
  }
}

/**
 * Computes softmax(factor x) over an axis, and its gradient, in JavaScript: x has a few hundred numbers,
 * and each of the ten tf operators that it would take costs more than all the arithmetic.
 */
function softmaxOver(x: tf.Tensor2D, factor: number, axis: AbkdOptions["softmax"]): tf.Tensor2D {
  const groups = groupsOf(x.shape, axis);
  const op = tf.customGrad((...args: unknown[]) => {
    const values = (args[0] as tf.Tensor2D).dataSync<"float32">();
    const shares = new Float32Array(values.length);
    for (const group of groups) {
      const largest = group.reduce(
        (most, k) => Math.max(most, values[k]!),
        Number.NEGATIVE_INFINITY,
      );
      let total = 0;
      for (const k of group) total += Math.exp(factor * (values[k]! - largest));
      for (const k of group) shares[k] = Math.exp(factor * (values[k]! - largest)) / total;
    }
    const gradFunc = (dy: tf.Tensor): tf.Tensor => {
      const above = dy.dataSync<"float32">();
      const out = new Float32Array(shares.length);
      for (const group of groups) {
        const mean = group.reduce((sum, k) => sum + shares[k]! * above[k]!, 0);
        for (const k of group) out[k] = factor * shares[k]! * (above[k]! - mean);
      }
      return tf.tensor2d(out, x.shape);
    };
    return { value: tf.tensor2d(shares, x.shape), gradFunc };
  });
  return op(x) as tf.Tensor2D;
}

/** Returns groups of row-major places: the softmax makes each group's numbers sum to 1. */
function groupsOf([rows, columns]: [number, number], axis: AbkdOptions["softmax"]): number[][] {
  const places = (count: number, first: number, step: number): number[] =>
    Array.from({ length: count }, (_, k) => first + k * step);
  if (axis === "student-layers") {
    return places(rows, 0, 1).map((i) => places(columns, i * columns, 1));
  }
  if (axis === "teacher-layers") return places(columns, 0, 1).map((j) => places(rows, j, columns));
  return [places(rows * columns, 0, 1)];
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

/** Applies layer i's own linear layer to row i, or the shared one to all rows. */
function apply({ weight, bias }: Linear, rows: tf.Tensor2D, constant = false): tf.Tensor2D {
  const [layers, width, embedding] = weight.shape;
  if (layers === rows.shape[0]) return layerRows(rows, weight, bias, constant);
  return tf.add(tf.matMul(rows, tf.reshape(weight, [width, embedding])), bias);
}
