// A study: what is compared on which graphs, what the paper claims of it, and its list of trials.
import { needObject } from "../base/arguments.ts";
import { OptionError } from "../base/errors.ts";
import { DATASET_NAMES, datasetEntry } from "../datasets/index.ts";
import { TEACHER_SEED, teacherConfig } from "../training/recipes.ts";
import type { RunConfig } from "../training/run.ts";
import { runId } from "../training/run-id.ts";
import type { MEASURES } from "./attention.ts";
import type { PublishedAccuracy } from "./published.ts";
import { FULL_SPLITS } from "./verdict.ts";

/** One row of a study's table. */
export interface Arm {
  /** Unique in the study: `abkd`, `abkd:literal/without-p`. */
  readonly id: string;
  readonly label: string;
  /** `control`: included because a sceptic asks for it. `rival`: a method about which the paper claims nothing. */
  readonly role: "method" | "baseline" | "control" | "rival";
  /** The arm with searched weights beside which this one, with published weights, is a column. */
  readonly publishedOf?: string;
  /** Whether the quick profile leaves it out. */
  readonly paperOnly?: boolean;
  /** The arm that this one repeats with the recipe of a later search; such an arm has no row of its own. */
  readonly searchedAgain?: string;
  /** Whether the arm exists on a dataset; by default it does on all. */
  has?(dataset: string): boolean;
  /**
   * Returns the trial's whole configuration.
   * @param teacher the teacher's configuration, on the same dataset and split
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
  /** Something holds in most trials. */
  | {
      readonly kind: "majority";
      readonly text: string;
      readonly arm: string;
      readonly measure: keyof typeof MEASURES;
    }
  /** An arm's students train: few are dead or nearly dead. */
  | {
      readonly kind: "survival";
      readonly text: string;
      readonly arm: string;
    };

export interface Study {
  readonly name: string;
  readonly title: string;
  /** Plain sentences on what is varied, what represents what, and what the paper leaves open. */
  readonly about: readonly string[];
  /** The datasets of the paper's table, in its order, whether or not they are available here. */
  readonly datasets: readonly string[];
  /** Large ones, and those whose files a user brings: planned where they are named, absent otherwise. */
  readonly onRequest?: readonly string[];
  /** Returns the teacher of a split; by default GCNII 64L-64H with its authors' recipe. null: it has none. */
  readonly teacher?:
    | ((place: { readonly dataset: string; readonly split: string }) => RunConfig)
    | null;
  readonly arms: readonly Arm[];
  /** The arm that every other is compared with. */
  readonly subject: string;
  /** Whether its question is where attention lies: its figures are maps and shares. */
  readonly showsAttention?: boolean;
  /** The option of ABKD whose values the arms vary: the figure is a curve over them. */
  readonly sweep?: "beta" | "embedding";
  /** @param dataset any dataset; on one that the paper lacks, only orderings can be claimed */
  claims(dataset: string): readonly Claim[];
}

export const PROFILES = ["quick", "paper"] as const;
/** `quick`: a first look, with few splits and seeds. `paper`: enough for a verdict. */
export type Profile = (typeof PROFILES)[number];

export const SPLIT_FAMILIES = ["geom-gcn", "public", "random"] as const;
export type SplitFamily = (typeof SPLIT_FAMILIES)[number];

/** The number of splits in the paper's protocol; as many random ones of the same sizes are added. */
const GEOM_GCN_SPLITS = 10;
/** Labelled nodes of geom-gcn's first split: train, val, test. Random ones are drawn from all labelled nodes. */
const GEOM_GCN_SIZES: Readonly<Record<string, string>> = {
  cora: "1192/796/497",
  citeseer: "1586/1061/665",
  pubmed: "9463/6310/3944",
};

/**
 * Teachers and training are the same in both profiles, which change how often, never how well.
 * `seeds` counts students per split; `paper` reuses what `quick` has trained.
 */
const SIZES: Readonly<Record<Profile, { splits: number; seeds: number; publicSeeds: number }>> = {
  quick: { splits: 2, seeds: 1, publicSeeds: 3 },
  paper: { splits: FULL_SPLITS, seeds: 2, publicSeeds: 20 },
};

export interface PlanOptions {
  readonly profile: Profile;
  /** Defaults to those of the study's datasets that are available here. */
  readonly datasets?: readonly string[];
  /** By default geom-gcn's if the dataset has them, and random ones of the same sizes; otherwise random ones. */
  readonly split?: SplitFamily;
}

/** The teacher's arm, which studies with a teacher have. */
export const TEACHER_ARM = "teacher";

/** Returns the id of an arm with the recipe of the second search, the third, ... */
export const searchArm = (arm: string, search: number): string => `${arm}#${search}`;

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
     * The students' seeds, equally many per split and none on two splits: if all splits shared them, a start that
     * suits one method would count on every split. None if the study has only teachers.
     */
    readonly seeds: readonly number[];
  }[];
  /** Those of the study's datasets that are not available here, and why. */
  readonly absent: readonly { readonly dataset: string; readonly why: string }[];
  readonly trials: readonly PlannedTrial[];
}

