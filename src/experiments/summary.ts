// Runs grouped by method: what a results table and its figures show.
import { median } from "simple-statistics";
import { methodLabel } from "../distillation/registry.ts";
import type { RunResult } from "../training/run.ts";

/** The runs of one method with one set of options, over seeds. */
export interface MethodSummary {
  /** `teacher`, `student`, `softkd`, `abkd`, ... */
  readonly name: string;
  /** The name as displayed: Teacher, Student, SoftKD, ABKD. */
  readonly label: string;
  /** The runs, sorted by seed. */
  readonly runs: readonly RunResult[];
  /** The median test accuracy over all runs, dead ones included; a fraction. */
  readonly testMedian: number;
  /** The runs whose model predicts one class for every node. */
  readonly dead: readonly RunResult[];
}

/** Returns a method's label for reports. The teacher is no method; runs without one are summarised as the teacher. */
export function runLabel(name: string): string {
  return name === "teacher" ? "Teacher" : methodLabel(name);
}

/**
 * Groups runs that differ in nothing but their seeds, in order of first appearance. A run without
 * a method, such as a teacher's, is summarised as `teacher`.
 */
export function summarise(results: readonly RunResult[]): MethodSummary[] {
  const groups = new Map<string, RunResult[]>();
  for (const result of results) {
    const { dataset, split, model, training, method } = result.config;
    const key = JSON.stringify({ dataset, split, model, training, method });
    groups.set(key, [...(groups.get(key) ?? []), result]);
  }
  return [...groups.values()].map((group) => {
    const runs = group.sort((a, b) => a.config.seed - b.config.seed);
    const name = runs[0]?.config.method?.name ?? "teacher";
    return {
      name,
      label: runLabel(name),
      runs,
      testMedian: median(runs.map((run) => run.accuracy.test)),
      dead: runs.filter((run) => run.dead),
    };
  });
}
