// Where the time of a step goes: profiles of Cora's steps on one thread, compared with one core's peaks.
import * as tf from "@tensorflow/tfjs";
import { markdownTable } from "../src/base/table.ts";
import { counted, percent } from "../src/display/format.ts";
import { operatorTable } from "../src/figures/profile.ts";
import type { Graph, Split } from "../src/graph/graph.ts";
import { type OperatorTime, type ProfileTimes, startProfile } from "../src/tensor/index.ts";
import { stepTasks } from "./steps.ts";

/** The steps that are profiled, as steps.ts names them. */
const PROFILED = ["teacher 64L-64H", "student 4L-4H", "ABKD 4L-4H, d_a 256"];
/** How many milliseconds a step is repeated before recording, and during it. */
const WARM_UP = 500;
const RECORDED = 2000;
/** Operators with a smaller share of a step share one row. */
const SMALLEST_SHARE = 0.005;
/** Many short calls, some of which are undisturbed even on a busy machine. */
const PEAK_CALLS = 400;
/** More than a core's caches hold. */
const SUM_ELEMENTS = 2 ** 24;
const SUM_CALLS = 20;

/** The mean profile of a step. */
export interface StepProfile {
  readonly name: string;
  /** The number of steps that were recorded. */
  readonly steps: number;
  readonly profile: ProfileTimes;
}

export interface Where {
  /** The most that one core reaches, in 10^9 per second: operations, and bytes to and from memory. */
  readonly peaks: Readonly<Record<"operations" | "bytes", number>>;
  readonly steps: readonly StepProfile[];
}

/** Profiles the steps on the engine's threads; the peaks are measured before and after. */
export function whereTimeGoes(graph: Graph, split: Split): Where {
  const before = peaks();
  const tasks = stepTasks(graph, split).filter(({ group }) => group === "training step");
  const steps = PROFILED.map((name): StepProfile => {
    const { run } = tasks.find((task) => task.name === name)!;
    repeat(run, WARM_UP);
    const stop = startProfile();
    const steps = repeat(run, RECORDED);
    return { name, steps, profile: meanStep(stop(), steps) };
  });
  const after = peaks();
  const larger = (what: "operations" | "bytes"): number => Math.max(before[what], after[what]);
  return { peaks: { operations: larger("operations"), bytes: larger("bytes") }, steps };
}

/** @returns how often it ran */
function repeat(run: () => void, milliseconds: number): number {
  const until = performance.now() + milliseconds;
  let count = 0;
  do {
    run();
    count++;
  } while (performance.now() < until);
  return count;
}

/** Measures a dense product whose matrices fit in the nearest caches, and a sum of arrays that no cache holds. */
export function peaks(): Where["peaks"] {
  const rate = (calls: number, what: "operations" | "bytes", run: () => tf.Tensor): number => {
    const rates = Array.from({ length: calls }, () => {
      const stop = startProfile();
      tf.dispose(run());
      const [longest] = stop().operators;
      return longest![what]! / longest!.seconds / 1e9;
    });
    return Math.max(...rates);
  };
  return tf.tidy(() => {
    const [a, b] = [tf.zeros([192, 64]), tf.zeros([64, 64])];
    const [x, y] = [tf.zeros([SUM_ELEMENTS]), tf.zeros([SUM_ELEMENTS])];
    return {
      operations: rate(PEAK_CALLS, "operations", () => tf.matMul(a, b)),
      bytes: rate(SUM_CALLS, "bytes", () => tf.add(x, y)),
    };
  });
}

/** Divides a recorded profile by its number of steps. */
export function meanStep(
  { spans: _, ...times }: ProfileTimes & { spans?: unknown },
  steps: number,
) {
  // Every number of a profile is a sum over its steps.
  const each = (_: string, value: unknown): unknown =>
    typeof value === "number" ? value / steps : value;
  const mean = JSON.parse(JSON.stringify(times), each) as ProfileTimes;
  const isLarge = ({ seconds }: OperatorTime): boolean => seconds >= SMALLEST_SHARE * mean.seconds;
  const small = mean.operators.filter((one) => !isLarge(one));
  if (small.length === 0) return mean;
  const sum = (what: "calls" | "seconds"): number => small.reduce((all, one) => all + one[what], 0);
  const rest: OperatorTime = {
    name: `${small.length} more operators`,
    kind: small[0]!.kind,
    calls: sum("calls"),
    seconds: sum("seconds"),
  };
  return { ...mean, operators: [...mean.operators.filter(isLarge), rest] };
}

/** Writes the section of docs/performance.md that follows a line on the machine. */
export function whereMarkdown({ peaks, steps }: Where): string {
  const parts = steps.map(({ name, steps: count, profile }) => {
    const shares = profile.phases.map((phase) => {
      return `${phase.name} ${percent(phase.seconds / profile.seconds)}`;
    });
    const title = `**${name}**: ${shares.join(", ")}; the mean of ${counted(count, "step")}.`;
    return `${title}\n\n${markdownTable(operatorTable(profile))}`;
  });
  const { operations, bytes } = peaks;
  const peak = `Peaks of one core: ${operations.toFixed(1)} GFLOP/s, ${bytes.toFixed(1)} GB/s.`;
  return [peak, ...parts].join("\n\n");
}
