// The search that chose the students' recipes: every method gets the same number of
// configurations and runs, and is chosen on validation accuracy alone.
import { philox } from "../tensor/random.ts";
import type { Changes } from "../training/recipes.ts";
import type { RunConfig, RunResult } from "../training/run.ts";

/** One value of each of a space's lists: dropout, learning rate, weight decay, then the options. */
export type Draw = readonly unknown[];

/** What the search may choose from: one value of each list, drawn independently. */
export interface SearchSpace {
  readonly dropout: readonly number[];
  readonly learningRate: readonly number[];
  readonly weightDecay: readonly number[];
  /** Options of the method; those that belong together are drawn together. */
  readonly options: readonly (readonly Readonly<Record<string, string | number | boolean>>[])[];
  /** An earlier search's recipe (docs/recipes.md), tried beside those that are drawn. */
  readonly start: Draw;
}

const training = {
  // Of four ReLU units few survive dropout: half of the draws go without.
  dropout: [0, 0, 0.1, 0.2],
  learningRate: [0.003, 0.01, 0.03],
  weightDecay: [0, 1e-5, 1e-4, 1e-3],
};

/** By method. The student has nothing but its training; SoftKD and ABKD their own options too. */
export const SPACES: Readonly<Record<string, SearchSpace>> = {
  student: { ...training, options: [], start: [0, 0.01, 1e-4] },
  softkd: {
    ...training,
    options: [
      [
        { hardWeight: 0, alpha: 1 },
        { hardWeight: 0.1, alpha: 0.9 },
        { hardWeight: 1, alpha: 1 },
        { hardWeight: 1, alpha: 5 },
      ],
      [{ temperature: 1 }, { temperature: 2 }, { temperature: 4 }],
    ],
    start: [0, 0.01, 0, { hardWeight: 0, alpha: 1 }, { temperature: 1 }],
  },
  abkd: {
    ...training,
    options: [
      [{ beta: 0.02 }, { beta: 0.1 }, { beta: 0.5 }, { beta: 2 }, { beta: 8 }],
      [{ learningRate: 0.003 }, { learningRate: 0.01 }],
      [{ teacherMaps: "scaled-centred" }, { teacherMaps: "normalised" }],
      [{ logits: false }, { logits: true }],
    ],
    start: [
      ...[0, 0.01, 1e-4],
      ...[{ beta: 0.5 }, { learningRate: 0.01 }, { teacherMaps: "scaled-centred" }],
      { logits: false },
    ],
  },
};

/** How much is run, for each method alike. */
export interface SearchPlan {
  /** Drawn at random, run on the first trials. */
  readonly configurations: number;
  /** The best of them, run on the second trials as well. */
  readonly survivors: number;
  /** Of the best survivor: one choice changed; run on the first trials. */
  readonly neighbours: number;
  /** The best neighbours, run on the second trials as well. */
  readonly promoted: number;
  /** The best of all these, run on the third trials as well: two seeds more or less decide little. */
  readonly finalists: number;
  readonly first: Trials;
  readonly second: Trials;
  readonly third: Trials;
  readonly final: Trials;
}

/** Every split with every seed. */
export interface Trials {
  readonly splits: readonly string[];
  readonly seeds: readonly number[];
}

export const PLAN: SearchPlan = {
  configurations: 20,
  survivors: 5,
  neighbours: 10,
  promoted: 3,
  finalists: 3,
  first: { splits: ["geom-gcn:0"], seeds: [101, 102] },
  second: { splits: ["geom-gcn:0", "geom-gcn:1"], seeds: [103, 104, 105] },
  third: { splits: ["geom-gcn:0", "geom-gcn:1"], seeds: [106, 107, 108, 109, 110] },
  // New seeds: what was chosen on a run's validation nodes is not reported from that run.
  final: { splits: ["geom-gcn:0", "geom-gcn:1", "geom-gcn:2"], seeds: [1, 2, 3, 4, 5] },
};

const listsOf = (space: SearchSpace): Draw[] => [
  [...new Set(space.dropout)],
  space.learningRate,
  space.weightDecay,
  ...space.options,
];

/** A draw as changes to the method's recipe. */
export function changesOf([dropout, learningRate, weightDecay, ...options]: Draw): Changes {
  return {
    model: { dropout },
    training: { learningRate, weightDecay },
    options: Object.assign({}, ...options) as object,
  } as Changes;
}

