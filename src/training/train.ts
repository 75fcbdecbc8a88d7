// The loop: steps, an evaluation at the end of each epoch, early stopping.
import { performance } from "node:perf_hooks";
import { setImmediate } from "node:timers/promises";
import { needObject } from "../base/arguments.ts";
import { UserError } from "../base/errors.ts";
import { notebookInterrupts, orInterrupted } from "../display/host.ts";
import type { Distillation, Inspection } from "../distillation/method.ts";
import { checkByBatch, turnCount } from "../distillation/registry.ts";
import type { Model } from "../models/model.ts";
import { beginPhase, beginStep, endStep } from "../tensor/index.ts";
import { type Batches, Epoch, type EpochProgress, inTurns, wholeGraph } from "./batches.ts";
import { isFiniteState, type TrainingState, type Values } from "./checkpoint.ts";
import { checkSeed, checkTraining } from "./config-check.ts";
import { firstEpochs } from "./curve.ts";
import { batchScores, withForward } from "./evaluate.ts";
import type { SplitTargets } from "./inputs.ts";
import type { Observer, StopSignal } from "./observer.ts";
import { notebookTrainingLine } from "./progress.ts";
import type { RunConfig, RunResult } from "./run.ts";
import { runId } from "./run-id.ts";
import { rateFactor } from "./schedule.ts";
import { optimiser, step } from "./step.ts";
import { assign, read, refuseOthers, type Trained, trainedParameters } from "./trained.ts";
import type { Stepper } from "./turns.ts";

/** What is trained, and on what. `I`: what the model reads of the graph. */
export interface TrainingTask<I = unknown> {
  readonly config: RunConfig;
  readonly model: Model<I>;
  /** The whole graph, on which the method is inspected. */
  readonly inputs: I;
  readonly targets: Pick<SplitTargets, "train" | "val">;
  /**
   * What steps learn from and epochs are evaluated on; only a method that is `byBatch` allows them. By default
   * the whole graph, one step per epoch.
   */
  readonly batches?: Batches;
  /** Absent if the model is trained alone. */
  readonly distillation?: Distillation;
}

export interface TrainingOptions {
  /** Receives every epoch; without an observer, a line shows them in notebooks. */
  readonly observer?: Observer;
  /**
   * Once aborted, the loop saves a checkpoint at the end of the step, puts the best epoch's parameters
   * into the model and throws an InterruptedError with the outcome so far.
   */
  readonly signal?: StopSignal;
  /** The state to go on from, to the same bits as a run that was never interrupted. */
  readonly from?: TrainingState;
  /** How and how often checkpoints are saved; the result does not depend on it. */
  readonly checkpoints?: {
    readonly everySeconds: number;
    save(state: TrainingState): void;
  };
}

/** A training's outcome; the model (and the method) hold the best epoch's parameters. */
export interface TrainingOutcome {
  readonly curve: RunResult["curve"];
  /** Counted from 1; 0 if the training was interrupted before its first epoch was done. */
  readonly bestEpoch: number;
  /** The user of a notebook stopped the training: the outcome is that of the epochs done. */
  readonly interrupted: boolean;
  /** Where a training was stopped, and which checkpoint is kept: "epoch 5", ", which is kept". */
  readonly stop?: { readonly at: string; readonly kept: string };
  /** Before the first step, and after the last (not the best) epoch; if interrupted, after the best. */
  readonly inspection?: { readonly first: Inspection; readonly last: Inspection };
  readonly seconds: number;
}

/** The loss became non-finite; exit code 1. */
export class DivergedError extends UserError {}

/** The user stopped the run; its checkpoint is kept. Exit code 130, as after SIGINT. */
export class InterruptedError extends UserError {
  /** From train(): the epochs that were done; the model holds the best one's parameters. */
  readonly outcome?: TrainingOutcome;
  /** From runTrials(), in the order of the configurations: finished runs, and stopped ones so far. */
  readonly results: readonly RunResult[];

