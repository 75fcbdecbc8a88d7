// The index of a study's trials: one row per trial, with the id under which its record is found.
import type { DatasetReport, TrialRow } from "./report-data.ts";
import type { ResultsStore } from "./results-store.ts";
import type { Table } from "./results-table.ts";
import type { PlannedTrial } from "./study.ts";

/** The trials that were run, in the plan's order. */
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

const TEXTS = ["arm", "split", "trial", "state"];
const NUMBERS = ["seed", "test %", "val %", "best epoch", "epochs"];

/** Arm by arm, those of the report first; arms that are another's configurations are that arm. */
export function trialTable({ arms, trials }: Pick<DatasetReport, "arms" | "trials">): Table {
  const byArm = Map.groupBy(trials, ({ arm }) => arm);
  const labels = new Map(arms.map(({ method, label }) => [method, label]));
  const others = [...byArm.keys()].filter((arm) => !labels.has(arm));
  const own = arms.filter(({ sameAs }) => sameAs === undefined).map(({ method }) => method);
  const percent = (fraction: number | undefined): string =>
    fraction === undefined ? "" : (100 * fraction).toFixed(2);
  return {
    columns: [...TEXTS, ...NUMBERS].map((title) => ({ title, numeric: NUMBERS.includes(title) })),
    rows: [...own, ...others].flatMap((arm) =>
      (byArm.get(arm) ?? []).map((row) => [
        ...[labels.get(arm) ?? arm, row.split, row.id, row.state],
        ...[String(row.seed), percent(row.test), percent(row.val)],
        ...[row.bestEpoch, row.epochs].map((epochs) => epochs?.toString() ?? ""),
      ]),
    ),
  };
}

/** The trials of a study on several graphs, as comma-separated values (RFC 4180, lines end in LF). */
export function trialsCsv(parts: readonly DatasetReport[]): string {
  const line = (cells: readonly string[]): string =>
    `${cells.map((text) => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text)).join(",")}\n`;
  const rows = parts.flatMap((part) =>
    trialTable(part).rows.map((cells) => [part.dataset, ...cells]),
  );
  return [["graph", ...TEXTS, ...NUMBERS], ...rows].map(line).join("");
}
