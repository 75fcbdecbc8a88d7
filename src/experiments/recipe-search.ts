// The search for recipes: each contender's search goes on until validation accuracy stops improving, and
// only that accuracy decides.

import { createHash } from "node:crypto";
import { median } from "simple-statistics";
import { canonicalJson } from "../base/canonical.ts";
import { OptionError } from "../base/errors.ts";
import { findMethod } from "../distillation/registry.ts";
import type { ChosenRecipe, RecipeFile, Rung, SearchIdentity } from "../training/recipe-file.ts";
import { RECIPES_FORMAT } from "../training/recipe-file.ts";
import { type Changes, studentConfig, TEACHER_SEED, teacherConfig } from "../training/recipes.ts";
import type { RunConfig } from "../training/run.ts";
import { runId } from "../training/run-id.ts";
import type { TeacherOutputs } from "../training/teacher-outputs.ts";
import type { Contender, Options, SearchSpace } from "./contenders.ts";
import { type Draw, drawConfigurations } from "./recipe-draws.ts";
import { mean, standardDeviation, standardError } from "./statistics.ts";
import { randomFamily } from "./study.ts";
import type { TrialRecord } from "./trial-record.ts";
import { SEARCHES } from "./verdict.ts";

/** The rule of a search, the same for each contender and fixed before anything is run. */
export interface SearchRule {
  /** The number of configurations drawn and halved together; the first batch begins with the start. */
  readonly batch: number;
  /** A contender's search ends after this many batches in a row that raised its best score only by noise. */
  readonly patience: number;
  /** The seed of the draws. */
  readonly seed: number;
  readonly rungs: readonly Rung[];
}

/**
 * Returns the rule of successive halving: it trains many configurations briefly and few at length. The start
 * stays to the end, since short training favours configurations that learn fast. Studies use none of these
 * splits and seeds, no seed is used on two rungs, and each search has its own splits, seeds and draws.
 * @param search its number, 1 to SEARCHES
 * @throws OptionError for any other number
 */
export function searchRule(dataset: string, search = 1): SearchRule {
  if (!Number.isInteger(search) || search < 1 || search > SEARCHES) {
    throw new OptionError(`search ${search} is not one of 1 to ${SEARCHES}`);
  }
  const family = randomFamily(dataset);
  const at = 100 + 2 * (search - 1);
  const [first, second] = [`${family}:${at}`, `${family}:${at + 1}`] as const;
  const seed = 1000 * search;
  return {
    batch: 16,
    patience: 2,
    seed: search,
    rungs: [
      { epochs: 120, splits: [first], seeds: [seed + 1], keep: 5 },
      { epochs: 300, splits: [first, second], seeds: [seed + 2], keep: 2 },
      { epochs: 2000, splits: [first, second], seeds: [seed + 3, seed + 4], keep: 1 },
    ],
  };
}

/** Returns the training keys to set: the epoch of the lowest loss is kept by default. */
const trainingOf = ({ learningRate, weightDecay, keep }: Draw) => ({
  learningRate,
  weightDecay,
  ...(keep === "accuracy" && { keep }),
});

/** Returns a configuration as changes to the method's own defaults; no earlier recipe enters. */
function changesOf(draw: Draw, most: number): Changes {
  const { dropout, options, student } = draw;
  return {
    model: { ...student?.model, dropout },
    training: { epochs: Math.min(draw.epochs, most), ...trainingOf(draw) },
    options,
    recipe: null,
  };
}

/** What a search is about. */
export interface SearchSubject {
  readonly dataset: string;
  /** The teacher on a split; by default the dataset's GCNII 64L-64H. */
  readonly teacher?: (split: string) => RunConfig | TeacherOutputs;
}

/** Returns a configuration's runs on a rung, one for each split and seed. */
export function configsOf(
  { dataset, teacher: given }: SearchSubject,
  { method }: Contender,
  draw: Draw,
  { epochs, splits, seeds }: Omit<Rung, "keep">,
): RunConfig[] {
  const { features } = draw.student ?? {};
  return splits.flatMap((split) => {
    const teacher = given?.(split) ?? teacherConfig({ dataset, split, seed: TEACHER_SEED });
    return seeds.map((seed) =>
      studentConfig(
        { dataset, split, seed, ...(features && { features }) },
        method,
        teacher,
        changesOf(draw, epochs),
      ),
    );
  });
}

/** A rung of a search. */
export interface RungPlace {
  readonly batch: number;
  readonly rung: number;
  /** The runs of each contender's first configuration, which must not be left out. */
  readonly needed: ReadonlySet<string>;
  /** The id of the contender that drew each run. */
  readonly owners: ReadonlyMap<string, string>;
}

