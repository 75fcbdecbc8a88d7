// The default recipes: how each dataset's teacher and students are trained, and where the numbers come from.

import { checkKeys, checkValues, isText, LEGAL, type Legal } from "../base/arguments.ts";
import { resolveOptions } from "../base/options.ts";
import type { Suggested } from "../base/suggested.ts";
import { type DatasetName, datasetEntry, type SplitName } from "../datasets/index.ts";
import {
  findMethod,
  type MethodName,
  type OptionsOf,
  type PresetOf,
} from "../distillation/registry.ts";
import type { GcniiConfig } from "../models/gcnii.ts";
import {
  changedModel,
  findModel,
  type ModelChanges,
  type ModelConfig,
  type ModelConfigOf,
  type ModelName,
} from "../models/registry.ts";
import { checkConfig } from "./config-check.ts";
import { cpfRecipe } from "./cpf-recipes.ts";
import { type ChosenRecipe, type RecipeFile, recipeFile } from "./recipe-file.ts";
import type { RunConfig, TrainingConfig } from "./run.ts";
import type { TeacherOutputs } from "./teacher-outputs.ts";

/** A model and its training, as data. */
export interface Recipe<M extends ModelConfig = ModelConfig> {
  readonly model: M;
  readonly training: TrainingConfig;
  /** The method's options, over its own defaults. */
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

/** For the co-purchase and co-author graphs, for which GCNII's authors have no numbers. */
const OTHERS: GcniiChoice = {
  alpha: 0.1,
  weightDecay: 5e-6,
  source: "our choice: as GCNII's repository has it for Pubmed, not tuned",
};

/** For kinds that neither have recipes of their own nor take GCNII's. */
const OTHER_KINDS: Pick<Recipe, "training" | "source"> = {
  training: { epochs: 1000, patience: 100, learningRate: 0.01, weightDecay: 5e-4 },
  source: "our choice: the rates of Kipf and Welling's GCN, not tuned",
};

/** Returns its authors' recipe, or a kind's defaults, for a dataset on which it was never tuned. */
function ownRecipe(dataset: string, kind: string): Recipe {
  if (kind === "cpf") return cpfRecipe(datasetEntry(dataset).name);
  const { defaults } = findModel(kind);
  return { ...OTHER_KINDS, model: { kind, ...defaults } as unknown as ModelConfig };
}

/** MustaD's student is GCNII with one weight matrix for all convolutions: it takes GCNII's recipe. */
function sharedRecipe(recipe: Recipe<GcniiConfig>): Recipe {
  const source = "our choice: as GCNII's, not tuned for shared weights";
  return { ...recipe, model: { ...recipe.model, kind: "mustad" }, source };
}

/** Returns GCNII's own full-supervised protocol at the paper's size, 64L-64H. */
export function teacherRecipe(dataset: Suggested<DatasetName>): Recipe<GcniiConfig> {
  const { alpha, weightDecay, source } = CHOICES[datasetEntry(dataset).name] ?? OTHERS;
  return {
    model: { kind: "gcnii", layers: 64, width: 64, alpha, lambda: 0.5, dropout: 0.5 },
    training: { epochs: 1500, patience: 100, learningRate: 0.01, weightDecay },
    source,
  };
}

/** Returns the paper's student with its teacher's alpha and lambda, and the method's own defaults. */
function unsearchedRecipe(dataset: string): Recipe<GcniiConfig> {
  const { alpha, lambda } = teacherRecipe(dataset).model;
  return {
    model: { kind: "gcnii", layers: 4, width: 4, alpha, lambda, dropout: 0 },
    training: { epochs: 600, patience: 100, learningRate: 0.01, weightDecay: 1e-4 },
    source: "our choice: the method's defaults, not searched",
  };
}

/** The dataset whose recipes serve those that were not searched. */
const MODEL_DATASET = "cora";

/**
 * @param id a contender's id (src/experiments/contenders.ts), which mostly is its method's name
 * @returns what a search chose for it on this dataset, or else on Cora
 */
export function chosenRecipe(
  dataset: string,
  id: string,
): { readonly recipe: ChosenRecipe; readonly source: string } | undefined {
  const own = recipeFile(datasetEntry(dataset).name);
  const recipe = own && findRecipe(own, id);
  if (recipe) return { recipe, source: sourceOf(own) };
  const model = recipeFile(MODEL_DATASET)!;
  const other = findRecipe(model, id);
  return other && { recipe: other, source: "our choice: as for Cora (docs/recipes.md), not tuned" };
}

/**
 * @param search 2, 3, ...: which of a dataset's searches
 * @returns what it chose for a contender; undefined if there is none
 */
export function furtherRecipe(
  dataset: string,
  id: string,
  search: number,
): ChosenRecipe | undefined {
  const found = recipeFile(datasetEntry(dataset).name)?.further?.[search - 2]?.recipes[id];
  // The options of another version mean something else.
  return found?.version === (found && findMethod(found.method).version) ? found : undefined;
}

/** Finds a recipe; for a method that was searched with each of its kernels, the best by validation. */
function findRecipe({ recipes }: RecipeFile, id: string): ChosenRecipe | undefined {
  const kernels = Object.keys(recipes).filter((name) => name.startsWith(`${id}:`));
  const mean = (name: string): number => recipes[name]!.validation?.mean ?? 0;
  const best = kernels.sort((a, b) => mean(b) - mean(a))[0];
  return recipes[id] ?? (best === undefined ? undefined : recipes[best]);
}

function sourceOf({ search, source = "docs/recipes.md" }: RecipeFile): string {
  if (!search) return source;
  const { configurations, patience, runs, date } = search;
  const each = patience === undefined ? `${configurations}` : `at least ${configurations}`;
  return (
    `our search on validation accuracy, ${each} configurations per method, ` +
    `${runs} runs in all, ${date} (docs/recipes.md)`
  );
}

/**
 * Returns the recipe of the paper's student, 4L-4H.
 * @param id a contender's, such as a method's name; one that was never searched has the defaults
 */
export function studentRecipe(
  dataset: Suggested<DatasetName>,
  id: Suggested<MethodName>,
): Recipe<GcniiConfig> {
  const base = unsearchedRecipe(dataset);
  const chosen = chosenRecipe(dataset, id);
  if (!chosen) return base;
  const { recipe, source } = chosen;
  return {
    model: { ...base.model, ...recipe.model },
    training: { ...base.training, ...recipe.training },
    options: recipe.options,
    source,
  };
}

/** Returns the teacher's recipe for a kind of model. @throws OptionError for an unknown kind */
export function teacherRecipeOf(dataset: Suggested<DatasetName>, kind: string): Recipe {
  if (kind === "mustad") return sharedRecipe(teacherRecipe(dataset));
  return kind === "gcnii" ? teacherRecipe(dataset) : ownRecipe(dataset, kind);
}

/**
 * Returns the student's recipe for a kind of model. The method's options are those of the GCNII student:
 * they were searched for no other.
 * @param id as in studentRecipe; null: not searched
 * @throws OptionError for an unknown kind
 */
export function studentRecipeOf(
  dataset: Suggested<DatasetName>,
  id: Suggested<MethodName> | null,
  kind: string,
): Recipe {
  const recipe = id === null ? unsearchedRecipe(dataset) : studentRecipe(dataset, id);
  if (kind === "gcnii") return recipe;
  if (kind === "mustad") return sharedRecipe(recipe);
  const { options } = recipe;
  return { ...ownRecipe(dataset, kind), ...(options && { options }) };
}

/** Changes to a recipe. `Name` is the method's and `Kind` the model's, if they are known. */
export interface Changes<Name extends string = string, Kind extends string = ModelName> {
  /** With a `kind`, the other keys change that kind's recipe. */
  readonly model?: ModelChanges<Kind>;
  readonly training?: Partial<TrainingConfig>;
  /** The method's options; each replaces the preset's or the recipe's. */
  readonly options?: OptionsOf<Name>;
  /** One of the method's presets, in place of the recipe's options. */
  readonly preset?: PresetOf<Name>;
  /** The id of the contender whose recipe is taken, by default the method's; null for the unsearched one. */
  readonly recipe?: Suggested<MethodName> | null;
}

/** What is to be run. */
export interface Subject {
  readonly dataset: Suggested<DatasetName>;
  /** The dataset's usual split if left out. */
  readonly split?: Suggested<SplitName>;
  readonly seed: number;
  /** As in RunConfig. */
  readonly order?: NonNullable<RunConfig["order"]>;
  /** As in RunConfig. */
  readonly features?: NonNullable<RunConfig["features"]>;
}

const CHANGES: Readonly<Record<keyof Changes, Legal>> = {
  model: { ...LEGAL.object, words: "an object with a kind and its options" },
  training: { ...LEGAL.object, words: "an object, such as { epochs: 100 }" },
  options: { ...LEGAL.object, words: "an object with the method's options" },
  preset: { ...LEGAL.name, words: "the name of one of the method's presets" },
  recipe: {
    words: "a method's name, or null for the recipe that was not searched",
    is: (value) => value === null || isText(value),
  },
};

/** @throws OptionError for a wrong value, or a key that nothing reads: a typo would silently leave the default */
function checkGiven(subject: Subject, changes: object, what: string): void {
  checkKeys(subject, ["dataset", "split", "seed", "order", "features"], "what is to be run");
  checkKeys(changes, Object.keys(CHANGES), what);
  checkValues(changes, CHANGES, what);
}

/** Returns the parts of a configuration that say what is run. */
function subjectParts({ dataset, split, seed, order, features }: Subject) {
  const { defaultSplit } = datasetEntry(dataset);
  const chosen = split === undefined ? defaultSplit : split;
  return {
    dataset,
    split: chosen,
    seed,
    ...(order !== undefined && { order }),
    ...(features !== undefined && { features }),
  };
}

/**
 * Makes the configuration of a model trained alone, by the teacher's recipe.
 * @throws OptionError for an unknown dataset, or a number or a key that makes no sense
 */
export function teacherConfig<Kind extends Suggested<ModelName> = "gcnii">(
  subject: Subject,
  changes: Changes<string, Kind> = {},
): RunConfig<ModelConfigOf<Kind>> {
  checkGiven(subject, changes, "the changes to a teacher's recipe");
  const { kind = "gcnii" } = changes.model ?? {};
  const recipe = teacherRecipeOf(subject.dataset, kind);
  const { model, training } = recipe;
  const config = {
    ...subjectParts(subject),
    model: changedModel(model, changes.model),
    training: { ...training, ...changes.training },
  };
  checkConfig(config, "the teacher");
  return config;
}

/**
 * Makes the configuration of a student trained by a method. Its initial weights depend on its seed
 * and its model alone, so all methods with one seed start from the same student; the teacher has a
 * seed of its own, so that the students of all seeds share one.
 *
 * @param teacher its configuration, or what loadTeacherOutputs() returns, goes into the student's, if the method
 *   needs a teacher
 * @throws OptionError for an unknown dataset or method, or an option that makes no sense
 */
export function studentConfig<
  Name extends Suggested<MethodName>,
  Kind extends Suggested<ModelName> = "gcnii",
>(
  subject: Subject,
  methodName: Name,
  teacher: RunConfig | TeacherOutputs,
  changes: Changes<Name, Kind> = {},
): RunConfig<ModelConfigOf<Kind>> {
  checkGiven(subject, changes, "the changes to a student's recipe");
  const method = findMethod(methodName);
  const { recipe: id = method.name } = changes;
  const { kind = "gcnii" } = changes.model ?? {};
  const recipe = studentRecipeOf(subject.dataset, id, kind);
  const given =
    changes.preset === undefined ? { ...recipe.options, ...changes.options } : changes.options;
  const config = {
    ...subjectParts(subject),
    model: changedModel(recipe.model, changes.model),
    training: { ...recipe.training, ...changes.training },
    method: {
      name: method.name,
      version: method.version,
      options: resolveOptions(method, given, changes.preset),
    },
    ...(method.needsTeacher &&
      ("outputs" in teacher ? { teacherOutputs: teacher.config } : { teacher })),
  };
  checkConfig(config, "the student");
  return config;
}

/** The first of the teachers' seeds: one teacher serves the students of all seeds. */
export const TEACHER_SEED = 1;
