// GCN: a stack of graph convolutions.
// Kipf, Welling: Semi-Supervised Classification with Graph Convolutional Networks, ICLR 2017, eq. 2.
import * as tf from "@tensorflow/tfjs";
import { convolution } from "../tensor/ops/convolution.ts";
import { dropout } from "../tensor/ops/dropout.ts";
import { spmm, spmmRows } from "../tensor/ops/sparse.ts";
import { type Family, type LayeredConfig, layeredKind } from "./layered.ts";
import { ofSample, type SampledInputs, sampledSums } from "./sampled.ts";
import { drawn, filled } from "./start.ts";

export type GcnConfig = LayeredConfig<"gcn">;

/**
 * M_l = P dropout(H) W + b. Initialised as PyG's GCNConv: W uniform within (6 / (inputs + outputs))^1/2
 * (Glorot), b 0.
 */
const family: Family<SampledInputs> = {
  label: "GCN",
  start(name, shape, _inputs, seed) {
    const [rows, columns] = shape as [number, number?];
    return columns === undefined
      ? filled(name, shape, 0)
      : drawn(name, shape, Math.sqrt(6 / (rows + columns)), seed);
  },
  first({ adjacency, features, layers }, layer, drop) {
    const { weight, bias, sent, message } = layer;
    const x = layers || !message ? features.dense() : undefined;
    if (x) {
      const dropped = drop?.rate ? dropout(x, drop) : x;
      if (layers) return tf.add(sampledSums(layers[0]!, dropped, layer), bias);
      return convolution(adjacency, dropped, { weight, bias }, true);
    }
    return tf.add(spmm(layers?.[0] ?? adjacency, sent(spmm(features, weight, drop))), bias);
  },
  next({ adjacency, layers }, x, layer) {
    const { weight, bias, sent, message } = layer;
    if (layers) return tf.add(sampledSums(layers[layer.index]!, x, layer), bias);
    if (!message) return convolution(adjacency, x, { weight, bias });
    return tf.add(spmm(adjacency, sent(tf.matMul(x, weight))), bias);
  },
  rows({ adjacency, features }, x, { weight, bias }) {
    const sent: tf.Tensor2D = x ? tf.matMul(x, weight) : spmm(features, weight);
    return (first, count) => tf.add(spmmRows(adjacency, sent, first, count), bias);
  },
};

const words = {
  summary: "graph convolutions with bias, ReLU and dropout (Kipf and Welling 2017)",
  inputs: "; P = D^-1/2 (A + I) D^-1/2",
  map: "P @ H @ layer.l.weight + layer.l.bias",
};

export const gcn = layeredKind("gcn", family, (forms): SampledInputs => forms, words, { ofSample });