/**
 * Runs the configurations of a rung and returns their records; a run that diverged has none. What there was no time
 * for is `left`: those configurations count as never drawn.
 */
export type RunRung = (
  trials: ReadonlyMap<string, RunConfig>,
  at: RungPlace,
) => Promise<{
  readonly records: ReadonlyMap<string, TrialRecord>;
  readonly left?: ReadonlySet<string>;
}>;

/** A configuration with its records on a rung. */
export interface Tried {
  readonly draw: Draw;
  readonly planned: number;
  readonly records: readonly TrialRecord[];
}

/** A run that diverged scores 0: it counts against a recipe, as a dead student does. */
const scoresOf = ({ planned, records }: Tried): number[] => [
  ...records.map(({ accuracy }) => accuracy.val),
  ...Array.from({ length: planned - records.length }, () => 0),
];
const score = (tried: Tried): number => mean(scoresOf(tried));
/** The standard error of a score; with so few runs it is one to three points. */
const noise = (tried: Tried): number => (tried.planned < 2 ? 0 : standardError(scoresOf(tried)));
const bestFirst = (a: Tried, b: Tried): number => score(b) - score(a);

/** A contender's search so far. */
export interface SearchProgress {
  readonly contender: Contender;
  /** The number of batches in a row without a gain. */
  readonly stale: number;
  /** The best at the last gain: small steps count as a gain once they add up. */
  readonly mark?: Tried;
  /** The configurations tried, by batch and rung, the best first. */
  readonly batches: readonly (readonly (readonly Tried[])[])[];
}

/** Returns the configurations trained at full length, the best first. */
export const finals = ({ batches }: SearchProgress): Tried[] =>
  batches.flatMap((rungs) => rungs.at(-1)!).sort(bestFirst);

/**
 * Searches for all contenders side by side, one batch and in it one rung at a time, each until its own
 * best score stops rising.
 *
 * @returns the same for the same rule, contenders and engine, in the order of the contenders
 */
export async function searchContenders(
  subject: SearchSubject,
  contenders: readonly Contender[],
  rule: SearchRule,
  run: RunRung,
): Promise<readonly SearchProgress[]> {
  let all: readonly SearchProgress[] = contenders.map((contender) => ({
    contender,
    stale: 0,
    batches: [],
  }));
  for (let batch = 0; ; batch++) {
    const active = all.flatMap((one) => {
      const goesOn = batch === 0 || one.stale < rule.patience;
      const draws = goesOn ? drawsOf(one, batch, rule) : [];
      return draws.length > 0 ? [{ one, draws }] : [];
    });
    if (active.length === 0) return all;
    const halved = await halving(subject, active, { rule, run, batch });
    all = all.map((one) => {
      const rungs = halved.get(one.contender.id);
      return rungs ? withBatch(one, rungs) : one;
    });
  }
}

/**
 * Searches a dataset's recipes.
 * @param date called at the end, for the search's identity
 */
export async function searchRecipes(
  dataset: string,
  contenders: readonly Contender[],
  rule: SearchRule,
  run: RunRung,
  date: () => string,
): Promise<RecipeFile> {
  const all = await searchContenders({ dataset }, contenders, rule, run);
  const chosen = all.map((one) => [one.contender.id, chosenOf(one)]);
  return {
    format: RECIPES_FORMAT,
    dataset,
    search: identity(rule, all, date()),
    recipes: Object.fromEntries(chosen) as RecipeFile["recipes"],
  };
}

/** Returns what a batch adds to those before it: nothing once the space is used up. */
function drawsOf(
  { contender }: SearchProgress,
  batch: number,
  { batch: size, seed }: SearchRule,
): Draw[] {
  return drawConfigurations(contender, (batch + 1) * size, seed).slice(batch * size);
}

