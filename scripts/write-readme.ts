// Writes the generated parts of README.md, so that no number there is typed by hand.
//
//     node scripts/write-readme.ts             what the quickstart prints: it is run
//     node scripts/write-readme.ts --findings  what the trials in results/ say of table 3

import { readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { columnsOf, markdownTable } from "../src/base/table.ts";
import { quickstart } from "../src/cli/quickstart.ts";
import { inPercent } from "../src/display/format.ts";
import { datasetName, evidenceOf, recordsOf } from "../src/experiments/evidence.ts";
import { writeSection } from "../src/experiments/markdown-section.ts";
import { ResultsStore } from "../src/experiments/results-store.ts";
import { findStudy } from "../src/experiments/studies/index.ts";
import { outcomeCounts } from "../src/experiments/study-words.ts";

/** Table 3's own rows, and those that a sceptic asks for. */
const ARMS = "teacher student lsp gsp gcrd abkd abkd:literal abkd:uniform abkd:last softkd".split(
  " ",
);

async function quickstartBlock(): Promise<string> {
  const lines: string[] = [];
  const print = (line: string): void => {
    console.log(line);
    lines.push(line);
  };
  await quickstart({ dataset: "cora", runs: "runs", figures: "figures", trials: 3 }, { print });
  const printed = lines.join("\n").trim();
  return `\`\`\`\n${printed.replaceAll(/\n{3,}/g, "\n\n")}\n\`\`\``;
}

/** Means with their intervals and the paper's, then how the claims came out. */
function findingsBlock(): string {
  const store = new ResultsStore("results");
  const study = findStudy("table3");
  const evidence = ["cora", "citeseer"].map((dataset) => evidenceOf(study, dataset, store));
  const label = (id: string): string =>
    evidence[0]!.part.arms.find(({ method }) => method === id)!.label;
  const cells = (id: string): string[] =>
    evidence.flatMap(({ part }) => {
      const { mean, interval, paper, n, dead } = part.arms.find(({ method }) => method === id)!;
      if (mean === undefined || interval === undefined) return ["-", "-"];
      const range = `${inPercent(interval[0])} to ${inPercent(interval[1])}`;
      const died = dead > 0 ? `, ${dead} of ${n} died` : "";
      return [`${inPercent(mean)} (${range}${died})`, paper ? paper.mean.toFixed(2) : "-"];
    });
  const splits = new Set(recordsOf(evidence[0]!, "abkd").map(({ config }) => config.split)).size;
  const names = evidence.map(({ dataset }) => datasetName(dataset));
  const columns = columnsOf(["test accuracy, %", ...names.flatMap((name) => [name, "paper"])]);
  const claims = evidence.map(({ part }, k) => `${names[k]} ${outcomeCounts(part.claims)}`);
  return [
    markdownTable({ columns, rows: ARMS.map((id) => [label(id), ...cells(id)]) }),
    "",
    `Means over ${splits} of the ${evidence[0]!.part.splits.length} planned splits, two students each; 95 % confidence ` +
      "intervals in brackets. A student has died when it gives every node one class. " +
      whyTwoNumbers(cells("student")[0]!, splits),
    "",
    `Of the paper's claims on this table: ${claims.join("; ")}.`,
  ].join("\n");
}

/** Explains why the same student has one number in the quick start's table and another in this one. */
function whyTwoNumbers(mean: string, splits: number): string {
  const [, median] = /^Student +[\d,]+ +\S+ +([\d.]+) /m.exec(readFileSync(file, "utf8")) ?? [];
  return (
    `The quick start's numbers differ (Student on Cora: ${median} there, ${mean.split(" ")[0]} here): they are medians of ` +
    `three seeds on one split, these are means over ${splits} splits.`
  );
}

const file = new URL("../README.md", import.meta.url);
const { values } = parseArgs({ options: { findings: { type: "boolean", default: false } } });
const [name, block] = values.findings
  ? ["findings", findingsBlock()]
  : ["quickstart", await quickstartBlock()];
writeFileSync(file, writeSection(readFileSync(file, "utf8"), name, block));
