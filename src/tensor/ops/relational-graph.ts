// A graph of several types and relations on the engine, as relational convolutions read it.
import type * as tf from "@tensorflow/tfjs";
import { SparseMatrix } from "./sparse.ts";

/** Arcs of one kind between nodes of two types, which are given by their places. */
export interface RelationArcs {
  readonly source: number;
  readonly target: number;
  /** A_r: a row per target and a column per source, numbered within their types. */
  readonly matrix: SparseMatrix;
}

export interface RelationalGraph {
  /** How many nodes each type has; nodes are numbered type by type. */
  readonly sizes: readonly number[];
  readonly relations: readonly RelationArcs[];
}

/**
 * The numbers of a type's nodes: differentiable, constant, stored sparsely, or, if undefined, node i's is the
 * unit vector i, so that a weight has a row of its own for each node.
 */
export type TypeRows = tf.Tensor2D | { readonly constant: tf.Tensor2D } | SparseMatrix | undefined;

export interface RelationalOptions {
  /** How many types get rows in the result, from the first; all by default. */
  readonly types?: number;
  /** Changes what nodes send along a relation's arcs, nodes x outputs; called once a relation. */
  readonly message?: ((sent: tf.Tensor2D) => tf.Tensor2D) | undefined;
}

export interface RelationalWeights {
  /** W, relations x inputs x outputs. */
  readonly weights: tf.Tensor3D;
  /** R, types x inputs x outputs. */
  readonly roots: tf.Tensor3D;
  /** b, types x outputs. */
  readonly biases: tf.Tensor2D;
}

/** @throws {RangeError} for shapes that do not match */
export function checkRelational(
  { sizes, relations }: RelationalGraph,
  x: tf.Tensor2D | readonly TypeRows[],
  { weights, roots, biases }: RelationalWeights,
  { types = sizes.length }: RelationalOptions,
): void {
  const fail = (what: string): never => {
    throw new RangeError(`relationalSums: ${what}`);
  };
  const [count, inputs, outputs] = weights.shape;
  if (count !== relations.length) fail(`${count} weights for ${relations.length} relations`);
  if (roots.shape.join() !== [sizes.length, inputs, outputs].join()) {
    fail(`roots [${roots.shape}] for weights [${weights.shape}] and ${sizes.length} types`);
  }
  if (biases.shape.join() !== [sizes.length, outputs].join()) {
    fail(`biases [${biases.shape}] for weights [${weights.shape}] and ${sizes.length} types`);
  }
  if (!(types >= 1 && types <= sizes.length)) fail(`${types} of ${sizes.length} types`);
  for (const [r, { source, target, matrix }] of relations.entries()) {
    const sides = [sizes[target], sizes[source]];
    if (sides.join() !== [matrix.rows, matrix.columns].join()) {
      fail(`relation ${r} is ${matrix.rows} x ${matrix.columns}, its types have ${sides} nodes`);
    }
  }
  const nodes = sizes.reduce((sum, size) => sum + size, 0);
  if (!Array.isArray(x)) {
    const found = (x as tf.Tensor2D).shape;
    if (found.join() !== [nodes, inputs].join()) fail(`x [${found}], not [${nodes},${inputs}]`);
    return;
  }
  if (x.length !== sizes.length) fail(`rows of ${x.length} types for ${sizes.length}`);
  for (const [t, rows] of (x as readonly TypeRows[]).entries()) {
    const found = shapeOf(rows, sizes[t]!);
    if (found.join() !== [sizes[t], inputs].join())
      fail(`rows [${found}] of type ${t}, not [${sizes[t]},${inputs}]`);
  }
}

function shapeOf(rows: TypeRows, size: number): readonly number[] {
  if (rows === undefined) return [size, size];
  if (rows instanceof SparseMatrix) return [rows.rows, rows.columns];
  return "constant" in rows ? rows.constant.shape : rows.shape;
}
