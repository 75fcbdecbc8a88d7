// The statistics of reports, against numbers computed elsewhere and against their own definitions.
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  differenceInterval,
  equivalenceP,
  holm,
  meanInterval,
  nadeauBengioP,
  pairedTest,
  shareInterval,
  signFlipP,
  standardDeviation,
} from "../../src/experiments/statistics.ts";
import { randomStream } from "../../src/graph/random.ts";

const near = (actual: number, expected: number, tolerance: number): void =>
  assert.ok(Math.abs(actual - expected) < tolerance, `${actual} is not ${expected}`);

/** Student's sleep data (1908): the differences between two drugs. */
const SLEEP = [1.2, 2.4, 1.3, 1.3, 0, 1, 1.8, 0.8, 4.6, 1.4];

test("the sign-flip test on Student's own data", () => {
  // scipy 1.17: permutation_test((x,), mean, permutation_type="samples", n_resamples=inf).pvalue,
  // t.interval(0.95, 9, mean, sem); R: t.test(extra ~ group, paired = TRUE) gives t = -4.0621.
  const { n, difference, p, effect, wins, interval } = pairedTest(SLEEP)!;
  assert.equal(p, 0.00390625);
  assert.deepEqual([n, wins], [10, 9]);
  near(difference, 1.58, 1e-12);
  near(effect!, 4.0621 / Math.sqrt(10), 2e-5);
  near(interval[0], 0.7001142367, 1e-8);
  near(interval[1], 2.4598857633, 1e-8);
  assert.equal(pairedTest(SLEEP.map((x) => -x))!.p, p);
});

test("the sign-flip test follows its definition, for odd and even numbers, ties and zeros", () => {
  const random = randomStream(5);
  for (let n = 1; n <= 11; n++) {
    const xs = Array.from({ length: n }, () => random.below(5) - 1);
    const observed = Math.abs(xs.reduce((a, b) => a + b, 0));
    let count = 0;
    for (let signs = 0; signs < 2 ** n; signs++) {
      const sum = xs.reduce((total, x, k) => total + (signs & (1 << k) ? x : -x), 0);
      if (Math.abs(sum) >= observed) count++;
    }
    assert.equal(signFlipP(xs), count / 2 ** n, `${xs}`);
  }
  assert.equal(signFlipP([0, 0, 0]), 1);
  assert.equal(signFlipP([0.1, 0.2, 0.3]), 0.25);
  assert.equal(signFlipP(Array.from({ length: 20 }, () => 0.1)), 2 ** -19);
  // Beyond 30 pairs signs are drawn: p is near the exact one of the first 30, and the same each time.
  const long = Array.from({ length: 31 }, (_, k) => Math.sin(7 * k) + 0.3);
  near(signFlipP(long), signFlipP(long.slice(0, 30)), 0.03);
  assert.equal(signFlipP(long), signFlipP(long));
  assert.equal(pairedTest([0.5, 0.5])!.effect, undefined);
  assert.equal(pairedTest([1]), undefined);
});

test("the ordering test is monotone: a larger win never makes it less certain", () => {
  const nine = [0.05, 0.06, 0.04, 0.05, 0.07, 0.05, 0.06, 0.05, 0.04];
  // Ten of ten splits are won: an outlier in one's favour made the t-test "undecided".
  assert.equal(signFlipP([...nine, 0.06]), 2 / 1024);
  assert.equal(signFlipP([...nine, 0.4]), 2 / 1024);
});

test("intervals of shares are exact, where the bootstrap gave 100 to 100", () => {
  // scipy: binomtest(k, 20).proportion_ci(0.95, "exact").
  const expected = [
    [20, 0.8315665290169145, 1],
    [0, 0, 0.16843347098308548],
    [3, 0.03207093718554477, 0.37892682654529564],
  ] as const;
  for (const [count, low, high] of expected) {
    near(shareInterval(count, 20)[0], low, 1e-9);
    near(shareInterval(count, 20)[1], high, 1e-9);
  }
});

test("the interval of a difference from the paper is Welch's, with the paper's five trials", () => {
  // scipy: ttest_ind_from_stats(80.2, sd, 10, 79, 1.3, 5, equal_var=False).confidence_interval().
  const ours = [80, 81, 79, 80.5, 80.5, 79.5, 81.5, 80, 79, 81].map((x) => x / 100);
  const [low, high] = differenceInterval(ours, { mean: 79, deviation: 1.3 })!;
  near(low, -0.38236661540337247, 1e-6);
  near(high, 2.782366615403378, 1e-6);
  // Without a printed deviation the paper's mean counts as exact: the interval is Student's.
  const exact = differenceInterval(ours, { mean: 79 })!;
  near(exact[0], 100 * meanInterval(ours)![0] - 79, 1e-9);
  assert.equal(differenceInterval([0.8], { mean: 80 }), undefined);
});

test("equivalence and new graphs agree with scipy", () => {
  // ttest_1samp(x + m, 0, alternative="greater") and (x - m, "less"): the larger p.
  near(equivalenceP(SLEEP, 2), 0.15415723566909725, 1e-9);
  assert.equal(equivalenceP([0.1, 0.1], 0.2), 0);
  assert.equal(equivalenceP([0.3, 0.3], 0.2), 1);
  // 2 t.sf(|mean| / (sd sqrt(1/n + 0.3)), n - 1).
  near(nadeauBengioP(SLEEP, 0.3), 0.07280917327623906, 1e-9);
});

test("Holm's adjusted p-values agree with R", () => {
  // R: p.adjust(c(0.01, 0.04, 0.03, 0.005), "holm") gives 0.03 0.06 0.06 0.02.
  holm([0.01, 0.04, 0.03, 0.005]).forEach((p, k) => {
    near(p, [0.03, 0.06, 0.06, 0.02][k]!, 1e-15);
  });
  assert.deepEqual(holm([0.9, 0.8]), [1, 1]);
  assert.deepEqual(holm([]), []);
});

test("the standard deviation divides by n - 1, and is 0 for one value", () => {
  near(standardDeviation([1, 2, 3, 4]), Math.sqrt(5 / 3), 1e-15);
  assert.equal(standardDeviation([3]), 0);
});
