// Who teaches in a search: a model that is trained here, or files of one that was trained elsewhere.
import { checkKeys, needObject } from "../../base/arguments.ts";
import { OptionError } from "../../base/errors.ts";
import { resolveOptions } from "../../base/options.ts";
import type { DataOptions } from "../../datasets/index.ts";
import { checkTeacherParts, findMethod } from "../../distillation/registry.ts";
import type { Graph, Split } from "../../graph/graph.ts";
import { modelTitle } from "../../models/registry.ts";
import { knownParts } from "../../training/config-check.ts";
import { outputsTrouble } from "../../training/dead.ts";
import { type Subject, studentConfig } from "../../training/recipes.ts";
import type { RunConfig, RunResult } from "../../training/run.ts";
import type { TeacherFile } from "../../training/teacher-files.ts";
import {
  describeOutputs,
  loadTeacherOutputs,
  type TeacherOutputs,
} from "../../training/teacher-outputs.ts";
import { teacherScores } from "../../training/teacher-score.ts";
import { loadTeacher } from "../../training/teacher-weights.ts";
import type { Contender, Options } from "../contenders.ts";

/** A run that trains it, the path of a file of weights, or outputs as loadTeacherOutputs() takes them. */
export type GivenTeacher =
  | RunConfig
  | string
  | { readonly outputs: Parameters<typeof loadTeacherOutputs>[0] };

/** A teacher as a search uses it. */
export type SearchTeacher = RunConfig | TeacherOutputs;

/** A teacher as a card names it. */
export interface TeacherFacts {
  /** `GCNII 64L-64H`, or its paths. */
  readonly name: string;
  /** Trained scalars; unknown for another program's outputs. */
  readonly parameters?: number;
  /** Fractions of the validation and the test items; unknown without logits. */
  readonly accuracy?: Pick<RunResult["accuracy"], "val" | "test">;
  /** What is known of it, if it was not trained here. */
  readonly outputs?: string;
  /** What its user must know: that it gives one class alone, that its layers are dead. */
  readonly warnings: readonly string[];
  /** What it was read from. */
  readonly files: readonly TeacherFile[];
}

/** A method that the teacher's outputs cannot teach. */
export interface LeftOut {
  readonly label: string;
  /** Names what it reads and what there is. */
  readonly why: string;
}

export const isOutputs = (teacher: SearchTeacher): teacher is TeacherOutputs =>
  "outputs" in teacher;

/** @throws as loadTeacher() and loadTeacherOutputs() do */
export async function searchTeacher(
  given: GivenTeacher,
  dataset: string,
  options: DataOptions,
): Promise<SearchTeacher> {
  if (typeof given === "string") return loadTeacher(given, dataset, options);
  needObject(given, "compress: teacher", "a run's configuration, a file's path or { outputs }");
  if (!("outputs" in given)) return given;
  checkKeys(given, ["outputs"], "compress: teacher");
  return loadTeacherOutputs(given.outputs);
}

/** Describes a teacher that was trained here. */
export function trainedFacts(run: RunResult): TeacherFacts {
  const { config, parameters, accuracy } = run;
  const name = modelTitle(config.model);
  const warnings = run.warnings.map((text) => `the teacher: ${text}`);
  return { name, parameters: parameters.model, accuracy, warnings, files: [] };
}

/** Describes one that was trained elsewhere. */
export function givenFacts(teacher: TeacherOutputs, graph: Graph, split: Split): TeacherFacts {
  const { source, files, parameters } = teacher;
  const scored = teacherScores(teacher, graph, split);
  const accuracy = scored?.accuracy;
  const trouble = scored && outputsTrouble(scored, source, graph);
  return {
    name: source,
    warnings: trouble === undefined ? [] : [trouble],
    ...(parameters !== undefined && { parameters }),
    ...(accuracy && { accuracy }),
    outputs: describeOutputs(teacher),
    files,
  };
}

/** Divides contenders into those that the teacher can teach, with the options that it allows, and the others. */
export function teachable(
  contenders: readonly Contender[],
  teacher: SearchTeacher,
): { readonly contenders: readonly Contender[]; readonly leftOut: readonly LeftOut[] } {
  if (!isOutputs(teacher)) return { contenders, leftOut: [] };
  const known = knownParts(teacher.config);
  const lacks = ({ method, fixed }: Contender, options: Options): OptionError | undefined => {
    const found = findMethod(method);
    if (!found.needsTeacher) return undefined;
    try {
      const whole = resolveOptions(found, { ...fixed, ...options });
      checkTeacherParts({ name: method, version: found.version, options: whole }, known);
      return undefined;
    } catch (error) {
      if (error instanceof OptionError) return error;
      throw error;
    }
  };
  const leftOut: LeftOut[] = [];
  const kept = contenders.flatMap((one): Contender[] => {
    const lacking = lacks(one, one.start);
    if (lacking) {
      leftOut.push({ label: one.label, why: lacking.message });
      return [];
    }
    // Over the start, each choice may add what is read: ABKD's logits, soft labels.
    const options = one.space.options.map((list) =>
      list.filter((choice) => !lacks(one, { ...one.start, ...choice })),
    );
    return [{ ...one, space: { ...one.space, options } }];
  });
  return { contenders: kept, leftOut };
}

/** A student whose first layer ranks the features where the teacher's own is not known. */
export function rankingStudent(subject: Subject, teacher: TeacherOutputs): RunConfig {
  const hasLogits = teacher.config.classes !== undefined;
  return studentConfig(subject, hasLogits ? "softkd" : "student", teacher, {
    model: { kind: "gcn", width: 64 },
    training: { epochs: 300 },
    recipe: null,
  });
}
