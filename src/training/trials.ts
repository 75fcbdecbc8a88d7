// Trains many runs at once, each teacher once: by worker threads, or by another executor.
import { needFunction, needObject } from "../base/arguments.ts";
import { UserError } from "../base/errors.ts";
import { VERSION } from "../base/own-package.ts";
import { markUsed } from "../base/registry.ts";
import type { DataOptions } from "../datasets/index.ts";
import { orInterrupted } from "../display/host.ts";
import { findMethod } from "../distillation/registry.ts";
import { findModel } from "../models/registry.ts";
import type { EngineChoice } from "../tensor/index.ts";
import { checkPlan, checkRequest, prerequisites, withPrerequisites } from "./beforehand.ts";
import { prerequisiteTrouble } from "./dead.ts";
import type { Executor, Job, Setting, StartExecutor } from "./executor.ts";
import { runInOrder } from "./job-order.ts";
import { addedNeeds, moduleUrls, refuseInWorker } from "./modules.ts";
import type { Observer } from "./observer.ts";
import { conclude } from "./outcomes.ts";
import { notebookTrialsLine } from "./progress.ts";
import type { RunConfig, RunResult } from "./run.ts";
import { describeRun, runId } from "./run-id.ts";
import { RUNS_FOLDER } from "./run-store.ts";
import { stoppedResults } from "./stopped.ts";
import { teacherNotes } from "./teacher-score.ts";
import { InterruptedError } from "./train.ts";
import { loadTrialData, type TrialData } from "./trial-data.ts";
import { type ThreadOptions, workerThreads } from "./worker-threads.ts";

export interface TrialsOptions extends DataOptions, ThreadOptions {
  /** Folder of results and cached teachers; `runs` by default. */
  readonly runsDir?: string;
  /**
   * Take finished runs as they are and go on from checkpoints; a damaged file is an error, or with
   * `repair` reported and retrained. Runs that others need are always taken, with repair.
   */
  readonly resume?: boolean | "repair";
  /** Seconds between a run's checkpoints; 30 by default. */
  readonly checkpointSeconds?: number;
  readonly observer?: Observer;
  /** `auto` by default: see src/tensor/engine/choice.ts. Native runs go one at a time, on all cores. */
  readonly engine?: EngineChoice;
  /** The most memory that a run may take, in GiB: one that is estimated to take more is refused. By default any. */
  readonly memoryLimit?: number;
  /** Record where time goes in the first requested run, and tell the observer. */
  readonly profile?: boolean;
  /** What earlier results were trained on, by dataName() in beforehand.ts: other data of the same name is refused. */
  readonly recorded?: ReadonlyMap<string, RecordedData>;
  /**
   * Files that call registerMethod() or registerModel(), by path (from the working directory) or URL:
   * each worker thread imports them before its first run. Nothing else is ever imported: no name in a
   * configuration or a file is taken for a module.
   */
  readonly modules?: readonly (string | URL)[];
  /** Does the runs; by default worker threads of this process. It excludes `workers` and `threads`. */
  readonly executor?: StartExecutor;
  /** Stops every run at the end of its step, with a checkpoint. */
  readonly signal?: AbortSignal;
}

/** An earlier result, with which new ones will be compared. */
export interface RecordedData {
  /** See fingerprint() in inputs.ts. */
  readonly fingerprint: string;
  /** The result's path, for messages. */
  readonly path: string;
}

/**
 * Trains every configuration, and first the teachers that they name, unless the folder has them.
 * The same configurations give the same files, however many workers there are; only `timing`
 * differs. Equal configurations are trained once.
 *
 * In a notebook, a line shows what is done, running and left if there is no observer. A notebook's
 * interrupt stops every run at the end of its step, with a checkpoint; the same call with `resume`
 * goes on.
 *
 * @returns the results in the order of the configurations; after a notebook's interrupt those that are
 *   done, and the best epoch so far of those that were stopped. These say `interrupted`, and
 *   readModel(runFiles(runsDir, config).stopped) reads their model. Runs without a finished epoch are left out.
 * @throws before anything is trained: OptionError for a configuration or an option that makes no
 *   sense, or a method or a model that no module adds in the workers, UserError for data that cannot
 *   be loaded, a run that cannot fit the memory, a folder that cannot be written or holds a run of other
 *   data of the same name; then InterruptedError after `signal`, with the same results, or after an
 *   interrupt that leaves none of them; TrialsError if runs failed, once all others are done.
 */
