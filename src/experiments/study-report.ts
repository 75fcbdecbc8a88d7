// A study's report as data: each arm, each comparison, each claim with its verdict.

import { median, quantile } from "simple-statistics";
import { needObject } from "../base/arguments.ts";
import { printableLine } from "../base/printable.ts";
import { Decisions, paperText } from "./decide.ts";
import { publishedAccuracy } from "./published.ts";
import { registrationOf } from "./registration.ts";
import type { ArmReport, DatasetReport, StudyReport } from "./report-data.ts";
import type { ResultsStore } from "./results-store.ts";
import { distinctTrials } from "./run-study.ts";
import { mean, meanInterval, standardDeviation } from "./statistics.ts";
import { type Arm, type Claim, type StudyPlan, TEACHER_ARM } from "./study.ts";
import { runLabel } from "./summary.ts";
import { trialRows } from "./trial-index.ts";
import { attentionShares } from "./trial-record.ts";
import { TrialTable, testAccuracy } from "./trial-table.ts";
import { RULE } from "./verdict.ts";

/** Fewer say nothing: the interval of two values is wider than the axis. */
const LEAST_UNITS = 5;

/** @throws FileError where the store cannot be read */
export function studyReport(plan: StudyPlan, store: ResultsStore): StudyReport {
  needObject(
    plan,
    "studyReport: plan",
    "a plan, as planStudy() gives it",
    "study",
    "trials",
    "datasets",
  );
  needObject(store, "studyReport: store", "a ResultsStore", "folder");
  const { study, profile } = plan;
  const trials = distinctTrials(plan);
  const read = store.read(trials.keys());
  const parts = plan.datasets.map(({ name, splits, seeds }) => {
    const planned = plan.trials.filter(({ dataset }) => dataset === name);
    const part = new Part(plan, name, new TrialTable(planned, read));
    const trials = trialRows(planned, read);
    return { name, report: { dataset: name, splits, seeds, ...part.report(), trials }, part };
  });
  return {
    study: study.name,
    ...{ title: study.title, about: study.about, rule: RULE, profile },
    ...{ done: read.records.size, planned: trials.size, diverged: read.failures.size },
    registration: registrationOf(study, read.records.values()),
    datasets: parts.map(({ report }) => report),
    absent: plan.absent.map(({ dataset, why }) => ({
      dataset,
      claims: study.claims(dataset).map((claim) => ({
        ...{ text: claim.text, kind: claim.kind },
        ...paperText(claim),
        verdict: { outcome: "not testable", why },
      })),
    })),
    problems: read.problems.map(({ message }) => message),
    timing: Object.fromEntries(parts.map(({ name, part }) => [name, part.timing()])),
  };
}

/** One dataset of a plan. */
class Part {
  readonly #plan: StudyPlan;
  readonly #dataset: string;
  readonly #table: TrialTable;
  readonly #claims: readonly Claim[];
  readonly #decisions: Decisions;

  constructor(plan: StudyPlan, dataset: string, table: TrialTable) {
    this.#plan = plan;
    this.#dataset = dataset;
    this.#table = table;
    this.#claims = plan.study.claims(dataset);
    this.#decisions = new Decisions(plan, table, this.#claims);
  }

