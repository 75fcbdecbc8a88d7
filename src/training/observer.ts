// The events that a run reports while it goes on; the command line, the quickstart and notebooks show them.
import type { ProfileTimes } from "../tensor/index.ts";
import type { RunConfig, RunResult } from "./run.ts";

/** Something that happened; plain data, so that it can come from a worker thread. */
export type TrainingEvent =
  | {
      readonly type: "start";
      readonly id: string;
      readonly config: RunConfig;
      /** Greater than 0 if the run goes on from a checkpoint. */
      readonly epoch: number;
      /** It is trained because other runs distil it. */
      readonly asTeacher: boolean;
    }
  | EpochEvent
  | EndEvent
  | {
      readonly type: "finish";
      readonly id: string;
      readonly result: RunResult;
      /** It was trained earlier and read from its folder. */
      readonly cached: boolean;
    }
  /** Where time went in a run, before its end; its spans are in the file `trace`. */
  | {
      readonly type: "profile";
      readonly id: string;
      readonly config: RunConfig;
      readonly profile: ProfileTimes;
      readonly trace: string;
    }
  | {
      readonly type: "fail";
      readonly id: string;
      readonly message: string;
      /** Its loss, or that of a run that it needs, became non-finite, and would again. */
      readonly diverged: boolean;
    }
  /** A sentence for the user, e.g. that a damaged cache entry is retrained. */
  | { readonly type: "note"; readonly message: string };

/** Sent after each epoch (by a worker thread, after some of them). */
export interface EpochEvent {
  readonly type: "epoch";
  readonly id: string;
  /** Epochs done. */
  readonly epoch: number;
  /** At most this many will be done. */
  readonly epochs: number;
  readonly loss: number;
  readonly trainAccuracy: number;
  readonly valLoss: number;
  readonly valAccuracy: number;
  /** Seconds until all epochs are done; early stopping may end the run sooner. */
  readonly secondsLeft: number;
}

/** Sent after the last epoch, or when the user of a notebook interrupts the training. */
export interface EndEvent {
  readonly type: "end";
  readonly id: string;
  /** Epochs done, and the best of them; 0 if none was done. */
  readonly epoch: number;
  readonly bestEpoch: number;
  /** The best epoch's accuracy; 0 if there is none. */
  readonly valAccuracy: number;
  readonly seconds: number;
  readonly interrupted: boolean;
}

/** Called synchronously; must not throw and should be quick. */
export type Observer = (event: TrainingEvent) => void;

/** An AbortSignal, or anything else whose `aborted` turns true when the run should stop. */
export interface StopSignal {
  readonly aborted: boolean;
}
