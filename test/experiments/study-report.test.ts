// Reports: each arm's numbers, the comparisons, and verdicts by the rule.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { DatasetReport } from "../../src/experiments/report-data.ts";
import { ResultsStore } from "../../src/experiments/results-store.ts";
import { runStudy } from "../../src/experiments/run-study.ts";
import { pairedTest } from "../../src/experiments/statistics.ts";
import type { Claim } from "../../src/experiments/study.ts";
import { markdown, studyDocument, verdictText } from "../../src/experiments/study-document.ts";
import { studyReport } from "../../src/experiments/study-report.ts";
import { recordOf } from "../../src/experiments/trial-record.ts";
import {
  controlVerdict,
  majorityVerdict,
  orderingVerdict,
  rangeVerdict,
  survivalVerdict,
  type Verdict,
  valueVerdict,
  withSelection,
} from "../../src/experiments/verdict.ts";
import { studyPage } from "../../src/figures/study-page.ts";
import { temporaryFolder } from "../training/small.ts";
import {
  arithmeticPlan,
  arithmeticResult,
  arithmeticRunner,
  type Variation,
} from "./arithmetic-study.ts";

const CLAIMS: readonly Claim[] = [
  { kind: "ordering", text: "ABKD > student", better: "abkd", worse: "student", paper: 10.05 },
  { kind: "ordering", text: "ABKD > SoftKD", better: "abkd", worse: "softkd" },
  { kind: "ordering", text: "ABKD > itself", better: "abkd", worse: "abkd" },
  { kind: "value", text: "ABKD's", arm: "abkd", paper: { mean: 84.27, deviation: 1.48 } },
  { kind: "value", text: "the student's", arm: "student", paper: { mean: 60, deviation: 1 } },
  { kind: "survival", text: "ABKD trains", arm: "abkd" },
  { kind: "majority", text: "never", arm: "abkd", measure: "one layer has most" },
];

async function study(
  folder: string,
  variation: Variation = {},
): Promise<{ store: ResultsStore; plan: ReturnType<typeof arithmeticPlan>; part: DatasetReport }> {
  const store = new ResultsStore(folder);
  const plan = arithmeticPlan({ claims: CLAIMS, ...variation });
  await runStudy(plan, { store }, arithmeticRunner);
  return { store, plan, part: studyReport(plan, store).datasets[0]! };
}

test("arms, comparisons and verdicts of a whole study", async (t) => {
  const { part, plan, store } = await study(temporaryFolder(t));
  const abkd = part.arms.find(({ method }) => method === "abkd")!;
  const tests = plan.trials
    .filter(({ arm }) => arm === "abkd")
    .map(({ config }) => arithmeticResult(config).accuracy.test);
  assert.equal(abkd.n, 20);
  assert.ok(Math.abs(abkd.mean! - tests.reduce((a, b) => a + b, 0) / 20) < 1e-12);
  assert.deepEqual(abkd.tests, tests);
  assert.equal(abkd.paper?.mean, 84.27);
  assert.ok(abkd.interval![0] < abkd.mean! && abkd.mean! < abkd.interval![1]);
  assert.equal(part.unit, "split");
  const softkd = part.comparisons.find(({ other }) => other === "softkd")!;
  assert.equal(softkd.n, 10, "seeds of one split are no independent evidence");
  assert.ok(softkd.difference < 0 && softkd.holm >= softkd.p);
  assert.deepEqual(
    part.claims.map(({ verdict }) => verdict.outcome),
    ["reproduced", "differs", "undecided", "reproduced", "differs", "reproduced", "differs"],
  );
  assert.ok(
    part.claims.every(({ verdict }) => verdict.splits === 10),
    "ten splits are half of what the rule asks for",
  );
  const { absent } = studyReport(plan, store);
  assert.deepEqual(
    absent[0]!.claims.map(({ verdict }) => verdict),
    CLAIMS.map(() => ({ outcome: "not testable", why: "it is made up" })),
  );
});

test("a headline claim rests on five searches or says on how few; an order they do not keep is undecided", async (t) => {
  const one = await study(temporaryFolder(t), { searches: 1 });
  assert.ok(
    one.part.claims.every(({ verdict }) => verdict.searches === undefined),
    "no headline",
  );
  const two = await study(temporaryFolder(t), { searches: 2 });
  const [few] = two.part.claims;
  assert.deepEqual([few!.verdict.outcome, few!.verdict.searches], ["reproduced", 2]);
  assert.equal(verdictText(few!.verdict), "✓ reproduced (10 splits, 2 searches)");
  const { part } = await study(temporaryFolder(t), { searches: 5 });
  const [student, softkd] = part.claims;
  // The first recipe gains 10 points and the fifth loses 6: the 95 % interval of the mean is 2 ± 8.
  assert.equal(student!.verdict.outcome, "undecided");
  assert.match(student!.verdict.why, /over 5 searches -\d\.\d+ to \d+\.\d+, which is not above 0$/);
  assert.equal(softkd!.verdict.outcome, "differs", "only what is reproduced can be taken back");
  assert.match(softkd!.verdict.why, /over 5 searches -\d\.\d+ to -\d\.\d+$/);
  assert.deepEqual(
    part.arms.map(({ method }) => method),
    ["teacher", "student", "softkd", "abkd"],
    "a later search has no row",
  );
  assert.deepEqual(
    part.comparisons.map(({ other }) => other),
    one.part.comparisons.map(({ other }) => other),
    "nor a place in a family",
  );
});

