// The rule by which claims are decided. Fixed on 2026-11-29, before the runs that it judges: docs/studies.md.
import {
  splitsForEquivalence,
  splitsForOrdering,
  splitsForValue,
  trialsForShare,
} from "./power.ts";
import type { PublishedAccuracy } from "./published.ts";
import {
  differenceInterval,
  equivalenceP,
  type Interval,
  mean,
  meanInterval,
  PAPER_TRIALS,
  type PairedTest,
  shareInterval,
  standardDeviation,
} from "./statistics.ts";

/**
 * `reproduced`: the claim holds. `differs`: what was found contradicts it. `equivalent`: two arms are
 * alike within a margin. `undecided`: tested, and the rule says none of these. `not testable`: no
 * number of splits would tell. `none`: not enough was run (a quick profile, trials missing).
 */
export type Outcome =
  | "reproduced"
  | "differs"
  | "equivalent"
  | "undecided"
  | "not testable"
  | "none";

export interface Verdict {
  readonly outcome: Outcome;
  /** In one sentence or less. */
  readonly why: string;
  /** Whole splits it rests on, where those are fewer than the rule asks for. */
  readonly splits?: number;
  /** Of an arm most of whose students died: what it differs from says nothing of the method alive. */
  readonly floor?: true;
  /** Searches whose recipes it rests on, for a headline claim that rests on fewer than SEARCHES. */
  readonly searches?: number;
}

/** Searches for recipes that a headline claim should rest on; all else rests on the first. */
export const SEARCHES = 5;

/** Of an ordering, over the claims of its family. */
export const SIGNIFICANCE = 0.05;
/** Of controls: alike within so many points, the narrower first. */
export const MARGINS = [0.5, 1] as const;
/** Points: a value's interval that is wider says too little to call the paper's number compatible. */
export const VALUE_HALF_WIDTH = 2;
/** Splits that a verdict should rest on, and fewer that it may rest on if it says so. */
export const FULL_SPLITS = 20;
export const LEAST_SPLITS = 10;
/** A student that reaches less of its teacher's test accuracy on its split is nearly dead. */
export const NEARLY_DEAD = 2 / 3;
/** Had students died at this rate, the paper's five would all have lived once in twenty times. */
export const DEATH_RATE = 1 - 0.05 ** (1 / PAPER_TRIALS);

export const RULE = [
  "Estimand: random splits of this graph. The unit is a split's mean over its students, dead ones included; " +
    `a verdict rests on ${FULL_SPLITS} splits, or says on how many, at least ${LEAST_SPLITS}.`,
  "An ordering is tested by the exact sign-flip permutation test of the splits' differences, two-sided, " +
    `with Holm's correction over the orderings claimed for that study and graph. Below p = ${SIGNIFICANCE} it is ` +
    "reproduced where it has the claimed sign, and differs where it has the other. Controls, and rivals of " +
    "which the paper claims nothing, are families of their own.",
  "A value is reproduced (compatible) when the 95 % interval of our mean less the paper's contains 0 and is at " +
    `most ${VALUE_HALF_WIDTH} points wide to either side; it differs when the interval excludes 0. The paper's ` +
    "standard error is its deviation over the square root of its five trials, 0 where it prints none.",
  `Searching is part of a method. Headline claims are tested with the recipes of the first of ${SEARCHES} searches; ` +
    `the 95 % interval over the recipes of all ${SEARCHES} stands beside them, and where it is not above 0 nothing is ` +
    "reproduced. All else rests on one search, and so does a headline claim that says so.",
  `Two arms are equivalent when two one-sided t-tests reject a difference of ${MARGINS.join(" or ")} points.`,
  `Dead or nearly dead (under ${Math.round(100 * NEARLY_DEAD)} % of its teacher's accuracy) students are a claim ` +
    `of their own: five living ones in the paper speak against a rate above ${Math.round(100 * DEATH_RATE)} %. ` +
    "Where most students of an arm died, what is claimed of its order is not testable.",
  "All else is undecided, with the number of splits that would decide it in four studies of five, were the " +
    "truth what was measured. There is no verdict from a quick profile.",
  "Simulated on these differences (docs/studies.md) the test keeps its size. Of 100 intervals of 95 %, 76 to 92 hold " +
    "the truth where no student dies, and 94 to 95 where three in ten do; where one in twenty does, 94 to 95 of a " +
    "difference's and 64 to 87 of a mean's.",
] as const;

const points = (fraction: number): string => `${Math.abs(100 * fraction).toFixed(2)} points`;
const shown = (p: number): string => (p < 0.001 ? "p < .001" : `p = ${p.toFixed(3)}`);

/** `; 36 splits would decide` */
function wouldDecide(n: number | undefined, what = "splits"): string {
  return n === undefined ? `; over 1,000 ${what} would be needed` : `; ${n} ${what} would decide`;
}

/**
 * @param differences one a unit, above 0 where the claimed order holds
 * @param p Holm's
 * @param family claims that were tested together
 */
