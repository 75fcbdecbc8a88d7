// GIN: sums over neighbours, between two linear maps with a ReLU.
// Xu, Hu, Leskovec, Jegelka: How Powerful are Graph Neural Networks?, ICLR 2019, eq. 4.1.
import * as tf from "@tensorflow/tfjs";
import type { OptionTable } from "../base/options.ts";
import type { Graph } from "../graph/graph.ts";
import { reluDropout } from "../tensor/ops/dropout.ts";
import { SparseMatrix, spmm } from "../tensor/ops/sparse.ts";
import type { GraphForms } from "./graph-forms.ts";
import {
  type Family,
  type Layer,
  type LayeredConfig,
  type LayerSizes,
  layeredKind,
  layeredOptions,
} from "./layered.ts";
import type { GraphInputs } from "./model.ts";
import { drawn, filled } from "./start.ts";

export type GinConfig = LayeredConfig<"gin"> & {
  /** Whether each layer learns how much a node's own map counts; else as much as a neighbour's. */
  readonly epsilon: boolean;
};

const options: OptionTable<Omit<GinConfig, "kind">> = {
  ...layeredOptions,
  epsilon: {
    kind: "switch",
    description:
      "whether each layer learns how much a node's own map counts; else as one neighbour's",
  },
};

/** Arcs count 1, and a node is not its own neighbour. */
const neighbours = ({ adjacency }: Graph): SparseMatrix => SparseMatrix.from(adjacency);

const parts = ({ inputs, outputs }: LayerSizes, { width, epsilon }: GinConfig) =>
  [
    ["weight", [inputs, width]],
    ["bias", [width]],
    ["second", [width, outputs]],
    ["secondBias", [outputs]],
    ...(epsilon ? [["epsilon", [1]] as const] : []),
  ] as const;

/** As torch.nn.Linear, uniform within 1 / sqrt(inputs); epsilon is 0. */
function start(
  name: string,
  shape: readonly number[],
  inputs: number,
  seed: number,
  { width }: GinConfig,
) {
  if (name.endsWith(".epsilon")) return filled(name, shape, 0);
  return drawn(name, shape, 1 / Math.sqrt(/second/.test(name) ? width : inputs), seed);
}

/** @param product H W: the first linear map is before the sum, which it may change places with */
function layer({ adjacency }: GraphInputs, own: Layer<GinConfig>, product: tf.Tensor2D) {
  const { part, bias, sent, inner } = own;
  const message = sent(product);
  const epsilon = part("epsilon");
  const self: tf.Tensor2D = epsilon ? tf.mul(message, tf.add(epsilon, 1)) : message;
  const sums: tf.Tensor2D = tf.add(tf.add(spmm(adjacency, message), self), bias);
  const map: tf.Tensor2D = tf.matMul(inner(reluDropout(sums)), part("second")!);
  return tf.add(map, part("secondBias")!) as tf.Tensor2D;
}

/** M_l = ReLU((A + (1 + epsilon) I) dropout(H) W + b) V + c. */
const family: Family<GraphInputs, GinConfig> = {
  label: "GIN",
  options,
  defaults: { batchNorm: true, epsilon: true },
  parts,
  start,
  first: (inputs, own, drop) => layer(inputs, own, spmm(inputs.features, own.weight, drop)),
  next: (inputs, x, own) => layer(inputs, own, tf.matMul(x, own.weight)),
};

const prepare = (forms: GraphForms): GraphInputs => ({
  adjacency: forms.form(neighbours),
  features: forms.features,
  readout: forms.readout,
});

export const gin = layeredKind<"gin", GraphInputs, GinConfig>("gin", family, prepare, {
  summary: "sums over neighbours between two linear maps (GIN, Xu et al. 2019)",
  inputs: "; A: the adjacency matrix, its entries 1, without loops; epsilon 0 where there is none",
  map:
    "relu((A + (1 + layer.l.epsilon) I) @ H @ layer.l.weight + layer.l.bias) @ layer.l.second + " +
    "layer.l.secondBias",
});
