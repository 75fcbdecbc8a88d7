// How much memory a job will take: an estimate from above, for sbatch's --mem.
import type { Graph } from "../graph/graph.ts";
import { leastBytes } from "../training/memory-check.ts";
import type { RunConfig } from "../training/run.ts";
import type { TrialData } from "../training/trial-data.ts";
import type { PlannedArray } from "./plan.ts";

/**
 * What was resident at most in processes that trained on Cora, Pubmed and the synthetic graph, one and two runs at a
 * time (2026-11-30): a job's two programs, a run's engine, and how often a run holds the least that it needs. A
 * step's buffers are reused, but a method's terms keep theirs until the step ends.
 */
const PROGRAMS = 280e6;
const RUN = 50e6;
const TIMES = { alone: 1.5, taught: 4 };

/**
 * Returns the bytes of the largest job.
 * @param cpus trials at a time in a job
 */
export function largestJob(
  arrays: readonly PlannedArray[],
  dataOf: (config: RunConfig) => TrialData,
  cpus: number,
): number {
  const graphs = new Map<Graph, number>();
  let most = 0;
  for (const task of arrays.flatMap(({ tasks }) => tasks)) {
    const runs = task.map(({ config }) => {
      const { graph } = dataOf(config);
      const held = graphs.get(graph) ?? arrayBytes(graph);
      graphs.set(graph, held);
      const own = leastBytes(config, graph) * (config.method ? TIMES.taught : TIMES.alone);
      return { held, own: RUN + held + own };
    });
    const atATime = runs.map(({ own }) => own).sort((a, b) => b - a);
    const sum = atATime.slice(0, cpus).reduce((all, one) => all + one, 0);
    most = Math.max(most, PROGRAMS + Math.max(...runs.map(({ held }) => held)) + sum);
  }
  return most;
}

/** Adds up the typed arrays in a value. */
function arrayBytes(value: unknown): number {
  if (ArrayBuffer.isView(value)) return value.byteLength;
  if (typeof value !== "object" || value === null) return 0;
  return Object.values(value).reduce<number>((all, part) => all + arrayBytes(part), 0);
}
