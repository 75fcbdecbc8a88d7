// A study's report as data: each arm, each comparison, each claim with its verdict.

import { median, quantile } from "simple-statistics";
import { printableLine } from "../printable.ts";
import { type PublishedAccuracy, publishedAccuracy } from "./published.ts";
import type {
  ArmReport,
  ClaimReport,
  Comparison,
  DatasetReport,
  StudyReport,
} from "./report-data.ts";
import type { ResultsStore } from "./results-store.ts";
import { distinctTrials } from "./run-study.ts";
import { holm, mean, meanInterval, pairedTest, standardDeviation } from "./statistics.ts";
import { attentionShares } from "./studies/figure5.ts";
import { type Arm, type Claim, type PlannedTrial, type StudyPlan, TEACHER_ARM } from "./study.ts";
import { methodLabel } from "./summary.ts";
import type { TrialRecord } from "./trial-record.ts";
import {
  majorityVerdict,
  orderingVerdict,
  RULE,
  rangeVerdict,
  type Verdict,
  valueVerdict,
} from "./verdict.ts";

/** From this many splits on, tests are over splits: trials on one split are no independent evidence. */
const SPLITS_AS_UNITS = 5;

/** @throws FileError where the store cannot be read */
export function studyReport(plan: StudyPlan, store: ResultsStore): StudyReport {
  const { study, profile } = plan;
  const trials = distinctTrials(plan);
  const { records, failures, problems } = store.read(trials.keys());
  const parts = plan.datasets.map(({ name, splits, seeds }) => {
    const planned = plan.trials.filter(({ dataset }) => dataset === name);
    const part = new Part(plan, name, planned, { records, failures });
    return { name, report: { dataset: name, splits, seeds, ...part.report() }, part };
  });
  return {
    study: study.name,
    ...{ title: study.title, about: study.about, rule: RULE, profile },
    ...{ done: records.size, planned: trials.size, diverged: failures.size },
    datasets: parts.map(({ report }) => report),
    absent: plan.absent.map(({ dataset, why }) => ({
      dataset,
      claims: study.claims(dataset).map((claim) => ({
        ...{ text: claim.text, kind: claim.kind },
        ...paperText(claim),
        verdict: { outcome: "not testable", why },
      })),
    })),
    problems: problems.map(({ message }) => message),
    timing: Object.fromEntries(parts.map(({ name, part }) => [name, part.timing()])),
  };
}

const signed = (points: number): string => `${points < 0 ? "" : "+"}${points.toFixed(2)} points`;

function paperText(claim: Claim): { readonly paper?: string } {
  if (claim.kind === "value") return { paper: accuracyText(claim.paper) };
  if (claim.kind === "range")
    return { paper: `${claim.low.toFixed(2)} to ${claim.high.toFixed(2)}` };
  if (claim.kind === "ordering" && claim.paper !== undefined) return { paper: signed(claim.paper) };
  return {};
}

/** `84.27 ± 1.48` */
export function accuracyText({ mean: value, deviation }: PublishedAccuracy): string {
  return value.toFixed(2) + (deviation === undefined ? "" : ` ± ${deviation.toFixed(2)}`);
}

/** A trial that is done. */
interface Done extends PlannedTrial {
  readonly record: TrialRecord;
}

/** One dataset of a plan. */
class Part {
  readonly #plan: StudyPlan;
  readonly #dataset: string;
  readonly #unit: "split" | "trial";
  readonly #planned: ReadonlyMap<string, readonly PlannedTrial[]>;
  readonly #done: ReadonlyMap<string, readonly Done[]>;
  /** Why trials diverged, by arm. */
  readonly #diverged: ReadonlyMap<string, readonly string[]>;
  readonly #claims: readonly Claim[];

