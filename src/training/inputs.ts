// A graph and a split on the engine, as training reads them, and their fingerprint.
import { createHash } from "node:crypto";
import { checkGraph, checkLabels, checkSplit } from "../graph/check.ts";
import type { Graph, Split } from "../graph/graph.ts";
import { GraphForms } from "../models/graph-forms.ts";
import { Targets } from "../tensor/index.ts";

/** Frees its engine memory by dispose(). */
export interface Held<T> {
  readonly value: T;
  dispose(): void;
}

/**
 * The normalised adjacency (nodes x nodes), the features (nodes x features) and what else a family of
 * models reads, each made on first use.
 * @throws InputError for a graph that is not sound: indices out of range, self loops, NaN, lengths
 */
export function graphInputs(graph: Graph): Held<GraphForms> {
  checkGraph(graph);
  const value = new GraphForms(graph);
  return { value, dispose: () => value.dispose() };
}

/** The three sets of nodes with their classes. */
export interface SplitTargets {
  readonly train: Targets;
  readonly val: Targets;
  readonly test: Targets;
}

/**
 * @throws InputError for sets that are empty or overlap, or hold what is no labelled node of the
 *   graph: nothing could be trained, chosen or reported
 */
export function splitTargets(graph: Graph, split: Split): Held<SplitTargets> {
  checkLabels(graph);
  checkSplit(split, graph);
  const of = (nodes: Int32Array): Targets => new Targets(graph.labels, nodes, graph.classes);
  const value = { train: of(split.train), val: of(split.val), test: of(split.test) };
  return {
    value,
    dispose() {
      for (const targets of Object.values(value)) targets.dispose();
    },
  };
}

/**
 * 16 hex digits that change with any arc, feature, label or set of nodes: a result belongs to
 * the data, whatever the dataset's name.
 */
export function fingerprint(graph: Graph, split: Split): string {
  const hash = createHash("sha256");
  const { adjacency, features, labels } = graph;
  hash.update(`${graph.nodes} ${graph.classes} ${features.columns}`);
  const arrays = [adjacency.indptr, adjacency.indices, features.indptr, features.indices];
  const sets = [split.train, split.val, split.test];
  for (const array of [...arrays, features.values, labels, ...sets]) {
    hash.update(`|${array?.length ?? "ones"}|`);
    if (array) hash.update(new Uint8Array(array.buffer, array.byteOffset, array.byteLength));
  }
  return hash.digest("hex").slice(0, 16);
}
