// How the rule behaves where the truth is known: on studies resampled from a real study's differences.
import type { RandomStream } from "../graph/random.ts";
import { mean, meanInterval, signFlipP } from "./statistics.ts";
import { SIGNIFICANCE } from "./verdict.ts";

/** What studies are resampled from, as fractions. */
export interface Material {
  /** One arm minus another, one value per split. */
  readonly differences: readonly number[];
  /** The first arm's means, one value per split. */
  readonly values: readonly number[];
  /** How much accuracy a dead student loses. */
  readonly drop: number;
}

export interface Setting {
  readonly splits: number;
  /** Students per arm and split. */
  readonly students: number;
  /** The probability that a student dies, in either arm. */
  readonly deaths: number;
  /** The number of studies to draw. */
  readonly draws: number;
}

/** Shares of the drawn studies for which something holds. */
export interface Behaviour {
  /** The ordering test finds an order although the arms are exchangeable. */
  readonly size: number;
  /** The same if the means are equal but the shapes are not: outside the test's own null. */
  readonly unequal: number;
  /** The interval of the difference contains the truth, 0. */
  readonly difference: number;
  /** The interval of one arm's mean contains the truth. */
  readonly mean: number;
}

/**
 * Draws splits with replacement. The differences are centred first, so that no order is true; for the
 * exchangeable null each gets a random sign.
 */
export function simulate(
  { differences, values, drop }: Material,
  { splits, students, deaths, draws }: Setting,
  random: RandomStream,
): Behaviour {
  const centre = mean(differences);
  const centred = differences.map((x) => x - centre);
  const truth = mean(values) - deaths * drop;
  const lost = (): number => {
    let sum = 0;
    for (let k = 0; k < students; k++) if (random.uniform() < deaths) sum += drop / students;
    return sum;
  };
  const pick = (xs: readonly number[]): number => xs[random.below(xs.length)]!;
  const study = (one: () => number): number[] => Array.from({ length: splits }, one);
  const holds = (xs: readonly number[], value: number): boolean => {
    const [low, high] = meanInterval(xs)!;
    return low <= value && value <= high;
  };
  const counts = { size: 0, unequal: 0, difference: 0, mean: 0 };
  for (let k = 0; k < draws; k++) {
    const skewed = study(() => pick(centred) - lost() + lost());
    const exchangeable = skewed.map((x) => (random.integer() & 1 ? x : -x));
    if (signFlipP(exchangeable) < SIGNIFICANCE) counts.size++;
    if (signFlipP(skewed) < SIGNIFICANCE) counts.unequal++;
    if (holds(skewed, 0)) counts.difference++;
    const alone = study(() => pick(values) - lost());
    if (holds(alone, truth)) counts.mean++;
  }
  return {
    size: counts.size / draws,
    unequal: counts.unequal / draws,
    difference: counts.difference / draws,
    mean: counts.mean / draws,
  };
}