export function orderingVerdict(
  differences: readonly number[],
  { difference, wins, n }: PairedTest,
  { p, family }: { readonly p: number; readonly family: number },
): Verdict {
  const way = difference >= 0 ? "above" : "below";
  const why = `${points(difference)} ${way}, ${wins} of ${n} won, Holm's ${shown(p)}`;
  if (p < SIGNIFICANCE) return { outcome: difference > 0 ? "reproduced" : "differs", why };
  const needed = splitsForOrdering(differences, SIGNIFICANCE / family);
  return { outcome: "undecided", why: why + wouldDecide(needed) };
}

/**
 * Of a control: the subject is another's equal, better or worse.
 * @param differences one a unit, subject less control
 */
export function controlVerdict(
  differences: readonly number[],
  { difference, interval, n, wins }: PairedTest,
  p: number,
): Verdict {
  const range = `${(100 * interval[0]).toFixed(2)} to ${(100 * interval[1]).toFixed(2)}`;
  const margin = MARGINS.find((one) => equivalenceP(differences, one / 100) < SIGNIFICANCE);
  const way = difference >= 0 ? "above" : "below";
  const why = `${points(difference)} ${way} (${range}), ${wins} of ${n} won, Holm's ${shown(p)}`;
  if (margin !== undefined) {
    return {
      outcome: "equivalent",
      why: `${why}; within ${margin} points by both one-sided tests`,
    };
  }
  if (p < SIGNIFICANCE) return { outcome: "differs", why };
  const needed = splitsForEquivalence(differences, MARGINS.at(-1)! / 100);
  return { outcome: "undecided", why: why + wouldDecide(needed) };
}

/**
 * The luck of searching: an order that the recipes of other searches do not keep is not reproduced.
 * @param differences the mean difference with the recipes of each search, the first's first
 */
export function withSelection(verdict: Verdict, differences: readonly number[]): Verdict {
  const searches = differences.length;
  const interval = searches < SEARCHES ? undefined : meanInterval(differences);
  if (!interval) return { ...verdict, searches };
  const [low, high] = interval;
  const why = `${verdict.why}; over ${searches} searches ${(100 * low).toFixed(2)} to ${(100 * high).toFixed(2)}`;
  if (verdict.outcome !== "reproduced" || low > 0) return { ...verdict, why };
  return { ...verdict, outcome: "undecided", why: `${why}, which is not above 0` };
}

/** @param values ours as fractions, one a unit, at least two */
export function valueVerdict(values: readonly number[], paper: PublishedAccuracy): Verdict {
  const [low, high] = differenceInterval(values, paper)!;
  const difference = (low + high) / 2;
  const half = (high - low) / 2;
  const way = difference >= 0 ? "above" : "below";
  const exact = paper.deviation === undefined ? ", taken as exact: no deviation printed" : "";
  const why = `${Math.abs(difference).toFixed(2)} ± ${half.toFixed(2)} points ${way} the paper's${exact}`;
  if (low > 0 || high < 0) return { outcome: "differs", why };
  if (half <= VALUE_HALF_WIDTH) return { outcome: "reproduced", why };
  const deviations = { ours: 100 * standardDeviation(values), paper: paper.deviation ?? 0 };
  const needed = splitsForValue(difference, deviations, VALUE_HALF_WIDTH);
  return { outcome: "undecided", why: why + wouldDecide(needed) };
}

/** @param interval of our mean, as fractions; low and high in percent */
export function rangeVerdict(
  values: readonly number[],
  interval: Interval,
  { low, high }: { readonly low: number; readonly high: number },
): Verdict {
  const range = `${low.toFixed(2)} to ${high.toFixed(2)}`;
  const ours = 100 * mean([...values]);
  if (ours >= low && ours <= high) {
    return { outcome: "reproduced", why: `${ours.toFixed(2)} lies within ${range}` };
  }
  const outside = 100 * interval[1] < low || 100 * interval[0] > high;
  return {
    outcome: outside ? "differs" : "undecided",
    why: `${ours.toFixed(2)} lies outside ${range}`,
  };
}

const whole = (fraction: number): string => (100 * fraction).toFixed(0);

/** What should hold in most trials. */
export function majorityVerdict(count: number, n: number): Verdict {
  const [low, high] = shareInterval(count, n);
  const why = `in ${count} of ${n} trials (${whole(low)} to ${whole(high)} %)`;
  if (low > 0.5) return { outcome: "reproduced", why };
  if (high < 0.5) return { outcome: "differs", why };
  return { outcome: "undecided", why: why + wouldDecide(trialsForShare(count / n, 0.5), "trials") };
}

/** Students should train, as the paper's five did. */
export function survivalVerdict(lost: number, n: number): Verdict {
  const [low, high] = shareInterval(lost, n);
  const why = `${lost} of ${n} dead or nearly dead (${whole(low)} to ${whole(high)} %)`;
  if (high < DEATH_RATE) return { outcome: "reproduced", why };
  if (low > DEATH_RATE) return { outcome: "differs", why };
  const needed = trialsForShare(lost / n, DEATH_RATE);
  return { outcome: "undecided", why: why + wouldDecide(needed, "trials") };
}
