// The statistics of reports, against numbers computed elsewhere and against their own definitions.
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  holm,
  meanInterval,
  pairedT,
  pairedTest,
  standardDeviation,
} from "../../src/experiments/statistics.ts";
import { randomStream } from "../../src/graph/random.ts";

const near = (actual: number, expected: number, tolerance: number): void =>
  assert.ok(Math.abs(actual - expected) < tolerance, `${actual} is not ${expected}`);

/** Student's sleep data (1908): the differences between two drugs. */
const SLEEP = [1.2, 2.4, 1.3, 1.3, 0, 1, 1.8, 0.8, 4.6, 1.4];

test("the paired t-test of Student's own data", () => {
  // R: t.test(extra ~ group, data = sleep, paired = TRUE) gives t = -4.0621, df = 9, p = 0.002833.
  const { n, difference, p, effect, wins } = pairedTest(SLEEP)!;
  near(pairedT(SLEEP), 4.0621, 5e-5);
  near(p, 0.002833, 5e-7);
  assert.deepEqual([n, wins], [10, 9]);
  near(difference, 1.58, 1e-12);
  near(effect!, 4.0621 / Math.sqrt(10), 2e-5);
  near(pairedTest(SLEEP.map((x) => -x))!.p, p, 1e-15);
});

test("differences that are all equal are tested by their signs", () => {
  assert.equal(pairedTest([0, 0, 0])!.p, 1);
  assert.equal(pairedTest([0.5, 0.5, 0.5])!.p, 0.25);
  assert.equal(pairedTest([0.5, 0.5])!.effect, undefined);
  assert.equal(pairedTest([1]), undefined);
});

test("Holm's adjusted p-values", () => {
  // R: p.adjust(c(0.01, 0.04, 0.03, 0.005), "holm") gives 0.03 0.06 0.06 0.02.
  holm([0.01, 0.04, 0.03, 0.005]).forEach((p, k) => {
    near(p, [0.03, 0.06, 0.06, 0.02][k]!, 1e-15);
  });
  assert.deepEqual(holm([0.9, 0.8]), [1, 1]);
  assert.deepEqual(holm([]), []);
});

test("the bootstrap's interval repeats, holds the mean, and covers it about 95 times in 100", () => {
  const interval = meanInterval(SLEEP)!;
  assert.deepEqual(meanInterval(SLEEP), interval);
  assert.notDeepEqual(meanInterval(SLEEP, 2), interval);
  assert.ok(interval[0] < 1.58 && interval[1] > 1.58);
  assert.equal(meanInterval([1]), undefined);
  const random = randomStream(3);
  const covered = Array.from({ length: 60 }, (_, k) => {
    const sample = Array.from({ length: 20 }, () => random.uniform());
    const [low, high] = meanInterval(sample, k + 1)!;
    return low < 0.5 && high > 0.5 ? 1 : 0;
  }).reduce((sum: number, x) => sum + x, 0);
  assert.ok(covered >= 50 && covered <= 60, `${covered} of 60`);
});

test("the standard deviation has n - 1 below, and is 0 of one value", () => {
  near(standardDeviation([1, 2, 3, 4]), Math.sqrt(5 / 3), 1e-15);
  assert.equal(standardDeviation([3]), 0);
});
