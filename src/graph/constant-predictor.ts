// The accuracy of predicting one class for every node: the baseline that a model must beat.
import { needObject } from "../base/arguments.ts";
import { InputError, itemCount, labelsFault } from "./check.ts";
import { type Graph, UNLABELLED } from "./graph.ts";

export interface ConstantPredictor {
  /** The most frequent class among the nodes whose class is known. */
  readonly labelled: { readonly class: number; readonly accuracy: number };
  /**
   * Class 0 for every node, scored over all nodes, where those without a class count as class 0, as
   * in PyG's reader. Entities whose class is unknown are assumed to be of class 0 as often
   * as the others; `least` and `most` are bounds that hold whatever their classes are.
   */
  readonly all?: {
    readonly class: 0;
    readonly accuracy: number;
    readonly least: number;
    readonly most: number;
  };
}

/**
 * Returns a graph's best constant predictions; accuracies are fractions, 0 to 1. Null if no node
 * has a known class.
 */
export function constantPredictor(
  graph: Pick<
    Graph,
    "nodes" | "classes" | "labels" | "classless" | "labelSets" | "types" | "graphs"
  >,
): ConstantPredictor | null {
  needObject(graph, "constantPredictor: graph", "a graph, as returned by loadDataset()");
  const { classes, labels, classless } = graph;
  const nodes = itemCount(graph);
  const fault = labelsFault({ nodes, classes, labels });
  if (fault !== undefined) throw new InputError(`labels: ${fault}`);
  // A single class is no prediction for label sets.
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
