// What a teacher's outputs are worth: their accuracy, said before anything is distilled.
import * as tf from "@tensorflow/tfjs";
import { percent } from "../display/format.ts";
import { GivenTeacher, type OrderedOutputs } from "../distillation/given-teacher.ts";
import type { Graph, Split } from "../graph/graph.ts";
import { taskOf } from "../tasks/task.ts";
import { startEngine } from "../tensor/index.ts";
import { outputsTrouble } from "./dead.ts";
import { type Scored, scoredOutputs } from "./evaluate.ts";
import { type SplitTargets, splitTargets } from "./inputs.ts";
import type { RunConfig } from "./run.ts";
import type { TeacherOutputs } from "./teacher-outputs.ts";
import type { TrialData } from "./trial-data.ts";

/** Scores a teacher's logits. */
export function scoredTeacher(
  outputs: OrderedOutputs,
  graph: Graph,
  targets: SplitTargets,
): Scored {
  const teacher = new GivenTeacher(outputs, graph.classes);
  return tf.tidy(() => scoredOutputs(teacher.outputs("logits").logits, graph, targets));
}

/** Scores loaded outputs; undefined if they have no logits. */
export function teacherScores(
  { outputs }: Pick<TeacherOutputs, "outputs">,
  graph: Graph,
  split: Split,
): Scored | undefined {
  if (!outputs.logits) return undefined;
  startEngine();
  const targets = splitTargets(graph, split);
  try {
    return scoredTeacher({ known: outputs }, graph, targets.value);
  } finally {
    targets.dispose();
  }
}

/** Returns a sentence for each teacher that is known by its outputs: its accuracy, and what is wrong with it. */
export function teacherNotes(
  configs: Iterable<RunConfig>,
  dataOf: (config: RunConfig) => TrialData,
): string[] {
  const notes = new Set<string>();
  for (const config of configs) {
    const { teacher, graph, split } = dataOf(config);
    if (!teacher) continue;
    const name = `the teacher ${teacher.source}`;
    const scored = teacherScores(teacher, graph, split);
    if (!scored) {
      notes.add(`${name} has no logits: its accuracy is not known`);
      continue;
    }
    const { val, test } = scored.accuracy;
    const { metric } = taskOf(graph);
    notes.add(
      `${name} on ${config.dataset} ${config.split}: ${metric} val ${percent(val)}, test ${percent(test)}`,
    );
    const trouble = outputsTrouble(scored, name, graph);
    if (trouble !== undefined) notes.add(trouble);
  }
  return [...notes];
}
