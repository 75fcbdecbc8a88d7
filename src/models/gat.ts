// GAT: each node's neighbours weighted by learned scores, with several heads side by side.
// Velickovic et al.: Graph Attention Networks, ICLR 2018. With `symmetric`, without `destination`: the teacher on
// ogbn-arxiv of chaitjo/efficient-gnns (arxiv_dgl/gat.py, f0b079d).
import * as tf from "@tensorflow/tfjs";
import type { OptionTable } from "../base/options.ts";
import type { GraphSample } from "../graph/sample.ts";
import { type GatScales, gatRows, gatSums } from "../tensor/ops/gat.ts";
import { firstRows } from "../tensor/ops/rows.ts";
import { spmm, spmmRows } from "../tensor/ops/sparse.ts";
import {
  type Family,
  type Layer,
  type LayeredConfig,
  type LayerSizes,
  layeredKind,
  layeredOptions,
} from "./layered.ts";
import { ofSample, type SampledInputs } from "./sampled.ts";
import { drawn, drawnNormal, filled } from "./start.ts";

export type GatConfig = LayeredConfig<"gat"> & {
  /** Heads of each hidden layer; the last layer has one. */
  readonly heads: number;
  /** Whether a node's own features count in the scores of its arcs. */
  readonly destination: boolean;
  /** Whether a linear map of its input is added to each layer. */
  readonly residual: boolean;
  /** Whether what nodes send is divided, and what they receive multiplied, by the root of their degree. */
  readonly symmetric: boolean;
  /** Dropout rate of the features, 0 <= rate < 1; `dropout` is that of the other layers' input. */
  readonly inputDropout: number;
  /** Rate at which arcs are dropped in each layer, for all heads alike, 0 <= rate < 1. */
  readonly edgeDropout: number;
  /** How weights start: Glorot's uniform, as PyG's GATConv; or his normal, wider by 2^1/2, as the teacher. */
  readonly start: "uniform" | "normal";
};

/** What the model reads of a graph, or of a drawn part of it. */
export interface GatInputs extends SampledInputs {
  /** c = d^-1/2 and r = d^1/2, with d a node's degree in A + I. */
  readonly degreeScales: GatScales;
  /** Of a sample: these of the nodes that each layer reads, and that it computes, by their degrees in the graph. */
  readonly scales?: readonly GatScales[];
}

/** The layer's matrix, of which the places of the entries count alone, and its nodes' factors. */
function arcsOf(inputs: GatInputs, { config, index }: Layer<GatConfig>) {
  return {
    matrix: inputs.layers?.[index] ?? inputs.adjacency,
    ...(config.symmetric && { scales: inputs.scales?.[index] ?? inputs.degreeScales }),
  };
}

/** LeakyReLU's slope below 0. */
const SLOPE = 0.2;

const rate = { kind: "number", min: 0, max: 1, below: true } as const;
const options: OptionTable<Omit<GatConfig, "kind">> = {
  ...layeredOptions,
  width: { kind: "number", min: 1, max: 65_536, whole: true, description: "width of a head" },
  heads: { kind: "number", min: 1, max: 4096, whole: true, description: "heads of a hidden layer" },
  destination: {
    kind: "switch",
    description: "whether a node's own features count in the scores of its arcs",
  },
  residual: { kind: "switch", description: "whether each layer adds a linear map of its input" },
  symmetric: {
    kind: "switch",
    description: "whether messages are divided, and their sums multiplied, by the root of a degree",
  },
  inputDropout: { ...rate, description: "rate of the features" },
  edgeDropout: { ...rate, description: "rate at which each layer drops arcs" },
  start: {
    kind: "choice",
    choices: ["uniform", "normal"],
    description: "how weights start: Glorot's uniform (PyG) or normal distribution (DGL's teacher)",
  },
};

const headsOf = ({ last }: Pick<LayerSizes, "last">, { heads }: GatConfig): number =>
  last ? 1 : heads;

/** A hidden map that is normalised needs no bias: its mean is taken away. */
function parts(sizes: LayerSizes, config: GatConfig) {
  const { inputs, outputs, last } = sizes;
  const heads = headsOf(sizes, config);
  const vectors = [heads, outputs / heads];
  return [
    ["weight", [inputs, outputs]],
    ["source", vectors],
    ...(config.destination ? [["target", vectors] as const] : []),
    ...(config.residual ? [["residual", [inputs, outputs]] as const] : []),
    ...(last || !config.batchNorm ? [["bias", [outputs]] as const] : []),
  ] as const;
}

