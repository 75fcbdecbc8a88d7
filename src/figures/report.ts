// Figures that compare methods on one graph: a sheet for print, and a page for the screen.

import { plain } from "../base/markup.ts";
import { grouped, percent } from "../display/format.ts";
import { describeForm } from "../experiments/form.ts";
import { describeFinding, describeWarnings, resultsTable } from "../experiments/results-table.ts";
import { summarise } from "../experiments/summary.ts";
import { modelSize, modelTitle } from "../models/registry.ts";
import type { RunConfig, RunResult } from "../training/run.ts";
import { testAccuracies } from "./accuracies.ts";
import { type Cell, compose } from "./compose.ts";
import type { Figure, Size } from "./figure.ts";
import { learningCurves } from "./learning-curves.ts";
import { attentionMatrix, dissimilarityMatrix } from "./matrices.ts";
import { figurePage } from "./page.ts";

/** The size that the sheet is designed for. */
export const sheetSize: Size = { width: 1200, height: 800 };

/** Names the models, `GCN 2L-16H into MLP 2L-16H`. @param count numbers of parameters, put in brackets */
export function modelNames(
  teacher: RunConfig | undefined,
  student: RunConfig,
  count: { readonly teacher?: number; readonly student?: number } = {},
): string {
  const brackets = (parameters: number | undefined, unit: string): string =>
    parameters === undefined ? "" : ` (${grouped(parameters)}${unit})`;
  const unit = " parameters";
  if (!teacher) return modelTitle(student.model) + brackets(count.student, unit);
  const sameKind = teacher.model.kind === student.model.kind;
  const small = sameKind ? modelSize(student.model) : modelTitle(student.model);
  const large = modelTitle(teacher.model) + brackets(count.teacher, unit);
  return `${large} into ${small}${brackets(count.student, "")}`;
}

/** Makes a title: `Cora, geom-gcn:0: GCNII 64L-64H (354,375 parameters) into 4L-4H (5,835)`. */
export function reportTitle(results: readonly RunResult[]): string {
  const student = results.find(({ config }) => config.teacher) ?? results[0]!;
  const { dataset, split, teacher } = student.config;
  const { model, teacher: teacherSize } = student.parameters;
  const where = `${dataset[0]?.toUpperCase()}${dataset.slice(1)}, ${split}`;
  const known = teacherSize === undefined ? undefined : teacher;
  const count = { student: model, ...(teacherSize !== undefined && { teacher: teacherSize }) };
  return `${where}: ${modelNames(known, student.config, count)}`;
}

/** Returns the run whose matrices are shown: the first live one with attention. */
function shown(results: readonly RunResult[]): RunResult | undefined {
  const candidates = results.filter((run) => run.inspection?.last.matrices["attention"]);
  return candidates.find((run) => !run.dead) ?? candidates[0];
}

function matrices(results: readonly RunResult[]): Figure[] {
  const run = shown(results);
  if (!run) return [];
  return [attentionMatrix(run), dissimilarityMatrix(run)].filter((figure) => figure !== undefined);
}

function students(results: readonly RunResult[]): RunResult[] {
  return results.filter(({ config }) => config.method);
}

/** Lists the ids of all runs, eight per line. */
function runLines(results: readonly RunResult[]): string {
  const ids = results.map(({ id }) => id);
  const lines = [];
  for (let i = 0; i < ids.length; i += 8) lines.push(ids.slice(i, i + 8).join("  "));
  return `runs  ${lines.join("<br>")}`;
}

/**
 * Combines four figures in one: learning curves, test accuracies, attention and dissimilarity. The small print
 * says which form of ABKD ran and names every run.
 * @param results on one dataset and split: the teacher's, and each method's over seeds
 */
export function reportSheet(results: readonly RunResult[]): Figure {
  const [attention, dissimilarity] = matrices(results);
  const foot = attention ? 0.42 : 0;
  const cells: Cell[] = [
    { figure: learningCurves(students(results)), x: [0, 0.56], y: [foot, 1] },
    { figure: testAccuracies(results), x: [0.64, 1], y: [foot, 1] },
  ];
  if (attention) cells.push({ figure: attention, x: [0, 0.45], y: [0, 0.22] });
  if (dissimilarity) cells.push({ figure: dissimilarity, x: [0.55, 1], y: [0, 0.22] });
  const forms = summarise(results).flatMap((summary) => describeForm(summary) ?? []);
  const smallPrint = [...forms.map(plain), runLines(results)].join("<br>");
  return compose(plain(reportTitle(results)), cells, smallPrint);
}

/** Returns the sheet's alt text: what it shows, in plain words. */
export function reportDescription(results: readonly RunResult[]): string {
  const summaries = summarise(results);
  const medians = summaries.map(
    ({ label, testMedian, runs }) =>
      `${label} ${percent(testMedian)} (${runs.map(({ id }) => id).join(", ")})`,
  );
  const how = summaries.some(({ runs }) => runs.length > 1)
    ? "Median test accuracy"
    : "Test accuracy";
  return `${reportTitle(results)}. ${how} (runs): ${medians.join("; ")}.`;
}

/**
 * Returns the sentences beside the table: the finding, the form of ABKD, the warnings.
 * @param form describes the form; by default with every difference from the paper's
 */
export function reportNotes(results: readonly RunResult[], form = describeForm): string[] {
  const forms = summarise(results).flatMap((summary) => form(summary) ?? []);
  return [describeFinding(results) ?? [], forms, describeWarnings(results)].flat();
}

/** Builds a page that needs no network: the same figures one by one, with the table and the runs. */
export async function reportPage(results: readonly RunResult[]): Promise<string> {
  const wide = [learningCurves(students(results)), testAccuracies(results)];
  const strips = matrices(results);
  return figurePage({
    title: reportTitle(results),
    notes: reportNotes(results),
    table: resultsTable(results),
    figures: [
      ...wide.map((figure) => ({ figure, height: 460 })),
      ...strips.map((figure) => ({ figure, height: 280 })),
    ],
    runs: results,
  });
}
