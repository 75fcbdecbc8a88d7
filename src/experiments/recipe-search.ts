// The search that chose the students' recipes: every method gets the same number of
// configurations and runs, and is chosen on validation accuracy alone.
import { philox } from "../tensor/random.ts";
import type { Changes } from "../training/recipes.ts";
import type { RunConfig, RunResult } from "../training/run.ts";

/** What the search may choose from: one value of each list, drawn independently. */
export interface SearchSpace {
  readonly dropout: readonly number[];
  readonly learningRate: readonly number[];
  readonly weightDecay: readonly number[];
  /** Options of the method; those that belong together are drawn together. */
  readonly options: readonly (readonly Readonly<Record<string, string | number | boolean>>[])[];
}

const training = {
  // Of four ReLU units few survive dropout: half of the draws go without.
  dropout: [0, 0, 0.1, 0.2],
  learningRate: [0.003, 0.01, 0.03],
  weightDecay: [0, 1e-5, 1e-4, 1e-3],
};

/** By method. The student has nothing but its training; SoftKD and ABKD their own options too. */
export const SPACES: Readonly<Record<string, SearchSpace>> = {
  student: { ...training, options: [] },
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
  },
  abkd: {
    ...training,
    options: [
      [{ beta: 0.02 }, { beta: 0.1 }, { beta: 0.5 }, { beta: 2 }, { beta: 8 }],
      [{ learningRate: 0.003 }, { learningRate: 0.01 }],
      [{ teacherMaps: "scaled-centred" }, { teacherMaps: "normalised" }],
      [{ logits: false }, { logits: true }],
    ],
  },
};

/** How much is run. A method's runs: configurations x first + survivors x second + final. */
export interface SearchPlan {
  readonly configurations: number;
  readonly survivors: number;
  readonly first: Trials;
  readonly second: Trials;
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
  first: { splits: ["geom-gcn:0"], seeds: [101, 102] },
  second: { splits: ["geom-gcn:0", "geom-gcn:1"], seeds: [103, 104, 105] },
  // New seeds: what was chosen on a run's validation nodes is not reported from that run.
  final: { splits: ["geom-gcn:0", "geom-gcn:1", "geom-gcn:2"], seeds: [1, 2, 3, 4, 5] },
};

/**
 * The configurations of a method, as changes to its recipe; distinct, and the same for the same
 * seed. A space with fewer than `count` is used up.
 */
export function drawConfigurations(space: SearchSpace, count: number, seed: number): Changes[] {
  const lists: readonly (readonly unknown[])[] = [
    space.dropout,
    space.learningRate,
    space.weightDecay,
    ...space.options,
  ];
  const size = lists.reduce((product, list) => product * new Set(list).size, 1);
  const drawn = new Map<string, Changes>();
  for (let n = 0; drawn.size < Math.min(count, size); n++) {
    const pick = <T>(list: readonly T[], which: number): T =>
      list[philox(seed, n, which, 0)[0]! % list.length]!;
    const changes = {
      model: { dropout: pick(space.dropout, 0) },
      training: {
        learningRate: pick(space.learningRate, 1),
        weightDecay: pick(space.weightDecay, 2),
      },
      options: Object.assign({}, ...space.options.map((list, k) => pick(list, 3 + k))) as object,
    };
    drawn.set(JSON.stringify(changes), changes as Changes);
  }
  return [...drawn.values()];
}

/** A configuration with its runs so far. */
export interface Candidate {
  readonly changes: Changes;
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
  /** All candidates, the best mean validation accuracy first; survivors have more runs. */
  readonly candidates: readonly Candidate[];
  readonly chosen: Changes;
  /** The chosen configuration on seeds that the choice did not see. */
  readonly final: readonly RunResult[];
}

/** Draws, runs all on the first trials, the best on the second, and the winner on the final ones. */
export async function searchRecipe(
  method: string,
  space: SearchSpace,
  plan: SearchPlan,
  tools: SearchTools,
): Promise<SearchOutcome> {
  const extend = async (candidates: readonly Candidate[], trials: Trials) => {
    const configs = candidates.map(({ changes }) => configsFor(method, trials, changes, tools));
    const results = await tools.run(configs.flat());
    const each = trials.splits.length * trials.seeds.length;
    return candidates
      .map(({ changes, runs }, i) => ({
        changes,
        runs: [...runs, ...results.slice(i * each, (i + 1) * each)],
      }))
      .sort((a, b) => meanValidation(b) - meanValidation(a));
  };
  const drawn = drawConfigurations(space, plan.configurations, 1);
  const all = await extend(
    drawn.map((changes) => ({ changes, runs: [] })),
    plan.first,
  );
  const survivors = await extend(all.slice(0, plan.survivors), plan.second);
  const chosen = survivors[0]!.changes;
  const final = await tools.run(configsFor(method, plan.final, chosen, tools));
  return { method, candidates: [...survivors, ...all.slice(plan.survivors)], chosen, final };
}

/** One configuration on every split with every seed. */
export function configsFor(
  method: string,
  { splits, seeds }: Trials,
  changes: Changes,
  tools: Pick<SearchTools, "config">,
): RunConfig[] {
  return splits.flatMap((split) => seeds.map((seed) => tools.config(method, split, seed, changes)));
}
