// abkd study on a cluster: run --executor slurm, what status adds, and cancel.
import { setTimeout } from "node:timers/promises";
import { type Command, Option } from "commander";
import { sum } from "simple-statistics";
import { OptionError } from "../base/errors.ts";
import { type SiteOptions, siteProfile } from "../cluster/site.ts";
import { cancelJobs, queuedTasks, releaseTasks } from "../cluster/slurm.ts";
import { type ClusterState, clusterState, lastLine } from "../cluster/state.ts";
import { liveTasks, submissions } from "../cluster/submission.ts";
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
import { integer } from "./numbers.ts";
import { print } from "./output.ts";

export interface SlurmFlags extends Omit<SiteOptions, "sbatch"> {
  readonly executor: "threads" | "slurm";
  readonly sbatch?: readonly string[];
  readonly dryRun?: boolean;
}

export function addSlurmOptions(command: Command): Command {
  const number = (flag: string, about: string): Option =>
    new Option(flag, about).argParser(integer(1));
  return command
    .optionsGroup("On a cluster (docs/studies.md):")
    .addOption(
      new Option("--executor <which>", "slurm: submit the missing trials and end")
        .choices(["threads", "slurm"])
        .default("threads"),
    )
    .option("--partition <name>", "as sbatch takes it; so are the next ones")
    .option("--account <name>")
    .option("--time <limit>", "of a job: 2:00:00")
    .option("--mem <size>", "of a job: 8G")
    .option("--gres <list>", "gpu:1")
    .addOption(number("--cpus <n>", "cores of a job, and trials at a time in it (default: 1)"))
    .addOption(number("--array-size <n>", "the most jobs of one array (default: the site's)"))
    .option("--setup <shell>", 'what a job runs first: "module load nodejs"')
    .addOption(
      new Option("--sbatch <option>", "any other option of sbatch; may be repeated").argParser(
        (text: string, earlier: readonly string[] = []) => [...earlier, text],
      ),
    )
    .option("--dry-run", "print the plan and the scripts, and submit nothing");
}

/** The flags over the site's profile. @throws OptionError for flags of a cluster without one */
export function givenSite(flags: SlurmFlags): SiteOptions | undefined {
  const { partition, account, time, cpus, mem, gres, arraySize, setup, sbatch } = flags;
  const all = { partition, account, time, cpus, mem, gres, arraySize, setup, sbatch };
  const given = Object.fromEntries(
    Object.entries(all).filter(([, value]) => value !== undefined),
  ) as SiteOptions;
  if (flags.executor === "slurm") return { ...siteProfile(process.cwd()), ...given };
  const [first] = [...Object.keys(given), ...(flags.dryRun ? ["dryRun"] : [])];
  if (first === undefined) return undefined;
  throw new OptionError(`the option for ${first} needs --executor slurm`);
}

export interface SlurmRequest extends SubmitOptions {
  readonly dryRun?: boolean;
  /** Where the data comes from; it is fetched before anything is submitted, as nodes may have no network. */
  readonly data: DataOptions;
}

/** Shows the plan and submits it. */
export async function submitTrials(
  trials: ReadonlyMap<string, RunConfig>,
  request: SlurmRequest,
): Promise<void> {
  const { title, site, runsDir, dryRun, data } = request;
  const plan = await planSubmission(trials, request);
  print(describe(plan, trials.size));
  if (dryRun) return print(scriptsOf(plan, runsDir, site).trimEnd());
  await releaseTasks(plan.held);
  if (plan.arrays.length === 0) return;
  await loadTrialData(
    plan.arrays.flatMap(({ tasks }) => tasks.flat().map(({ config }) => config)),
    data,
  );
  const jobs = await submitPlan(plan, request);
  print(`${counted(jobs, "job")} submitted; abkd study status ${title} shows how far they are`);
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
  const mine = submissions(runs).filter((submission) => submission.title === title);
  const live = liveTasks(mine.length > 0 ? await queuedTasks() : [], mine);
  await cancelJobs(live.map(({ job }) => job));
  print(
    `${counted(live.length, "job")} cancelled; what is recorded stays, and abkd study run ${title} goes on`,
  );
}
