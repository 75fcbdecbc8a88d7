// Times tasks in turns, so that a noisy moment of the machine hits all of them alike.
import * as tf from "@tensorflow/tfjs";
import { startEngine } from "../src/tensor/index.ts";

/** Something to time. */
export interface Task {
  readonly name: string;
  /** The rows of a group stand together in the table. */
  readonly group: string;
  /** One call; it leaves no tensor behind. */
  run(): void;
  /** The tfjs back end that it runs on. */
  readonly backend: string;
  /** Threads that the engine computes on; one where left out. */
  readonly threads?: number;
  /** Floating-point operations of a call, where their rate is worth showing. */
  readonly operations?: number;
  /** What the project promises: so many milliseconds, beyond another task's median where named. */
  readonly limit?: { readonly milliseconds: number; readonly beyond?: Task };
}

/** Milliseconds a call. */
export interface Timing {
  readonly median: number;
  /** The quartiles: half of all samples lie between them. */
  readonly lower: number;
  readonly upper: number;
  readonly fastest: number;
  /** Processor time, the mean of all calls: it says more than the clock on a busy machine. */
  readonly cpu: number;
  readonly samples: number;
}

/** Rounds over all tasks; each round takes a share of every task's samples. */
const ROUNDS = 8;
/** A sample lasts this long at least (several calls, where one is shorter): milliseconds. */
const SAMPLE = 1;
/** Each task's share of a round, in milliseconds, and its fewest samples. */
const SHARE = 150;
const FEWEST = 3;
/** How long a task runs before it is timed, and so again when threads have to start: milliseconds. */
const WARM_UP = 250;

/**
 * @param progress told before each round
 * @returns one timing a task, in their order
 */
export function measure(
  tasks: readonly Task[],
  progress: (round: number, rounds: number) => void,
): Timing[] {
  const calls = tasks.map(warmUp);
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
  return samples.map((all, i) => ({ ...summary(all), cpu: cpu[i]! / (all.length * calls[i]!) }));
}

let threads: number | undefined;

/** The back end and the threads of a task. */
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

/** Median, quartiles and the fastest. */
export function summary(samples: readonly number[]): Omit<Timing, "cpu"> {
  const sorted = samples.toSorted((a, b) => a - b);
  const at = (share: number): number => {
    const place = share * (sorted.length - 1);
    const [low, high] = [sorted[Math.floor(place)]!, sorted[Math.ceil(place)]!];
    return low + (high - low) * (place - Math.floor(place));
  };
  return {
    median: at(0.5),
    lower: at(0.25),
    upper: at(0.75),
    fastest: sorted[0]!,
    samples: sorted.length,
  };
}
