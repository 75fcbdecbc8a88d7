// The defaults: how each dataset's teacher and students are trained, and where each comes from.
import { datasetEntry } from "../datasets/index.ts";
import { resolveOptions } from "../distillation/options.ts";
import { findMethod } from "../distillation/registry.ts";
import type { GcniiConfig } from "../models/gcnii.ts";
import type { RunConfig, TrainingConfig } from "./run.ts";

/** A model and its training, as data. */
export interface Recipe {
  readonly model: GcniiConfig;
  readonly training: TrainingConfig;
  /** Of the method, over its own defaults. */
  readonly options?: Readonly<Record<string, unknown>>;
  /** Where the numbers come from; printed by `--help`. */
  readonly source: string;
}

/** What GCNII's authors vary by dataset. */
interface GcniiChoice {
  readonly alpha: number;
  readonly weightDecay: number;
  readonly source: string;
}

const REPOSITORY = "GCNII's repository (full-supervised), the paper's 64L-64H";

const CHOICES: Readonly<Record<string, GcniiChoice>> = {
  cora: { alpha: 0.2, weightDecay: 1e-4, source: REPOSITORY },
  citeseer: { alpha: 0.5, weightDecay: 5e-6, source: REPOSITORY },
  pubmed: { alpha: 0.1, weightDecay: 5e-6, source: REPOSITORY },
  synthetic: { alpha: 0.2, weightDecay: 1e-4, source: "our choice: as Cora, which it imitates" },
};

/** GCNII's authors have none for the co-purchase and co-author graphs. */
const OTHERS: GcniiChoice = {
  alpha: 0.1,
  weightDecay: 5e-6,
  source: "our choice: as GCNII's repository has it for Pubmed, not tuned",
};

/** GCNII's own full-supervised protocol at the paper's size, 64L-64H. */
export function teacherRecipe(dataset: string): Recipe {
  const { alpha, weightDecay, source } = CHOICES[datasetEntry(dataset).name] ?? OTHERS;
  return {
    model: { kind: "gcnii", layers: 64, width: 64, alpha, lambda: 0.5, dropout: 0.5 },
    training: { epochs: 1500, patience: 100, learningRate: 0.01, weightDecay },
    source,
  };
}

/** What a student's recipe changes against studentBase. */
interface StudentChoice {
  readonly dropout?: number;
  readonly training?: Partial<TrainingConfig>;
  readonly options?: Readonly<Record<string, unknown>>;
  readonly source: string;
}

const SEARCHED = "our search on validation accuracy, docs/recipes.md";
const EARLIER = "an earlier search of two splits, in PyTorch; not repeated here (docs/recipes.md)";

/** By dataset, then method. */
const STUDENTS: Readonly<Record<string, Readonly<Record<string, StudentChoice>>>> = {
  cora: {
    student: { training: { weightDecay: 1e-5 }, source: SEARCHED },
    softkd: { training: { weightDecay: 1e-5 }, source: SEARCHED },
    abkd: { source: SEARCHED },
  },
  citeseer: {
    student: { dropout: 0.2, source: EARLIER },
    softkd: { options: { hardWeight: 1, alpha: 5, temperature: 2 }, source: EARLIER },
    abkd: { dropout: 0.2, source: EARLIER },
  },
};

const UNTUNED: StudentChoice = { source: "our choice: as for Cora (docs/recipes.md), not tuned" };

/** The paper's student, 4L-4H, with its teacher's alpha and lambda. */
export function studentRecipe(dataset: string, method: string): Recipe {
  const name = datasetEntry(dataset).name;
  const choice = STUDENTS[name]?.[method] ?? { ...STUDENTS["cora"]?.[method], ...UNTUNED };
  const { alpha, lambda } = teacherRecipe(name).model;
  return {
    model: { kind: "gcnii", layers: 4, width: 4, alpha, lambda, dropout: choice.dropout ?? 0 },
    training: {
      ...{ epochs: 600, patience: 100, learningRate: 0.01, weightDecay: 1e-4 },
      ...choice.training,
    },
    ...(choice.options && { options: choice.options }),
    source: choice.source,
  };
}

/** Changes to a recipe. */
export interface Changes {
  readonly model?: Partial<GcniiConfig>;
  readonly training?: Partial<TrainingConfig>;
  /** Of the method; one named here replaces the preset's or the recipe's. */
  readonly options?: Readonly<Record<string, unknown>>;
  /** One of the method's presets, in place of the recipe's options. */
  readonly preset?: string;
}

/** What is to be run. */
export interface Subject {
  readonly dataset: string;
  /** The dataset's usual split if left out. */
  readonly split?: string;
  readonly seed: number;
  /** As RunConfig has it. */
  readonly order?: NonNullable<RunConfig["order"]>;
}

/** The parts of a configuration that say what is run. */
function subjectParts({ dataset, split, seed, order }: Subject) {
  const usual = datasetEntry(dataset).defaultSplit;
  return { dataset, split: split ?? usual, seed, ...(order !== undefined && { order }) };
}

/**
 * A model trained alone, by the teachers' recipe.
 * @throws OptionError for an unknown dataset
 */
export function teacherConfig(subject: Subject, changes: Changes = {}): RunConfig {
  const { model, training } = teacherRecipe(subject.dataset);
  return {
    ...subjectParts(subject),
    model: { ...model, ...changes.model },
    training: { ...training, ...changes.training },
  };
}

/**
 * A student trained by a method. Its initial weights depend on its seed and its model alone, so
 * all methods with one seed start from the same student; the teacher has a seed of its own, so
 * that the students of all seeds share one.
 *
 * @param teacher whose configuration goes into the student's, where the method needs one
 * @throws OptionError for an unknown dataset or method, or an option that makes no sense
 */
export function studentConfig(
  subject: Subject,
  methodName: string,
  teacher: RunConfig,
  changes: Changes = {},
): RunConfig {
  const method = findMethod(methodName);
  const recipe = studentRecipe(subject.dataset, method.name);
  const given =
    changes.preset === undefined ? { ...recipe.options, ...changes.options } : changes.options;
  return {
    ...subjectParts(subject),
    model: { ...recipe.model, ...changes.model },
    training: { ...recipe.training, ...changes.training },
    method: {
      name: method.name,
      version: method.version,
      options: resolveOptions(method, given, changes.preset),
    },
    ...(method.needsTeacher && { teacher }),
  };
}

/** Where teachers' seeds start: one teacher serves the students of all seeds. */
export const TEACHER_SEED = 1;
