// What a study's report holds: each arm, each comparison, each claim with its verdict.
import type { PublishedAccuracy } from "./published.ts";
import type { Registration } from "./registration.ts";
import type { Arm, Claim, StudyPlan } from "./study.ts";
import type { Verdict } from "./verdict.ts";

/** Accuracies are fractions, the paper's are in percent as printed. */
export interface ArmReport {
  readonly method: string;
  readonly label: string;
  readonly role: Arm["role"];
  /** The arm beside which this one stands as a column: its published weights. */
  readonly publishedOf?: string;
  /** Trials done, and planned. */
  readonly n: number;
  readonly planned: number;
  /** Of the test accuracy over trials; absent without trials. */
  readonly mean?: number;
  readonly std?: number;
  readonly median?: number;
  /** The middle half of the trials. */
  readonly quartiles?: readonly [number, number];
  /** 95 %, of the mean, by Student's t over the units that the rule names; absent for fewer than five. */
  readonly interval?: readonly [number, number];
  /** Mean validation accuracy over trials. */
  readonly val?: number;
  /** The mean over geom-gcn's splits alone, the paper's protocol, where there are others. */
  readonly geomGcn?: number;
  /** Trials whose model predicts one class for every node. */
  readonly dead: number;
  /** Living ones far below their teacher (NEARLY_DEAD of the rule). */
  readonly nearlyDead: number;
  /** Trials whose loss became non-finite; they are not among the n. */
  readonly diverged: number;
  /** An earlier arm with the very same configurations: the two are one arm. */
  readonly sameAs?: string;
  readonly paper?: PublishedAccuracy;
  /** Ours less the paper's, in points. */
  readonly difference?: number;
  /** Of the paper's value, where it prints one. */
  readonly verdict?: Verdict;
  /** Trials in which each student layer has the largest share of learned attention. */
  readonly attended?: readonly number[];
  readonly trials: readonly string[];
  /** Each trial's test accuracy, in the order of `trials`. */
  readonly tests: readonly number[];
  /** Each trial's shares of learned attention by student layer. */
  readonly shares?: readonly (readonly number[])[];
}

/** Neither another arm under a second name, nor published weights, which are a column beside another arm. */
export function hasOwnRow({ publishedOf, sameAs }: ArmReport): boolean {
  return publishedOf === undefined && sameAs === undefined;
}

/** Most of its trials died or diverged: its mean says little, and would squeeze others in a figure. */
export function mostDied({ n, dead, nearlyDead, diverged }: ArmReport): boolean {
  return dead + nearlyDead + diverged > (n + diverged) / 2;
}

/** One arm against another, paired by unit. */
export interface Comparison {
  readonly one: string;
  readonly other: string;
  /** What it is corrected with: the paper's claims, controls, or rivals that it claims nothing of. */
  readonly family: "claim" | "control" | "rival";
  readonly n: number;
  /** The mean paired difference in test accuracy, one less the other; a fraction. */
  readonly difference: number;
  readonly interval: readonly [number, number];
  readonly p: number;
  readonly holm: number;
  /** Nadeau and Bengio's p for new graphs; it decides nothing. */
  readonly newGraphs: number;
  readonly effect?: number;
  readonly wins: number;
  readonly verdict: Verdict;
}

export interface ClaimReport {
  readonly text: string;
  readonly kind: Claim["kind"];
  /** The arms that it is about; absent where nothing is trained. */
  readonly arms?: readonly string[];
  /** In words: `84.27 ± 1.48`, `+10.05 points`; absent where the paper prints no number. */
  readonly paper?: string;
  readonly ours?: string;
  readonly verdict: Verdict;
}

/** A trial that was run. Accuracies are fractions; a trial that diverged has none, and no epochs. */
export interface TrialRow {
  readonly id: string;
  readonly arm: string;
  readonly split: string;
  readonly seed: number;
  /** `dead`: its model predicts one class for every node. */
  readonly state: "alive" | "dead" | "diverged";
  readonly val?: number;
  readonly test?: number;
  readonly bestEpoch?: number;
  readonly epochs?: number;
}

export interface DatasetReport {
  readonly dataset: string;
  readonly splits: readonly string[];
  /** Of students; none where the study has teachers alone. */
  readonly seeds: readonly number[];
  /** `split` where tests are over splits' means, else `trial`. */
  readonly unit: "split" | "trial";
  readonly arms: readonly ArmReport[];
  readonly comparisons: readonly Comparison[];
  readonly claims: readonly ClaimReport[];
  /** In the plan's order. */
  readonly trials: readonly TrialRow[];
  /** What a reader must know: mixed engines or data, warnings of trials. */
  readonly notes: readonly string[];
}

export interface StudyReport {
  readonly study: string;
  readonly title: string;
  readonly about: readonly string[];
  /** Paragraphs. */
  readonly rule: readonly string[];
  readonly registration: Registration;
  readonly profile: StudyPlan["profile"];
  readonly done: number;
  readonly planned: number;
  /** Different trials whose loss became non-finite. */
  readonly diverged: number;
  readonly datasets: readonly DatasetReport[];
  /** The claims about datasets that are not here. */
  readonly absent: readonly { readonly dataset: string; readonly claims: readonly ClaimReport[] }[];
  /** Records that are damaged, each in a sentence. */
  readonly problems: readonly string[];
}
