// MLP: each node by itself, without the graph; what GLNN distils a graph network into.
// Zhang, Liu, Sun, Shah: Graph-less Neural Networks, ICLR 2022.
import * as tf from "@tensorflow/tfjs";
import { sparseLinear } from "../tensor/ops/linear.ts";
import {
  type Family,
  Layered,
  type LayeredConfig,
  layeredOptions,
  layeredShapes,
  layeredSize,
} from "./layered.ts";
import type { GraphInputs, ModelKind } from "./model.ts";
import { drawn } from "./start.ts";

export type MlpConfig = LayeredConfig<"mlp">;

type MlpInputs = Pick<GraphInputs, "features">;

/** M_l = dropout(H) W + b; W and b start uniform within 1 / sqrt(inputs), as torch.nn.Linear. */
const family: Family<MlpInputs> = {
  label: "MLP",
  start: (name, shape, inputs, seed) => drawn(name, shape, 1 / Math.sqrt(inputs), seed),
  first: ({ features }, weight, bias, drop) => sparseLinear(features, weight, bias, drop),
  next: (_inputs, x, weight, bias) => tf.add(tf.matMul(x, weight), bias),
};

export const mlp: ModelKind<MlpConfig, MlpInputs> = {
  name: "mlp",
  label: "MLP",
  summary: "linear layers on each node's own features: the graph-less student (GLNN)",
  defaults: { layers: 2, width: 16, dropout: 0.5, batchNorm: false },
  options: layeredOptions,
  size: layeredSize,
  prepare: (forms) => forms,
  shapes: layeredShapes,
  create: (config, shape, seed) => new Layered(family, config, shape, seed),
  forwardText:
    "X: features, each row divided by its sum. H = X; for l = 0 .. layers - 1: " +
    "M = H @ layer.l.weight + layer.l.bias; after all but the last, with batchNorm " +
    "M = (M - norm.l.mean) / sqrt(norm.l.variance + 1e-5) * norm.l.gain + norm.l.shift, " +
    "then H = relu(M); logits = M",
};
