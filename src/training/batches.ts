// What a training reads: the batches that each epoch learns from, and those that it is evaluated on.
import type { GraphInputs } from "../models/model.ts";
import type { SplitTargets } from "./inputs.ts";

export type SetName = keyof SplitTargets;

/** What one forward pass reads, and which of its nodes count for each set. */
export interface Batch {
  /** What the model reads. */
  readonly inputs: unknown;
  /** The node of each row of the outputs; if absent, all nodes in order. */
  readonly nodes?: Int32Array;
  /** Numbered by the outputs' rows. */
  readonly targets: Partial<SplitTargets>;
  /** The arcs between the batch's nodes, numbered by the outputs' rows, if they were drawn with their arcs. */
  readonly graph?: GraphInputs;
}

/** A batch to learn from. */
export interface TrainingBatch extends Batch {
  readonly targets: Pick<SplitTargets, "train"> & Partial<SplitTargets>;
}

/** How a graph is cut into batches. A batch is valid until the next one is asked for. */
export interface Batches {
  /**
   * Returns one batch per step, at least one. The same seed and epoch (counted from 0) give the same
   * batches, so that a run that goes on from a checkpoint finds those that it has not learned from.
   */
  epoch(seed: number, epoch: number): Iterable<TrainingBatch>;
  /** Returns batches that together hold each node of these sets once. */
  all(sets: readonly SetName[]): Iterable<Batch>;
}

/** Makes the whole graph the only batch. */
export function wholeGraph(batch: TrainingBatch): Batches {
  return { epoch: () => [batch], all: () => [batch] };
}

/** Gives each of an epoch's batches to one student after another. */
export function inTurns(batches: Batches, turns: number): Batches {
  if (turns === 1) return batches;
  return {
    *epoch(seed, epoch) {
      for (const batch of batches.epoch(seed, epoch)) {
        for (let turn = 0; turn < turns; turn++) yield batch;
      }
    },
    all: (sets) => batches.all(sets),
  };
}

/** How far an epoch has come. */
export interface EpochProgress {
  readonly steps: number;
  /** The mean of the steps' losses. */
  readonly loss: number;
}

/** An epoch in progress. */
export class Epoch {
  readonly #batches: Iterator<TrainingBatch>;
  #batch: TrainingBatch | undefined;
  #progress: EpochProgress;

  /**
   * @param from where a checkpoint stopped within the epoch
   * @throws {RangeError} if there is no batch left
   */
  constructor(batches: Iterable<TrainingBatch>, from: EpochProgress = { steps: 0, loss: 0 }) {
    this.#batches = batches[Symbol.iterator]();
    this.#progress = from;
    for (let k = 0; k <= from.steps; k++) this.#next();
    if (!this.#batch) throw new RangeError(`an epoch has no batch after its first ${from.steps}`);
  }

  /** The next step's batch; undefined after the last step. */
  get batch(): TrainingBatch | undefined {
    return this.#batch;
  }

  get progress(): EpochProgress {
    return this.#progress;
  }

  /** Counts a step taken with the batch, and goes to the next one. */
  advance(loss: number): void {
    const { steps, loss: mean } = this.#progress;
    // With one step, the mean is the step's own loss, bit for bit.
    this.#progress = { steps: steps + 1, loss: mean + (loss - mean) / (steps + 1) };
    this.#next();
  }

  /** Frees what the batches hold, if not all were asked for. */
  close(): void {
    this.#batches.return?.();
  }

  #next(): void {
    const { done, value } = this.#batches.next();
    this.#batch = done ? undefined : value;
  }
}
