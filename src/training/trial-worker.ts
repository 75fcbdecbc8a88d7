// A worker thread's side of trials.ts: runs one trial and sends its events to the main thread.
import type { MessagePort } from "node:worker_threads";
import { UserError } from "../base/errors.ts";
import { enterWorker, importModules, type Needs, refuseMissing } from "./modules.ts";
import type { TrainingEvent } from "./observer.ts";
import type { RunResult } from "./run.ts";
import { DivergedError, InterruptedError } from "./train.ts";
import { runTrial, type Trial } from "./trial.ts";

export interface WorkerTask {
  readonly trial: Trial;
  /** Addresses of the program's own modules, which add what is not built in. */
  readonly modules: readonly string[];
  /** Takes the trial's TrainingEvents, and null after the last. */
  readonly events: MessagePort;
  /** One Int32: not 0 once the user wants to stop. */
  readonly stop: SharedArrayBuffer;
}

/** Errors lose their class on the way to another thread, so they are sent as data. */
export type WorkerReply =
  | { readonly result: RunResult }
  | {
      readonly error: {
        readonly message: string;
        readonly exitCode: number;
        readonly diverged: boolean;
        /** Where it was stopped: what there is of it. */
        readonly results: readonly RunResult[];
      };
    };

/** A student's epoch takes milliseconds: nobody can read them all. */
const EPOCH_EVENT_MILLISECONDS = 100;

enterWorker();

/**
 * Before anything is trained: whether the program's modules bring what the runs need.
 * @returns why not
 */
export async function check({ modules, needs }: WorkerCheck): Promise<string | undefined> {
  try {
    await importModules(modules);
    refuseMissing(needs);
    return undefined;
  } catch (error) {
    if (error instanceof UserError) return error.message;
    throw error;
  }
}

export interface WorkerCheck extends Pick<WorkerTask, "modules"> {
  readonly needs: Needs;
}

/** piscina's entry point. An error that is nobody's fault but ours is thrown, with its stack. */
export default async function work(task: WorkerTask): Promise<WorkerReply> {
  const { trial, events, stop } = task;
  const flag = new Int32Array(stop);
  const signal = {
    get aborted(): boolean {
      return Atomics.load(flag, 0) !== 0;
    },
  };
  let last = Number.NEGATIVE_INFINITY;
  const observer = (event: TrainingEvent): void => {
    if (event.type === "epoch" && event.epoch < event.epochs) {
      const now = performance.now();
      if (now - last < EPOCH_EVENT_MILLISECONDS) return;
      last = now;
    }
    events.postMessage(event);
  };
  try {
    await importModules(task.modules);
    return { result: await runTrial(trial, observer, signal) };
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    const { message, exitCode } = error;
    const results = error instanceof InterruptedError ? error.results : [];
    return { error: { message, exitCode, diverged: error instanceof DivergedError, results } };
  } finally {
    // Not close(): piscina blocks this thread between tasks, before a close would be noticed.
    events.postMessage(null);
  }
}
