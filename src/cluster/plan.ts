// Cuts trials into arrays of jobs: what others need comes first, and a job lasts minutes, not seconds.
import { existsSync } from "node:fs";
import { sum } from "simple-statistics";
import type { TrialTimes } from "../experiments/trial-times.ts";
import { prerequisites, withPrerequisites } from "../training/beforehand.ts";
import type { RunConfig } from "../training/run.ts";
import { runId } from "../training/run-id.ts";
import { runFiles } from "../training/run-store.ts";
import type { TaskRun } from "./task-file.ts";

/**
 * A job's length: five minutes in a large study, less in a small one, so that it spreads over the nodes, and more
 * in one that would have thousands of jobs, which sites refuse.
 */
const USUAL_SECONDS = 300;
const SHORTEST_SECONDS = 20;
const LEAST_JOBS = 16;
const MOST_JOBS = 1000;

/** The guess for a trial while no record says how long one takes. */
const UNKNOWN_SECONDS = 60;

export interface PlannedArray {
  /** Unique in the submission. */
  readonly name: string;
  readonly tasks: readonly (readonly TaskRun[])[];
  /** Estimated seconds of one core, all tasks together. */
  readonly seconds: number;
  /** The arrays before this one that train what it needs. */
  readonly after: readonly string[];
  /** The queued jobs that train what it needs. */
  readonly afterJobs: readonly string[];
}

export interface PlanRequest {
  /** The trials to record, by id; none of them is queued. */
  readonly trials: ReadonlyMap<string, RunConfig>;
  /** The number of the job in which a run is queued or running, by the run's id. */
  readonly queued: ReadonlyMap<string, string>;
  readonly runsDir: string;
  readonly times: TrialTimes;
  /** Trials at a time in one job. */
  readonly cpus: number;
  /** The most tasks of an array. */
  readonly arraySize: number;
}

/** Plans what to submit, in the order in which to submit it. */
export function planArrays(request: PlanRequest): PlannedArray[] {
  const { trials, queued, runsDir, times, cpus, arraySize } = request;
  const all = withPrerequisites([...trials.values()]);
  const todo = new Map<string, TaskRun>();
  for (const [id, config] of all) {
    const record = trials.has(id);
    if (queued.has(id) || (!record && existsSync(runFiles(runsDir, config).result))) continue;
    todo.set(id, { id, config, record });
  }
  const needs = new Map([...all].map(([id, config]) => [id, prerequisites(config).map(runId)]));
  // What a run needs precedes it in `all`.
  const depths = new Map<string, number>();
  for (const id of todo.keys()) {
    const before = needs.get(id)!.flatMap((need) => depths.get(need) ?? []);
    depths.set(id, before.length === 0 ? 0 : 1 + Math.max(...before));
  }
  const seconds = ({ config }: TaskRun): number => times.expected(config) ?? UNKNOWN_SECONDS;
  const whole = sum([...todo.values()].map(seconds)) / cpus;
  const spread = Math.min(USUAL_SECONDS, Math.max(SHORTEST_SECONDS, whole / LEAST_JOBS));
  const wanted = Math.max(spread, whole / MOST_JOBS);
  const depth = (run: TaskRun): number => depths.get(run.id)!;
  const byStage = [...todo.values()].sort((a, b) => depth(a) - depth(b));
  const stages = Map.groupBy(byStage, (run) => `${depth(run)} ${run.config.dataset}`);
  const arrays: PlannedArray[] = [];
  const arrayOf = new Map<string, string>();
  for (const runs of stages.values()) {
    const tasks = grouped(runs, (run) => seconds(run) / cpus, wanted);
    const parts = Math.ceil(tasks.length / arraySize);
    const size = Math.ceil(tasks.length / parts);
    const needed = runs.flatMap(({ id }) => needs.get(id)!);
    const after = [...new Set(needed.flatMap((id) => arrayOf.get(id) ?? []))];
    const afterJobs = [...new Set(needed.flatMap((id) => queued.get(id) ?? []))];
    for (let part = 0; part < parts; part++) {
      const name = `a${arrays.length + 1}`;
      const own = tasks.slice(part * size, (part + 1) * size);
      for (const { id } of own.flat()) arrayOf.set(id, name);
      arrays.push({ name, tasks: own, seconds: sum(own.flat().map(seconds)), after, afterJobs });
    }
  }
  return arrays;
}

/** Cuts a list into parts of about so many seconds; a longer run has a part of its own. */
function grouped<T>(all: readonly T[], seconds: (one: T) => number, wanted: number): T[][] {
  const parts: T[][] = [];
  let left = 0;
  for (const one of all) {
    const own = seconds(one);
    if (parts.length === 0 || own > left) {
      parts.push([]);
      left = wanted;
    }
    parts.at(-1)!.push(one);
    left -= own;
  }
  return parts;
}
