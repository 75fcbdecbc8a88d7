// GraphSAGE with the mean aggregator: a node's own features beside the mean of its neighbours'.
// Hamilton, Ying, Leskovec: Inductive Representation Learning on Large Graphs, NeurIPS 2017, section 3.3.
import * as tf from "@tensorflow/tfjs";
import type { Graph } from "../graph/graph.ts";
import { rowNormalised } from "../graph/normalise.ts";
import type { GraphSample } from "../graph/sample.ts";
import { convolution } from "../tensor/ops/convolution.ts";
import { dropout } from "../tensor/ops/dropout.ts";
import { firstRows } from "../tensor/ops/rows.ts";
import { SparseMatrix, spmm, spmmRows } from "../tensor/ops/sparse.ts";
import type { GraphForms } from "./graph-forms.ts";
import {
  type Family,
  type Layer,
  type LayeredConfig,
  layeredKind,
  weightAndBias,
} from "./layered.ts";
import { type SampledInputs, sampled, sampledSums } from "./sampled.ts";
import { drawn } from "./start.ts";

export type SageConfig = LayeredConfig<"sage">;

/** What the model reads of a graph, or of a sample of it. */
export interface SageInputs extends SampledInputs {
  /** Of a sample: the features of the nodes that the first layer computes. */
  readonly own?: SparseMatrix;
}

/** The mean over a node's neighbours, itself not among them; 0 without any. */
const neighbourMeans = ({ adjacency }: Graph): SparseMatrix =>
  SparseMatrix.from(rowNormalised(adjacency));

/** M_l for the nodes of a sample, which are the first of those whose rows `x` has. */
function ofLayer(means: SparseMatrix, x: tf.Tensor2D, layer: Layer): tf.Tensor2D {
  const { part, bias } = layer;
  const own = tf.add(tf.matMul(firstRows(x, means.rows), part("root")!), bias);
  return tf.add(sampledSums(means, x, layer), own);
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
  first({ adjacency, features, layers, own: computed = features }, layer, drop) {
    const { weight, part, bias, sent, message } = layer;
    const x = layers || !message ? features.dense() : undefined;
    if (x) {
      const dropped = drop?.rate ? dropout(x, drop) : x;
      if (layers) return ofLayer(layers[0]!, dropped, layer);
      return convolution(adjacency, dropped, { weight, bias, root: part("root") }, true);
    }
    // The own rows are the first of all, so both draw the same masks.
    const own = tf.add(spmm(computed, part("root")!, drop), bias);
    const map = sent(spmm(features, weight, drop));
    return tf.add(spmm(layers?.[0] ?? adjacency, map), own);
  },
  next({ adjacency, layers }, x, layer) {
    if (layers) return ofLayer(layers[layer.index]!, x, layer);
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
function ofSample(inputs: SageInputs, sample: GraphSample) {
  const part = sampled(inputs, sample, rowNormalised);
  const { nodes, layers } = sample;
  const computed = layers[0]!.rows;
  const apart = computed < nodes.length && !part.features.dense();
  const own = apart ? inputs.features.takeRows(nodes.subarray(0, computed)) : part.features;
  return {
    ...inputs,
    ...part,
    own,
    dispose() {
      if (apart) own.dispose();
      part.dispose();
    },
  };
}

const words = {
  summary: "neighbours' means beside a node's own features (GraphSAGE, Hamilton et al. 2017)",
  inputs: "; A_mean = D^-1 A, the mean over a node's neighbours, 0 without any",
  map: "A_mean @ H @ layer.l.weight + H @ layer.l.root + layer.l.bias",
};

export const sage = layeredKind("sage", family, prepare, words, { ofSample });