/** @returns what each rung tried, by contender, the best first */
async function halving(
  subject: SearchSubject,
  active: readonly { readonly one: SearchProgress; readonly draws: readonly Draw[] }[],
  { rule, run, batch }: { rule: SearchRule; run: RunRung; batch: number },
): Promise<Map<string, Tried[][]>> {
  let all = active.map(({ one, draws }) => ({
    contender: one.contender,
    draws,
    rungs: [] as Tried[][],
    start: batch === 0 ? draws[0] : undefined,
  }));
  for (const [index, rung] of rule.rungs.entries()) {
    const planned = new Map(
      all.flatMap(({ contender, draws }) =>
        draws.map((draw) => {
          const configs = configsOf(subject, contender, draw, rung);
          return [draw, configs.map((config) => [runId(config), config] as const)] as const;
        }),
      ),
    );
    // The contenders take turns, so that a search that runs out of time has tried as many of each.
    const most = Math.max(...all.map(({ draws }) => draws.length));
    const turns = Array.from({ length: most }, (_, turn) =>
      all.flatMap(({ draws }) => planned.get(draws[turn]!) ?? []),
    );
    const needed = new Set(turns[0]!.map(([id]) => id));
    const owners = new Map(
      all.flatMap(({ contender, draws }) =>
        draws.flatMap((draw) => planned.get(draw)!.map(([id]) => [id, contender.id] as const)),
      ),
    );
    const place = { batch, rung: index, needed, owners };
    const { records, left } = await run(new Map(turns.flat()), place);
    all = all.map(({ contender, start, draws, rungs }) => {
      const tried = draws
        .filter((draw) => planned.get(draw)!.every(([id]) => !left?.has(id)))
        .map((draw): Tried => {
          const own = planned.get(draw)!;
          const found = own.flatMap(([id]) => records.get(id) ?? []);
          return { draw, planned: own.length, records: found };
        })
        .sort(bestFirst);
      const best = tried.slice(0, rung.keep).map(({ draw }) => draw);
      const goesOn = tried.some(({ draw }) => draw === start) && !best.includes(start!);
      const kept = goesOn ? [...best, start!] : best;
      return { contender, start, draws: kept, rungs: [...rungs, tried] };
    });
  }
  return new Map(all.map(({ contender, rungs }) => [contender.id, rungs]));
}

/** Adds a batch's rungs; the first batch sets the mark for those after it. */
function withBatch(one: SearchProgress, rungs: readonly (readonly Tried[])[]): SearchProgress {
  const { mark } = one;
  const after = { ...one, batches: [...one.batches, rungs] };
  const best = finals(after)[0]!;
  const gained = !mark || score(best) > score(mark) + noise(mark);
  return gained ? { ...after, mark: best, stale: 0 } : { ...after, stale: one.stale + 1 };
}

function chosenOf(one: SearchProgress): ChosenRecipe {
  const { method } = one.contender;
  const [best] = finals(one);
  const { draw, records, planned } = best!;
  const vals = scoresOf(best!);
  const first = one.batches.flatMap((rungs) => rungs[0]!);
  const scores = first.map(score).sort((a, b) => b - a);
  return {
    method,
    version: findMethod(method).version,
    model: { dropout: draw.dropout },
    training: { epochs: draw.epochs, ...trainingOf(draw) },
    options: draw.options,
    validation: {
      mean: digits(mean(vals)),
      deviation: digits(standardDeviation(vals)),
      median: digits(median(vals)),
      runs: planned,
      dead: records.filter(({ dead }) => dead).length,
      capped: records.filter(({ epochs }) => epochs >= draw.epochs).length,
    },
    tried: {
      configurations: first.length,
      diverged: first.filter((tried) => tried.records.length < tried.planned).length,
      best: digits(scores[0]!),
      median: digits(median(scores)),
      worst: digits(scores.at(-1)!),
    },
    seconds: Math.round(seconds(one.batches.flat(2))),
    space: spacesHash([one.contender]),
  };
}

const digits = (x: number): number => Number(x.toFixed(4));

const seconds = (tried: readonly Tried[]): number =>
  tried.flatMap(({ records }) => records).reduce((sum, { timing }) => sum + timing.seconds, 0);

function identity(
  { batch, patience, rungs }: SearchRule,
  all: readonly SearchProgress[],
  date: string,
): SearchIdentity {
  const tried = all.flatMap((one) => one.batches.flat(2));
  const records = tried.flatMap((one) => one.records);
  const planned = tried.reduce((sum, one) => sum + one.planned, 0);
  const { engine, versions } = records[0]!;
  const spaces = spacesHash(all.map(({ contender }) => contender));
  return {
    date,
    configurations: batch,
    patience,
    rungs,
    spaces,
    engine,
    versions,
    runs: planned,
    diverged: planned - records.length,
    seconds: Math.round(seconds(tried)),
  };
}

/** Hashes every list that was drawn from: another space makes another search. */
function spacesHash(contenders: readonly Contender[]): string {
  const spaces: Record<string, readonly [SearchSpace, Options, Options]> = Object.fromEntries(
    contenders.map(({ id, space, fixed, start }) => [id, [space, fixed, start]]),
  );
  return createHash("sha256").update(canonicalJson(spaces)).digest("hex").slice(0, 16);
}
