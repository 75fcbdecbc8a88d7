// relationalSums() composed of smaller operators: for the native engine, and where messages are changed.
import * as tf from "@tensorflow/tfjs";
import type {
  RelationalGraph,
  RelationalOptions,
  RelationalWeights,
  TypeRows,
} from "./relational-graph.ts";
import { SparseMatrix, spmm } from "./sparse.ts";

/** Takes and returns what relationalSums() does. */
export function composedRelationalSums(
  { sizes, relations }: RelationalGraph,
  x: tf.Tensor2D | readonly TypeRows[],
  { weights, roots, biases }: RelationalWeights,
  { types = sizes.length, message }: RelationalOptions,
): tf.Tensor2D {
  const [, inputs, outputs] = weights.shape;
  const firsts = sizes.map((_, t) => sizes.slice(0, t).reduce((sum, size) => sum + size, 0));
  const rowsOf = (all: tf.Tensor2D, t: number): tf.Tensor2D =>
    sizes.length === 1 ? all : tf.slice(all, [firsts[t]!, 0], [sizes[t]!, all.shape[1]]);
  const matrix = (all: tf.Tensor3D, k: number): tf.Tensor2D =>
    tf.reshape(tf.slice(all, [k, 0, 0], [1, inputs, outputs]), [inputs, outputs]);
  /** X_t W. */
  const times = (t: number, w: tf.Tensor2D): tf.Tensor2D => {
    if (!Array.isArray(x)) return tf.matMul(rowsOf(x as tf.Tensor2D, t), w);
    const rows = (x as readonly TypeRows[])[t];
    if (rows === undefined) return w;
    if (rows instanceof SparseMatrix) return spmm(rows, w);
    return tf.matMul("constant" in rows ? rows.constant : rows, w);
  };
  const sent = (source: number, w: tf.Tensor2D): tf.Tensor2D => {
    if (!message) return times(source, w);
    const all = sizes.map((_, t) => times(t, w));
    return rowsOf(message(all.length > 1 ? tf.concat(all) : all[0]!), source);
  };
  const sums: tf.Tensor2D[] = sizes
    .slice(0, types)
    .map((_, t) => tf.add(times(t, matrix(roots, t)), tf.slice(biases, [t, 0], [1, outputs])));
  for (const [r, { source, target, matrix: arcs }] of relations.entries()) {
    if (target >= types) continue;
    sums[target] = tf.add(sums[target]!, spmm(arcs, sent(source, matrix(weights, r))));
  }
  return sums.length > 1 ? tf.concat(sums) : sums[0]!;
}
