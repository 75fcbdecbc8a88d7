// What trains runs: the interface between the order of jobs and the threads, processes or machines that do them.
import type { EngineChoice } from "../tensor/index.ts";
import type { Needs } from "./modules.ts";
import type { Observer } from "./observer.ts";
import type { RunConfig, RunResult } from "./run.ts";
import type { TrialData } from "./trial-data.ts";

/** A run to train, or to find finished; plain data, which JSON can hold. */
export interface Job {
  readonly config: RunConfig;
  /** fingerprint() of its graph and split, for comparison by whoever loads them elsewhere. */
  readonly data: string;
  /**
   * `anew`: train from the start; a finished run stays until the new one replaces it. `resume`: take
   * the finished run, or go on from the checkpoint; if all that exists is damaged, that is an error.
   * `cache`: the same, but a damaged run is reported and retrained.
   */
  readonly start: "anew" | "resume" | "cache";
  readonly checkpointSeconds: number;
  /** Record where time goes, and write a trace beside the result, which stays the same. */
  readonly profile?: boolean;
}

/** What all jobs of one runTrials() share; plain data, which JSON can hold. */
export interface Setting {
  /** Version of the library that made the jobs; workers of another version refuse them. */
  readonly library: string;
  /** URLs of the program's own modules, which add what is not built in. */
  readonly modules: readonly string[];
  /** What those modules must add. */
  readonly needs: Needs;
  /**
   * Where results go, and where teachers and checkpoints are found; a relative path starts from the
   * program's working directory. All workers must see this folder.
   */
  readonly runsDir: string;
  readonly engine: EngineChoice;
}

/** Does jobs. runTrials() orders them, and does not know where they are done. */
export interface Executor {
  /** How many jobs run() is given at a time; the others wait until one ends. */
  readonly slots: number;
  /**
   * Does one job, and passes its events to `hear`. What the job needs, such as its teacher, is already
   * finished in the folder of runs. Once `stop` is aborted, which may be before the call, the job takes
   * what is finished, or ends after its step and keeps a checkpoint.
   * @throws InterruptedError with the result so far; DivergedError; UserError whose message names the run
   */
  run(job: Job, hear: Observer, stop: AbortSignal): Promise<RunResult>;
  /** Frees what it holds; called when no job runs any more. */
  close(): Promise<void>;
}

/** What an executor on this machine can use. */
export interface Resources {
  /** How many jobs there will be. */
  readonly jobs: number;
  /** A job's graph and split, which are loaded already. */
  dataOf(job: Job): TrialData;
}

/**
 * Starts an executor for one runTrials(), which closes it.
 * @throws UserError if its workers could not do the jobs; nothing has been trained by then
 */
export type StartExecutor = (setting: Setting, resources: Resources) => Promise<Executor>;
