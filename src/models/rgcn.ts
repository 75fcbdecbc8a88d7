// RGCN: a linear map for each relation, and one for the node itself.
// Schlichtkrull et al.: Modeling Relational Data with Graph Convolutional Networks, ESWC 2018, eqs. 2 and 3 (AIFB,
// MUTAG: features are unit vectors, bases); Hu et al.: Open Graph Benchmark, 2020, examples/nodeproppred/mag (a root
// for each type, learned features where a type has none).
import * as tf from "@tensorflow/tfjs";
import type { OptionTable } from "../base/options.ts";
import { relationalSums, type TypeRows } from "../tensor/index.ts";
import {
  type Family,
  type Layer,
  type LayeredConfig,
  type LayerSizes,
  layeredKind,
  layeredOptions,
} from "./layered.ts";
import type { GraphInputs, GraphShape } from "./model.ts";
import { type RelationalForms, readRelations } from "./relational.ts";
import { drawn, filled } from "./start.ts";

export type RgcnConfig = LayeredConfig<"rgcn"> & {
  /** How many matrices all relations of a layer are sums of; 0: each has its own. */
  readonly bases: number;
  /** Whether a relation within a type is one relation both ways; otherwise its inverse is another. */
  readonly undirected: boolean;
  /** How weights start: Glorot's uniform, as PyG's RGCNConv, or within inputs^-1/2, as torch's Linear. */
  readonly start: "glorot" | "linear";
};

/** What the model reads of a graph. */
export interface RgcnInputs extends GraphInputs {
  readonly relational: RelationalForms;
}

const options: OptionTable<Omit<RgcnConfig, "kind">> = {
  ...layeredOptions,
  bases: {
    kind: "number",
    min: 0,
    max: 65_536,
    whole: true,
    description: "how many matrices a layer's relations are sums of; 0: each relation has its own",
  },
  undirected: {
    kind: "switch",
    description: "whether a relation within a type is one both ways, not one with an inverse",
  },
  start: {
    kind: "choice",
    choices: ["glorot", "linear"],
    description: "how weights start: as PyG's RGCNConv, or as torch's Linear (ogbn-mag's)",
  },
};

/** Embeddings are layer 0's, as what it reads. */
const embedding = (type: number): string => `embedding.${type}`;

function parts({ inputs, outputs, first }: LayerSizes, config: RgcnConfig, shape: GraphShape) {
  const { types = [], relations } = shape.relational ?? {};
  const count = relations ? readRelations(relations, config.undirected).length : 1;
  const roots = Math.max(1, types.length);
  const learned = types.flatMap(({ nodes, featureless }, t) =>
    first && featureless ? [[embedding(t), [nodes, inputs]] as const] : [],
  );
  return [
    ["weight", [config.bases || count, inputs, outputs]],
    ...(config.bases ? [["coefficients", [count, config.bases]] as const] : []),
    ["root", [roots, inputs, outputs]],
    ["bias", [roots, outputs]],
    ...learned,
  ] as const;
}

/** With bases, each relation's matrix is made, and kept for its gradient. */
function perStep({ bases, undirected }: RgcnConfig, shape: GraphShape, widths: readonly number[]) {
  if (bases === 0) return 0;
  const { relations } = shape.relational ?? {};
  const count = relations ? readRelations(relations, undirected).length : 1;
  const sizes = widths.map((width, l) => width * (l === 0 ? shape.features : widths[l - 1]!));
  return count * sizes.reduce((sum, size) => sum + size, 0);
}

function start(
  name: string,
  shape: readonly number[],
  inputs: number,
  seed: number,
  { start: kind }: RgcnConfig,
) {
  const [rows, columns] = shape.slice(-2) as [number, number];
  const glorot = Math.sqrt(6 / (rows + columns));
  if (kind === "linear" && !name.includes(".embedding.")) {
    return drawn(name, shape, 1 / Math.sqrt(inputs), seed);
  }
  return name.endsWith(".bias") ? filled(name, shape, 0) : drawn(name, shape, glorot, seed);
}

/** @param items whether only the first type's rows are wanted */
function sums(
  { relational }: RgcnInputs,
  x: tf.Tensor2D | readonly TypeRows[],
  { config, weight, part, bias, message }: Layer<RgcnConfig>,
  items = false,
): tf.Tensor2D {
  const graph = relational.relations(config.undirected);
  const types = items ? 1 : relational.types;
  const matrices = weight as unknown as tf.Tensor3D;
  const coefficients = part("coefficients");
  const [bases, inputs, outputs] = matrices.shape;
  const weights = coefficients
    ? tf.reshape<tf.Rank.R3>(
        tf.matMul(coefficients, tf.reshape(matrices, [bases, inputs * outputs])),
        [graph.relations.length, inputs, outputs],
      )
    : matrices;
  const roots = part("root") as unknown as tf.Tensor3D;
  const biases = bias as unknown as tf.Tensor2D;
  return relationalSums(graph, x, { weights, roots, biases }, { types, message });
}

/**
 * M_l = sum over relations r of A_r dropout(H) W_r, plus dropout(H) R_t + b_t for a node of type t, with A_r the
 * mean over the sources of r. The features are not dropped, as in both forms of the model.
 */
const family: Family<RgcnInputs, RgcnConfig> = {
  label: "RGCN",
  relational: true,
  options,
  defaults: { bases: 0, undirected: false, start: "glorot" },
  parts,
  perStep,
  start,
  first(inputs, layer) {
    const { rows } = inputs.relational;
    return sums(
      inputs,
      rows.map((own, t) => layer.part(embedding(t)) ?? own),
      layer,
    );
  },
  next: sums,
  itemsApart: ({ relational }) => relational.types > 1,
};

export const rgcn = layeredKind<"rgcn", RgcnInputs, RgcnConfig>("rgcn", family, (forms) => forms, {
  summary:
    "a linear map for each relation, mean over its sources (RGCN, Schlichtkrull et al. 2018)",
  inputs:
    " (unless each node has its own, or a type has none: its rows are then layer.0.embedding.<type>); relations " +
    "in the graph's order, each followed by its inverse (with undirected, one within a type is A or A' instead); " +
    "A_r: rows of r divided by their sums; with bases W_r = sum_b coefficients[r, b] weight[b], else weight[r]",
  map: "sum_r A_r @ H @ W_r + H @ layer.l.root[t] + layer.l.bias[t], t the node's type",
});
