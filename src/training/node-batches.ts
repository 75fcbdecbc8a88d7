// Batches of nodes, for models that read each node by itself, and no arcs.
import { OptionError } from "../base/errors.ts";
import { takeCsrRows } from "../graph/csr.ts";
import type { Graph, Split } from "../graph/graph.ts";
import { shuffle } from "../graph/random.ts";
import { type AnyModelKind, findModel } from "../models/registry.ts";
import { taskOf } from "../tasks/task.ts";
import { uniform } from "../tensor/ops/random.ts";
import type { Batches, TrainingBatch } from "./batches.ts";

interface Cut {
  readonly graph: Graph;
  readonly split: Split;
  /** The most nodes in a batch. */
  readonly size: number;
  /** The model's kind. */
  readonly kind: string;
}

/**
 * Deals all nodes out to batches, anew for each epoch; the training nodes are dealt evenly, so that every step
 * has some. Epochs are evaluated on the whole graph.
 *
 * @throws OptionError if there would be more batches than training nodes, or if the items are not all the nodes
 */
export function nodeBatches(whole: TrainingBatch, cut: Cut): Batches {
  const { graph, split } = cut;
  const { ofNodes, count } = checkCut(cut);
  const task = taskOf(graph);
  const labelled = new Set(split.train);
  const others = Int32Array.from({ length: graph.nodes }, (_, node) => node).filter(
    (node) => !labelled.has(node),
  );
  return {
    *epoch(seed, epoch) {
      const of = (nodes: Int32Array, what: string): Int32Array[] =>
        dealt(shuffled(nodes, uniform(seed, `batches.${what}.${epoch}`, nodes.length)), count);
      const [first, second] = [of(split.train, "train"), of(others, "others")];
      for (const [k, own] of first.entries()) {
        const nodes = Int32Array.from([...own, ...second[k]!]).sort();
        const rows = Int32Array.from(nodes.keys()).filter((row) => labelled.has(nodes[row]!));
        const train = task.targets(
          {
            ...graph,
            labels: nodes.map((node) => graph.labels[node]!),
            ...(graph.labelSets && { labelSets: takeCsrRows(graph.labelSets, nodes) }),
          },
          rows,
        );
        const inputs = ofNodes(whole.inputs, nodes);
        try {
          yield { inputs, nodes, targets: { train } };
        } finally {
          train.dispose();
          inputs.dispose();
        }
      }
    },
    all: () => [whole],
  };
}

/**
 * Checks what nodeBatches() is given, before anything is trained.
 * @returns how the model reads some nodes, and the number of batches
 * @throws OptionError as nodeBatches()
 */
export function checkCut({ graph, split, size, kind }: Cut): {
  readonly ofNodes: NonNullable<AnyModelKind["ofNodes"]>;
  readonly count: number;
} {
  const { ofNodes } = findModel(kind);
  if (!ofNodes)
    throw new OptionError(`${kind} reads the whole graph at each step: it has no batches`);
  if (graph.graphs || graph.types) {
    throw new OptionError(`${graph.name}: batches are of nodes, but not all nodes are its items`);
  }
  const { length } = split.train;
  return { ofNodes, count: batchCount(length, graph.nodes - length, size) };
}

/** Returns the smallest number of batches of at most `size` nodes. */
function batchCount(labelled: number, others: number, size: number): number {
  let count = Math.ceil((labelled + others) / size);
  while (Math.ceil(labelled / count) + Math.ceil(others / count) > size && count < labelled)
    count++;
  if (count <= labelled) return count;
  throw new OptionError(
    `${count} batches of ${size} nodes are more than the ${labelled} training nodes: choose a larger batch`,
  );
}

/** Returns the nodes in the order that the drawn numbers decide. */
function shuffled(nodes: Int32Array, drawn: Float32Array): Int32Array {
  const all = nodes.slice();
  shuffle(all, { below: (bound) => Math.floor(drawn[bound - 1]! * bound) });
  return all;
}

/** Splits the nodes into parts whose sizes differ by at most one. */
function dealt(nodes: Int32Array, parts: number): Int32Array[] {
  const bound = (k: number): number => Math.floor((k * nodes.length) / parts);
  return Array.from({ length: parts }, (_, k) => nodes.subarray(bound(k), bound(k + 1)));
}
