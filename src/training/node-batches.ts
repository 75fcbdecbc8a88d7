// Batches of nodes, for models that read each node by itself, and no arcs.
import { OptionError } from "../base/errors.ts";
import { takeCsrRows } from "../graph/csr.ts";
import type { Graph, Split } from "../graph/graph.ts";
import { shuffle } from "../graph/random.ts";
import { type AnyModelKind, findModel } from "../models/registry.ts";
import { type TaskTargets, taskOf } from "../tasks/task.ts";
import { uniform } from "../tensor/ops/random.ts";
import type { Batches, TrainingBatch } from "./batches.ts";

export interface Cut {
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
  const { ofNodes, count } = checkCut(cut);
  const { nodesOf, targetsOf } = dealer(cut, count);
  return {
    *epoch(seed, epoch) {
      for (const nodes of nodesOf(seed, epoch)) {
        const train = targetsOf(nodes);
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

/** Deals nodes out, as nodeBatches() says. @param alone whether only the training nodes are dealt */
export function dealer(
  { graph, split }: Pick<Cut, "graph" | "split">,
  count: number,
  alone = false,
) {
  const task = taskOf(graph);
  const labelled = new Set(split.train);
  const others = Int32Array.from({ length: alone ? 0 : graph.nodes }, (_, node) => node).filter(
    (node) => !labelled.has(node),
  );
  return {
    /** Each batch's nodes, ascending. */
    *nodesOf(seed: number, epoch: number): Iterable<Int32Array> {
      const of = (nodes: Int32Array, what: string): Int32Array[] =>
        dealt(shuffled(nodes, uniform(seed, `batches.${what}.${epoch}`, nodes.length)), count);
      const [first, second] = [of(split.train, "train"), of(others, "others")];
      for (const [k, own] of first.entries()) yield Int32Array.from([...own, ...second[k]!]).sort();
    },
    /** The targets of a batch's training nodes, numbered by their places in it. */
    targetsOf(nodes: Int32Array): TaskTargets {
      const rows = Int32Array.from(nodes.keys()).filter((row) => labelled.has(nodes[row]!));
      return task.targets(
        {
          ...graph,
          labels: nodes.map((node) => graph.labels[node]!),
          ...(graph.labelSets && { labelSets: takeCsrRows(graph.labelSets, nodes) }),
        },
        rows,
      );
    },
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
  refuseOtherItems(graph);
  const { length } = split.train;
  return { ofNodes, count: batchCount(length, graph.nodes - length, size) };
}

/** @throws OptionError if the items are not all the nodes */
export function refuseOtherItems({ name, graphs, types }: Graph): void {
  if (!graphs && !types) return;
  throw new OptionError(`${name}: batches are of nodes, but not all nodes are its items`);
}

/** Returns the smallest number of batches of at most `size` nodes. */
export function batchCount(labelled: number, others: number, size: number): number {
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
