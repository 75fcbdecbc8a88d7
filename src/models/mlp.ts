// MLP: reads each node by itself, without the graph; GLNN distils a graph network into it.
// Zhang, Liu, Sun, Shah: Graph-less Neural Networks, ICLR 2022.
import * as tf from "@tensorflow/tfjs";
import { takeCsrRows } from "../graph/csr.ts";
import { sparseLinear } from "../tensor/ops/linear.ts";
import { SparseMatrix } from "../tensor/ops/sparse.ts";
import { type Family, type LayeredConfig, layeredKind } from "./layered.ts";
import type { GraphInputs } from "./model.ts";
import { drawn } from "./start.ts";

export type MlpConfig = LayeredConfig<"mlp">;

type MlpInputs = Pick<GraphInputs, "features" | "readout">;

/** M_l = dropout(H) W + b; W and b start uniform within 1 / sqrt(inputs), as in torch.nn.Linear. */
const family: Family<MlpInputs> = {
  label: "MLP",
  start: (name, shape, inputs, seed) => drawn(name, shape, 1 / Math.sqrt(inputs), seed),
  first: ({ features }, { weight, bias }, drop) => sparseLinear(features, weight, bias, drop),
  next: (_inputs, x, { weight, bias }) => tf.add(tf.matMul(x, weight), bias),
};

/** The nodes' own rows. */
function ofNodes({ features }: MlpInputs, nodes: Int32Array) {
  const own = SparseMatrix.ofFeatures(takeCsrRows(features.host, nodes));
  return { features: own, dispose: () => own.dispose() };
}

const words = {
  summary: "linear layers on each node's own features: the graph-less student (GLNN)",
  inputs: "",
  map: "H @ layer.l.weight + layer.l.bias",
};

export const mlp = layeredKind("mlp", family, (forms): MlpInputs => forms, words, { ofNodes });
