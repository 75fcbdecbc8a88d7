// Models of every kind that a student may be of, with weights that leave no part of the forward pass idle.

import type { Graph } from "../../src/graph/graph.ts";
import { makeGraph } from "../../src/graph/make.ts";
import { randomStream } from "../../src/graph/random.ts";
import { createModel, findModel, type ModelConfig } from "../../src/models/registry.ts";
import { withForward } from "../../src/training/evaluate.ts";
import { graphInputs, readGraph } from "../../src/training/inputs.ts";
import { type ModelFile, modelParameters, restoreModel } from "../../src/training/model-file.ts";
import { smallConfig } from "../training/small.ts";

const layered = { layers: 3, width: 6, dropout: 0.5 };
const deep = { layers: 4, width: 5, alpha: 0.2, lambda: 0.7, dropout: 0.5 };

const heads = {
  ...{ heads: 2, width: 3, inputDropout: 0.5, edgeDropout: 0 },
  ...({ start: "uniform", batchNorm: false } as const),
};

export const CONFIGS: readonly ModelConfig[] = [
  { kind: "gcnii", ...deep },
  { kind: "mustad", ...deep },
  { kind: "gcn", ...layered, batchNorm: false },
  { kind: "gcn", ...layered, batchNorm: true },
  { kind: "sage", ...layered, batchNorm: true },
  { kind: "mlp", ...layered, batchNorm: true },
  { kind: "gat", ...layered, ...heads, destination: true, residual: false, symmetric: false },
  {
    kind: "gat",
    ...layered,
    ...heads,
    destination: false,
    residual: true,
    symmetric: true,
    batchNorm: true,
  },
];

/** Tells models of one kind apart. */
export function titleOf(model: ModelConfig): string {
  const options = model as unknown as Readonly<Record<string, unknown>>;
  const parts = ["batchNorm", "symmetric"].filter((name) => options[name] === true);
  return [model.kind, ...parts].join(" ");
}

/** Makes a model file for a graph, whose biases, gains and running statistics are not those of the start. */
export function modelOf(model: ModelConfig, graph: Graph, kept?: readonly number[]): ModelFile {
  const shape = { features: graph.features.columns, classes: graph.classes };
  const made = createModel(model, kept ? { ...shape, features: kept.length } : shape, 5);
  const random = randomStream(11);
  const parameters = new Map(
    Array.from(modelParameters(made), ([name, { shape, values }]) => [
      name,
      { shape, values: values.map((x) => 3 * x + 0.2 + 0.3 * random.uniform()) },
    ]),
  );
  made.dispose();
  const config = {
    ...smallConfig(),
    model,
    ...(kept && { features: kept }),
  } as ModelFile["config"];
  return { config, shape, data: "", flavour: "", parameters };
}

/** The engine's logits. */
export function engineLogits(file: ModelFile, graph: Graph): Float32Array {
  const [model, forms] = [restoreModel(file), graphInputs(readGraph(file.config, graph))];
  const inputs = findModel(model.outline.kind).prepare(forms.value);
  const logits = withForward(model, inputs, "logits", (outputs) =>
    outputs.logits.dataSync<"float32">(),
  );
  for (const held of [model, forms]) held.dispose();
  return logits;
}

/** A graph with an isolated node, a row without features, and real-valued features. */
export function oddGraph(): Graph {
  const random = randomStream(3);
  const from = Array.from({ length: 90 }, () => random.below(49));
  const to = from.map((node) => (node + 1 + random.below(48)) % 49);
  return makeGraph({
    name: "odd",
    edges: { from, to },
    features: Array.from({ length: 50 }, (_, node) =>
      Array.from({ length: 9 }, () =>
        node === 7 || random.uniform() < 0.4 ? 0 : 4 * random.uniform(),
      ),
    ),
    labels: Array.from({ length: 50 }, (_, node) => (node % 5 === 0 ? -1 : node % 4)),
  });
}

/** The largest difference of two lists, as a share of the largest number if that is above 1; NaN counts. */
export function difference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Number.POSITIVE_INFINITY;
  const scale = Array.from(b).reduce((most, value) => Math.max(most, Math.abs(value)), 1);
  const gaps = Array.from(a, (value, k) => Math.abs(value - b[k]!) / scale);
  return gaps.reduce((most, gap) => (gap <= most ? most : gap), 0);
}
