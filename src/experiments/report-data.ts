// What a study's report holds: each arm, each comparison, each claim with its verdict.
import type { PublishedAccuracy } from "./published.ts";
import type { Registration } from "./registration.ts";
import type { Arm, Claim, StudyPlan } from "./study.ts";
import type { Verdict } from "./verdict.ts";

/** One arm of a report. Accuracies are fractions; the paper's are in percent, as printed. */
export interface ArmReport {
  readonly method: string;
  readonly label: string;
  readonly role: Arm["role"];
  /** The arm beside which this one, with published weights, is a column. */
  readonly publishedOf?: string;
  /** The number of trials done; `planned` is the number planned. */
  readonly n: number;
  readonly planned: number;
  /** The test accuracy over trials; absent without trials. */
  readonly mean?: number;
  readonly std?: number;
  readonly median?: number;
  /** The middle half of the trials. */
  readonly quartiles?: readonly [number, number];
  /** The 95 % interval of the mean, by Student's t over the rule's units; absent for fewer than five. */
  readonly interval?: readonly [number, number];
  /** Mean validation accuracy over trials. */
  readonly val?: number;
  /** The mean over geom-gcn's splits alone, the paper's protocol, where there are others. */
  readonly geomGcn?: number;
  /** The number of trials whose model predicts one class for every node. */
  readonly dead: number;
  /** The number of trials that are alive but far below their teacher (NEARLY_DEAD in the rule). */
  readonly nearlyDead: number;
  /** The number of trials whose loss became non-finite; `n` leaves them out. */
  readonly diverged: number;
  /** An earlier arm with exactly the same configurations: the two count as one. */
  readonly sameAs?: string;
  readonly paper?: PublishedAccuracy;
  /** Our mean minus the paper's, in points. */
  readonly difference?: number;
  /** The verdict on the paper's value, if it prints one. */
  readonly verdict?: Verdict;
  /** For each student layer, the number of trials in which it has the largest share of learned attention. */
  readonly attended?: readonly number[];
  readonly trials: readonly string[];
  /** Each trial's test accuracy, in the order of `trials`. */
  readonly tests: readonly number[];
  /** Each trial's shares of learned attention by student layer. */
  readonly shares?: readonly (readonly number[])[];
}

/** Whether an arm has a row of its own: not if it equals another, or has published weights, which are a column. */
export function hasOwnRow({ publishedOf, sameAs }: ArmReport): boolean {
  return publishedOf === undefined && sameAs === undefined;
}

/** Whether most trials died or diverged: the mean then says little, and would squeeze the others in a figure. */
export function mostDied({ n, dead, nearlyDead, diverged }: ArmReport): boolean {
  return dead + nearlyDead + diverged > (n + diverged) / 2;
}

/** One arm against another, paired by unit. */
export interface Comparison {
  readonly one: string;
  readonly other: string;
  /** What it is corrected with: the paper's claims, controls, or rivals about which the paper claims nothing. */
  readonly family: "claim" | "control" | "rival";
  readonly n: number;
  /** The mean paired difference in test accuracy, one minus the other; a fraction. */
  readonly difference: number;
  readonly interval: readonly [number, number];
  readonly p: number;
  readonly holm: number;
  /** Nadeau and Bengio's p for new graphs; no verdict depends on it. */
  readonly newGraphs: number;
  readonly effect?: number;
  readonly wins: number;
  readonly verdict: Verdict;
}

export interface ClaimReport {
  readonly text: string;
  readonly kind: Claim["kind"];
  /** The arms that the claim is about; absent if nothing is trained. */
  readonly arms?: readonly string[];
  /** As text: `84.27 ± 1.48`, `+10.05 points`; absent if the paper prints no number. */
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
  /** The students' seeds; none if the study has only teachers. */
  readonly seeds: readonly number[];
  /** `split` if tests are over splits' means, else `trial`. */
  readonly unit: "split" | "trial";
  readonly arms: readonly ArmReport[];
  readonly comparisons: readonly Comparison[];
  readonly claims: readonly ClaimReport[];
  /** In the plan's order. */
  readonly trials: readonly TrialRow[];
  /** What a reader must know: mixed engines or data, warnings from trials. */
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
  /** The number of distinct trials whose loss became non-finite. */
  readonly diverged: number;
  readonly datasets: readonly DatasetReport[];
  /** The claims about datasets that are not available here. */
  readonly absent: readonly { readonly dataset: string; readonly claims: readonly ClaimReport[] }[];
  /** One sentence per damaged record. */
  readonly problems: readonly string[];
}