  constructor(
    message: string,
    came: { readonly outcome?: TrainingOutcome; readonly results?: readonly RunResult[] } = {},
  ) {
    super(message, { exitCode: 130 });
    if (came.outcome) this.outcome = came.outcome;
    this.results = came.results ?? [];
  }
}

/**
 * Trains until `epochs` are done or `patience` epochs in a row brought no better one: one of lower
 * validation loss, or as `keep` says. Then restores the best epoch's parameters: GCNII's protocol, for
 * students as well. Evaluation is without dropout, on the parameters after the epoch's last step.
 *
 * Yields to the event loop before each step, so that signals and messages arrive.
 *
 * If it is interrupted in a notebook, it still resolves, with the outcome of the epochs that are done
 * (`interrupted` says so) and the best one's parameters in the model. With `checkpoints`, the state
 * after the last whole epoch is saved, so that the training can go on from there.
 *
 * @throws OptionError, DivergedError, InterruptedError, and whatever `checkpoints.save` throws.
 */
export async function train<I>(
  task: TrainingTask<I>,
  options: TrainingOptions = {},
): Promise<TrainingOutcome> {
  needObject(
    task,
    "train: task",
    "what is trained: { config, model, inputs, targets }",
    "config",
    "model",
    "inputs",
    "targets",
  );
  const training = new Training(task, options);
  try {
    return await orInterrupted(training.run(), () => training.interrupt());
  } finally {
    training.dispose();
  }
}

/** A training in progress, between two steps. */
class Training {
  readonly #task: TrainingTask;
  readonly #options: TrainingOptions;
  readonly #observer: Observer | undefined;
  readonly #trained: Trained;
  readonly #batches: Batches;
  readonly #optimiser: Stepper;
  readonly #curve: Record<keyof RunResult["curve"], number[]>;
  readonly #first: Inspection | undefined;
  readonly #firstEpoch: number;
  readonly #id: string;
  readonly #began = performance.now();
  /** The state after the last whole epoch, kept if an interrupt may leave the next half done. */
  #whole: TrainingState | undefined;
  /** Steps done, in all epochs. */
  #steps: number;
  /** The epoch in progress, if any. */
  #epoch: Epoch | undefined;
  /** How far that epoch has come; for a checkpoint's epoch, known before its batches are. */
  #within: EpochProgress | undefined;
  #bestEpoch: number;
  #best: Values;
  /** The previous best epoch's arrays, for reuse: allocating new ones costs more than the copy. */
  #spare: Values | undefined;
  /** Where the last checkpoint was taken. */
  #saved: { readonly step: number; readonly place: string };
  #savedAt = 0;
  /** Set by an interrupt. */
  #outcome: TrainingOutcome | undefined;