export async function runTrials(
  configs: readonly RunConfig[],
  options: TrialsOptions = {},
): Promise<RunResult[]> {
  refuseInWorker();
  checkRequest(configs, options);
  if (configs.length === 0) return [];
  const line = options.observer ? undefined : notebookTrialsLine(configs.map(runId));
  const interrupt = new AbortController();
  const signal = AbortSignal.any([interrupt.signal, ...(options.signal ? [options.signal] : [])]);
  let begun = false;
  const onBegin = (): void => {
    begun = true;
  };
  const observed = { ...options, ...(line && { observer: line.observer }), signal };
  const work = trainAll(configs, observed, onBegin);
  try {
    return await orInterrupted(work, () => {
      interrupt.abort();
      // The loading of the data may have been killed, and would never come to an end.
      if (!begun) throw new InterruptedError(BEFORE_TRAINING);
      return stoppedResults(work, configs, options.runsDir);
    });
  } finally {
    line?.close(signal.aborted);
  }
}

const BEFORE_TRAINING = "stopped before any training";

async function trainAll(
  configs: readonly RunConfig[],
  options: TrialsOptions & { readonly signal: AbortSignal },
  onBegin: () => void,
): Promise<RunResult[]> {
  const { observer = () => {}, signal } = options;
  const all = withPrerequisites(configs);
  const onWarning = (message: string): void => observer({ type: "note", message });
  const dataOf = await loadTrialData(all.values(), { onWarning, ...options }).catch(
    (cause: unknown) => {
      throw signal.aborted ? new InterruptedError(BEFORE_TRAINING) : cause;
    },
  );
  if (signal.aborted) throw new InterruptedError(BEFORE_TRAINING);
  const jobs = planJobs(configs, all, dataOf, options);
  const told = checkPlan(jobs.values(), dataOf, options);
  onBegin();
  for (const message of told) observer({ type: "note", message });
  for (const message of teacherNotes(all.values(), dataOf)) observer({ type: "note", message });
  const setting: Setting = {
    library: VERSION,
    modules: moduleUrls(options.modules ?? []),
    needs: addedNeeds(all.values()),
    runsDir: options.runsDir ?? RUNS_FOLDER,
    engine: options.engine ?? "auto",
  };
  const start = options.executor ?? workerThreads(options);
  const resources = { jobs: jobs.size, dataOf: ({ config }: Job) => dataOf(config) };
  const executor = checkedExecutor(await start(setting, resources));
  for (const { method, model } of all.values()) {
    if (method) markUsed(findMethod(method.name));
    markUsed(findModel(model.kind));
  }
  const warned = new Set<string>();
  const warnOf = (needed: RunResult, role: "teacher" | "donor"): void => {
    if (warned.has(needed.id)) return;
    warned.add(needed.id);
    const message = prerequisiteTrouble(needed, role, dataOf(needed.config).graph);
    if (message !== undefined) observer({ type: "note", message });
  };
  try {
    const outcomes = await runInOrder(configs, executor, {
      observer,
      stop: signal,
      jobOf: (config) => jobs.get(runId(config))!,
      onReady(config, needed) {
        if (config.teacher) warnOf(needed[0]!, "teacher");
        if (config.initial) warnOf(needed.at(-1)!, "donor");
      },
    });
    return conclude(configs, outcomes);
  } finally {
    await executor.close();
  }
}

/**
 * Another program's executor, whose answers are checked: another run's result would be taken for the job's.
 * @throws OptionError for what is no executor
 */
function checkedExecutor(executor: Executor): Executor {
  const legal = "{ slots, run, close }, as runTrials() needs it";
  needObject(executor, "runTrials: executor", legal, "slots", "run", "close");
  for (const part of ["run", "close"] as const) {
    needFunction(executor[part], `runTrials: executor: ${part}`, "a function");
  }
  return {
    slots: executor.slots,
    async run(job, hear, stop) {
      const result: unknown = await executor.run(job, hear, stop);
      const id = runId(job.config);
      const found = (result as Partial<RunResult> | null | undefined)?.id;
      if (found === id) return result as RunResult;
      throw new UserError(
        `${describeRun(job.config)}: the executor returned ${found === undefined ? "no result" : `the run ${String(found)}`}, not the run ${id}`,
        { exitCode: 1 },
      );
    },
    close: () => executor.close(),
  };
}

/** @param all the configurations and those that they need */
function planJobs(
  configs: readonly RunConfig[],
  all: ReadonlyMap<string, RunConfig>,
  dataOf: (config: RunConfig) => TrialData,
  { resume, profile, checkpointSeconds = 30 }: TrialsOptions,
): Map<string, Job> {
  const needed = new Set([...all.values()].flatMap(prerequisites).map(runId));
  const profiled = profile ? runId(configs[0]!) : undefined;
  const jobOf = (id: string, config: RunConfig): Job => ({
    config,
    data: dataOf(config).fingerprint,
    start: needed.has(id) || resume === "repair" ? "cache" : resume ? "resume" : "anew",
    checkpointSeconds,
    ...(id === profiled && { profile: true }),
  });
  return new Map([...all].map(([id, config]) => [id, jobOf(id, config)]));
}
