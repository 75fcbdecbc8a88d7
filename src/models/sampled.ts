// What models that add up neighbours read of a drawn part of a graph, and how its layers compute fewer nodes than they
// read.
import * as tf from "@tensorflow/tfjs";
import type { Csr } from "../graph/csr.ts";
import { sampledNormalised } from "../graph/normalise.ts";
import type { GraphSample } from "../graph/sample.ts";
import { SparseMatrix, spmm } from "../tensor/ops/sparse.ts";
import type { Layer } from "./layered.ts";
import type { GraphInputs } from "./model.ts";

/** What a model reads of a graph, or of a drawn part of it. */
export interface SampledInputs extends GraphInputs {
  /** Of a sample: each layer's matrix, rows of the nodes that it computes, columns of those that it reads. */
  readonly layers?: readonly SparseMatrix[];
}

/** A sample's own parts, the caller's to free. */
export interface Sampled extends Required<Pick<SampledInputs, "layers" | "features" | "batch">> {
  dispose(): void;
}

/** Makes a sample's features and each of its layers' matrices. @param normalised gives the values of a layer's arcs */
export function sampled(
  inputs: GraphInputs,
  { nodes, layers }: GraphSample,
  normalised: (arcs: Csr) => Csr,
): Sampled {
  const matrices = new Map<Csr, SparseMatrix>();
  for (const arcs of new Set(layers)) matrices.set(arcs, SparseMatrix.from(normalised(arcs)));
  const features = inputs.features.takeRows(nodes);
  return {
    features,
    batch: layers.at(-1)!.rows,
    layers: layers.map((arcs) => matrices.get(arcs)!),
    dispose() {
      for (const matrix of matrices.values()) matrix.dispose();
      features.dispose();
    },
  };
}

/** What models that read P read of a sample: each layer's part of it, by sampledNormalised(). */
export function ofSample(inputs: GraphInputs, sample: GraphSample) {
  const whole = inputs.adjacency;
  const part = sampled(inputs, sample, (arcs) => sampledNormalised(arcs, sample.nodes, whole.host));
  return { adjacency: whole, ...part };
}

/**
 * A X W for the nodes that a sampled layer computes. They are fewer than those that it reads, so the map comes after
 * the sum, unless messages are to be changed.
 */
export function sampledSums(
  matrix: SparseMatrix,
  x: tf.Tensor2D,
  { weight, sent, message }: Pick<Layer, "weight" | "sent" | "message">,
): tf.Tensor2D {
  return !message && matrix.rows < matrix.columns
    ? tf.matMul(spmm(matrix, x), weight)
    : spmm(matrix, sent(tf.matMul(x, weight)));
}