  report(): Pick<DatasetReport, "unit" | "arms" | "comparisons" | "claims" | "notes"> {
    const arms = this.#plan.study.arms.filter(({ searchedAgain }) => searchedAgain === undefined);
    const teacher = { id: TEACHER_ARM, label: runLabel(TEACHER_ARM), role: "baseline" } as const;
    return {
      unit: this.#table.unit,
      arms: [teacher, ...arms].map((arm) => this.#arm(arm)),
      comparisons: this.#decisions.comparisons,
      claims: this.#claims.map((claim) => this.#decisions.claim(claim)),
      notes: this.#notes(),
    };
  }

  timing(): Record<string, number> {
    const entries = [...this.#table.arms].map((arm) => {
      const seconds = mean(this.#table.done(arm).map(({ record }) => record.timing.seconds));
      return [arm, Number(seconds.toFixed(2))] as const;
    });
    return Object.fromEntries(entries);
  }

  #arm({ id, label, role, publishedOf }: Omit<Arm, "config">): ArmReport {
    const trials = this.#table.done(id);
    const records = trials.map(({ record }) => record);
    const tests = records.map(testAccuracy);
    const claim = this.#claims.find((one) => one.kind === "value" && one.arm === id);
    const printed =
      claim?.kind === "value" ? claim.paper : publishedAccuracy(this.#dataset, id.split(":")[0]!);
    const paper = claim || id === TEACHER_ARM || !id.includes(":") ? printed : undefined;
    const canonical = this.#table.canonical(id);
    const base = {
      ...{ method: id, label, role, n: trials.length, planned: this.#table.planned(id).length },
      ...(publishedOf !== undefined && { publishedOf }),
      ...(canonical !== id && { sameAs: canonical }),
    };
    const rest = {
      ...{ dead: this.#table.dead(id), nearlyDead: this.#table.nearlyDead(id) },
      diverged: this.#table.diverged(id).length,
      ...(paper && { paper }),
    };
    const ids = { trials: records.map((record) => record.id), tests };
    if (tests.length === 0) return { ...base, ...rest, ...ids };
    const units = this.#table.values(id, this.#table.splits, testAccuracy);
    const interval = units.size < LEAST_UNITS ? undefined : meanInterval([...units.values()]);
    const shares = records.map(attentionShares);
    const learned = shares.every((share) => share !== undefined) ? shares : undefined;
    return {
      ...base,
      ...{ mean: mean(tests), std: standardDeviation(tests), median: median(tests) },
      quartiles: [quantile(tests, 0.25), quantile(tests, 0.75)],
      ...(interval && { interval }),
      ...this.#partialMeans(id),
      val: mean(records.map(({ accuracy }) => accuracy.val)),
      ...rest,
      parameters: records[0]!.parameters,
      ...(paper && { difference: 100 * mean(tests) - paper.mean }),
      ...(claim && { verdict: this.#decisions.claim(claim).verdict }),
      ...(learned && { attended: countLeaders(learned) }),
      ...ids,
      ...(learned && { shares: learned }),
    };
  }

  /** Means over a part of the trials, where that is not all of them. */
  #partialMeans(arm: string): Pick<ArmReport, "geomGcn" | "living"> {
    const done = this.#table.done(arm);
    const meanOf = (trials: typeof done): number =>
      mean(trials.map(({ record }) => testAccuracy(record)));
    const geomGcn = done.filter(({ split }) => split.startsWith("geom-gcn"));
    const living = done.filter(({ record }) => !record.dead);
    const part = (some: typeof done): boolean => some.length > 0 && some.length < done.length;
    return {
      ...(part(geomGcn) && { geomGcn: meanOf(geomGcn) }),
      ...(part(living) && { living: meanOf(living) }),
    };
  }

  #notes(): string[] {
    const arms = [...this.#table.arms];
    const done = arms.flatMap((arm) => this.#table.done(arm));
    const flavours = Map.groupBy(done, ({ record }) => record.engine.flavour);
    const mixed = this.#table
      .mixedSplits()
      .map((split) => `The trials of ${split} ran on different data of the same name: no verdict.`);
    const engines =
      flavours.size > 1
        ? [
            `Trials ran on ${[...flavours.keys()].sort().join(" and ")} flavours of the engine, ` +
              "which differ in the last bits.",
          ]
        : [];
    const diverged = this.#plan.study.arms.flatMap(({ id }) => {
      const reasons = this.#table.diverged(id);
      if (reasons.length === 0) return [];
      return [printableLine(`${id}, ${reasons.length} trials diverged, the first: ${reasons[0]}`)];
    });
    return [...mixed, ...engines, ...diverged, ...this.#sameArms(), ...this.#warnings()];
  }

  /** What trials warn of, each text once, with the arms that it comes from. */
  #warnings(): string[] {
    const all = [...this.#table.arms].flatMap((arm) => {
      const trials = this.#table.done(arm);
      const texts = Map.groupBy(
        trials.flatMap(({ record }) => record.warnings),
        (text) => text.replace(/\d[\d.e+-]*/g, "…"),
      );
      return [...texts].map(([text, found]) => {
        return { text, arm, share: `${found.length} of ${trials.length} trials` };
      });
    });
    return [...Map.groupBy(all, ({ text }) => text)].map(([text, from]) => {
      const shares = [...Map.groupBy(from, ({ share }) => share)].map(
        ([share, arms]) => `${share} of ${arms.map(({ arm }) => arm).join(", ")}`,
      );
      return printableLine(`${text} (${shares.join("; ")})`);
    });
  }

  /** Arms that are one on this dataset. */
  #sameArms(): string[] {
    return this.#plan.study.arms.flatMap(({ id, label }) => {
      const other = this.#table.canonical(id);
      if (other === id) return [];
      const same = this.#plan.study.arms.find((arm) => arm.id === other)!;
      return [`${label} is the same configuration as ${same.label} here: one arm.`];
    });
  }
}

/** How often each layer has the largest share. */
function countLeaders(shares: readonly (readonly number[])[]): number[] {
  const counts = (shares[0] ?? []).map(() => 0);
  for (const row of shares) counts[row.indexOf(Math.max(...row))]!++;
  return counts;
}
