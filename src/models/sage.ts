// GraphSAGE with the mean aggregator: a node's own features beside the mean of its neighbours'.
// Hamilton, Ying, Leskovec: Inductive Representation Learning on Large Graphs, NeurIPS 2017, section 3.3.
import * as tf from "@tensorflow/tfjs";
import type { Graph } from "../graph/graph.ts";
import { rowNormalised } from "../graph/normalise.ts";
import { SparseMatrix, spmm } from "../tensor/ops/sparse.ts";
import type { GraphForms } from "./graph-forms.ts";
import { type Family, type LayeredConfig, layeredKind, weightAndBias } from "./layered.ts";
import type { GraphInputs } from "./model.ts";
import { drawn } from "./start.ts";

export type SageConfig = LayeredConfig<"sage">;

/** The mean over a node's neighbours, itself not among them; 0 without any. */
const neighbourMeans = ({ adjacency }: Graph): SparseMatrix =>
  SparseMatrix.from(rowNormalised(adjacency));

/**
 * M_l = A_mean dropout(H) W + b + dropout(H) R, with one dropout mask. As in PyG's SAGEConv, R has no bias,
 * and all start uniform within 1 / sqrt(inputs).
 */
const family: Family<GraphInputs> = {
  label: "GraphSAGE",
  defaults: { batchNorm: true },
  parts: (sizes) => [...weightAndBias(sizes), ["root", [sizes.inputs, sizes.outputs]]],
  start: (name, shape, inputs, seed) => drawn(name, shape, 1 / Math.sqrt(inputs), seed),
  first({ adjacency, features }, { weight, part, bias, sent }, drop) {
    const own = tf.add(spmm(features, part("root")!, drop), bias);
    return tf.add(spmm(adjacency, sent(spmm(features, weight, drop))), own);
  },
  next({ adjacency }, x, { weight, part, bias, sent }) {
    const own = tf.add(tf.matMul(x, part("root")!), bias);
    return tf.add(spmm(adjacency, sent(tf.matMul(x, weight))), own);
  },
};

const prepare = (forms: GraphForms): GraphInputs => ({
  adjacency: forms.form(neighbourMeans),
  features: forms.features,
  readout: forms.readout,
});

export const sage = layeredKind("sage", family, prepare, {
  summary: "neighbours' means beside a node's own features (GraphSAGE, Hamilton et al. 2017)",
  inputs: "; A_mean = D^-1 A, the mean over a node's neighbours, 0 without any",
  map: "A_mean @ H @ layer.l.weight + H @ layer.l.root + layer.l.bias",
});
