// Where the time of a step goes: profiles of Cora's steps on one thread, against one core's peaks.
import type { Graph, Split } from "../src/graph/graph.ts";
import { type ProfileData, startEngine, startProfile } from "../src/tensor/index.ts";
import { type Peaks, peakMeter } from "./peak.ts";
import { facts, machineFacts, markdownLines, type Report } from "./report.ts";
import { stepTasks } from "./steps.ts";

/** The steps that are profiled, as steps.ts names them. */
const PROFILED = ["teacher 64L-64H", "student 4L-4H", "ABKD 4L-4H, d_a 256"];
/** How long a step is repeated, before it is recorded and while it is. */
const WARM_UP = 500;
const RECORDED = 2000;
/** Operators of a smaller share stand together in one row. */
const SMALLEST_SHARE = 0.005;

export interface StepProfile {
  readonly name: string;
  /** In all. */
  readonly steps: number;
  readonly profile: Omit<ProfileData, "spans">;
}

export interface Where extends Omit<Report, "rows"> {
  readonly peaks: Peaks;
  readonly steps: readonly StepProfile[];
}

/** Profiles the steps; the peaks are measured before each and after the last. */
export function whereTimeGoes(graph: Graph, split: Split): Where {
  const { flavour } = startEngine("wasm", { threads: 1 });
  const machine = machineFacts(flavour);
  const measurePeaks = peakMeter();
  const tasks = stepTasks(graph, split);
  const steps = PROFILED.map((name): StepProfile => {
    const { run } = tasks.find(
      ({ group, name: own }) => group === "training step" && own === name,
    )!;
    measurePeaks();
    repeat(run, WARM_UP);
    const stop = startProfile();
    const count = repeat(run, RECORDED);
    const { spans: _, ...profile } = stop();
    return { name, steps: count, profile };
  });
  return {
    ...{ dataset: graph.name, nodes: graph.nodes, arcs: graph.adjacency.indices.length },
    ...{ machine, peaks: measurePeaks(), steps },
  };
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

const HEAD = ["operator", "calls", "time", "share", "GB/s", "of peak", "GFLOP/s", "of peak"];

const percent = (share: number): string => `${(100 * share).toFixed(share < 0.0995 ? 1 : 0)} %`;
const micro = (seconds: number): string =>
  seconds < 1e-3 ? `${(seconds * 1e6).toFixed(0)} µs` : `${(seconds * 1e3).toFixed(2)} ms`;

function rate(count: number | undefined, seconds: number, peak: number): string[] {
  if (!count) return ["", ""];
  const giga = count / seconds / 1e9;
  return [giga.toFixed(1), percent(giga / peak)];
}

/** A row an operator of one step, by its mean. */
function stepRows({ steps, profile }: StepProfile, peaks: Peaks): string[][] {
  const { operators, between, seconds: wall } = profile;
  const large = operators.filter(({ seconds }) => seconds / wall >= SMALLEST_SHARE);
  const small = operators.slice(large.length);
  const rest = small.reduce((sum, { seconds }) => sum + seconds, 0);
  const bare = (name: string, seconds: number): string[] => [
    ...[name, "", micro(seconds / steps), percent(seconds / wall), "", "", "", ""],
  ];
  return [
    ...large.map(({ name, calls, seconds, bytes, operations }) => [
      ...[name, String(Math.round(calls / steps)), micro(seconds / steps), percent(seconds / wall)],
      ...rate(bytes, seconds, peaks.bandwidth),
      ...rate(operations, seconds, peaks.gflops),
    ]),
    ...(small.length > 0 ? [bare(`${small.length} more operators`, rest)] : []),
    bare("JavaScript between operators", between),
    bare("a step", wall),
  ];
}

/** The section of docs/performance.md. */
export function whereMarkdown(where: Where): string {
  const { peaks, steps } = where;
  const [gflops, bandwidth] = [peaks.gflops.toFixed(1), peaks.bandwidth.toFixed(1)];
  const parts = steps.map((step) => {
    const { phases, seconds: wall } = step.profile;
    const shares = phases.map(({ name, seconds }) => `${name} ${percent(seconds / wall)}`);
    return [
      `**${step.name}**: ${shares.join(", ")}; the mean of ${step.steps} steps.`,
      "",
      ...markdownLines(HEAD, stepRows(step, peaks)),
    ].join("\n");
  });
  const peak = `Peaks of one core: ${gflops} GFLOP/s, ${bandwidth} GB/s.`;
  return [`${facts(where)}.`, peak, ...parts].join("\n\n");
}