test("the interval over searches agrees with one worked out by hand", () => {
  const verdict: Verdict = { outcome: "reproduced", why: "w" };
  // Mean 0.02, deviation sqrt(0.001), t with 4 degrees of freedom 2.776: 0.02 ± 0.03926.
  const undecided = withSelection(verdict, [0.06, 0.04, 0.02, 0, -0.02]);
  assert.deepEqual(undecided, {
    outcome: "undecided",
    why: "w; over 5 searches -1.93 to 5.93, which is not above 0",
  });
  const turned = withSelection(verdict, [0.01, -0.05, -0.05, -0.05, -0.05]);
  assert.equal(turned.outcome, "undecided", "the recipes of other searches say the opposite");
  const kept = withSelection(verdict, [0.05, 0.04, 0.05, 0.04, 0.05]);
  assert.deepEqual([kept.outcome, kept.searches], ["reproduced", undefined]);
  assert.deepEqual(withSelection(verdict, [-0.02, -0.03]), { ...verdict, searches: 2 });
});

test("there is no verdict from a quick profile, nor while a trial is missing", async (t) => {
  const quick = await study(temporaryFolder(t), { profile: "quick" });
  assert.ok(quick.part.claims.every(({ verdict }) => verdict.outcome === "none"));
  const { store, plan } = await study(temporaryFolder(t));
  const missing = plan.trials.find(({ arm }) => arm === "student")!;
  store.setAside(store.path(missing.id));
  const part = studyReport(plan, store).datasets[0]!;
  const [first, second] = part.claims;
  assert.deepEqual(first!.verdict, { outcome: "none", why: "1 of 40 trials are missing" });
  assert.equal(second!.verdict.outcome, "differs", "claims that do not need it are decided");
});

test("shares of trials count only complete splits, like everything else", async (t) => {
  const { store, plan } = await study(temporaryFolder(t), { splits: 11 });
  const last = plan.trials.findLast(({ arm }) => arm === "abkd")!;
  store.setAside(store.path(last.id));
  const { claims } = studyReport(plan, store).datasets[0]!;
  const shares = claims.filter(({ kind }) => kind === "survival" || kind === "majority");
  assert.deepEqual(
    shares.map(({ ours }) => ours!.replace(/\d+ of/, "some of")),
    ["some of 20 lost", "in some of 20 trials"],
  );
});

test("trials on different data of the same name give no verdict", async (t) => {
  const { store, plan } = await study(temporaryFolder(t));
  const [one, two] = plan.trials;
  for (const [trial, fingerprint] of [
    [one!, "aaaa"],
    [two!, "bbbb"],
  ] as const) {
    const result = arithmeticResult(trial.config);
    store.setAside(store.path(trial.id)); // a record is written once
    store.write(recordOf({ ...result, data: { ...result.data, fingerprint } }));
  }
  const part = studyReport(plan, store).datasets[0]!;
  assert.match(part.claims[0]!.verdict.why, /different data of the same name/);
  assert.match(part.notes.join(), /geom-gcn:0 ran on different data/);
});

test("with few splits a trial is the unit, and an empty store gives an empty report", async (t) => {
  const { part } = await study(temporaryFolder(t), { splits: 2, seeds: 4 });
  assert.equal(part.unit, "trial");
  assert.equal(part.comparisons[0]!.n, 8);
  const empty = studyReport(arithmeticPlan({ claims: CLAIMS }), new ResultsStore("nowhere"));
  assert.equal(empty.done, 0);
  assert.ok(empty.datasets[0]!.arms.every(({ mean, n }) => mean === undefined && n === 0));
});