function start(
  name: string,
  shape: readonly number[],
  _inputs: number,
  seed: number,
  { start: kind }: GatConfig,
) {
  const [rows, columns] = shape as [number, number?];
  if (columns === undefined) return filled(name, shape, 0);
  if (kind === "uniform") return drawn(name, shape, Math.sqrt(6 / (rows + columns)), seed);
  // DGL's vectors have the shape 1 x heads x width: heads width inputs and width outputs, as torch counts.
  const isVector = /\.(source|target)$/.test(name);
  const fans = isVector ? rows * columns + columns : rows + columns;
  return drawnNormal(name, shape, Math.sqrt(2) * Math.sqrt(2 / fans), seed);
}

/** @param multiplied the layer's input times a matrix */
function layer(
  inputs: GatInputs,
  own: Layer<GatConfig>,
  multiplied: (matrix: tf.Tensor2D) => tf.Tensor2D,
): tf.Tensor2D {
  const { config, weight, part, sent, stream } = own;
  const [residual, bias] = [part("residual"), part("bias")];
  const { matrix, ...scales } = arcsOf(inputs, own);
  const sums = gatSums(matrix, sent(multiplied(weight)), part("source")!, part("target"), {
    slope: SLOPE,
    ...scales,
    dropout: stream(config.edgeDropout),
  });
  // Of a sample, the computed nodes are the first of those that are read.
  const all: tf.Tensor2D = residual
    ? tf.add(sums, firstRows(multiplied(residual), matrix.rows))
    : sums;
  return bias ? tf.add(all, bias) : all;
}

/** M_l = y + dropout(H) R + b with Z = dropout(H) W and y = gatSums(Z) on the graph with loops. */
const family: Family<GatInputs, GatConfig> = {
  label: "GAT",
  options,
  defaults: {
    width: 8,
    heads: 8,
    dropout: 0.6,
    inputDropout: 0.6,
    edgeDropout: 0,
    destination: true,
    residual: false,
    symmetric: false,
    start: "uniform",
  },
  size: ({ layers, heads, width }) => `${layers}L-${heads}x${width}H`,
  parts,
  hidden: ({ heads, width }) => heads * width,
  start,
  first(inputs, own, drop) {
    const stream = drop && { ...drop, rate: own.config.inputDropout };
    return layer(inputs, own, (matrix) => spmm(inputs.features, matrix, stream));
  },
  next: (inputs, x, own) => layer(inputs, own, (matrix) => tf.matMul(x, matrix)),
  rows(inputs, x, own) {
    const { weight, part } = own;
    const [residual, bias] = [part("residual"), part("bias")];
    const { matrix, ...scales } = arcsOf(inputs, own);
    const z = x ? tf.matMul(x, weight) : spmm(inputs.features, weight);
    const options = { slope: SLOPE, ...scales };
    const sums = gatRows(matrix, z as tf.Tensor2D, part("source")!, part("target"), options);
    return (first, count) => {
      const some = (by: tf.Tensor2D): tf.Tensor2D =>
        x
          ? tf.matMul(tf.slice(x, [first, 0], [count, x.shape[1]]), by)
          : spmmRows(inputs.features, by, first, count);
      const own = sums(first, count);
      const all: tf.Tensor2D = residual ? tf.add(own, some(residual)) : own;
      return bias ? tf.add(all, bias) : all;
    };
  },
};

/** What other models that read P read of a sample, with its nodes' factors. */
function sampleWithScales(inputs: GatInputs, sample: GraphSample) {
  const part = ofSample(inputs, sample);
  const { degreeScales } = inputs;
  const [source, target] = [degreeScales.source, degreeScales.target].map((scale) =>
    scale.dataSync<"float32">(),
  ) as [Float32Array, Float32Array];
  const of = (factors: Float32Array, count: number): tf.Tensor1D =>
    tf.keep(tf.tensor1d(Float32Array.from(sample.nodes.subarray(0, count), (n) => factors[n]!)));
  const scales = part.layers.map(({ rows, columns }) => ({
    source: of(source, columns),
    target: of(target, rows),
  }));
  return {
    ...{ ...part, degreeScales, scales },
    dispose() {
      tf.dispose(scales);
      part.dispose();
    },
  };
}

const words = {
  summary: "neighbours weighted by learned scores, several heads (Velickovic et al. 2018)",
  inputs:
    "; d: degrees in A + I; each hidden layer has `heads` heads of `width` columns side by side, the last " +
    "one head; c = d^-1/2 and r = d^1/2 with symmetric, else 1",
  map:
    "y + H @ layer.l.residual + layer.l.bias (those that there are), where Z = H @ layer.l.weight and for " +
    "each head e_ij = leaky_relu(c_j Z_j . layer.l.source + Z_i . layer.l.target, 0.2) on the entries of " +
    "A + I, a = softmax of e over j (for each i), y_i = r_i sum_j a_ij c_j Z_j",
};

export const gat = layeredKind<"gat", GatInputs, GatConfig>(
  "gat",
  family,
  (forms) => forms,
  words,
  {
    ofSample: sampleWithScales,
  },
);
