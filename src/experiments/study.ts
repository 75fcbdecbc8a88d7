// A study: what is compared on which graphs, what the paper claims of it, and its list of trials.
import { DATASET_NAMES, datasetEntry } from "../datasets/index.ts";
import { OptionError } from "../errors.ts";
import { runId } from "../training/canonical.ts";
import { TEACHER_SEED, teacherConfig } from "../training/recipes.ts";
import type { RunConfig } from "../training/run.ts";
import type { PublishedAccuracy } from "./published.ts";
import type { TrialRecord } from "./trial-record.ts";

/** One row of a study's table. */
export interface Arm {
  /** Unique in the study: `abkd`, `abkd:literal/without-p`. */
  readonly id: string;
  readonly label: string;
  /** `control`: not in the paper's table; there because a sceptic asks for it. */
  readonly role: "method" | "baseline" | "control";
  /** The arm beside whose searched weights this one's published weights stand, as a column. */
  readonly publishedOf?: string;
  /**
   * The trial's whole configuration.
   * @param teacher of the same dataset and split
   */
  config(
    subject: { readonly dataset: string; readonly split: string; readonly seed: number },
    teacher: RunConfig,
  ): RunConfig;
}

/** A sentence of the paper (or a number in it) that trials can decide. */
export type Claim =
  /** One arm's accuracy is above another's. */
  | {
      readonly kind: "ordering";
      readonly text: string;
      readonly better: string;
      readonly worse: string;
      /** The paper's difference in points, where it prints both. */
      readonly paper?: number;
    }
  /** An arm's mean accuracy in percent. */
  | {
      readonly kind: "value";
      readonly text: string;
      readonly arm: string;
      readonly paper: PublishedAccuracy;
    }
  /** An arm's mean accuracy in percent lies between two bounds. */
  | {
      readonly kind: "range";
      readonly text: string;
      readonly arm: string;
      readonly low: number;
      readonly high: number;
    }
  /** Something holds in most trials; `measure` gives 1 where it does, 0 where not, or a share. */
  | {
      readonly kind: "majority";
      readonly text: string;
      readonly arm: string;
      measure(record: TrialRecord): number | undefined;
    };

export interface Study {
  readonly name: string;
  readonly title: string;
  /** What is varied, what stands for what, and what the paper leaves open; plain sentences. */
  readonly about: readonly string[];
  /** Those of the paper's table, in its order, whether they can be had here or not. */
  readonly datasets: readonly string[];
  readonly arms: readonly Arm[];
  /** The arm that every other is compared with. */
  readonly subject: string;
  /** @param dataset any: of one that the paper does not have, only orderings can be claimed */
  claims(dataset: string): readonly Claim[];
}

export const PROFILES = ["quick", "paper"] as const;
/** `quick`: a look, few splits and seeds. `paper`: what a verdict may rest on. */
export type Profile = (typeof PROFILES)[number];

export const SPLIT_FAMILIES = ["geom-gcn", "public", "random"] as const;
export type SplitFamily = (typeof SPLIT_FAMILIES)[number];

/**
 * Teachers and their training are the same in both: a profile changes how often, never how well.
 * `seeds` of students a split; what `quick` has trained serves `paper`.
 */
const SIZES: Readonly<Record<Profile, { splits: number; seeds: number; publicSeeds: number }>> = {
  quick: { splits: 2, seeds: 1, publicSeeds: 3 },
  paper: { splits: 10, seeds: 2, publicSeeds: 20 },
};

export interface PlanOptions {
  readonly profile: Profile;
  /** The study's datasets that can be had here if left out. */
  readonly datasets?: readonly string[];
  /** `geom-gcn` where a dataset has such splits, else `random`, if left out. */
  readonly split?: SplitFamily;
}

/** The row of the teacher, which every study has. */
export const TEACHER_ARM = "teacher";

/** One trial of a plan. */
export interface PlannedTrial {
  readonly id: string;
  readonly dataset: string;
  readonly arm: string;
  readonly split: string;
  readonly seed: number;
  readonly config: RunConfig;
}

/** A study's list of trials. */
export interface StudyPlan {
  readonly study: Study;
  readonly profile: Profile;
  readonly datasets: readonly {
    readonly name: string;
    readonly splits: readonly string[];
    /**
     * Of students, as many on each split and none on two: were they the same on all, a start that
     * suits one method would count on every split. None where the study has teachers alone.
     */
    readonly seeds: readonly number[];
  }[];
  /** Those of the study's datasets that cannot be had here, and why. */
  readonly absent: readonly { readonly dataset: string; readonly why: string }[];
  readonly trials: readonly PlannedTrial[];
}

/**
 * A quick plan leaves published weights out: its study has no such arms.
 * @throws OptionError for a dataset that there is not, or a split that it has not
 */
export function planStudy(whole: Study, options: PlanOptions): StudyPlan {
  const { profile } = options;
  const arms = whole.arms.filter(({ publishedOf }) => profile === "paper" || !publishedOf);
  const study = { ...whole, arms };
  const known = (name: string): boolean => DATASET_NAMES.includes(name);
  const chosen = options.datasets?.map((name) => datasetEntry(name).name);
  const names = [...new Set(chosen ?? study.datasets.filter(known))];
  const absent = study.datasets
    .filter((name) => !known(name))
    .map((dataset) => ({ dataset, why: `there is no dataset "${dataset}" here` }));
  const { seeds, publicSeeds } = SIZES[profile];
  const datasets = names.map((name) => {
    const splits = splitsOf(name, options);
    const count = splits[0] === "public" ? publicSeeds : seeds;
    const seedsOf = (_: string, k: number): number[] =>
      Array.from({ length: count }, (_, s) => k * SIZES.paper.seeds + s + 1);
    return { name, splits, seeds: study.arms.length > 0 ? splits.flatMap(seedsOf) : [] };
  });
  const trials = datasets.flatMap(({ name, splits, seeds: all }) =>
    splits.flatMap((split, k) => {
      const count = all.length / splits.length;
      const own = all.slice(k * count, (k + 1) * count);
      return trialsOf(study, { dataset: name, split }, own);
    }),
  );
  return { study, profile, datasets, absent, trials };
}

function splitsOf(dataset: string, { profile, split }: PlanOptions): string[] {
  const hasGeomGcn = datasetEntry(dataset).geomGcnFile !== undefined;
  const family = split ?? (hasGeomGcn ? "geom-gcn" : "random");
  if (family === "geom-gcn" && !hasGeomGcn) {
    throw new OptionError(`${dataset} has no geom-gcn splits; use --split random or public`);
  }
  if (family === "public") return ["public"];
  const indices = Array.from({ length: SIZES[profile].splits }, (_, k) => k);
  return indices.map((k) => (family === "random" ? `random:48/32/20:${k}` : `geom-gcn:${k}`));
}

/** The teacher of a split once, then every arm with every seed. */
function trialsOf(
  study: Study,
  place: { readonly dataset: string; readonly split: string },
  seeds: readonly number[],
): PlannedTrial[] {
  const teacher = teacherConfig({ ...place, seed: TEACHER_SEED });
  const trial = (arm: string, seed: number, config: RunConfig): PlannedTrial => ({
    ...{ id: runId(config), arm, seed, config },
    ...place,
  });
  const students = seeds.flatMap((seed) =>
    study.arms.map((arm) => trial(arm.id, seed, arm.config({ ...place, seed }, teacher))),
  );
  return [trial(TEACHER_ARM, TEACHER_SEED, teacher), ...students];
}
