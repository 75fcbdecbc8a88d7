// Per-arc values on the native engine; src/tensor/ops/arcs.ts defines them.
import * as tf from "@tensorflow/tfjs";
import type { Csr } from "../../graph/csr.ts";

/** The ends of each arc, [arcs] each. */
export class NativeArcs {
  readonly from: tf.Tensor1D;
  readonly to: tf.Tensor1D;

  constructor({ rows, indptr, indices }: Csr) {
    const from = new Int32Array(indices.length);
    for (let i = 0; i < rows; i++) from.fill(i, indptr[i]!, indptr[i + 1]!);
    this.from = tf.keep(tf.tensor1d(from, "int32"));
    this.to = tf.keep(tf.tensor1d(indices.slice(), "int32"));
  }

  dispose(): void {
    tf.dispose([this.from, this.to]);
  }
}

/** How an arc's two ends are compared, elementwise. */
const MEASURES = {
  dot: tf.mul,
  absolute: (a: tf.Tensor, b: tf.Tensor) => tf.abs(tf.sub(a, b)),
  square: tf.squaredDifference,
} as const;

/** x_i . x_j, the sum of |x_i - x_j| or |x_i - x_j|^2 for each arc, differentiable. */
export function nativeArcPairs(
  arcs: NativeArcs,
  x: tf.Tensor2D,
  measure: keyof typeof MEASURES,
): tf.Tensor1D {
  return tf.tidy(() => {
    const [a, b] = [tf.gather(x, arcs.from), tf.gather(x, arcs.to)];
    return tf.sum(MEASURES[measure](a, b), 1);
  });
}

/**
 * x_i . y_j for each stored entry, differentiable with respect to both.
 * @param coordinates [nonzeros, 2]: row and column of each entry
 */
export function nativeArcProducts(
  coordinates: tf.Tensor2D,
  x: tf.Tensor2D,
  y: tf.Tensor2D,
): tf.Tensor1D {
  return tf.tidy(() => {
    const [rows, columns] = tf.unstack(coordinates, 1) as [tf.Tensor1D, tf.Tensor1D];
    return tf.sum(tf.mul(tf.gather(x, rows), tf.gather(y, columns)), 1);
  });
}

/**
 * Computes the softmax over each node's arcs on the host, because tfjs has no maximum by segments.
 * @param targets p of each arc; 0 if there are none
 * @returns the nodes' losses, and softmax - p for each arc
 */
export function nativeSoftmaxes(
  indptr: Int32Array,
  scores: tf.Tensor1D,
  targets: tf.Tensor1D | undefined,
): { losses: tf.Tensor1D; rest: tf.Tensor1D } {
  const [x, p] = [scores.dataSync<"float32">(), targets?.dataSync<"float32">()];
  const losses = new Float32Array(indptr.length - 1);
  const rest = new Float32Array(x.length);
  for (let i = 0; i < losses.length; i++) {
    const [first, end] = [indptr[i]!, indptr[i + 1]!];
    let [most, sum] = [Number.NEGATIVE_INFINITY, 0];
    for (let k = first; k < end; k++) most = Math.max(most, x[k]!);
    for (let k = first; k < end; k++) sum += Math.exp(x[k]! - most);
    let loss = 0;
    for (let k = first; k < end; k++) {
      const logarithm = x[k]! - most - Math.log(sum);
      loss -= (p?.[k] ?? 0) * logarithm;
      rest[k] = Math.exp(logarithm) - (p?.[k] ?? 0);
    }
    losses[i] = loss;
  }
  return { losses: tf.tensor1d(losses), rest: tf.tensor1d(rest) };
}
