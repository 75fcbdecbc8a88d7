// abkd study on a cluster: run --executor slurm, what status adds, and cancel.
import { setTimeout } from "node:timers/promises";
import { sum } from "simple-statistics";
import { liveJobs } from "../cluster/command-job.ts";
import { largestJob } from "../cluster/memory.ts";
import { cancelJobs, releaseTasks } from "../cluster/slurm.ts";
import { type ClusterState, clusterState, lastLine } from "../cluster/state.ts";
import {
  type ClusterPlan,
  planSubmission,
  type SubmitOptions,
  scriptsOf,
  submitPlan,
} from "../cluster/submit.ts";
import type { DataOptions } from "../datasets/index.ts";
import { counted, duration, listed } from "../display/format.ts";
import { LiveLine } from "../display/line.ts";
import type { ResultsStore } from "../experiments/results-store.ts";
import { missingTrials } from "../experiments/run-study.ts";
import { TrialTimes } from "../experiments/trial-times.ts";
import type { RunConfig } from "../training/run.ts";
import { loadTrialData } from "../training/trial-data.ts";
import { print } from "./output.ts";

export interface SlurmRequest extends SubmitOptions {
  /** How to follow what is submitted. */
  readonly advice: string;
  readonly dryRun?: boolean;
  /** Where the data comes from; it is fetched before anything is submitted, as nodes may have no network. */
  readonly data: DataOptions;
}

/** Shows the plan and submits it. */
export async function submitTrials(
  trials: ReadonlyMap<string, RunConfig>,
  request: SlurmRequest,
): Promise<void> {
  const { site, runsDir, dryRun, advice } = request;
  const plan = await planSubmission(trials, request);
  const memory = await memoryOf(plan, request);
  print([describe(plan, trials.size), ...memory].join("\n"));
  if (dryRun) return print(scriptsOf(plan, runsDir, site).trimEnd());
  await releaseTasks(plan.held);
  if (plan.arrays.length === 0) return;
  const jobs = await submitPlan(plan, request);
  print(`${counted(jobs, "job")} submitted; ${advice}`);
}

/** Loads the data of what is to be submitted, and says how much memory its largest job takes. */
async function memoryOf({ arrays }: ClusterPlan, { site, data }: SlurmRequest): Promise<string[]> {
  if (arrays.length === 0) return [];
  const configs = arrays.flatMap(({ tasks }) => tasks.flat().map(({ config }) => config));
  const dataOf = await loadTrialData(configs, data);
  const gigabytes = (largestJob(arrays, dataOf, site.cpus ?? 1) / 1e9).toFixed(1);
  return [
    `  the largest job takes about ${gigabytes} GB${site.mem ? `; --mem is ${site.mem}` : ""}`,
  ];
}

function describe({ arrays, queued, held, trials }: ClusterPlan, all: number): string {
  const jobs = sum(arrays.map(({ tasks }) => tasks.length));
  const hours = sum(arrays.map(({ seconds }) => seconds)) / 3600;
  const total = listed(
    `${trials} of ${all} trials to submit`,
    queued > 0 && `${queued} queued or running already`,
    held.length > 0 && `${counted(held.length, "job")} released that no node could start`,
    trials > 0 && `${counted(jobs, "job")} in ${counted(arrays.length, "array")}`,
    trials > 0 && `about ${hours.toFixed(hours < 10 ? 2 : 0)} core-hours`,
  );
  const rows = arrays.map(({ name, tasks, seconds, after, afterJobs }) => {
    const runs = tasks.flat().length;
    const before = [...after, ...afterJobs.map((job) => `job ${job}`)];
    const wait = before.length > 0 ? `, after ${before.join(", ")}` : "";
    return `  ${name}: ${counted(tasks.length, "job")}, ${counted(runs, "run")}, ${duration(seconds)} of one core${wait}`;
  });
  return [total, ...rows].join("\n");
}

/** What is known of a study's trials that have no record. */
export interface ClusterQuestion {
  readonly trials: ReadonlyMap<string, RunConfig>;
  readonly store: ResultsStore;
  readonly runsDir: string;
}