/** Distinct, and the same for the same seed. A space with fewer than `count` is used up. */
export function drawConfigurations(space: SearchSpace, count: number, seed: number): Draw[] {
  const size = listsOf(space).reduce((product, list) => product * list.length, 1);
  // Dropout's list weights its values by repeating them.
  const lists = [space.dropout, ...listsOf(space).slice(1)];
  const drawn = new Map<string, Draw>();
  for (let n = 0; drawn.size < Math.min(count, size); n++) {
    const draw = lists.map((list, k) => list[philox(seed, n, k, 0)[0]! % list.length]);
    drawn.set(JSON.stringify(draw), draw);
  }
  return [...drawn.values()];
}

/** What differs from a draw in one choice: at most `count`, picked by the seed. */
export function neighboursOf(draw: Draw, space: SearchSpace, count: number, seed: number): Draw[] {
  return listsOf(space)
    .flatMap((list, k) =>
      list.filter((value) => value !== draw[k]).map((value) => draw.with(k, value)),
    )
    .map((neighbour, n) => ({ neighbour, order: philox(seed, n, 0, 1)[0]! }))
    .sort((a, b) => a.order - b.order)
    .slice(0, count)
    .map(({ neighbour }) => neighbour);
}

/** A configuration with its runs so far. */
export interface Candidate {
  readonly draw: Draw;
  readonly runs: readonly RunResult[];
}

export function meanValidation({ runs }: Candidate): number {
  return runs.reduce((sum, run) => sum + run.accuracy.val, 0) / runs.length;
}

/** What the search needs from outside: a configuration for each run, and the runs themselves. */
export interface SearchTools {
  config(method: string, split: string, seed: number, changes: Changes): RunConfig;
  run(configs: readonly RunConfig[]): Promise<RunResult[]>;
}

export interface SearchOutcome {
  readonly method: string;
  /** Those with most runs first; among equals the best mean validation accuracy. */
  readonly candidates: readonly Candidate[];
  readonly chosen: Changes;
  /** The chosen configuration on seeds that the choice did not see. */
  readonly final: readonly RunResult[];
}

/**
 * Draws configurations and runs them on the first trials, the best on the second; then the same
 * with neighbours of the best; then the best of all on the third. The winner, by mean validation
 * accuracy over the three, is run on the final ones.
 */
export async function searchRecipe(
  method: string,
  space: SearchSpace,
  plan: SearchPlan,
  tools: SearchTools,
): Promise<SearchOutcome> {
  const extend = async (candidates: readonly Candidate[], trials: Trials) => {
    const configs = candidates.map(({ draw }) =>
      configsFor(method, trials, changesOf(draw), tools),
    );
    const results = await tools.run(configs.flat());
    const each = trials.splits.length * trials.seeds.length;
    return candidates
      .map(({ draw, runs }, i) => ({
        draw,
        runs: [...runs, ...results.slice(i * each, (i + 1) * each)],
      }))
      .sort(byValidation);
  };
  /** All of them, the first `kept` on both trials. */
  const round = async (draws: readonly Draw[], kept: number) => {
    const all = await extend(
      draws.map((draw) => ({ draw, runs: [] })),
      plan.first,
    );
    const survivors = await extend(all.slice(0, kept), plan.second);
    return { survivors, rest: all.slice(kept) };
  };
  const tried = new Set<string>();
  const untried = (draw: Draw): boolean => {
    const before = tried.size;
    return tried.add(JSON.stringify(draw)).size > before;
  };
  const earlier = await round([space.start].filter(untried), 1);
  const draws = drawConfigurations(space, plan.configurations, 1);
  const drawn = await round(draws.filter(untried), plan.survivors);
  const near = neighboursOf(drawn.survivors[0]!.draw, space, plan.neighbours, 1);
  const refined = await round(near.filter(untried), plan.promoted);
  const twice = [earlier, drawn, refined].flatMap(({ survivors }) => survivors).sort(byValidation);
  const finalists = await extend(twice.slice(0, plan.finalists), plan.third);
  const chosen = changesOf(finalists[0]!.draw);
  const final = await tools.run(configsFor(method, plan.final, chosen, tools));
  const once = [...drawn.rest, ...refined.rest].sort(byValidation);
  const candidates = [...finalists, ...twice.slice(plan.finalists), ...once];
  return { method, candidates, chosen, final };
}

const byValidation = (a: Candidate, b: Candidate): number => meanValidation(b) - meanValidation(a);

/** One configuration on every split with every seed. */
export function configsFor(
  method: string,
  { splits, seeds }: Trials,
  changes: Changes,
  tools: Pick<SearchTools, "config">,
): RunConfig[] {
  return splits.flatMap((split) => seeds.map((seed) => tools.config(method, split, seed, changes)));
}