  constructor(task: TrainingTask, options: TrainingOptions) {
    const { from } = options;
    const { method } = task.config;
    if (task.batches && task.distillation && method) {
      checkByBatch(method.name, task.config.training.sampler?.name === "walks");
    }
    checkTraining(task.config.training);
    checkSeed(task.config.seed, "a run's configuration");
    this.#task = task;
    this.#options = options;
    this.#observer = options.observer ?? notebookTrainingLine(task.config);
    this.#id = runId(task.config);
    this.#trained = trainedParameters(task);
    this.#batches = inTurns(task.batches ?? wholeGraph(task), turnCount(method));
    this.#optimiser = optimiser(task);
    this.#curve = firstEpochs(from?.curve ?? {});
    this.#firstEpoch = from?.epoch ?? 0;
    this.#steps = from?.step ?? 0;
    this.#within = from?.within;
    this.#saved = { step: this.#steps, place: placeOf(this.#epochs, this.#within) };
    this.#bestEpoch = from?.bestEpoch ?? 0;
    try {
      if (from) {
        refuseOthers(this.#trained, from.best);
        assign(this.#trained, from.parameters);
        this.#optimiser.restore(from.optimiser);
      }
      this.#best = read(this.#trained);
      for (const [name, numbers] of this.#best) numbers.set(from?.best.get(name) ?? numbers);
      this.#first = from ? from.first : inspect(task);
    } catch (error) {
      this.#optimiser.dispose();
      throw error;
    }
  }

  async run(): Promise<TrainingOutcome> {
    while (!this.done) {
      // Before the first epoch too: afterwards the caller awaits what an interrupt resolves.
      await setImmediate();
      if (this.#outcome) return this.#outcome;
      this.step();
    }
    return this.#finish(false);
  }

  /** Returns the outcome so far; run() may have been killed anywhere, and the engine has recovered. */
  interrupt(): TrainingOutcome {
    this.#outcome = this.#finish(true);
    // A killed generator cannot be closed; what its batch holds is left to the garbage collector.
    this.#epoch = undefined;
    const state = this.#whole;
    // The kill may have come after an epoch's numbers were pushed and before its state was made.
    if (state) this.#keep({ ...state, curve: firstEpochs(state.curve, state.epoch) });
    this.#outcome = { ...this.#outcome, stop: this.#stop };
    return this.#outcome;
  }

  get #epochs(): number {
    return this.#curve.loss.length;
  }

  get done(): boolean {
    const { epochs, patience } = this.#task.config.training;
    return this.#epochs >= epochs || this.#epochs - this.#bestEpoch >= patience;
  }

  /** Takes one step; after an epoch's last step, ends the epoch. */
  step(): void {
    const { signal, checkpoints } = this.#options;
    if (signal?.aborted) {
      this.#save();
      const stop = this.#stop;
      const outcome = { ...this.#finish(true), stop };
      throw new InterruptedError(`stopped after ${stop.at}${stop.kept}`, { outcome });
    }
    beginStep(this.#steps + 1);
    const { config } = this.#task;
    this.#epoch ??= new Epoch(this.#batches.epoch(config.seed, this.#epochs), this.#within);
    const { batch } = this.#epoch;
    const rate = rateFactor(config.training, this.#epochs + 1);
    const loss = step(this.#task, this.#optimiser, this.#steps, { batch: batch!, rate });
    if (!Number.isFinite(loss)) {
      // The step was not taken: the state after the last one is still sound.
      this.#save();
      throw this.#diverged("loss", loss);
    }
    this.#steps++;
    this.#epoch.advance(loss);
    this.#within = this.#epoch.progress;
    if (!this.#epoch.batch) this.#endEpoch(this.#within.loss);
    if (checkpoints && this.#seconds() - this.#savedAt >= checkpoints.everySeconds) this.#save();
    endStep();
  }

  /** Evaluates, keeps the parameters if they are the best so far, and reports the epoch. */
  #endEpoch(loss: number): void {
    beginPhase("evaluation");
    const { train, val } = batchScores(this.#task.model, this.#batches, ["train", "val"]);
    beginPhase("the rest of the epoch");
    if (!Number.isFinite(val.loss)) throw this.#diverged("validation loss", val.loss);
    const { valLoss, valAccuracy } = this.#curve;
    const { epochs, keep } = this.#task.config.training;
    const last = this.#bestEpoch - 1;
    const better =
      last < 0 ||
      (keep === undefined
        ? val.loss < valLoss[last]!
        : val.accuracy > valAccuracy[last]! ||
          (keep === "latest-accuracy" && val.accuracy === valAccuracy[last]!));
    const [best, spare] = better
      ? [read(this.#trained, this.#spare), this.#best]
      : [this.#best, this.#spare];
    // None of our functions is called until the epoch is recorded: an interrupt finds all or nothing.
    this.#curve.loss.push(loss);
    this.#curve.trainAccuracy.push(train.accuracy);
    valLoss.push(val.loss);
    valAccuracy.push(val.accuracy);
    this.#best = best;
    this.#spare = spare;
    if (better) this.#bestEpoch = valLoss.length;
    this.#epoch = undefined;
    this.#within = undefined;
    if (this.#options.checkpoints && notebookInterrupts()) this.#whole = this.#state();
    const secondsPerEpoch = this.#seconds() / (this.#epochs - this.#firstEpoch);
    this.#observer?.({
      type: "epoch",
      id: this.#id,
      epoch: this.#epochs,
      epochs,
      loss,
      trainAccuracy: train.accuracy,
      valLoss: val.loss,
      valAccuracy: val.accuracy,
      secondsLeft: secondsPerEpoch * (epochs - this.#epochs),
    });
  }

  #finish(interrupted: boolean): TrainingOutcome {
    // A killed step leaves the parameters half updated, so they cannot be inspected.
    if (interrupted) assign(this.#trained, this.#best);
    const last = inspect(this.#task);
    if (!interrupted) assign(this.#trained, this.#best);
    const bestEpoch = this.#bestEpoch;
    const seconds = this.#totalSeconds();
    this.#observer?.({
      type: "end",
      id: this.#id,
      epoch: this.#epochs,
      bestEpoch,
      valAccuracy: this.#curve.valAccuracy[bestEpoch - 1] ?? 0,
      seconds,
      interrupted,
    });
    return {
      curve: this.#curve,
      bestEpoch,
      interrupted,
      ...(this.#first && last && { inspection: { first: this.#first, last } }),
      seconds,
    };
  }

  dispose(): void {
    this.#epoch?.close();
    this.#optimiser.dispose();
  }

  /** How far the training has come, and what is kept of it. */
  get #stop(): { readonly at: string; readonly kept: string } {
    const at = placeOf(this.#epochs, this.#within);
    const { step, place } = this.#kept ?? {};
    if (!place) return { at, kept: "; nothing is kept" };
    const current = step === this.#steps;
    return { at, kept: current ? ", which is kept" : `; the checkpoint of ${place} is kept` };
  }

  #seconds(): number {
    return (performance.now() - this.#began) / 1000;
  }

  #totalSeconds(): number {
    return (this.#options.from?.seconds ?? 0) + this.#seconds();
  }

  #state(): TrainingState {
    return {
      epoch: this.#epochs,
      step: this.#steps,
      ...(this.#within && { within: this.#within }),
      bestEpoch: this.#bestEpoch,
      curve: this.#curve,
      parameters: read(this.#trained),
      best: this.#best,
      optimiser: this.#optimiser.state(),
      ...(this.#first && { first: this.#first }),
      seconds: this.#totalSeconds(),
    };
  }

  #save(): void {
    if (this.#options.checkpoints) this.#keep(this.#state());
    this.#savedAt = this.#seconds();
  }

  /** Skips a state that a non-finite gradient spoiled although its loss was finite: nobody could read it. */
  #keep(state: TrainingState): void {
    if (state.step <= this.#saved.step || !isFiniteState(state)) return;
    this.#options.checkpoints?.save(state);
    this.#saved = { step: state.step, place: placeOf(state.epoch, state.within) };
  }

  /** The last checkpoint, if there is one. */
  get #kept(): { readonly step: number; readonly place: string } | undefined {
    return this.#options.checkpoints && this.#saved.step > 0 ? this.#saved : undefined;
  }

  #diverged(what: string, value: number): DivergedError {
    const kept = this.#kept
      ? `the checkpoint of ${this.#kept.place} is kept`
      : "no checkpoint is kept";
    return new DivergedError(
      `the ${what} is ${value} in epoch ${this.#epochs + 1}; ${kept}; ` +
        "try a smaller learning rate or other options of the method",
      { exitCode: 1 },
    );
  }
}

/** Says how far a training has come. */
function placeOf(epochs: number, within: EpochProgress | undefined): string {
  return within ? `step ${within.steps} of epoch ${epochs + 1}` : `epoch ${epochs}`;
}

function inspect({ model, inputs, distillation }: TrainingTask): Inspection | undefined {
  if (!distillation) return undefined;
  return withForward(model, inputs, distillation.reads, (outputs) => distillation.inspect(outputs));
}
