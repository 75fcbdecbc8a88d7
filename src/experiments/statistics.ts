// The statistics of reports: intervals, the exact sign-flip test, equivalence, Holm's correction.
import jstat from "jstat";
import { mean, sampleStandardDeviation } from "simple-statistics";
import { randomStream } from "../graph/random.ts";
import type { PublishedAccuracy } from "./published.ts";

export { mean };

/** A 95 % interval. */
export type Interval = readonly [low: number, high: number];

const QUANTILE = 0.975;

/** Cached quantiles of Student's t by degrees of freedom: a simulation asks for the same one a million times. */
const quantiles = new Map<number, number>();

function studentQuantile(degrees: number): number {
  const known = quantiles.get(degrees) ?? jstat.studentt.inv(QUANTILE, degrees);
  quantiles.set(degrees, known);
  return known;
}

/** The standard deviation with n - 1 in the denominator; 0 for a single value. */
export function standardDeviation(xs: readonly number[]): number {
  return xs.length < 2 ? 0 : sampleStandardDeviation(xs);
}

/** The standard error of the mean. */
export function standardError(xs: readonly number[]): number {
  return standardDeviation(xs) / Math.sqrt(xs.length);
}

/**
 * Returns Student's 95 % interval of the mean.
 * @returns undefined for fewer than two values
 */
export function meanInterval(xs: readonly number[]): Interval | undefined {
  if (xs.length < 2) return undefined;
  const half = studentQuantile(xs.length - 1) * standardError(xs);
  const centre = mean(xs);
  return [centre - half, centre + half];
}

/** Returns Clopper and Pearson's exact 95 % interval of a share, `count` of `n`. */
export function shareInterval(count: number, n: number): Interval {
  return [
    count === 0 ? 0 : jstat.beta.inv(1 - QUANTILE, count, n - count + 1),
    count === n ? 1 : jstat.beta.inv(QUANTILE, count + 1, n - count),
  ];
}

/** The number of trials behind each of the paper's means. */
export const PAPER_TRIALS = 5;

/**
 * Returns Welch's 95 % interval of our mean minus the paper's, in points. The paper's standard error is its
 * deviation over the square root of five trials, or 0 if it prints none.
 * @param xs fractions, one per unit
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

/** Returns half of that interval's width for `n` units with standard deviation `ours`. */
export function welchHalfWidth(ours: number, n: number, theirs: number): number {
  const [a, b] = [ours ** 2 / n, theirs ** 2 / PAPER_TRIALS];
  if (a + b === 0) return 0;
  const degrees = (a + b) ** 2 / (a ** 2 / (n - 1) + b ** 2 / (PAPER_TRIALS - 1));
  return jstat.studentt.inv(QUANTILE, degrees) * Math.sqrt(a + b);
}

/** The test is exact for up to this many pairs: each half of them has 2^15 signed sums. */
const EXACT_PAIRS = 30;
/** How many choices of signs are drawn for more pairs. */
const DRAWN_SIGNS = 100_000;

/**
 * Returns p of the two-sided sign-flip permutation test of the mean: the share of all 2^n choices of signs whose
 * sum is at least as far from 0. Its null is that the arms are exchangeable. It is exact for up to 30 pairs, by
 * the sums of each half (Horowitz and Sahni 1974); for more it uses 100,000 seeded draws.
 */
export function signFlipP(differences: readonly number[]): number {
  const n = differences.length;
  const total = differences.reduce((sum, x) => sum + Math.abs(x), 0);
  const observed = Math.abs(differences.reduce((sum, x) => sum + x, 0));
  // Sums that differ only by rounding count as equal.
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

/** Returns the share of drawn choices of signs that are as far from 0, with the observed one among them. */
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

/** Returns the sums under all choices of signs. */
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

/** A test of two arms, paired by unit. */
export interface PairedTest {
  /** The number of pairs. */
  readonly n: number;
  /** The mean difference, in the values' unit. */
  readonly difference: number;
  /** Student's 95 % interval of the difference. */
  readonly interval: Interval;
  /** p of the sign-flip test, not corrected for other tests. */
  readonly p: number;
  /** Cohen's d_z: the mean difference over its standard deviation; absent where that is 0. */
  readonly effect?: number;
  /** The number of pairs with a difference above 0. */
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
 * Returns p of Nadeau and Bengio's (2003) two-sided corrected resampled t-test: would the order hold on new
 * graphs of this kind? Splits of one graph share their nodes, so the variance is enlarged.
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
 * Tests equivalence by two one-sided t-tests (Schuirmann 1987).
 * @param margin in the unit of the values
 * @returns p of the null that the mean difference is at least the margin away from 0
 */
export function equivalenceP(differences: readonly number[], margin: number): number {
  const distance = margin - Math.abs(mean(differences));
  const error = standardError(differences);
  if (error === 0) return distance > 0 ? 0 : 1;
  return jstat.studentt.cdf(-distance / error, differences.length - 1);
}

/** Applies Holm's (1979) step-down correction: returns adjusted p-values in the order given. */
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
