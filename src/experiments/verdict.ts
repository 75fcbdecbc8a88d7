// The rule by which claims are decided, fixed before there were results.
import type { PublishedAccuracy } from "./published.ts";
import type { PairedTest } from "./statistics.ts";

/**
 * `undecided`: tested, and the rule says neither. `not testable`: data or methods are missing here.
 * `none`: not enough was run for a verdict (a quick profile, trials missing).
 */
export type Outcome = "reproduced" | "refuted" | "undecided" | "not testable" | "none";

export interface Verdict {
  readonly outcome: Outcome;
  /** In a few words. */
  readonly why: string;
}

/** Below it a difference is no accident. */
export const SIGNIFICANCE = 0.05;

export const RULE =
  "An ordering is reproduced when the paired difference has the claimed sign with Holm's p < " +
  `${SIGNIFICANCE}, and refuted when it has the other sign with p < ${SIGNIFICANCE}. A value is ` +
  "reproduced when the paper's mean lies within our 95 % interval widened by the paper's standard " +
  "deviation. A mean that should lie in a range is reproduced when ours does, and refuted when our " +
  "95 % interval lies outside. What should hold in most trials is reproduced when the 95 % interval of its share " +
  "lies above a half, and refuted when it lies below. All else is undecided. There is no verdict " +
  "from a quick profile, while trials are missing, or where some diverged. Unit of all tests: the mean over seeds on a " +
  "split where there are five splits or more (one teacher and one test set a split), else the trial. " +
  "Holm's correction is over all comparisons of one study on one dataset.";

const points = (x: number): string => `${Math.abs(100 * x).toFixed(2)} points`;

/** @param p corrected; a difference above 0 has the claimed sign */
export function orderingVerdict(test: PairedTest, p: number): Verdict {
  const shown = p < 0.001 ? "p < .001" : `p = ${p.toFixed(3)}`;
  const { difference } = test;
  const way = difference >= 0 ? "above" : "below";
  const why = `${points(difference)} ${way}, Holm's ${shown}`;
  if (p >= SIGNIFICANCE) return { outcome: "undecided", why };
  return { outcome: difference > 0 ? "reproduced" : "refuted", why };
}

/** @param interval ours, as fractions */
export function valueVerdict(
  interval: readonly [number, number],
  { mean, deviation = 0 }: PublishedAccuracy,
): Verdict {
  const low = interval[0] - deviation / 100;
  const high = interval[1] + deviation / 100;
  const paper = mean / 100;
  const range = `${(100 * low).toFixed(2)} to ${(100 * high).toFixed(2)}`;
  if (paper >= low && paper <= high) {
    return { outcome: "reproduced", why: `${mean.toFixed(2)} lies within ${range}` };
  }
  const gap = paper < low ? `${points(low - paper)} below` : `${points(paper - high)} above`;
  return { outcome: "undecided", why: `${mean.toFixed(2)} lies ${gap} ${range}` };
}

/** @param mean, interval ours, as fractions; low and high in percent */
export function rangeVerdict(
  mean: number,
  interval: readonly [number, number],
  { low, high }: { readonly low: number; readonly high: number },
): Verdict {
  const range = `${low.toFixed(2)} to ${high.toFixed(2)}`;
  const ours = (100 * mean).toFixed(2);
  if (100 * mean >= low && 100 * mean <= high) {
    return { outcome: "reproduced", why: `${ours} lies within ${range}` };
  }
  const outside = 100 * interval[1] < low || 100 * interval[0] > high;
  return { outcome: outside ? "refuted" : "undecided", why: `${ours} lies outside ${range}` };
}

/** @param interval of the share of trials in which it holds */
export function majorityVerdict(share: number, interval: readonly [number, number]): Verdict {
  const percent = (x: number): string => (100 * x).toFixed(0);
  const why = `in ${percent(share)} % of trials (${percent(interval[0])} to ${percent(interval[1])})`;
  if (interval[0] > 0.5) return { outcome: "reproduced", why };
  return { outcome: interval[1] < 0.5 ? "refuted" : "undecided", why };
}
