// Batches for tests: three sets of training nodes on one graph.
import { randomStream } from "../../src/graph/random.ts";
import type { GraphInputs } from "../../src/models/model.ts";
import { Targets } from "../../src/tensor/index.ts";
import type { Batches } from "../../src/training/batches.ts";
import type { SplitTargets } from "../../src/training/inputs.ts";
import { smallGraph, smallSplit } from "./small.ts";

export const PARTS = 3;

/** Training nodes in three sets on one graph, drawn anew each epoch; evaluation in three sets as well. */
export class NodeSets implements Batches {
  readonly #inputs: GraphInputs;
  /** How many batches are held now. */
  held = 0;
  /** The targets of the last batch. */
  targets: Partial<SplitTargets> = {};
  /** The epochs that were asked for. */
  readonly asked: number[] = [];

  constructor(inputs: GraphInputs) {
    this.#inputs = inputs;
  }

  *epoch(seed: number, epoch: number) {
    this.asked.push(epoch);
    const nodes = [...smallSplit().train];
    const random = randomStream(1000 * seed + epoch);
    for (let k = nodes.length - 1; k > 0; k--) {
      const other = random.below(k + 1);
      [nodes[k], nodes[other]] = [nodes[other]!, nodes[k]!];
    }
    // The sets have unequal sizes: 4, 8 and 12.
    for (const [from, to] of [
      [0, 4],
      [4, 12],
      [12, 24],
    ] as const) {
      yield* this.#batch({ train: nodes.slice(from, to) });
    }
  }

  *all(sets: readonly (keyof SplitTargets)[]) {
    const split = smallSplit();
    for (let part = 0; part < PARTS; part++) {
      const parts = sets.map((set) => [set, split[set].filter((node) => node % PARTS === part)]);
      yield* this.#batch(Object.fromEntries(parts));
    }
  }

  *#batch<Sets extends Record<string, readonly number[] | Int32Array>>(sets: Sets) {
    const { labels, classes } = smallGraph();
    const targets = Object.fromEntries(
      Object.entries(sets).map(([set, nodes]) => [
        set,
        new Targets(labels, Int32Array.from(nodes), classes),
      ]),
    ) as { [Name in keyof Sets]: Targets };
    this.held++;
    this.targets = targets;
    try {
      yield { inputs: this.#inputs, targets };
    } finally {
      this.held--;
      for (const part of Object.values(targets)) part.dispose();
    }
  }
}