  constructor(
    plan: StudyPlan,
    dataset: string,
    trials: readonly PlannedTrial[],
    { records, failures }: Pick<ReturnType<ResultsStore["read"]>, "records" | "failures">,
  ) {
    this.#plan = plan;
    this.#dataset = dataset;
    const splits = new Set(trials.map(({ split }) => split)).size;
    this.#unit = splits >= SPLITS_AS_UNITS ? "split" : "trial";
    this.#planned = Map.groupBy(trials, ({ arm }) => arm);
    const done = trials.flatMap((trial) => {
      const record = records.get(trial.id);
      return record ? [{ ...trial, record }] : [];
    });
    this.#done = Map.groupBy(done, ({ arm }) => arm);
    const reasons = Map.groupBy(
      trials.filter(({ id }) => failures.has(id)),
      ({ arm }) => arm,
    );
    this.#diverged = new Map(
      [...reasons].map(([arm, all]) => [arm, all.map(({ id }) => failures.get(id)!.reason)]),
    );
    this.#claims = plan.study.claims(dataset);
  }

  report(): Pick<DatasetReport, "unit" | "arms" | "comparisons" | "claims" | "notes"> {
    const comparisons = this.#comparisons();
    const teacher = { id: TEACHER_ARM, label: methodLabel(TEACHER_ARM), role: "baseline" } as const;
    return {
      unit: this.#unit,
      arms: [teacher, ...this.#plan.study.arms].map((arm) => this.#arm(arm)),
      comparisons,
      claims: this.#claims.map((claim) => this.#claim(claim, comparisons)),
      notes: this.#notes(),
    };
  }

  timing(): Record<string, number> {
    const entries = [...this.#done].map(([arm, trials]) => {
      const seconds = mean(trials.map(({ record }) => record.timing.seconds));
      return [arm, Number(seconds.toFixed(2))] as const;
    });
    return Object.fromEntries(entries);
  }

  #arm({ id, label, role, publishedOf }: Omit<Arm, "config">): ArmReport {
    const trials = this.#done.get(id) ?? [];
    const planned = this.#planned.get(id)?.length ?? 0;
    const records = trials.map(({ record }) => record);
    const tests = records.map(({ accuracy }) => accuracy.test);
    const claim = this.#claims.find((one) => one.kind === "value" && one.arm === id);
    const printed =
      claim?.kind === "value" ? claim.paper : publishedAccuracy(this.#dataset, id.split(":")[0]!);
    const paper = claim || id === TEACHER_ARM || !id.includes(":") ? printed : undefined;
    const base = {
      ...{ method: id, label, role, n: trials.length, planned },
      ...(publishedOf !== undefined && { publishedOf }),
    };
    const rest = {
      dead: records.filter(({ dead }) => dead).length,
      diverged: this.#diverged.get(id)?.length ?? 0,
      ...(paper && { paper }),
    };
    const ids = { trials: records.map((record) => record.id), tests };
    if (tests.length === 0) return { ...base, ...rest, ...ids };
    const interval = meanInterval(this.#units(id, ({ accuracy }) => accuracy.test));
    const shares = records.map(attentionShares);
    const learned = shares.every((share) => share !== undefined) ? shares : undefined;
    return {
      ...base,
      ...{ mean: mean(tests), std: standardDeviation(tests), median: median(tests) },
      quartiles: [quantile(tests, 0.25), quantile(tests, 0.75)],
      ...(interval && { interval }),
      val: mean(records.map(({ accuracy }) => accuracy.val)),
      ...rest,
      parameters: records[0]!.parameters,
      ...(paper && { difference: 100 * mean(tests) - paper.mean }),
      ...(claim && { verdict: this.#claim(claim, []).verdict }),
      ...(learned && { attended: countLeaders(learned) }),
      ...ids,
      ...(learned && { shares: learned }),
    };
  }

  /** One value a unit, in the order of the plan. */
  #units(arm: string, value: (record: TrialRecord) => number): number[] {
    return [...this.#unitValues(arm, value).values()];
  }

  #unitValues(arm: string, value: (record: TrialRecord) => number): Map<string, number> {
    const trials = this.#done.get(arm) ?? [];
    const key = ({ split, seed }: PlannedTrial): string =>
      // A teacher has a trial a split, which pairs with all students of that split.
      this.#unit === "split" || arm === TEACHER_ARM ? split : `${split} ${seed}`;
    const groups = Map.groupBy(trials, key);
    return new Map(
      [...groups].map(([unit, members]) => [unit, mean(members.map((m) => value(m.record)))]),
    );
  }

  #comparisons(): Comparison[] {
    const { subject, arms } = this.#plan.study;
    const claimed = this.#claims.flatMap((claim) =>
      claim.kind === "ordering" ? [[claim.better, claim.worse] as const] : [],
    );
    const others = arms.filter(({ id }) => id !== subject).map(({ id }) => [subject, id] as const);
    const pairs = new Map([...claimed, ...others].map((pair) => [pair.join(" - "), pair]));
    const tests = [...pairs.values()].flatMap(([one, other]) => {
      const theirs = this.#unitValues(other, ({ accuracy }) => accuracy.test);
      const ours = this.#unitValues(one, ({ accuracy }) => accuracy.test);
      const differences = [...ours].flatMap(([unit, x]) => {
        const y = theirs.get(unit);
        return y === undefined ? [] : [x - y];
      });
      const test = pairedTest(differences);
      return test ? [{ one, other, ...test }] : [];
    });
    const corrected = holm(tests.map(({ p }) => p));
    return tests.map((test, k) => ({ ...test, holm: corrected[k]! }));
  }

  #claim(claim: Claim, comparisons: readonly Comparison[]): ClaimReport {
    const base = { text: claim.text, kind: claim.kind, ...paperText(claim) };
    const arms = claim.kind === "ordering" ? [claim.better, claim.worse] : [claim.arm];
    const incomplete = this.#whyNone(arms);
    const { ours, verdict } = this.#decide(claim, comparisons);
    const none = { outcome: "none", why: incomplete ?? "" } as const;
    return { ...base, ...(ours && { ours }), verdict: incomplete ? none : verdict };
  }

  /** What a claim comes to, whether it may be told or not. */
  #decide(
    claim: Claim,
    comparisons: readonly Comparison[],
  ): { readonly ours?: string; readonly verdict: Verdict } {
    const few: Verdict = { outcome: "none", why: "too few trials for an interval" };
    if (claim.kind === "ordering") {
      const { better, worse } = claim;
      const found = comparisons.find(({ one, other }) => one === better && other === worse);
      if (!found) return { verdict: few };
      const ours = signed(100 * found.difference);
      return { ours, verdict: orderingVerdict(found, found.holm) };
    }
    if (claim.kind === "value" || claim.kind === "range") {
      const values = this.#units(claim.arm, ({ accuracy }) => accuracy.test);
      const interval = meanInterval(values);
      if (values.length === 0) return { verdict: few };
      const ours = (100 * mean(values)).toFixed(2);
      if (!interval) return { ours, verdict: few };
      const verdict =
        claim.kind === "range"
          ? rangeVerdict(mean(values), interval, claim)
          : valueVerdict(interval, claim.paper);
      return { ours, verdict };
    }
    const values = this.#units(claim.arm, (record) => claim.measure(record) ?? Number.NaN);
    const interval = meanInterval(values);
    if (values.length === 0) return { verdict: few };
    const share = mean(values);
    const ours = `in ${(100 * share).toFixed(0)} % of trials`;
    return { ours, verdict: interval ? majorityVerdict(share, interval) : few };
  }

  /** Why there can be no verdict about these arms; undefined where there can. */
  #whyNone(arms: readonly string[]): string | undefined {
    if (this.#plan.profile === "quick") return "a quick profile gives no verdict";
    const fingerprints = this.#mixedSplits();
    if (fingerprints.length > 0) return "trials ran on different data of the same name";
    const planned = arms.flatMap((arm) => this.#planned.get(arm) ?? []).length;
    const done = arms.flatMap((arm) => this.#done.get(arm) ?? []).length;
    const diverged = arms.flatMap((arm) => this.#diverged.get(arm) ?? []).length;
    const missing = planned - done - diverged;
    if (missing > 0) return `${missing} of ${planned} trials are missing`;
    // Without them a method that diverges would look better than it is.
    return diverged > 0 ? `${diverged} of ${planned} trials diverged` : undefined;
  }

  /** Splits whose trials ran on different graphs of the same name. */
  #mixedSplits(): string[] {
    const bySplit = Map.groupBy([...this.#done.values()].flat(), ({ split }) => split);
    return [...bySplit]
      .filter(([, trials]) => {
        const seen = trials.flatMap(({ record }) => record.data.fingerprint ?? []);
        return new Set(seen).size > 1;
      })
      .map(([split]) => split);
  }

  #notes(): string[] {
    const done = [...this.#done.values()].flat();
    const flavours = Map.groupBy(done, ({ record }) => record.engine.flavour);
    const mixed = this.#mixedSplits().map(
      (split) => `The trials of ${split} ran on different data of the same name: no verdict.`,
    );
    const engines =
      flavours.size > 1
        ? [
            `Trials ran on ${[...flavours.keys()].sort().join(" and ")} flavours of the engine, ` +
              "which differ in the last bits.",
          ]
        : [];
    const warnings = [...this.#done].flatMap(([arm, trials]) => {
      const texts = Map.groupBy(
        trials.flatMap(({ record }) => record.warnings),
        (text) => text.replace(/\d[\d.e+-]*/g, "…"),
      );
      return [...texts].map(([text, all]) =>
        printableLine(`${arm}, ${all.length} of ${trials.length} trials: ${text}`),
      );
    });
    const diverged = [...this.#diverged].map(([arm, reasons]) =>
      printableLine(`${arm}, ${reasons.length} trials diverged, the first: ${reasons[0]}`),
    );
    return [...mixed, ...engines, ...diverged, ...warnings];
  }
}

/** How often each layer has the largest share. */
function countLeaders(shares: readonly (readonly number[])[]): number[] {
  const counts = (shares[0] ?? []).map(() => 0);
  for (const row of shares) counts[row.indexOf(Math.max(...row))]!++;
  return counts;
}
