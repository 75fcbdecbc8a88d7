// The index of a study's trials: one row per trial, with the id under which its record is found.

import { columnsOf, type Table } from "../base/table.ts";
import { inPercent } from "../display/format.ts";
import type { DatasetReport, TrialRow } from "./report-data.ts";
import type { ResultsStore } from "./results-store.ts";
import type { PlannedTrial } from "./study.ts";

/** Returns the trials that were run, in the plan's order. */
export function trialRows(
  planned: readonly PlannedTrial[],
  { records, failures }: Pick<ReturnType<ResultsStore["read"]>, "records" | "failures">,
): TrialRow[] {
  return planned.flatMap(({ id, arm, split, seed }): TrialRow[] => {
    const record = records.get(id);
    if (!record) return failures.has(id) ? [{ id, arm, split, seed, state: "diverged" }] : [];
    const { accuracy, bestEpoch, epochs, dead } = record;
    const { val, test } = accuracy;
    return [{ id, arm, split, seed, state: dead ? "dead" : "alive", val, test, bestEpoch, epochs }];
  });
}

const COLUMNS = columnsOf(
  "arm | split | trial | state",
  "seed | test % | val % | best epoch | epochs",
);

/** Lists trials arm by arm, the report's arms first; an arm that equals another is listed as that one. */
export function trialTable({ arms, trials }: Pick<DatasetReport, "arms" | "trials">): Table {
  const byArm = Map.groupBy(trials, ({ arm }) => arm);
  const labels = new Map(arms.map(({ method, label }) => [method, label]));
  const others = [...byArm.keys()].filter((arm) => !labels.has(arm));
  const own = arms.filter(({ sameAs }) => sameAs === undefined).map(({ method }) => method);
  const percent = (fraction: number | undefined): string =>
    fraction === undefined ? "" : inPercent(fraction, 2);
  return {
    columns: COLUMNS,
    rows: [...own, ...others].flatMap((arm) =>
      (byArm.get(arm) ?? []).map((row) => [
        labels.get(arm) ?? arm,
        row.split,
        row.id,
        row.state,
        `${row.seed}`,
        percent(row.test),
        percent(row.val),
        `${row.bestEpoch ?? ""}`,
        `${row.epochs ?? ""}`,
      ]),
    ),
  };
}

/** Writes a study's trials on several graphs as comma-separated values (RFC 4180, but lines end in LF). */
export function trialsCsv(parts: readonly DatasetReport[]): string {
  const line = (cells: readonly string[]): string =>
    `${cells.map((text) => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text)).join(",")}\n`;
  const rows = parts.flatMap((part) =>
    trialTable(part).rows.map((cells) => [part.dataset, ...cells]),
  );
  return [["graph", ...COLUMNS.map(({ title }) => title)], ...rows].map(line).join("");
}
