// GAT: each node's neighbours weighted by learned scores, with several heads side by side.
// Velickovic et al.: Graph Attention Networks, ICLR 2018. With `symmetric`, without `destination`: the teacher on
// ogbn-arxiv of chaitjo/efficient-gnns (arxiv_dgl/gat.py, f0b079d).
import * as tf from "@tensorflow/tfjs";
import type { OptionTable } from "../base/options.ts";
import { type GatScales, gatSums } from "../tensor/ops/gat.ts";
import { spmm } from "../tensor/ops/sparse.ts";
import {
  type Family,
  type Layer,
  type LayeredConfig,
  type LayerSizes,
  layeredKind,
  layeredOptions,
} from "./layered.ts";
import type { GraphInputs } from "./model.ts";
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

/** What the model reads of a graph. */
export interface GatInputs extends GraphInputs {
  /** c = d^-1/2 and r = d^1/2, with d a node's degree in A + I. */
  readonly degreeScales: GatScales;
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
  { config, weight, part, sent, stream }: Layer<GatConfig>,
  multiplied: (matrix: tf.Tensor2D) => tf.Tensor2D,
): tf.Tensor2D {
  const [residual, bias] = [part("residual"), part("bias")];
  const sums = gatSums(
    inputs.adjacency,
    sent(multiplied(weight)),
    part("source")!,
    part("target"),
    {
      slope: SLOPE,
      ...(config.symmetric && { scales: inputs.degreeScales }),
      dropout: stream(config.edgeDropout),
    },
  );
  const all: tf.Tensor2D = residual ? tf.add(sums, multiplied(residual)) : sums;
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
};

export const gat = layeredKind<"gat", GatInputs, GatConfig>("gat", family, (forms) => forms, {
  summary: "neighbours weighted by learned scores, several heads (Velickovic et al. 2018)",
  inputs:
    "; d: degrees in A + I; each hidden layer has `heads` heads of `width` columns side by side, the last " +
    "one head; c = d^-1/2 and r = d^1/2 with symmetric, else 1",
  map:
    "y + H @ layer.l.residual + layer.l.bias (those that there are), where Z = H @ layer.l.weight and for " +
    "each head e_ij = leaky_relu(c_j Z_j . layer.l.source + Z_i . layer.l.target, 0.2) on the entries of " +
    "A + I, a = softmax of e over j (for each i), y_i = r_i sum_j a_ij c_j Z_j",
});
