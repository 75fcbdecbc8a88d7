// GraphSAGE with the mean aggregator: a node's own features beside the mean of its neighbours'.
// Hamilton, Ying, Leskovec: Inductive Representation Learning on Large Graphs, NeurIPS 2017, section 3.3.
import * as tf from "@tensorflow/tfjs";
import { type Csr, takeCsrRows } from "../graph/csr.ts";
import type { Graph } from "../graph/graph.ts";
import { rowNormalised } from "../graph/normalise.ts";
import type { GraphSample } from "../graph/sample.ts";
import { convolution } from "../tensor/ops/convolution.ts";
import { dropout } from "../tensor/ops/dropout.ts";
import { firstRows, takeRows } from "../tensor/ops/rows.ts";
import { SparseMatrix, spmm, spmmRows } from "../tensor/ops/sparse.ts";
import type { GraphForms } from "./graph-forms.ts";
import {
  type Family,
  type Layer,
  type LayeredConfig,
  layeredKind,
  weightAndBias,
} from "./layered.ts";
import type { GraphInputs } from "./model.ts";
import { drawn } from "./start.ts";

export type SageConfig = LayeredConfig<"sage">;

/** What the model reads of a graph, or of a sample of it. */
export interface SageInputs extends GraphInputs {
  /** Of a sample: each layer's means, rows of the nodes that it computes, columns of those that it reads. */
  readonly layers?: readonly SparseMatrix[];
  /** Of a sample: the features of its nodes, and of those that the first layer computes. */
  readonly read?: { readonly all: SparseMatrix; readonly own: SparseMatrix } | tf.Tensor2D;
}

/** The mean over a node's neighbours, itself not among them; 0 without any. */
const neighbourMeans = ({ adjacency }: Graph): SparseMatrix =>
  SparseMatrix.from(rowNormalised(adjacency));

/** M_l for the nodes of a sample, which are the first of those whose rows `x` has. */
function sampled(
  means: SparseMatrix,
  x: tf.Tensor2D,
  { weight, part, bias, sent, message }: Layer,
): tf.Tensor2D {
  const own = tf.add(tf.matMul(firstRows(x, means.rows), part("root")!), bias);
  // Fewer nodes are computed than read, so the map comes after the sum, unless messages are to be changed.
  const sumsFirst = !message && means.rows < means.columns;
  const sums = sumsFirst
    ? tf.matMul(spmm(means, x), weight)
    : spmm(means, sent(tf.matMul(x, weight)));
  return tf.add(sums, own);
}

/**
 * M_l = A_mean dropout(H) W + b + dropout(H) R, with one dropout mask. As in PyG's SAGEConv, R has no bias,
 * and all start uniform within 1 / sqrt(inputs).
 */
const family: Family<SageInputs> = {
  label: "GraphSAGE",
  defaults: { batchNorm: true },
  parts: (sizes) => [...weightAndBias(sizes), ["root", [sizes.inputs, sizes.outputs]]],
  start: (name, shape, inputs, seed) => drawn(name, shape, 1 / Math.sqrt(inputs), seed),
  first({ adjacency, features, layers, read }, layer, drop) {
    const { weight, part, bias, sent, message } = layer;
    if (read instanceof tf.Tensor) {
      return sampled(layers![0]!, drop?.rate ? dropout(read, drop) : read, layer);
    }
    const x = layers || message ? undefined : features.dense();
    if (x) {
      const dropped = drop?.rate ? dropout(x, drop) : x;
      return convolution(adjacency, dropped, { weight, bias, root: part("root") }, true);
    }
    // The own rows are the first of all, so both draw the same masks.
    const own = tf.add(spmm(read?.own ?? features, part("root")!, drop), bias);
    const map = sent(spmm(read?.all ?? features, weight, drop));
    return tf.add(spmm(layers?.[0] ?? adjacency, map), own);
  },
  next({ adjacency, layers }, x, layer) {
    if (layers) return sampled(layers[layer.index]!, x, layer);
    const { weight, part, bias, sent, message } = layer;
    if (!message) return convolution(adjacency, x, { weight, bias, root: part("root") });
    const own = tf.add(tf.matMul(x, part("root")!), bias);
    return tf.add(spmm(adjacency, sent(tf.matMul(x, weight))), own);
  },
  rows({ adjacency, features }, x, { weight, part, bias }) {
    const sent: tf.Tensor2D = x ? tf.matMul(x, weight) : spmm(features, weight);
    const root = part("root")!;
    return (first, count) => {
      const product = x
        ? tf.matMul(tf.slice(x, [first, 0], [count, x.shape[1]]), root)
        : spmmRows(features, root, first, count);
      return tf.add(spmmRows(adjacency, sent, first, count), tf.add(product, bias));
    };
  },
};

const prepare = (forms: GraphForms): SageInputs => ({
  adjacency: forms.form(neighbourMeans),
  features: forms.features,
  readout: forms.readout,
});

/** The sample's means over the drawn neighbours, and its nodes' features. */
function ofSample(inputs: SageInputs, { nodes, layers }: GraphSample) {
  const matrices = new Map<Csr, SparseMatrix>();
  for (const arcs of new Set(layers)) matrices.set(arcs, SparseMatrix.from(rowNormalised(arcs)));
  const dense = inputs.features.dense();
  const read = dense
    ? denseRows(dense, nodes)
    : sparseRows(inputs.features, nodes, layers[0]!.rows);
  return {
    ...inputs,
    batch: layers.at(-1)!.rows,
    layers: layers.map((arcs) => matrices.get(arcs)!),
    read: read.value,
    dispose() {
      for (const matrix of matrices.values()) matrix.dispose();
      read.dispose();
    },
  };
}

function denseRows(features: tf.Tensor2D, nodes: Int32Array) {
  const value = tf.keep(tf.tidy(() => takeRows(features, nodes)));
  return { value, dispose: () => value.dispose() };
}

/** @param computed how many of them the first layer computes */
function sparseRows(features: SparseMatrix, nodes: Int32Array, computed: number) {
  const of = (chosen: Int32Array) => SparseMatrix.from(takeCsrRows(features.host, chosen));
  const all = of(nodes);
  const own = computed === nodes.length ? all : of(nodes.subarray(0, computed));
  return {
    value: { all, own },
    dispose() {
      all.dispose();
      if (own !== all) own.dispose();
    },
  };
}

const words = {
  summary: "neighbours' means beside a node's own features (GraphSAGE, Hamilton et al. 2017)",
  inputs: "; A_mean = D^-1 A, the mean over a node's neighbours, 0 without any",
  map: "A_mean @ H @ layer.l.weight + H @ layer.l.root + layer.l.bias",
};

export const sage = layeredKind("sage", family, prepare, words, { ofSample });
