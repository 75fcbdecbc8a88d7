// The search for recipes: every contender gets the same number of configurations and runs, and is
// chosen on validation accuracy alone.
import { createHash } from "node:crypto";
import { standardDeviation } from "simple-statistics";
import { datasetEntry } from "../datasets/index.ts";
import { findMethod } from "../distillation/registry.ts";
import { philox } from "../tensor/random.ts";
import { canonicalJson, runId } from "../training/canonical.ts";
import type { ChosenRecipe, RecipeFile, Rung, SearchIdentity } from "../training/recipe-file.ts";
import { RECIPES_FORMAT } from "../training/recipe-file.ts";
import { type Changes, studentConfig, TEACHER_SEED, teacherConfig } from "../training/recipes.ts";
import type { RunConfig } from "../training/run.ts";
import type { Contender, Options, SearchSpace } from "./contenders.ts";
import { median } from "./summary.ts";
import type { TrialRecord } from "./trial-record.ts";

/** One configuration: a value of each of a space's lists. */
export interface Draw {
  readonly dropout: number;
  readonly learningRate: number;
  readonly weightDecay: number;
  readonly options: Options;
}

/** How much is run, for each contender alike; fixed before anything was. */
export interface SearchRule {
  /** The first is the contender's start, the others are drawn. */
  readonly configurations: number;
  readonly rungs: readonly Rung[];
}

/**
 * Successive halving: many configurations briefly, few at length; the start stays to the end, since
 * few epochs favour those that learn fast. The seeds are none of those that studies use, and no seed is
 * used on two rungs.
 */
export function searchRule(dataset: string): SearchRule {
  const family = datasetEntry(dataset).geomGcnFile === undefined ? "random:48/32/20" : "geom-gcn";
  const [first, second] = [`${family}:0`, `${family}:1`] as const;
  return {
    configurations: 16,
    rungs: [
      { epochs: 120, splits: [first], seeds: [101], keep: 5 },
      { epochs: 300, splits: [first, second], seeds: [102], keep: 2 },
      { epochs: 600, splits: [first, second], seeds: [103, 104], keep: 1 },
    ],
  };
}

/** Distinct, and the same for the same seed; a space with fewer than `count` is used up. */
export function drawConfigurations(
  { space, fixed, start }: Pick<Contender, "space" | "fixed" | "start">,
  count: number,
  seed: number,
): Draw[] {
  const lists = [space.dropout, space.learningRate, space.weightDecay, ...space.options];
  const size = lists.reduce((product, list) => product * new Set<unknown>(list).size, 1);
  const first: Draw = { dropout: 0, learningRate: 0.01, weightDecay: 1e-4, options: start };
  const drawn = new Map([[canonicalJson(first), first]]);
  const wanted = Math.min(count, size);
  for (let n = 0; drawn.size < wanted; n++) {
    const pick = <T>(list: readonly T[], k: number): T =>
      list[philox(seed, n, k, 0)[0]! % list.length]!;
    const options = space.options.map((list, k) => pick(list, 3 + k));
    const draw: Draw = {
      dropout: pick(space.dropout, 0),
      learningRate: pick(space.learningRate, 1),
      weightDecay: pick(space.weightDecay, 2),
      options: Object.assign({}, fixed, ...options) as Options,
    };
    drawn.set(canonicalJson(draw), draw);
  }
  return [...drawn.values()];
}

/** A configuration as changes to the method's own defaults: no earlier recipe has a say. */
function changesOf({ dropout, learningRate, weightDecay, options }: Draw, epochs: number): Changes {
  return {
    model: { dropout },
    training: { epochs, learningRate, weightDecay },
    options,
    recipe: null,
  };
}

function configsOf(
  dataset: string,
  { method }: Contender,
  draw: Draw,
  { epochs, splits, seeds }: Rung,
): RunConfig[] {
  return splits.flatMap((split) => {
    const teacher = teacherConfig({ dataset, split, seed: TEACHER_SEED });
    return seeds.map((seed) =>
      studentConfig({ dataset, split, seed }, method, teacher, changesOf(draw, epochs)),
    );
  });
}

/** What runs the configurations of a rung and keeps their records; one that diverged has none. */
export type RunRung = (
  trials: ReadonlyMap<string, RunConfig>,
  rung: number,
) => Promise<ReadonlyMap<string, TrialRecord>>;

/** A configuration with its records on a rung. */
interface Tried {
  readonly draw: Draw;
  readonly planned: number;
  readonly records: readonly TrialRecord[];
}

/** A run that diverged is worth nothing: a recipe pays for it, as for a student that died. */
const score = ({ planned, records }: Tried): number =>
  records.reduce((sum, { accuracy }) => sum + accuracy.val, 0) / planned;

interface Progress {
  readonly contender: Contender;
  readonly start: Draw;
  readonly draws: readonly Draw[];
  readonly rungs: readonly (readonly Tried[])[];
}

/**
 * Searches for all contenders side by side, a rung at a time.
 *
 * @param date of the search, for its identity
 * @returns the file of recipes; the same for the same rule, contenders and engine
 */
