// Finds models that cannot teach: their units died, or they know no more than the most common class.
import { percent } from "../display/format.ts";
import { constantPredictor } from "../graph/constant-predictor.ts";
import type { Graph } from "../graph/graph.ts";
import type { Scored } from "./evaluate.ts";
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
  const advice =
    `the same configuration always ends this way: give the ${role} another seed, fewer layers or a ` +
    "smaller learning rate";
  const remedy = "give it more epochs, another seed or fewer layers";
  return trouble(needed, `the ${role} ${describeRun(needed.config)}`, graph, { advice, remedy });
}

/** Says the same of a teacher that is known only by its outputs. @param name how messages call it */
export function outputsTrouble(scored: Scored, name: string, graph: Graph): string | undefined {
  const remedy =
    "each row must be that of the node of its number in the dataset, each column that of the class of its number, in " +
    "inference mode (docs/teachers.md)";
  return trouble(scored, name, graph, { advice: remedy, remedy });
}

/** What to do about a model that gives one class, and about one that has learned nothing. */
interface Advice {
  readonly advice: string;
  readonly remedy: string;
}

function trouble(
  { accuracy, dead }: Scored,
  name: string,
  graph: Graph,
  { advice, remedy }: Advice,
): string | undefined {
  if (dead) {
    return `${name} is dead: it gives every node one class (test ${percent(accuracy.test)}); ${advice}`;
  }
  const constant = constantPredictor(graph)?.labelled.accuracy ?? 0;
  if (accuracy.test > constant) return undefined;
  return (
    `${name} has learned nothing: test ${percent(accuracy.test)}, but the most common class for every ` +
    `node gives ${percent(constant)}; ${remedy}`
  );
}
