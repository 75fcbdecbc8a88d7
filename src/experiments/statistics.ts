// The statistics of reports: intervals, the exact sign-flip test, equivalence, Holm's correction.
import jstat from "jstat";
import { mean, sampleStandardDeviation } from "simple-statistics";
import { randomStream } from "../graph/random.ts";
import type { PublishedAccuracy } from "./published.ts";

export { mean };

/** An interval of 95 %. */
export type Interval = readonly [low: number, high: number];

const QUANTILE = 0.975;

/** Student's quantile by degrees of freedom: a simulation asks for the same one a million times. */
const quantiles = new Map<number, number>();

function studentQuantile(degrees: number): number {
  const known = quantiles.get(degrees) ?? jstat.studentt.inv(QUANTILE, degrees);
  quantiles.set(degrees, known);
  return known;
}

/** With n - 1 in the denominator; 0 for a single value. */
export function standardDeviation(xs: readonly number[]): number {
  return xs.length < 2 ? 0 : sampleStandardDeviation(xs);
}

/** The standard error of the mean. */
export function standardError(xs: readonly number[]): number {
  return standardDeviation(xs) / Math.sqrt(xs.length);
}

/**
 * Student's 95 % interval of the mean.
 * @returns undefined for fewer than two values
 */
export function meanInterval(xs: readonly number[]): Interval | undefined {
  if (xs.length < 2) return undefined;
  const half = studentQuantile(xs.length - 1) * standardError(xs);
  const centre = mean(xs);
  return [centre - half, centre + half];
}

/** Clopper and Pearson's exact 95 % interval of a share, `count` of `n`. */
export function shareInterval(count: number, n: number): Interval {
  return [
    count === 0 ? 0 : jstat.beta.inv(1 - QUANTILE, count, n - count + 1),
    count === n ? 1 : jstat.beta.inv(QUANTILE, count + 1, n - count),
  ];
}

/** Trials behind each of the paper's means. */
export const PAPER_TRIALS = 5;

/**
 * Welch's 95 % interval of our mean less the paper's, in points; the paper's standard error is its
 * deviation over the square root of five trials, and 0 where it prints none.
 * @param xs fractions, one a unit
 * @returns undefined for fewer than two values
 */
export function differenceInterval(
  xs: readonly number[],
  { mean: paper, deviation = 0 }: PublishedAccuracy,
): Interval | undefined {
  if (xs.length < 2) return undefined;
  const difference = 100 * mean(xs) - paper;
  const half = welchHalfWidth(100 * standardDeviation(xs), xs.length, deviation);
  return [difference - half, difference + half];
}

/** Half of that interval's width: for `n` units of standard deviation `ours`. */
export function welchHalfWidth(ours: number, n: number, theirs: number): number {
  const [a, b] = [ours ** 2 / n, theirs ** 2 / PAPER_TRIALS];
  if (a + b === 0) return 0;
  const degrees = (a + b) ** 2 / (a ** 2 / (n - 1) + b ** 2 / (PAPER_TRIALS - 1));
  return jstat.studentt.inv(QUANTILE, degrees) * Math.sqrt(a + b);
}

/** Pairs up to which the test is exact: 2^15 sums of signs for each half of them. */
const EXACT_PAIRS = 30;
/** Choices of signs that are drawn for more. */
const DRAWN_SIGNS = 100_000;

/**
 * The sign-flip permutation test of the mean, two-sided: the share of all 2^n choices of signs whose
 * sum is at least as far from 0. Its null is that the arms are exchangeable. Exact up to 30 pairs,
 * counted from the sums of either half (Horowitz and Sahni 1974); beyond, from 100,000 seeded draws.
 */