export async function searchRecipes(
  dataset: string,
  contenders: readonly Contender[],
  rule: SearchRule,
  run: RunRung,
  date: string,
): Promise<RecipeFile> {
  let all: readonly Progress[] = contenders.map((contender) => {
    const draws = drawConfigurations(contender, rule.configurations, 1);
    return { contender, start: draws[0]!, draws, rungs: [] };
  });
  for (const [index, rung] of rule.rungs.entries()) {
    const configs = (contender: Contender, draw: Draw): (readonly [string, RunConfig])[] =>
      configsOf(dataset, contender, draw, rung).map((config) => [runId(config), config]);
    const trials = all.flatMap(({ contender, draws }) =>
      draws.flatMap((draw) => configs(contender, draw)),
    );
    const records = await run(new Map(trials), index);
    all = all.map(({ contender, start, draws, rungs }) => {
      const tried = draws
        .map((draw): Tried => {
          const own = configs(contender, draw);
          const found = own.flatMap(([id]) => records.get(id) ?? []);
          return { draw, planned: own.length, records: found };
        })
        .sort((a, b) => score(b) - score(a));
      const best = tried.slice(0, rung.keep).map(({ draw }) => draw);
      const kept = best.includes(start) ? best : [...best, start];
      return { contender, start, draws: kept, rungs: [...rungs, tried] };
    });
  }
  const { epochs } = rule.rungs.at(-1)!;
  const chosen = all.map(({ contender, rungs }) => [
    contender.id,
    chosenOf(contender, rungs, epochs),
  ]);
  return {
    format: RECIPES_FORMAT,
    dataset,
    search: identity(contenders, rule, all, date),
    recipes: Object.fromEntries(chosen) as RecipeFile["recipes"],
  };
}

/**
 * A file with some contenders' recipes replaced by those of a later search of them alone.
 * @throws Error where that search was by another rule: recipes of one file are compared
 */
export function withLaterSearch(file: RecipeFile, { search, recipes }: RecipeFile): RecipeFile {
  const rule = ({ configurations, rungs }: SearchIdentity): string =>
    canonicalJson({ configurations, rungs });
  if (!search || !file.search || rule(search) !== rule(file.search)) {
    throw new Error(`${file.dataset}: both searches must be by one rule`);
  }
  const again = Object.keys(recipes);
  const earlier = (file.later ?? []).filter(
    ({ contenders }) => !contenders.every((id) => again.includes(id)),
  );
  const later = [...earlier, { contenders: again, ...search }];
  return { ...file, later, recipes: { ...file.recipes, ...recipes } };
}

function chosenOf({ method }: Contender, rungs: Progress["rungs"], epochs: number): ChosenRecipe {
  const [first, last] = [rungs[0]!, rungs.at(-1)!];
  const { draw, records } = last[0]!;
  const vals = records.map(({ accuracy }) => accuracy.val);
  const scores = first.map(score);
  const { dropout, learningRate, weightDecay, options } = draw;
  return {
    method,
    version: findMethod(method).version,
    model: { dropout },
    training: { epochs, learningRate, weightDecay },
    options,
    validation: {
      mean: digits(score(last[0]!)),
      deviation: digits(vals.length < 2 ? 0 : standardDeviation(vals)),
      median: digits(median(vals)),
      runs: last[0]!.planned,
      dead: records.filter(({ dead }) => dead).length,
    },
    tried: {
      configurations: first.length,
      diverged: first.filter((tried) => tried.records.length < tried.planned).length,
      best: digits(scores[0]!),
      median: digits(median(scores)),
      worst: digits(scores.at(-1)!),
    },
    seconds: Math.round(seconds(rungs.flat())),
  };
}

const digits = (x: number): number => Number(x.toFixed(4));

const seconds = (tried: readonly Tried[]): number =>
  tried.flatMap(({ records }) => records).reduce((sum, { timing }) => sum + timing.seconds, 0);

function identity(
  contenders: readonly Contender[],
  { configurations, rungs }: SearchRule,
  all: readonly Progress[],
  date: string,
): SearchIdentity {
  const tried = all.flatMap((one) => one.rungs.flat());
  const records = tried.flatMap((one) => one.records);
  const planned = tried.reduce((sum, one) => sum + one.planned, 0);
  const { engine, versions } = records[0]!;
  return {
    ...{ date, configurations, rungs, spaces: spacesHash(contenders), engine, versions },
    ...{ runs: planned, diverged: planned - records.length },
    seconds: Math.round(seconds(tried)),
  };
}

/** Of every list that was drawn from: another space is another search. */
function spacesHash(contenders: readonly Contender[]): string {
  const spaces: Record<string, readonly [SearchSpace, Options, Options]> = Object.fromEntries(
    contenders.map(({ id, space, fixed, start }) => [id, [space, fixed, start]]),
  );
  return createHash("sha256").update(canonicalJson(spaces)).digest("hex").slice(0, 16);
}
