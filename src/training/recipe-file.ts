// The recipes that a search chose for a dataset, as the search wrote them (src/training/recipes).
import { existsSync } from "node:fs";
import { UserError } from "../base/errors.ts";
import { readText } from "../base/files.ts";
import { JsonError, parseJson } from "../base/json.ts";
import {
  anything,
  count,
  dictionary,
  just,
  list,
  object,
  optional,
  real,
  text,
} from "../base/json-form.ts";

export const RECIPES_FORMAT = "abkd-recipes/1";

/** What was chosen for one contender (src/experiments/contenders.ts), and on what grounds. */
export interface ChosenRecipe {
  readonly method: string;
  /** The method's version when it was searched. */
  readonly version: number;
  readonly model: { readonly dropout: number };
  readonly training: {
    readonly epochs: number;
    readonly learningRate: number;
    readonly weightDecay: number;
    readonly keep?: "accuracy";
  };
  /** The method's options, over its defaults. */
  readonly options: Readonly<Record<string, string | number | boolean | null>>;
  /** Statistics of the last rung's runs; accuracies are fractions. Absent if no search of ours chose it. */
  readonly validation?: {
    readonly mean: number;
    readonly deviation: number;
    readonly median: number;
    readonly runs: number;
    readonly dead: number;
    /** Runs that ended at the epoch cap; older searches did not count them. */
    readonly capped?: number;
  };
  /** The first rung: how many configurations, how many of them diverged, and their means. */
  readonly tried?: {
    readonly configurations: number;
    readonly diverged: number;
    readonly best: number;
    readonly median: number;
    readonly worst: number;
  };
  /** Training time of all the contender's runs, one thread each. */
  readonly seconds?: number;
  /** The first digits of the sha256 of the search space; older searches did not keep it. */
  readonly space?: string;
}

/** Runs every configuration on every split with every seed; the best `keep` go on, and the start. */
export interface Rung {
  /** The most epochs; a configuration may have a lower cap of its own. */
  readonly epochs: number;
  readonly splits: readonly string[];
  readonly seeds: readonly number[];
  readonly keep: number;
}

/** Describes a search, to tell it from another. */
export interface SearchIdentity {
  /** Day of its end, ISO 8601. */
  readonly date: string;
  /** Configurations in a batch, the same for each contender. */
  readonly configurations: number;
  /** How many batches in a row without a gain end a contender's search; if absent, one batch was all. */
  readonly patience?: number;
  readonly rungs: readonly Rung[];
  /** The first digits of the sha256 of all search spaces. */
  readonly spaces: string;
  readonly engine: { readonly name: string; readonly flavour: string };
  readonly versions: Readonly<Record<string, string>>;
  readonly runs: number;
  readonly diverged: number;
  /** Training time of all runs, one thread each. */
  readonly seconds: number;
}

/** A search of some contenders, by the same rule. */
export interface LaterSearch extends SearchIdentity {
  readonly contenders: readonly string[];
}

export interface RecipeFile {
  readonly format: typeof RECIPES_FORMAT;
  readonly dataset: string;
  /** Where the recipes come from, if no search of this form chose them. */
  readonly source?: string;
  readonly search?: SearchIdentity;
  /** Searches of only some contenders, whose method had another version by then; their recipes count. */
  readonly later?: readonly LaterSearch[];
  /** The recipes by contender. */
  readonly recipes: Readonly<Record<string, ChosenRecipe>>;
  /** The second search, the third, ... of the headline claims' contenders, each with its own draws and splits. */
  readonly further?: readonly FurtherSearch[];
}

/** One of several searches by the same rule, and what it chose. */
export interface FurtherSearch {
  readonly search: SearchIdentity;
  readonly recipes: Readonly<Record<string, ChosenRecipe>>;
}

/** Returns the place of a dataset's recipes, whether the file exists or not. */
export function recipePath(dataset: string): URL {
  return new URL(`./recipes/${dataset}.json`, import.meta.url);
}

const read = new Map<string, RecipeFile | undefined>();

/**
 * @returns undefined for a dataset that was not searched
 * @throws UserError if the file is damaged or has another format
 */
export function recipeFile(dataset: string): RecipeFile | undefined {
  if (!read.has(dataset)) read.set(dataset, load(dataset));
  return read.get(dataset);
}

const recipes = dictionary(
  object({
    method: text,
    version: count,
    model: object({ dropout: real }),
    training: object({
      epochs: count,
      learningRate: real,
      weightDecay: real,
      keep: optional(just("accuracy")),
    }),
    options: dictionary(anything),
  }),
);

const recipeForm = object({
  format: just(RECIPES_FORMAT),
  dataset: text,
  recipes,
  further: optional(
    list(object({ search: object({ date: text, rungs: list(anything) }), recipes })),
  ),
});

function load(dataset: string): RecipeFile | undefined {
  const path = recipePath(dataset);
  if (!existsSync(path)) return undefined;
  const fail = (what: string): never => {
    throw new UserError(
      `${path.pathname} ${what}; write it again: node scripts/search-recipes.ts --dataset ${dataset}`,
    );
  };
  let file: unknown;
  try {
    file = parseJson(readText(path.pathname, 2));
  } catch (error) {
    if (!(error instanceof JsonError)) throw error;
    return fail(error.message);
  }
  if (recipeForm(file, "") !== undefined || (file as RecipeFile).dataset !== dataset) {
    return fail(`is not "${RECIPES_FORMAT}" of ${dataset}`);
  }
  return file as RecipeFile;
}
