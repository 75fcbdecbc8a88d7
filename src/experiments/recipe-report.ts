// The search's outcome as Markdown: what was tried, what was chosen, how it does on new seeds.
import type { Changes } from "../training/recipes.ts";
import type { RunResult } from "../training/run.ts";
import {
  type Candidate,
  changesOf,
  meanValidation,
  type SearchOutcome,
  type SearchPlan,
  type Trials,
} from "./recipe-search.ts";
import { mean, pairedT, standardDeviation } from "./statistics.ts";
import { median } from "./summary.ts";

/** A configuration that was not searched but is worth a row. */
export interface Row {
  readonly name: string;
  readonly changes: Changes;
  readonly runs: readonly RunResult[];
}

const percent = (fraction: number): string => (100 * fraction).toFixed(1);
const signed = (x: number): string => `${x < 0 ? "" : "+"}${(100 * x).toFixed(1)}`;

export function recipeReport(
  dataset: string,
  plan: SearchPlan,
  outcomes: readonly SearchOutcome[],
  controls: readonly Row[],
): string {
  const rows: Row[] = [
    ...outcomes.map(({ method, chosen, final }) => ({
      name: method,
      changes: chosen,
      runs: final,
    })),
    ...controls,
  ];
  const student = rows.find(({ name }) => name === "student");
  const softkd = rows.find(({ name }) => name === "softkd");
  const { final } = plan;
  const lines = [
    `## ${dataset}: the chosen recipes on new seeds`,
    "",
    `Splits ${final.splits.join(", ")}; student seeds ${final.seeds.join(", ")}; ` +
      `n = ${final.splits.length * final.seeds.length} runs a row. Accuracies in percent, ` +
      "mean +- standard deviation over runs. Differences are paired (same split, same student " +
      "initialisation), t with n - 1 degrees of freedom. `dead`: runs that predict one class.",
    "",
    "| | val | test | median | dead | - student | - softkd | s |",
    "|---|---|---|---|---|---|---|---|",
    ...rows.map((row) => finalRow(row, student, softkd)),
    "",
    "Controls stand on ABKD's chosen recipe and were not searched themselves.",
    "",
    `### ${dataset}: recipes`,
    "",
    "| | recipe | method's options |",
    "|---|---|---|",
    ...rows.map(({ name, changes }) => {
      const recipe = { ...changes.model, ...changes.training };
      return `| ${name} | ${show(recipe)} | ${changes.preset ?? show(changes.options ?? {})} |`;
    }),
    "",
    `### ${dataset}: what was tried`,
    "",
    `${plan.configurations} random configurations a method on ${trials(plan.first)}; the best ` +
      `${plan.survivors}, and an earlier recipe, also on ${trials(plan.second)}. Then up ` +
      `to ${plan.neighbours} neighbours of the best (one choice changed), and the best ` +
      `${plan.promoted} of those, in the same way. The best ${plan.finalists} of all also on ` +
      `${trials(plan.third)}; among them the mean validation accuracy over all runs decides.`,
    ...outcomes.flatMap(({ method, candidates }) => ["", ...triedTable(method, candidates)]),
  ];
  return lines.join("\n");
}

function finalRow(row: Row, student: Row | undefined, softkd: Row | undefined): string {
  const test = row.runs.map(({ accuracy }) => accuracy.test);
  const val = row.runs.map(({ accuracy }) => accuracy.val);
  const dead = row.runs.filter((run) => run.dead).length;
  const seconds = mean(row.runs.map(({ timing }) => timing.seconds));
  const spread = (xs: number[]): string =>
    `${percent(mean(xs))} +- ${percent(standardDeviation(xs))}`;
  const cells = [
    row.name,
    spread(val),
    spread(test),
    percent(median(test)),
    `${dead}`,
    difference(row, student),
    difference(row, softkd),
    seconds.toFixed(1),
  ];
  return `| ${cells.join(" | ")} |`;
}

function difference(row: Row, other: Row | undefined): string {
  if (!other || other === row) return "";
  const differences = row.runs.map((run, k) => run.accuracy.test - other.runs[k]!.accuracy.test);
  const t = pairedT(differences);
  return `${signed(mean(differences))} (t ${t.toFixed(1)})`;
}

function triedTable(method: string, candidates: readonly Candidate[]): string[] {
  return [
    `<details><summary>${method}: ${candidates.length} configurations</summary>`,
    "",
    "| val | runs | dead | recipe | options |",
    "|---|---|---|---|---|",
    ...candidates.map((candidate) => {
      const { draw, runs } = candidate;
      const changes = changesOf(draw);
      const dead = runs.filter((run) => run.dead).length;
      const recipe = show({ ...changes.model, ...changes.training });
      const options = show(changes.options ?? {});
      return `| ${percent(meanValidation(candidate))} | ${runs.length} | ${dead} | ${recipe} | ${options} |`;
    }),
    "",
    "</details>",
  ];
}

function trials({ splits, seeds }: Trials): string {
  return `${splits.join(", ")} with seeds ${seeds.join(", ")}`;
}

function show(values: object): string {
  return Object.entries(values)
    .map(([name, value]) => `${name} ${value}`)
    .join(", ");
}
