// A study's report as a web page in one file.
import type { Fact } from "../experiments/inconsistencies.ts";
import type { StudyReport } from "../experiments/report-data.ts";
import { type Block, studyDocument } from "../experiments/study-document.ts";
import { type Figure, plain } from "./figure.ts";
import { assemblePage, figurePlace } from "./page.ts";
import { attentionShares, type SizedRows, studyAccuracies } from "./study-figures.ts";
import { htmlTable } from "./table.ts";

/**
 * @param facts the paper's inconsistencies, or none
 * @param linkTo a trial's address, as seen from the page
 * @returns HTML, about 3 MB; needs no network
 */
export function studyPage(
  report: StudyReport,
  facts: readonly Fact[],
  linkTo: (id: string) => string,
): Promise<string> {
  const figures: Figure[] = [];
  const place = ({ figure, height }: SizedRows): string =>
    figurePlace(figures.push(figure) - 1, height);
  const drawing = (dataset: string): string => {
    const part = report.datasets.find((one) => one.dataset === dataset)!;
    const shares = report.study === "figure5" ? attentionShares(part) : undefined;
    const accuracies = place(studyAccuracies(part));
    return shares ? `${accuracies}\n${place(shares)}` : accuracies;
  };
  const body = studyDocument(report, facts, linkTo).map((block) => html(block, drawing));
  return assemblePage({ title: report.title, body: body.join("\n"), figures });
}

function html(block: Block, drawing: (dataset: string) => string): string {
  switch (block.kind) {
    case "heading":
      return `<h${block.level}>${plain(block.text)}</h${block.level}>`;
    case "paragraph":
      return `<p>${plain(block.text)}</p>`;
    case "list":
      return `<ul>${block.items.map((item) => `<li>${plain(item)}</li>`).join("\n")}</ul>`;
    case "table":
      return `<div class="scroll">${htmlTable(block.table)}</div>`;
    case "figure":
      return drawing(block.dataset);
    case "links":
      return linkList(block);
  }
}

function linkList({ summary, rows }: Extract<Block, { kind: "links" }>): string {
  const items = rows.map(({ label, links }) => {
    const shown = links.map(
      ({ text, href }) =>
        `<a href="${plain(encodeURI(href)).replaceAll('"', "%22")}">${plain(text)}</a>`,
    );
    return `<li>${plain(label)}: ${shown.join(", ")}</li>`;
  });
  return `<details><summary>${plain(summary)}</summary><ul>${items.join("\n")}</ul></details>`;
}
