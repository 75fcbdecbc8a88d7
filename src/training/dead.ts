// Finds models that cannot teach: their units died, or they know no more than the most common class.
import { percent } from "../display/format.ts";
import { constantPredictor } from "../graph/constant-predictor.ts";
import type { Graph } from "../graph/graph.ts";
import type { RunResult } from "./run.ts";
import { describeRun } from "./run-id.ts";

/** A warning in the record of every run that learns from a dead one. */
export const DEAD_TEACHER =
  "its teacher is dead: it gives every node one class, so nothing is learned from it";

/** A warning in the record of every run that starts from a dead one's weights. */
export const DEAD_DONOR =
  "the run whose weights it starts from is dead: it gives every node one class";

/**
 * Says what is wrong with a run before others learn from it or start from its weights.
 * @param role what the run is to those that need it
 * @returns a sentence with the way out, or undefined if nothing is wrong
 */
export function prerequisiteTrouble(
  needed: RunResult,
  role: "teacher" | "donor",
  graph: Graph,
): string | undefined {
  const { config, accuracy, dead } = needed;
  const advice =
    `the same configuration always ends this way: give the ${role} another seed, fewer layers or a ` +
    "smaller learning rate";
  const name = `the ${role} ${describeRun(config)}`;
  if (dead) {
    return `${name} is dead: it gives every node one class (test ${percent(accuracy.test)}); ${advice}`;
  }
  const constant = constantPredictor(graph)?.labelled.accuracy ?? 0;
  if (accuracy.test > constant) return undefined;
  return (
    `${name} has learned nothing: test ${percent(accuracy.test)}, but the most common class for every ` +
    `node gives ${percent(constant)}; give it more epochs, another seed or fewer layers`
  );
}
