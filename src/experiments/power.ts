// How many splits would decide what is undecided, were the truth what was measured.
import jstat from "jstat";
import { mean, shareInterval, standardDeviation, welchHalfWidth } from "./statistics.ts";

/** Chance of a decision that is asked for: the normal quantile of 80 %. */
const POWER_QUANTILE = 0.8416;
/** Beyond it a study is not worth planning. */
const MOST = 1000;

/** The least n from `from` on that will do; undefined where none up to 1,000 does. */
function least(from: number, enough: (n: number) => boolean): number | undefined {
  for (let n = from; n <= MOST; n++) if (enough(n)) return n;
  return undefined;
}

/**
 * Splits with which the sign-flip test finds this difference in four studies of five.
 * @param level of the test: 0.05 over the claims of the family, Holm's first step
 */
export function splitsForOrdering(
  differences: readonly number[],
  level: number,
): number | undefined {
  const deviation = standardDeviation(differences);
  const effect = Math.abs(mean(differences)) / deviation;
  return least(2, (n) => {
    // Fewer cannot reach the level, even where all splits agree.
    if (2 ** (1 - n) > level) return false;
    const critical = jstat.studentt.inv(1 - level / 2, n - 1);
    return effect * Math.sqrt(n) - critical >= POWER_QUANTILE;
  });
}

/**
 * Splits with which two one-sided tests show equivalence in four studies of five.
 * @param margin in the differences' unit
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
 * Splits with which a value is decided: the interval narrow enough, or off 0.
 * @param deviations in points: of our units, and the paper's
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

/** Trials with which the exact interval of this share leaves the bound out. */
export function trialsForShare(share: number, bound: number): number | undefined {
  return least(2, (n) => {
    const [low, high] = shareInterval(Math.round(share * n), n);
    return low > bound || high < bound;
  });
}
