// The statistics of reports: spread, bootstrap intervals, paired tests, Holm's correction.
import jstat from "jstat";
import { mean, quantileSorted, sampleStandardDeviation } from "simple-statistics";
import { randomStream } from "../graph/random.ts";

export { mean };

/** With n - 1 in the denominator; 0 for a single value. */
export function standardDeviation(xs: readonly number[]): number {
  return xs.length < 2 ? 0 : sampleStandardDeviation([...xs]);
}

/** Student's t of paired differences against 0. */
export function pairedT(differences: readonly number[]): number {
  return (mean([...differences]) / standardDeviation(differences)) * Math.sqrt(differences.length);
}

/** Drawn for each interval. */
const BOOTSTRAP_SAMPLES = 10_000;

/**
 * The percentile bootstrap's 95 % interval of the mean; the same for the same values and seed.
 * @returns undefined for fewer than two values: nothing can be resampled
 */
export function meanInterval(
  xs: readonly number[],
  seed = 1,
): readonly [low: number, high: number] | undefined {
  if (xs.length < 2) return undefined;
  const random = randomStream(seed);
  const means = Float64Array.from({ length: BOOTSTRAP_SAMPLES }, () => {
    let sum = 0;
    for (let k = 0; k < xs.length; k++) sum += xs[random.below(xs.length)]!;
    return sum / xs.length;
  }).sort();
  const at = (p: number): number => quantileSorted(means as unknown as number[], p);
  return [at(0.025), at(0.975)];
}

/** A paired t-test, two-sided. */
export interface PairedTest {
  /** Pairs. */
  readonly n: number;
  /** The mean difference, in the values' unit. */
  readonly difference: number;
  /** The bootstrap's 95 % interval of it. */
  readonly interval: readonly [low: number, high: number];
  /** Not corrected for other tests. */
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
  const n = differences.length;
  const difference = mean([...differences]);
  const deviation = standardDeviation(differences);
  const wins = differences.filter((x) => x > 0).length;
  // Differences that are all equal leave t nothing to divide by: the sign test's p stands in.
  if (deviation === 0) {
    return { n, difference, interval, p: difference === 0 ? 1 : 2 ** (1 - n), wins };
  }
  const p = 2 * jstat.studentt.cdf(-Math.abs(pairedT(differences)), n - 1);
  return { n, difference, interval, p, effect: difference / deviation, wins };
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
