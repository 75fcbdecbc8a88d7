// Submits trials to Slurm: only those that have no record and are neither queued nor running.
import path from "node:path";
import { UserError } from "../base/errors.ts";
import { VERSION } from "../base/own-package.ts";
import type { ResultsStore } from "../experiments/results-store.ts";
import { missingTrials } from "../experiments/run-study.ts";
import type { TrialRecord } from "../experiments/trial-record.ts";
import { TrialTimes } from "../experiments/trial-times.ts";
import { moduleUrls } from "../training/modules.ts";
import type { RunConfig } from "../training/run.ts";
import { type PlannedArray, planArrays } from "./plan.ts";
import { requestOf, type SiteOptions } from "./site.ts";
import { isHeld, type QueuedTask, queuedTasks, siteSetting } from "./slurm.ts";
import { liveTasks, scriptOf, submissions, submitArray, writeSubmission } from "./submission.ts";
import { writeTask } from "./task-file.ts";

export interface SubmitOptions {
  readonly store: ResultsStore;
  readonly runsDir: string;
  readonly site: SiteOptions;
  /** What is submitted, for people: a study's name. */
  readonly title: string;
  readonly dataDir?: string;
  readonly modules?: readonly string[];
  readonly retryFailed?: boolean;
  /** Records of other trials, which tell how long these may take. */
  readonly others?: readonly TrialRecord[];
}

export interface ClusterPlan {
  readonly arrays: readonly PlannedArray[];
  /** How many of the missing trials are queued or running already. */
  readonly queued: number;
  /** Those of the queued tasks that Slurm holds back. */
  readonly held: readonly QueuedTask[];
  /** How many trials are to be submitted. */
  readonly trials: number;
}

/** Slurm's own default, where the site does not say. */
const MOST_ARRAY = 1001;

/**
 * Plans what is missing.
 * @throws UserError without Slurm: what is queued must be known
 */
export async function planSubmission(
  trials: ReadonlyMap<string, RunConfig>,
  { store, runsDir, site, retryFailed, others = [] }: SubmitOptions,
): Promise<ClusterPlan> {
  const known = submissions(runsDir);
  const [queue, [most]] = await Promise.all([queuedTasks(), siteSetting("MaxArraySize")]);
  // Read after the queue: what ended in between has its record.
  const read = store.read(trials.keys());
  const missing = missingTrials(trials, read, retryFailed);
  const queued = new Map<string, string>();
  const live = liveTasks(queue, known);
  for (const { runs, job } of live) for (const id of runs) queued.set(id, job);
  const wanted = new Map([...missing].filter(([id]) => !queued.has(id)));
  // The largest index is one less than the setting, and arrays begin at 0.
  const limit = Number(most) || MOST_ARRAY;
  const arrays = planArrays({
    trials: wanted,
    queued,
    runsDir,
    times: new TrialTimes([...others, ...read.records.values()]),
    cpus: site.cpus ?? 1,
    arraySize: Math.min(site.arraySize ?? limit, limit),
  });
  const held = live.filter(isHeld);
  return { arrays, queued: missing.size - wanted.size, held, trials: wanted.size };
}

/** Returns the scripts that would be submitted, each after its options. */
export function scriptsOf({ arrays }: ClusterPlan, runsDir: string, site: SiteOptions): string {
  const folder = path.join(path.resolve(runsDir), "slurm", "SUBMISSION");
  return arrays
    .map(({ name, tasks, after }) => {
      const wait = after.length > 0 ? `, after ${after.join(" and ")}` : "";
      const request = requestOf(site).join(" ");
      return `# ${name}: sbatch --array=0-${tasks.length - 1} ${request}${wait}\n${scriptOf(folder, name, site, "task")}`;
    })
    .join("\n");
}

/**
 * Submits a plan. What was submitted before an error stays queued, and the next plan leaves it out.
 * @returns the number of jobs, an array's tasks counted each
 * @throws UserError if sbatch refuses an array; FileError
 */
export async function submitPlan(
  { arrays }: ClusterPlan,
  { store, runsDir, site, title, dataDir, modules, retryFailed }: SubmitOptions,
): Promise<number> {
  store.prepare();
  const setting = {
    library: VERSION,
    results: path.resolve(store.folder),
    runs: path.resolve(runsDir),
    ...(dataDir !== undefined && { data: path.resolve(dataDir) }),
    modules: moduleUrls(modules ?? []),
    cpus: site.cpus ?? 1,
    retryFailed: retryFailed ?? false,
  };
  const submission = writeSubmission(runsDir, title, arrays, site, "task", (folder) => {
    for (const { name, tasks } of arrays) {
      tasks.forEach((trials, k) => {
        writeTask(folder, name, k, { ...setting, trials });
      });
    }
  });
  const jobs = new Map<string, string>();
  for (const array of arrays) {
    const job = await submitArray(submission, array, site, jobs).catch((cause: UserError) => {
      const done = `${jobs.size} of ${arrays.length} arrays are submitted`;
      throw new UserError(`${cause.message}; ${done}, and the same command submits the others`, {
        cause,
        exitCode: cause.exitCode,
      });
    });
    jobs.set(array.name, job);
  }
  return arrays.reduce((count, { tasks }) => count + tasks.length, 0);
}
