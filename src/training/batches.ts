// What a training reads: the batches that each epoch learns from, and those that it is evaluated on.
import type { SplitTargets } from "./inputs.ts";

export type SetName = keyof SplitTargets;

/** What one forward pass reads, and the nodes of it that count for each set. */
export interface Batch {
  /** As the model reads them. */
  readonly inputs: unknown;
  /** The nodes that the outputs' rows are of; absent: all nodes in their order. */
  readonly nodes?: Int32Array;
  /** By the outputs' rows. */
  readonly targets: Partial<SplitTargets>;
}

/** A batch to learn from. */
export interface TrainingBatch extends Batch {
  readonly targets: Pick<SplitTargets, "train"> & Partial<SplitTargets>;
}

/** How a graph is cut into batches. A batch is not used after the next one is asked for. */
export interface Batches {
  /**
   * One batch a step, at least one. The same seed and epoch (counted from 0) give the same batches, so
   * that a run that goes on from a checkpoint finds those that it has not learned from.
   */
  epoch(seed: number, epoch: number): Iterable<TrainingBatch>;
  /** Batches that together hold each node of these sets once. */
  all(sets: readonly SetName[]): Iterable<Batch>;
}

/** The whole graph is the one batch. */
export function wholeGraph(batch: TrainingBatch): Batches {
  return { epoch: () => [batch], all: () => [batch] };
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
   * @throws {RangeError} where there is no batch left
   */
  constructor(batches: Iterable<TrainingBatch>, from: EpochProgress = { steps: 0, loss: 0 }) {
    this.#batches = batches[Symbol.iterator]();
    this.#progress = from;
    for (let k = 0; k <= from.steps; k++) this.#next();
    if (!this.#batch) throw new RangeError(`an epoch has no batch after its first ${from.steps}`);
  }

  /** For the next step; undefined after the last. */
  get batch(): TrainingBatch | undefined {
    return this.#batch;
  }

  get progress(): EpochProgress {
    return this.#progress;
  }

  /** A step was taken with the batch. */
  advance(loss: number): void {
    const { steps, loss: mean } = this.#progress;
    // With one step it is the step's own loss, bit for bit.
    this.#progress = { steps: steps + 1, loss: mean + (loss - mean) / (steps + 1) };
    this.#next();
  }

  /** Lets go of what the batches hold, where not all were asked for. */
  close(): void {
    this.#batches.return?.();
  }

  #next(): void {
    const { done, value } = this.#batches.next();
    this.#batch = done ? undefined : value;
  }
}