test("the rule at its boundaries", () => {
  const ordering = (differences: readonly number[], p: number): Verdict =>
    orderingVerdict(differences, pairedTest(differences)!, { p, family: 4 });
  assert.equal(ordering([0.01, 0.02], 0.049).outcome, "reproduced");
  assert.equal(ordering([-0.01, -0.02], 0.049).outcome, "differs");
  const open = ordering([0.01, 0.03, -0.01, 0.02], 0.05);
  assert.equal(open.outcome, "undecided");
  assert.match(open.why, /; \d+ splits would decide$/);
  const value = (values: readonly number[], mean: number, deviation?: number): string =>
    valueVerdict(values, { mean, ...(deviation !== undefined && { deviation }) }).outcome;
  const tight = [0.79, 0.81, 0.8, 0.8];
  assert.equal(value(tight, 81), "reproduced");
  assert.equal(value(tight, 84.27), "differs");
  assert.equal(
    value([0.7, 0.9, 0.8, 0.75], 81),
    "undecided",
    "a wide interval is compatible with all",
  );
  assert.equal(value([0.298, 0.3, 0.31, 0.29], 84.27, 1.48), "differs");
  const inRange = (mean: number): string =>
    rangeVerdict([mean, mean], [mean - 0.002, mean + 0.002], { low: 80, high: 82 }).outcome;
  assert.deepEqual(
    [inRange(0.8), inRange(0.82), inRange(0.799), inRange(0.797), inRange(0.823)],
    ["reproduced", "reproduced", "undecided", "differs", "differs"],
  );
  assert.equal(majorityVerdict(16, 20).outcome, "reproduced");
  assert.equal(majorityVerdict(12, 20).outcome, "undecided");
  assert.equal(majorityVerdict(3, 20).outcome, "differs");
  assert.equal(survivalVerdict(1, 20).outcome, "reproduced");
  assert.equal(survivalVerdict(12, 20).outcome, "undecided");
  assert.equal(survivalVerdict(20, 20).outcome, "differs");
});

test("a control is equivalent, different, or neither", () => {
  const control = (differences: readonly number[], p: number): Verdict =>
    controlVerdict(differences, pairedTest(differences)!, p);
  const near = [0.001, -0.001, 0.002, -0.002, 0, 0.001, -0.001, 0];
  assert.match(control(near, 0.9).why, /within 0.5 points/);
  assert.match(
    control(
      near.map((x) => x + 0.006),
      0.001,
    ).why,
    /within 1 points/,
  );
  assert.equal(
    control(
      near.map((x) => x + 0.03),
      0.001,
    ).outcome,
    "differs",
  );
  assert.equal(control([0.05, -0.05, 0.04, -0.03], 0.9).outcome, "undecided");
});

test("dead students decide values, and make orders not testable", async (t) => {
  const store = new ResultsStore(temporaryFolder(t));
  const plan = arithmeticPlan({ claims: CLAIMS });
  for (const { config, arm } of plan.trials) {
    const result = arithmeticResult(config);
    const accuracy = { ...result.accuracy, test: arm === "abkd" ? 0.3 : result.accuracy.test };
    store.write(recordOf({ ...result, accuracy, dead: false }));
  }
  const part = studyReport(plan, store).datasets[0]!;
  const outcomes = part.claims.map(({ verdict }) => verdict.outcome);
  assert.deepEqual(outcomes, [
    ...["not testable", "not testable", "not testable"],
    ...["differs", "differs", "differs", "not testable"],
  ]);
  assert.equal(part.arms.find(({ method }) => method === "abkd")!.nearlyDead, 20);
});

test("claims are a family of their own, and equal configurations are one arm", async (t) => {
  const folder = temporaryFolder(t);
  const { plan, store } = await study(folder);
  const twin = { ...plan.study.arms[1]!, id: "twin", label: "twin", role: "control" as const };
  const softkd = plan.trials.filter(({ arm }) => arm === "softkd");
  const wider = {
    ...plan,
    study: { ...plan.study, arms: [...plan.study.arms, twin] },
    trials: [...plan.trials, ...softkd.map((trial) => ({ ...trial, arm: "twin" }))],
  };
  const [one, two] = [plan, wider].map((each) => studyReport(each, store).datasets[0]!);
  assert.deepEqual(two!.claims, one!.claims, "another control changes no claim");
  assert.equal(two!.arms.at(-1)!.sameAs, "softkd");
  assert.equal(two!.comparisons.length, one!.comparisons.length);
});

test("the report as Markdown and as a page has each trial and the paper's numbers, all escaped", async (t) => {
  const { store, plan } = await study(temporaryFolder(t));
  const report = studyReport(plan, store);
  const facts = [{ id: "x", where: "eq. 4", text: "a < b | c", holds: true }];
  const text = markdown(report.title, studyDocument(report, facts));
  const { id, config } = plan.trials[0]!;
  const { test: accuracy } = arithmeticResult(config).accuracy;
  const row = `geom-gcn:0 | ${id} | alive | 1 | ${(100 * accuracy).toFixed(2)} |`;
  assert.ok(text.includes(row));
  assert.match(text, /\| ✓ reproduced \(10 splits\) \| abkd \| 20 \| .* \| 84\.27 ± 1\.48 \|/);
  assert.match(text, /\| eq\. 4 \| a \\< b \\\| c \|/);
  assert.match(text, /not testable \| nowhere: ABKD \\> student/);
  const page = await studyPage(plan.study, report, facts);
  assert.ok(page.includes(`>${id}</td>`));
  assert.ok(page.includes("a &lt; b | c") && page.includes("84.27 ± 1.48"));
});
