// A graph and a split on the engine, as training reads them, and their fingerprint.
import { createHash } from "node:crypto";
import { OptionError } from "../base/errors.ts";
import { checkGraph, checkLabels, checkSplit } from "../graph/check.ts";
import { takeCsrColumns } from "../graph/csr.ts";
import type { Graph, Split } from "../graph/graph.ts";
import { GraphForms } from "../models/graph-forms.ts";
import type { GraphShape } from "../models/model.ts";
import { type TaskTargets, taskOf } from "../tasks/task.ts";
import type { RunConfig } from "./run.ts";

/** A value whose engine memory dispose() frees. */
export interface Held<T> {
  readonly value: T;
  dispose(): void;
}

/**
 * Returns the normalised adjacency (nodes x nodes), the features (nodes x features) and whatever else a
 * kind of model reads, each made on first use.
 * @throws InputError for an invalid graph: indices out of range, self loops, NaN, wrong lengths
 */
export function graphInputs(graph: Graph): Held<GraphForms> {
  checkGraph(graph);
  const value = new GraphForms(graph);
  return { value, dispose: () => value.dispose() };
}

/**
 * Returns the graph as a configured model reads it: with all its features, or only the columns that it keeps.
 * @throws OptionError for a column that the graph lacks
 */
export function readGraph({ features: kept }: Pick<RunConfig, "features">, graph: Graph): Graph {
  if (!kept) return graph;
  const { columns } = graph.features;
  if (kept.at(-1)! >= columns) {
    throw new OptionError(
      `the model reads feature ${kept.at(-1)}, but ${graph.name} has ${columns}, counted from 0`,
    );
  }
  const { featureNames: _, featureScales: __, ...rest } = graph;
  return { ...rest, features: takeCsrColumns(graph.features, kept) };
}

/** Returns the sizes that a configured model has on a graph of these sizes. */
export const readShape = (
  { features: kept }: Pick<RunConfig, "features">,
  shape: GraphShape,
): GraphShape => (kept ? { ...shape, features: kept.length } : shape);

/** The three sets of items with their targets. */
export interface SplitTargets {
  readonly train: TaskTargets;
  readonly val: TaskTargets;
  readonly test: TaskTargets;
}

/**
 * @throws InputError for sets that are empty or overlap, or hold anything but labelled items of the
 *   graph: nothing could be trained, chosen or reported
 */
export function splitTargets(graph: Graph, split: Split): Held<SplitTargets> {
  checkLabels(graph);
  checkSplit(split, graph);
  const task = taskOf(graph);
  const of = (items: Int32Array): TaskTargets => task.targets(graph, items);
  const value = { train: of(split.train), val: of(split.val), test: of(split.test) };
  return {
    value,
    dispose() {
      for (const targets of Object.values(value)) targets.dispose();
    },
  };
}

/**
 * Returns 16 hex digits that change with any arc, feature, label or set of nodes: a result belongs to
 * the data, whatever the dataset's name.
 */
export function fingerprint(graph: Graph, split: Split): string {
  const hash = createHash("sha256");
  const { adjacency, features, labels } = graph;
  hash.update(`${graph.nodes} ${graph.classes} ${features.columns}`);
  const arrays = [adjacency.indptr, adjacency.indices, features.indptr, features.indices];
  const sets = [split.train, split.val, split.test];
  const update = (array: Int32Array | Float32Array | undefined): void => {
    hash.update(`|${array?.length ?? "ones"}|`);
    if (array) hash.update(new Uint8Array(array.buffer, array.byteOffset, array.byteLength));
  };
  for (const array of [...arrays, features.values, labels, ...sets]) update(array);
  const { labelSets, graphs, types, relations } = graph;
  // Parts that most graphs lack change nothing when absent, because records hold fingerprints.
  if (labelSets) for (const array of [labelSets.indptr, labelSets.indices]) update(array);
  if (graphs) update(graphs);
  if (graph.featuresAsIs) hash.update("features as they are");
  if (types) hash.update(JSON.stringify(types));
  for (const { name, source, target, arcs } of relations ?? []) {
    hash.update(JSON.stringify([name, source, target]));
    for (const array of [arcs.indptr, arcs.indices]) update(array);
  }
  return hash.digest("hex").slice(0, 16);
}