/**
 * Plans a study. A quick plan leaves out published weights and some controls: its study has no such arms.
 * @throws OptionError for an unknown dataset, or a split that the dataset lacks
 */
export function planStudy(whole: Study, options: PlanOptions): StudyPlan {
  needObject(whole, "planStudy: study", "a study, as returned by findStudy()", "arms", "datasets");
  needObject(options, "planStudy: options", "{ profile }", "profile");
  const { profile } = options;
  const arms = whole.arms.filter(
    ({ publishedOf, paperOnly }) => profile === "paper" || !(publishedOf || paperOnly),
  );
  const study = { ...whole, arms };
  const known = (name: string): boolean => DATASET_NAMES.includes(name);
  const chosen = options.datasets?.map((name) => datasetEntry(name).name);
  const onRequest = (name: string): boolean => study.onRequest?.includes(name) ?? false;
  const usual = study.datasets.filter((name) => known(name) && !onRequest(name));
  const names = [...new Set(chosen ?? usual)];
  const absent = study.datasets
    .filter((name) => !known(name) || (onRequest(name) && !names.includes(name)))
    .map((dataset) => ({ dataset, why: whyAbsent(dataset, known(dataset)) }));
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

function whyAbsent(dataset: string, known: boolean): string {
  return known
    ? `it is run where it is named (--datasets ${dataset}), once its files are here (abkd data list)`
    : `there is no dataset "${dataset}" here`;
}

function splitsOf(dataset: string, { profile, split }: PlanOptions): string[] {
  const hasGeomGcn = datasetEntry(dataset).geomGcnFile !== undefined;
  if (split === "geom-gcn" && !hasGeomGcn) {
    throw new OptionError(`${dataset} has no geom-gcn splits; use --split random or public`);
  }
  if (split === "public") return ["public"];
  const count = SIZES[profile].splits;
  const names = (length: number, prefix: string): string[] =>
    Array.from({ length }, (_, k) => `${prefix}:${k}`);
  if (split === "random" || !hasGeomGcn) return names(count, "random:48/32/20");
  const geomGcn = names(Math.min(count, GEOM_GCN_SPLITS), "geom-gcn");
  if (split === "geom-gcn") return geomGcn;
  return [...geomGcn, ...names(count - geomGcn.length, randomFamily(dataset))];
}

/** Returns the random splits with geom-gcn's sizes, or with its shares: `random:1192/796/497`. */
export function randomFamily(dataset: string): string {
  return `random:${GEOM_GCN_SIZES[datasetEntry(dataset).name] ?? "48/32/20"}`;
}

/** Lists the teacher of a split once, then every arm with every seed. */
function trialsOf(
  study: Study,
  place: { readonly dataset: string; readonly split: string },
  seeds: readonly number[],
): PlannedTrial[] {
  // Arms of a study without a teacher have methods that need none.
  const teacher = study.teacher?.(place) ?? teacherConfig({ ...place, seed: TEACHER_SEED });
  const trial = (arm: string, seed: number, config: RunConfig): PlannedTrial => ({
    id: runId(config),
    arm,
    seed,
    config,
    ...place,
  });
  const arms = study.arms.filter((arm) => arm.has?.(place.dataset) ?? true);
  const students = seeds.flatMap((seed) =>
    arms.map((arm) => trial(arm.id, seed, arm.config({ ...place, seed }, teacher))),
  );
  return study.teacher === null
    ? students
    : [trial(TEACHER_ARM, TEACHER_SEED, teacher), ...students];
}
