// The results of several methods as a table and in sentences.

import { median } from "simple-statistics";
import { needArray, RESULTS } from "../base/arguments.ts";
import { columnsOf, type Table } from "../base/table.ts";
import { grouped, inPercent } from "../display/format.ts";
import type { ROLES } from "../distillation/method.ts";
import { methods } from "../distillation/registry.ts";
import type { RunResult } from "../training/run.ts";
import { shortForm } from "./form.ts";
import { accuracyText, paperAccuracyOf } from "./published.ts";
import { type MethodSummary, runLabel, summarise } from "./summary.ts";

function published({ runs }: MethodSummary): string {
  const paper = paperAccuracyOf(runs[0]!.config);
  return paper ? accuracyText(paper) : "-";
}

function seeds({ runs }: MethodSummary): string {
  const one = ({ accuracy, dead, interrupted }: RunResult) =>
    `${inPercent(accuracy.test)}${dead ? " died" : ""}${interrupted ? " stopped" : ""}`;
  return runs.map(one).join(", ");
}

/**
 * Builds a table with one row per method, in order of first appearance. Accuracies are in percent; the median is
 * over all seeds, dead ones included; seconds are the median training time of a run; the paper's number is
 * table 3's, if the setting is table 3's.
 */
export function resultsTable(results: readonly RunResult[]): Table {
  needArray(results, "resultsTable: results", RESULTS, "config");
  const summaries = summarise(results);
  const several = summaries.some(({ runs }) => runs.length > 1);
  const test = several ? "test %, median" : "test %";
  const numbers = `parameters | ratio | ${test}`;
  const columns = columnsOf("method", numbers, "each seed", "seconds | paper %");
  const teacher = results.find((run) => run.parameters.teacher !== undefined)?.parameters.teacher;
  const rows = summaries.map((summary) => {
    const { label, runs, testMedian } = summary;
    const { model } = runs[0]!.parameters;
    const ratio =
      teacher !== undefined && teacher !== model ? `${(teacher / model).toFixed(1)}x` : "";
    const time = median(runs.map(({ timing }) => timing.seconds));
    const form = shortForm(summary);
    return [
      form === undefined ? label : `${label}: ${form}`,
      grouped(model),
      ratio,
      inPercent(testMedian),
      seeds(summary),
      time.toFixed(1),
      published(summary),
    ];
  });
  return { columns, rows };
}

/**
 * Lists all warnings of the runs (dead units, the trivial optimum, unlabelled nodes), one sentence per
 * warning, naming the runs that it comes from unless it comes from all.
 */
export function describeWarnings(results: readonly RunResult[]): string[] {
  needArray(results, "describeWarnings: results", RESULTS, "config");
  const runs = new Map<string, RunResult[]>();
  for (const result of results)
    for (const text of new Set(result.warnings))
      runs.set(text, [...(runs.get(text) ?? []), result]);
  return [...runs].map(([text, from]) => {
    if (from.length === results.length) return `All runs: ${text}`;
    const names = from.map(({ id, config }) => {
      const label = runLabel(config.method?.name ?? "teacher");
      return `${label}, seed ${config.seed} (run ${id})`;
    });
    return `${names.join("; ")}: ${text}`;
  });
}

function compare(one: MethodSummary, other: MethodSummary): string {
  // From the printed numbers, so that the sentence and the table never disagree.
  const points = Number(inPercent(one.testMedian)) - Number(inPercent(other.testMedian));
  if (Math.abs(points) < 0.05) return `${one.label} and ${other.label} are level`;
  const [better, worse] = points > 0 ? [one, other] : [other, one];
  return `${better.label} beats ${worse.label} by ${Math.abs(points).toFixed(1)} points`;
}

/**
 * Says in one sentence what the numbers show about ABKD, e.g. `SoftKD beats ABKD by 3.8 points, ABKD
 * beats Student by 4.9 points (medians of 3 seeds on test).`; undefined without an ABKD run.
 */
export function describeFinding(results: readonly RunResult[]): string | undefined {
  needArray(results, "describeFinding: results", RESULTS, "config");
  const summaries = summarise(results);
  const of = (role: (typeof ROLES)[number]) =>
    summaries.filter(({ name }) => methods.some((one) => one.name === name && one.role === role));
  const [ours] = of("method");
  const others = [...of("control"), ...of("baseline")];
  if (!ours || others.length === 0) return undefined;
  const parts = others.map((other) => compare(ours, other));
  const count = ours.runs.length;
  const how = count === 1 ? "one seed" : `medians of ${count} seeds`;
  return `${parts.join("; ")} (${how} on one split: a first look, not a comparison of methods).`;
}
