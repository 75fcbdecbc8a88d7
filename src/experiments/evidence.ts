// What the results store holds for a study on one dataset, and a sentence that says where it comes from.

import { needObject } from "../base/arguments.ts";
import { counted } from "../display/format.ts";
import type { DatasetReport, StudyReport } from "./report-data.ts";
import type { ResultsStore } from "./results-store.ts";
import { distinctTrials } from "./run-study.ts";
import { type Profile, planStudy, type Study, type StudyPlan } from "./study.ts";
import { studyReport } from "./study-report.ts";
import type { TrialRecord } from "./trial-record.ts";

const EVIDENCE = "evidence of a study opened by openStudy()";

/** A study on one dataset, as far as it has been run. */
export interface Evidence {
  readonly study: Study;
  readonly dataset: string;
  readonly profile: Profile;
  readonly plan: StudyPlan;
  readonly report: StudyReport;
  /** The report's only dataset. */
  readonly part: DatasetReport;
  /** By id, in the plan's order. */
  readonly records: ReadonlyMap<string, TrialRecord>;
}

/**
 * Reads the paper profile if the store has trials on splits that only that profile has, else the quick one: a
 * quick look never hides what a verdict may rest on.
 * @param wanted `paper` reads that profile in any case
 */
export function evidenceOf(
  study: Study,
  dataset: string,
  store: ResultsStore,
  wanted: Profile = "quick",
): Evidence {
  const plans = (["quick", "paper"] as const).map((profile) =>
    planStudy(study, { profile, datasets: [dataset] }),
  );
  const [quick, paper] = plans as [StudyPlan, StudyPlan];
  // A control that the quick profile leaves out may be another study's arm, so only other splits count.
  const looked = new Set(quick.trials.map(({ split }) => split));
  const beyond = paper.trials.filter(({ split }) => !looked.has(split));
  const more = store.known(beyond.map(({ id }) => id)).size > 0;
  const plan = wanted === "paper" || more ? paper : quick;
  const report = studyReport(plan, store);
  return {
    study,
    dataset,
    profile: plan.profile,
    plan,
    report,
    part: report.datasets[0]!,
    records: store.read(distinctTrials(plan).keys()).records,
  };
}

/** Describes sorted numbers or splits: `seeds 1 to 20`, `seeds 1 and 3`, `split geom-gcn:0`. */
export function span(name: string, values: readonly (string | number)[]): string {
  if (values.length === 1) return `${name} ${values[0]}`;
  const between = values.length === 2 ? "and" : "to";
  return `${name}s ${values[0]} ${between} ${values.at(-1)}`;
}

/** `2 splits with 2 seeds each`; `2 splits` if there are only teachers. */
export function extent({ splits, seeds }: Pick<DatasetReport, "splits" | "seeds">): string {
  const all = counted(splits.length, "split");
  if (seeds.length === 0) return all;
  const each = splits.length > 1 ? " each" : "";
  return `${all} with ${counted(seeds.length / splits.length, "seed")}${each}`;
}

/** Returns the distinct values, sorted and separated by commas. */
function distinct(values: Iterable<string>): string {
  return [...new Set(values)].sort().join(", ");
}

/** Returns a dataset's name as the paper writes it: `Cora`, `NELL`. */
export function datasetName(dataset: string): string {
  if (dataset.startsWith("nell")) return `NELL${dataset.slice(4)}`;
  return `${dataset[0]!.toUpperCase()}${dataset.slice(1)}`;
}

/** `48 of 50 trials, 2 diverged`. */
export function doneText({ done, planned, diverged }: StudyReport): string {
  return `${done} of ${planned} trials${diverged > 0 ? `, ${diverged} diverged` : ""}`;
}

/** Says in one sentence where the numbers come from: profile, trials, splits, seeds, days, engine, version. */
export function provenance(evidence: Evidence): string {
  needObject(evidence, "provenance: evidence", EVIDENCE, "dataset", "report", "part", "records");
  const { dataset, profile, report, part, records } = evidence;
  const name = datasetName(dataset);
  if (records.size === 0) return `${name}: not run here yet.`;
  const all = [...records.values()];
  const days = [...new Set(all.flatMap(({ timing }) => timing.recorded ?? []))].sort();
  const engines = distinct(all.map(({ engine }) => `${engine.name} ${engine.flavour}`));
  const seeds = part.seeds.length > 0 ? [span("seed", part.seeds)] : [];
  const spans = [span("split", part.splits), ...seeds].join(", ");
  const recorded = days.length > 1 ? `${days[0]} to ${days.at(-1)}` : days[0];
  return (
    `${name}: ${profile} profile, ${doneText(report)} (${spans})` +
    `${recorded === undefined ? "" : `, recorded ${recorded}`}, engine ${engines}, ` +
    `abkd ${distinct(all.flatMap(({ versions }) => versions["abkd"] ?? []))}.`
  );
}

/** Returns the records of one arm's finished trials. */
export function recordsOf({ plan, records }: Evidence, arm: string): TrialRecord[] {
  return plan.trials.flatMap((trial) => (trial.arm === arm ? (records.get(trial.id) ?? []) : []));
}