/** The failures that are named one by one. */
const MOST_FAILURES = 20;

export interface ClusterAnswer {
  /** What the store holds of the trials. */
  readonly read: ReturnType<ResultsStore["read"]>;
  /** The trials that have no record. */
  readonly missing: ReadonlyMap<string, RunConfig>;
  /** Absent if nothing was submitted from the folder of runs. */
  readonly state?: ClusterState;
}

/** Looks into the queue, and then into the store. */
export async function lookAtCluster(question: ClusterQuestion): Promise<ClusterAnswer> {
  const { trials, store, runsDir } = question;
  const look = (): Omit<ClusterAnswer, "state"> => {
    const read = store.read(trials.keys());
    return { read, missing: missingTrials(trials, read) };
  };
  let found: ReturnType<typeof look> | undefined;
  const state = await clusterState(() => {
    found = look();
    return new Set(found.missing.keys());
  }, runsDir);
  return { ...(found ?? look()), ...(state && { state }) };
}

/** Returns what `study status` says of a cluster; no line if nothing was submitted. */
export function clusterLines(answer: ClusterAnswer): string[] {
  const { state } = answer;
  if (!state) return [];
  const waits = Map.groupBy(
    state.live.filter((task) => task.state === "PENDING"),
    ({ reason }) => reason,
  );
  const reasons = [...waits].map(([reason, { length }]) => `${counted(length, "job")} (${reason})`);
  const named = state.failed.slice(0, MOST_FAILURES).map(({ id, reason, log }) => {
    const last = lastLine(log);
    return `  ${id}: ${reason}; ${log}${last === undefined ? "" : ` ends: ${last}`}`;
  });
  const more = state.failed.length - MOST_FAILURES;
  return [
    summaryOf(answer, state),
    ...(reasons.length > 0 ? [`waiting: ${reasons.join(", ")}`] : []),
    ...(named.length > 0 ? ["not done; the next run submits them again:", ...named] : []),
    ...(more > 0 ? [`  and ${more} more`] : []),
  ];
}

/** "on the cluster: 2 of 8 done, 3 in 1 running job, 3 queued, about 0:20 left" */
function summaryOf({ read, missing }: ClusterAnswer, state: ClusterState): string {
  const { queued, running, failed } = state;
  const times = new TrialTimes(read.records.values());
  const jobs = state.live.filter((task) => task.state !== "PENDING").length;
  const ahead = [...queued, ...running].map((id) => times.expected(missing.get(id)!));
  const left =
    jobs === 0 || ahead.some((seconds) => seconds === undefined)
      ? undefined
      : sum(ahead as number[]) / jobs;
  const done = read.records.size + read.failures.size;
  return listed(
    `on the cluster: ${done} of ${done + missing.size} done`,
    `${running.size} in ${counted(jobs, "running job")}`,
    `${queued.size} queued`,
    failed.length > 0 && `${failed.length} failed`,
    left !== undefined && ahead.length > 0 && `about ${duration(left)} left`,
  );
}

const WATCH_MILLISECONDS = 2_000;

/** Follows the study in one line until nothing is queued or running. */
export async function watchCluster(question: ClusterQuestion): Promise<void> {
  const line = new LiveLine(process.stderr);
  for (;;) {
    const answer = await lookAtCluster(question);
    const { state } = answer;
    if (!state) return line.end("nothing was submitted");
    const summary = summaryOf(answer, state);
    if (state.live.length === 0) return line.end(summary);
    line.update(() => summary);
    await setTimeout(WATCH_MILLISECONDS);
  }
}

/** Cancels a study's jobs; what their trials recorded stays. */
export async function cancelStudy(title: string, { runs }: { runs: string }): Promise<void> {
  const live = await liveJobs(runs, title);
  await cancelJobs(live.map(({ job }) => job));
  print(
    `${counted(live.length, "job")} cancelled; what is recorded stays, and the command that submitted them goes on`,
  );
}
