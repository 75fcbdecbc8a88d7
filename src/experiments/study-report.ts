// A study's report as data: each arm, each comparison, each claim with its verdict.

import { median, quantile } from "simple-statistics";
import { needObject } from "../base/arguments.ts";
import { printableLine } from "../base/printable.ts";
import { attentionOf } from "./attention.ts";
import { Decisions, paperText } from "./decide.ts";
import { type PublishedAccuracy, publishedAccuracy } from "./published.ts";
import { registrationOf } from "./registration.ts";
import type { ArmReport, ClaimReport, DatasetReport, StudyReport } from "./report-data.ts";
import type { ResultsStore } from "./results-store.ts";
import { distinctTrials } from "./run-study.ts";
import { mean, meanInterval, standardDeviation } from "./statistics.ts";
import { type Arm, type Claim, type Study, type StudyPlan, TEACHER_ARM } from "./study.ts";
import { runLabel } from "./summary.ts";
import { trialRows } from "./trial-index.ts";
import { TrialTable, testAccuracy } from "./trial-table.ts";
import { RULE } from "./verdict.ts";

/** With fewer units an interval says nothing: that of two values is wider than the axis. */
const LEAST_UNITS = 5;

/** @throws FileError where the store cannot be read */
export function studyReport(plan: StudyPlan, store: ResultsStore): StudyReport {
  const planParts = ["study", "trials", "datasets"];
  needObject(plan, "studyReport: plan", "a plan, as returned by planStudy()", ...planParts);
  needObject(store, "studyReport: store", "a ResultsStore", "folder");
  const { study, profile } = plan;
  const trials = distinctTrials(plan);
  const read = store.read(trials.keys());
  return {
    study: study.name,
    title: study.title,
    about: study.about,
    rule: RULE,
    profile,
    done: read.records.size,
    planned: trials.size,
    diverged: read.failures.size,
    registration: registrationOf(study, read.records.values()),
    datasets: plan.datasets.map((dataset) => datasetReport(plan, dataset, read)),
    absent: absentReports(plan),
    problems: read.problems.map(({ message }) => message),
  };
}

/** Returns the claims about the graphs that a plan leaves out, none of which can be tested. */
export function absentReports({ study, absent }: StudyPlan): StudyReport["absent"] {
  return absent.map(({ dataset, why }) => ({
    dataset,
    claims: study.claims(dataset).map((claim) => ({
      text: claim.text,
      kind: claim.kind,
      ...paperText(claim),
      verdict: { outcome: "not testable", why },
    })),
  }));
}

function datasetReport(
  plan: StudyPlan,
  { name, splits, seeds }: StudyPlan["datasets"][number],
  read: ReturnType<ResultsStore["read"]>,
): DatasetReport {
  const planned = plan.trials.filter(({ dataset }) => dataset === name);
  const table = new TrialTable(planned, read);
  const claims = plan.study.claims(name);
  const decisions = new Decisions(plan, table, claims);
  const decided = claims.map((claim) => decisions.claim(claim));
  const arms = plan.study.arms.filter(({ searchedAgain }) => searchedAgain === undefined);
  const teacher = { id: TEACHER_ARM, label: runLabel(TEACHER_ARM), role: "baseline" } as const;
  return {
    dataset: name,
    splits,
    seeds,
    unit: table.unit,
    arms: [...(plan.study.teacher === null ? [] : [teacher]), ...arms].map((arm) => {
      const place = claims.findIndex((claim) => claim.kind === "value" && claim.arm === arm.id);
      const paper = printed(name, arm.id, claims[place]);
      return armReport(arm, table, paper, decided[place]);
    }),
    comparisons: decisions.comparisons,
    claims: decided,
    notes: notes(plan.study, table),
    trials: trialRows(planned, read),
  };
}

/** Returns what the paper prints for an arm: the claim's number, or the method's if it is no variant. */
function printed(dataset: string, id: string, claim?: Claim): PublishedAccuracy | undefined {
  if (claim?.kind === "value") return claim.paper;
  return id.includes(":") ? undefined : publishedAccuracy(dataset, id);
}

function armReport(
  { id, label, role, publishedOf }: Omit<Arm, "config">,
  table: TrialTable,
  paper: PublishedAccuracy | undefined,
  claim: ClaimReport | undefined,
): ArmReport {
  const trials = table.done(id);
  const records = trials.map(({ record }) => record);
  const tests = records.map(testAccuracy);
  const canonical = table.canonical(id);
  const base: ArmReport = {
    method: id,
    label,
    role,
    ...(publishedOf !== undefined && { publishedOf }),
    ...(canonical !== id && { sameAs: canonical }),
    n: trials.length,
    planned: table.planned(id).length,
    dead: table.dead(id),
    nearlyDead: table.nearlyDead(id),
    diverged: table.diverged(id).length,
    ...(paper && { paper }),
    trials: records.map((record) => record.id),
    tests,
  };
  if (tests.length === 0) return base;
  const units = table.values(id, table.splits, testAccuracy);
  const interval = units.size < LEAST_UNITS ? undefined : meanInterval([...units.values()]);
  const geomGcn = trials.filter(({ split }) => split.startsWith("geom-gcn"));
  const isPart = geomGcn.length > 0 && geomGcn.length < trials.length;
  return {
    ...base,
    mean: mean(tests),
    std: standardDeviation(tests),
    median: median(tests),
    quartiles: [quantile(tests, 0.25), quantile(tests, 0.75)],
    ...(interval && { interval }),
    ...(isPart && { geomGcn: mean(geomGcn.map(({ record }) => testAccuracy(record))) }),
    val: mean(records.map(({ accuracy }) => accuracy.val)),
    ...(paper && { difference: 100 * mean(tests) - paper.mean }),
    ...(claim && { verdict: claim.verdict }),
    ...attentionOf(records),
  };
}

/** Lists what a reader must know besides the numbers. */
function notes(study: Study, table: TrialTable): string[] {
  const done = [...table.arms].flatMap((arm) => table.done(arm));
  const flavours = [...new Set(done.map(({ record }) => record.engine.flavour))].sort();
  const mixed = table
    .mixedSplits()
    .map((split) => `The trials of ${split} ran on different data of the same name: no verdict.`);
  const engines =
    `Trials ran on ${flavours.join(" and ")} flavours of the engine, ` +
    "which differ in the last bits.";
  const diverged = study.arms.flatMap(({ id }) => {
    const [reason, ...more] = table.diverged(id);
    if (reason === undefined) return [];
    return [printableLine(`${id}, ${more.length + 1} trials diverged, the first: ${reason}`)];
  });
  // Arms that are the same on this dataset.
  const same = study.arms.flatMap(({ id, label }) => {
    const other = study.arms.find((arm) => arm.id === table.canonical(id))!;
    if (other.id === id) return [];
    return [`${label} is the same configuration as ${other.label} here: one arm.`];
  });
  const engine = flavours.length > 1 ? [engines] : [];
  return [...mixed, ...engine, ...diverged, ...same, ...warnings(table)];
}

/** Lists the trials' warnings, each text once, with the arms that it comes from. */
function warnings(table: TrialTable): string[] {
  const all = [...table.arms].flatMap((arm) => {
    const trials = table.done(arm);
    const texts = trials.flatMap(({ record }) =>
      record.warnings.map((text) => text.replace(/\d[\d.e+-]*/g, "…")),
    );
    return [...Map.groupBy(texts, (text) => text)].map(([text, found]) => {
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
