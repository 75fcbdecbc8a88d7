// Times tasks in turns, so that a busy moment of the machine affects all of them alike.
import * as tf from "@tensorflow/tfjs";
import { quantile } from "simple-statistics";
import { startEngine, startProfile } from "../src/tensor/index.ts";

/** Something to time. */
export interface Task {
  readonly name: string;
  /** The group whose rows are together in the table. */
  readonly group: string;
  /** One call; it leaves no tensor behind. */
  run(): void;
  /** The tfjs back end that it runs on. */
  readonly backend: string;
  /** Threads that the engine computes on; one by default. */
  readonly threads?: number;
  /** The project's limit in milliseconds, on top of another task's median if one is named. */
  readonly limit?: { readonly milliseconds: number; readonly beyond?: Task };
}

/** Statistics of milliseconds, or of whatever else was sampled. */
export interface Statistic {
  readonly median: number;
  /** The lower quartile: half of all samples lie between it and `upper`. */
  readonly lower: number;
  readonly upper: number;
  readonly fastest: number;
  readonly samples: number;
}

/** Milliseconds per call. */
export interface Timing extends Statistic {
  /** The mean processor time of all calls, which says more than the clock on a busy machine. */
  readonly cpu: number;
  /** Operations per call, as the profiler counts them; exponentials and tfjs's own operators do not count. */
  readonly operations: number;
  readonly bytes: number;
}

/** The number of rounds over all tasks; each takes a share of every task's samples. */
const ROUNDS = 8;
/** A sample lasts at least this many milliseconds (several calls, if one is shorter). */
const SAMPLE = 1;
/** Each task's share of a round in milliseconds, and its minimum of samples. */
const SHARE = 150;
const FEWEST = 3;
/** How many milliseconds a task runs before it is timed, and again if threads have to start. */
const WARM_UP = 250;

/**
 * @param progress called before each round
 * @returns one timing per task, in the same order
 */
export function measure(
  tasks: readonly Task[],
  progress: (round: number, rounds: number) => void,
): Timing[] {
  const calls = tasks.map(warmUp);
  const counts = tasks.map(countsOf);
  const samples: number[][] = tasks.map(() => []);
  const cpu = tasks.map(() => 0);
  for (let round = 0; round < ROUNDS; round++) {
    progress(round + 1, ROUNDS);
    for (const [i, task] of tasks.entries()) {
      prepare(task);
      const began = performance.now();
      const usage = process.cpuUsage();
      for (let k = 0; k < FEWEST || performance.now() - began < SHARE; k++) {
        samples[i]!.push(timeOf(task, calls[i]!));
      }
      const { user, system } = process.cpuUsage(usage);
      cpu[i]! += (user + system) / 1000;
    }
  }
  return samples.map((all, i) => ({
    ...summary(all),
    cpu: cpu[i]! / (all.length * calls[i]!),
    ...counts[i]!,
  }));
}

function countsOf(task: Task): Pick<Timing, "operations" | "bytes"> {
  prepare(task);
  const stop = startProfile();
  task.run();
  const { operators } = stop();
  const sum = (what: "operations" | "bytes"): number =>
    operators.reduce((all, { [what]: count = 0 }) => all + count, 0);
  return { operations: sum("operations"), bytes: sum("bytes") };
}

let threads: number | undefined;

/** Sets the back end and the threads of a task. */
function prepare(task: Task): void {
  const { backend, threads: wanted = 1 } = task;
  if (wanted !== threads) {
    threads = startEngine("wasm", { threads: wanted }).threads;
    for (const began = performance.now(); performance.now() - began < WARM_UP; ) task.run();
  }
  tf.setBackend(backend);
}

/** Runs a task until it is warm; returns how many calls make a sample. */
function warmUp(task: Task): number {
  prepare(task);
  const began = performance.now();
  let fastest = Number.POSITIVE_INFINITY;
  do fastest = Math.min(fastest, timeOf(task, 1));
  while (performance.now() - began < WARM_UP);
  return Math.max(1, Math.ceil(SAMPLE / fastest));
}

function timeOf(task: Task, calls: number): number {
  const began = performance.now();
  for (let call = 0; call < calls; call++) task.run();
  return (performance.now() - began) / calls;
}

export function summary(samples: readonly number[]): Statistic {
  const at = (share: number): number => quantile(samples, share);
  const [lower, median, upper] = [at(0.25), at(0.5), at(0.75)];
  return { median, lower, upper, fastest: at(0), samples: samples.length };
}