export function signFlipP(differences: readonly number[]): number {
  const n = differences.length;
  const total = differences.reduce((sum, x) => sum + Math.abs(x), 0);
  const observed = Math.abs(differences.reduce((sum, x) => sum + x, 0));
  // Sums that are equal but for their rounding count as equal.
  const threshold = observed - 1e-9 * total;
  if (threshold <= 0) return 1;
  if (n > EXACT_PAIRS) return drawnP(differences, threshold);
  const half = n >> 1;
  const left = signedSums(differences.slice(0, half)).sort();
  const right = signedSums(differences.slice(half)).sort();
  let count = 0;
  let above = left.length;
  for (const sum of right) {
    // The larger this half's sum, the smaller the other's may be.
    while (above > 0 && left[above - 1]! + sum >= threshold) above--;
    count += left.length - above;
  }
  return (2 * count) / 2 ** n;
}

/** The share of drawn choices that are as far; the one that was observed is among them. */
function drawnP(differences: readonly number[], threshold: number): number {
  const random = randomStream(1);
  let count = 1;
  for (let k = 0; k < DRAWN_SIGNS; k++) {
    let sum = 0;
    for (const x of differences) sum += random.integer() & 1 ? x : -x;
    if (Math.abs(sum) >= threshold) count++;
  }
  return count / (DRAWN_SIGNS + 1);
}

/** The sums under all choices of signs. */
function signedSums(xs: readonly number[]): Float64Array {
  let sums = Float64Array.of(0);
  for (const x of xs) {
    const next = new Float64Array(2 * sums.length);
    sums.forEach((sum, k) => {
      next[2 * k] = sum + x;
      next[2 * k + 1] = sum - x;
    });
    sums = next;
  }
  return sums;
}

/** Two arms, paired by unit. */
export interface PairedTest {
  /** Pairs. */
  readonly n: number;
  /** The mean difference, in the values' unit. */
  readonly difference: number;
  /** Student's 95 % interval of it. */
  readonly interval: Interval;
  /** Of the sign-flip test, not corrected for other tests. */
  readonly p: number;
  /** Cohen's d_z: the mean difference over its standard deviation; absent where that is 0. */
  readonly effect?: number;
  /** Pairs with a difference above 0. */
  readonly wins: number;
}

/** @returns undefined for fewer than two pairs */
export function pairedTest(differences: readonly number[]): PairedTest | undefined {
  const interval = meanInterval(differences);
  if (!interval) return undefined;
  const difference = mean(differences);
  const deviation = standardDeviation(differences);
  return {
    n: differences.length,
    difference,
    interval,
    p: signFlipP(differences),
    ...(deviation > 0 && { effect: difference / deviation }),
    wins: differences.filter((x) => x > 0).length,
  };
}

/**
 * Nadeau and Bengio's (2003) corrected resampled t-test, two-sided: would the order hold on new
 * graphs of this kind? Splits of one graph share their nodes, so the variance is made larger.
 * @param ratio test nodes over train nodes
 */
export function nadeauBengioP(differences: readonly number[], ratio: number): number {
  const n = differences.length;
  const error = standardDeviation(differences) * Math.sqrt(1 / n + ratio);
  const difference = mean(differences);
  if (error === 0) return difference === 0 ? 1 : 0;
  return 2 * jstat.studentt.cdf(-Math.abs(difference / error), n - 1);
}

/**
 * Two one-sided t-tests (Schuirmann 1987).
 * @param margin in the values' unit
 * @returns p of the null that the mean difference is at least the margin away from 0
 */
export function equivalenceP(differences: readonly number[], margin: number): number {
  const distance = margin - Math.abs(mean(differences));
  const error = standardError(differences);
  if (error === 0) return distance > 0 ? 0 : 1;
  return jstat.studentt.cdf(-distance / error, differences.length - 1);
}

/** Holm's (1979) step-down correction: adjusted p-values in the order given. */
export function holm(ps: readonly number[]): number[] {
  const adjusted = ps.map(() => 1);
  let least = 0;
  ps.map((p, index) => ({ p, index }))
    .sort((a, b) => a.p - b.p)
    .forEach(({ p, index }, rank) => {
      least = Math.max(least, Math.min(1, p * (ps.length - rank)));
      adjusted[index] = least;
    });
  return adjusted;
}
