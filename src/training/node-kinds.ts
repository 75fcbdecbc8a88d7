// Accuracies on a graph in which some nodes have no class: of the entities alone, and of all nodes.
import { constantPredictor } from "../graph/constant-predictor.ts";
import type { Graph, Split } from "../graph/graph.ts";

/** Test accuracies, fractions from 0 to 1. */
export interface NodeKinds {
  /** Over the test nodes that have a class. */
  readonly entities: number;
  /** Share of the nodes without a class that are given class 0: the test set's, or all if it has none. */
  readonly classless: number;
  /**
   * Over all nodes, with those without a class counted as class 0, as in PyG's reader: the two
   * shares, each weighted by how many nodes of its kind the graph has.
   */
  readonly all: number;
  /** What `all` would be if every node were given class 0 (constantPredictor). */
  readonly constant: number;
}

/**
 * @param predicted the predicted class of each node.
 * @returns undefined for a graph all of whose nodes have a class, or a test set without entities.
 */
export function nodeKinds(
  graph: Graph,
  { test }: Split,
  predicted: Int32Array,
): NodeKinds | undefined {
  const constant = constantPredictor(graph)?.all;
  if (!graph.classless || !constant) return undefined;
  const without = new Set(graph.classless);
  const entities = test.filter((node) => !without.has(node));
  if (entities.length === 0) return undefined;
  const tested = test.filter((node) => without.has(node));
  const right = entities.filter((node) => predicted[node] === graph.labels[node]);
  const others = tested.length > 0 ? tested : graph.classless;
  const zeros = others.filter((node) => predicted[node] === 0);
  const shares = {
    entities: right.length / entities.length,
    classless: zeros.length / others.length,
  };
  const weight = without.size / graph.nodes;
  return {
    ...shares,
    all: (1 - weight) * shares.entities + weight * shares.classless,
    constant: constant.accuracy,
  };
}
