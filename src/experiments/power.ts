// How many splits would decide an undecided claim, if the truth were what was measured.
import jstat from "jstat";
import { mean, shareInterval, standardDeviation, welchHalfWidth } from "./statistics.ts";

/** The power that is asked for, 80 %, as a normal quantile. */
const POWER_QUANTILE = 0.8416;
/** A study with more splits or trials is not worth planning. */
const MOST = 1000;

/** Returns the smallest n from `from` on that is enough; undefined if none up to 1,000 is. */
function least(from: number, enough: (n: number) => boolean): number | undefined {
  for (let n = from; n <= MOST; n++) if (enough(n)) return n;
  return undefined;
}

/**
 * Returns the number of splits with which the sign-flip test finds this difference in four studies of five.
 * @param level the test's: 0.05 divided by the number of the family's claims, Holm's first step
 */
export function splitsForOrdering(
  differences: readonly number[],
  level: number,
): number | undefined {
  const deviation = standardDeviation(differences);
  const effect = Math.abs(mean(differences)) / deviation;
  return least(2, (n) => {
    // With fewer, the test cannot reach the level even if all splits agree.
    if (2 ** (1 - n) > level) return false;
    const critical = jstat.studentt.inv(1 - level / 2, n - 1);
    return effect * Math.sqrt(n) - critical >= POWER_QUANTILE;
  });
}

/**
 * Returns the number of splits with which two one-sided tests show equivalence in four studies of five.
 * @param margin in the unit of the differences
 */
export function splitsForEquivalence(
  differences: readonly number[],
  margin: number,
): number | undefined {
  const distance = (margin - Math.abs(mean(differences))) / standardDeviation(differences);
  return least(2, (n) => {
    const critical = jstat.studentt.inv(0.95, n - 1);
    return distance * Math.sqrt(n) - critical >= POWER_QUANTILE;
  });
}

/**
 * Returns the number of splits that decide a value: its interval is then narrow enough, or excludes 0.
 * @param deviations standard deviations in points: of our units, and the paper's
 */
export function splitsForValue(
  difference: number,
  deviations: { readonly ours: number; readonly paper: number },
  halfWidth: number,
): number | undefined {
  return least(2, (n) => {
    const half = welchHalfWidth(deviations.ours, n, deviations.paper);
    return half <= halfWidth || half < Math.abs(difference);
  });
}

/** Returns the number of trials with which the exact interval of this share excludes the bound. */
export function trialsForShare(share: number, bound: number): number | undefined {
  return least(2, (n) => {
    const [low, high] = shareInterval(Math.round(share * n), n);
    return low > bound || high < bound;
  });
}
