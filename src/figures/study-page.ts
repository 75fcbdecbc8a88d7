// A study's report as a web page in one file.

import { plain } from "../base/markup.ts";
import { htmlTable } from "../base/table.ts";
import type { Fact } from "../experiments/inconsistencies.ts";
import type { StudyReport } from "../experiments/report-data.ts";
import type { Study } from "../experiments/study.ts";
import { type Block, studyDocument } from "../experiments/study-document.ts";
import type { Figure } from "./figure.ts";
import { assemblePage, figurePlace } from "./page.ts";
import { attentionShares, type SizedRows, studyAccuracies } from "./study-figures.ts";

/**
 * Builds the page.
 * @param facts the paper's inconsistencies, or none
 * @returns HTML of about 3 MB that needs no network
 */
export function studyPage(
  study: Study,
  report: StudyReport,
  facts: readonly Fact[],
): Promise<string> {
  const figures: Figure[] = [];
  const place = ({ figure, height }: SizedRows): string =>
    figurePlace(figures.push(figure) - 1, height);
  const drawing = (dataset: string): string => {
    const part = report.datasets.find((one) => one.dataset === dataset)!;
    const shares = study.showsAttention ? attentionShares(part) : undefined;
    const accuracies = place(studyAccuracies(part));
    return shares ? `${accuracies}\n${place(shares)}` : accuracies;
  };
  const body = studyDocument(report, facts).map((block) => html(block, drawing));
  return assemblePage({ title: report.title, body: body.join("\n"), figures });
}

function html(block: Block, drawing: (dataset: string) => string): string {
  if (typeof block === "string") return `<p>${plain(block)}</p>`;
  if ("heading" in block) return `<h${block.level}>${plain(block.heading)}</h${block.level}>`;
  if ("list" in block) {
    return `<ul>${block.list.map((item) => `<li>${plain(item)}</li>`).join("\n")}</ul>`;
  }
  if ("figure" in block) return drawing(block.figure);
  if ("links" in block) return "";
  const table = `<div class="scroll">${htmlTable(block.table)}</div>`;
  if (block.summary === undefined) return table;
  return `<details><summary>${plain(block.summary)}</summary>${table}</details>`;
}
