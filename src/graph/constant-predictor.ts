// What a predictor that gives every node one class is right on: the line that a model must pass.
import { needObject } from "../base/arguments.ts";
import { InputError, itemCount, labelsFault } from "./check.ts";
import { type Graph, UNLABELLED } from "./graph.ts";

export interface ConstantPredictor {
  /** Over nodes that have a class and whose class is known: the most frequent one. */
  readonly labelled: { readonly class: number; readonly accuracy: number };
  /**
   * Over all nodes, where some have no class and are counted as class 0, as PyG's reader does:
   * class 0 for every node. Entities whose class is not known are taken to be of class 0 as often
   * as the others; `least` and `most` hold whatever they are.
   */
  readonly all?: {
    readonly class: 0;
    readonly accuracy: number;
    readonly least: number;
    readonly most: number;
  };
}

/**
 * The best constant predictions of a graph; accuracies are fractions, 0 to 1. Null where no node
 * has a class that is known.
 */
export function constantPredictor(
  graph: Pick<
    Graph,
    "nodes" | "classes" | "labels" | "classless" | "labelSets" | "types" | "graphs"
  >,
): ConstantPredictor | null {
  needObject(graph, "constantPredictor: graph", "a graph, as loadDataset() gives it");
  const { classes, labels, classless } = graph;
  const nodes = itemCount(graph);
  const fault = labelsFault({ nodes, classes, labels });
  if (fault !== undefined) throw new InputError(`labels: ${fault}`);
  // One class would be no prediction of a set.
  if (graph.labelSets) return null;
  const without = new Set(classless);
  const sizes = new Array<number>(classes).fill(0);
  let known = 0;
  for (let node = 0; node < nodes; node++) {
    const label = labels[node]!;
    if (label === UNLABELLED || without.has(node)) continue;
    sizes[label]!++;
    known++;
  }
  if (known === 0) return null;
  const largest = sizes.indexOf(sizes.reduce((most, size) => Math.max(most, size), 0));
  const labelled = { class: largest, accuracy: sizes[largest]! / known };
  if (without.size === 0) return { labelled };
  const entities = nodes - without.size;
  const [zeros, unknown] = [sizes[0]!, entities - known];
  return {
    labelled,
    all: {
      class: 0,
      accuracy: (without.size + (zeros / known) * entities) / nodes,
      least: (without.size + zeros) / nodes,
      most: (without.size + zeros + unknown) / nodes,
    },
  };
}
