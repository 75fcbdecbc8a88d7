// A study's report as a document of headings, paragraphs and tables, and as Markdown; figures/ makes the HTML.

import { escaped } from "../base/markup.ts";
import { columnsOf, markdownTable, type Table } from "../base/table.ts";
import { counted, inPercent, listed, signed } from "../display/format.ts";
import { datasetName, span } from "./evidence.ts";
import type { Fact } from "./inconsistencies.ts";
import { accuracyText } from "./published.ts";
import { registrationWords } from "./registration.ts";
import {
  type ArmReport,
  type ClaimReport,
  type Comparison,
  type DatasetReport,
  hasOwnRow,
  type StudyReport,
} from "./report-data.ts";
import { TEACHER_ARM } from "./study.ts";
import { trialTable } from "./trial-index.ts";
import { SIGNIFICANCE, type Verdict } from "./verdict.ts";

/** A part of a document; a paragraph is a string. Empty lists and tables are left out. */
export type Block =
  | string
  | { readonly heading: string; readonly level: 2 | 3 }
  | { readonly list: readonly string[] }
  /** With a summary, the table is folded away until a reader opens it. */
  | { readonly table: Table; readonly summary?: string }
  /** The dataset's figure, which only HTML has. */
  | { readonly figure: string }
  /** Links side by side, which only Markdown has: an HTML page is self-contained. */
  | { readonly links: readonly { readonly text: string; readonly href: string }[] };

function isEmpty(block: Block): boolean {
  if (typeof block === "string") return false;
  if ("list" in block) return block.list.length === 0;
  return "table" in block && block.table.rows.length === 0;
}

/** Puts blocks under a heading; returns nothing if all of them are empty. */
export function section(heading: string, blocks: readonly Block[], level: 2 | 3 = 2): Block[] {
  const shown = blocks.filter((block) => !isEmpty(block));
  return shown.length > 0 ? [{ heading, level }, ...shown] : [];
}

/** How outcomes are shown. */
export const MARKS: Readonly<Record<Verdict["outcome"], string>> = {
  reproduced: "✓ reproduced",
  differs: "✗ differs",
  equivalent: "= equivalent",
  undecided: "? undecided",
  "not testable": "– not testable",
  none: "– none",
};

/** Formats a verdict, with the number of splits and searches if small: `✓ reproduced (10 splits, 1 search)`. */
export function verdictText(verdict: Verdict): string {
  const few = restsOn(verdict);
  return MARKS[verdict.outcome] + (few === "" ? "" : ` (${few})`);
}

/** Says what a verdict rests on if that is little: `10 splits, 1 search`. */
export function restsOn({ splits, searches }: Verdict): string {
  return listed(
    splits !== undefined && `${splits} splits`,
    searches !== undefined && counted(searches, "search", "searches"),
  );
}

const percent = (fraction: number | undefined): string =>
  fraction === undefined ? "" : inPercent(fraction, 2);

/** @param facts the paper's inconsistencies, or none */
export function studyDocument(report: StudyReport, facts: readonly Fact[]): Block[] {
  const { profile, done, diverged, planned, about, rule, problems, registration } = report;
  const how =
    profile === "quick"
      ? "Quick profile: a first look with few splits and seeds; no verdicts."
      : "Paper profile.";
  const bad = diverged > 0 ? `, ${diverged} diverged (their loss became non-finite)` : "";
  return [
    `${how} ${done} of ${planned} trials are done${bad}.`,
    registrationWords(registration),
    ...about,
    ...section("Records that could not be used", [{ list: problems }]),
    ...report.datasets.flatMap(datasetBlocks),
    ...section("Not tested here", [{ table: absentTable(report) }]),
    ...section("How claims are decided", rule),
    ...section("Where the paper contradicts itself, computed", [{ table: factTable(facts) }]),
  ];
}

function datasetBlocks(part: DatasetReport): Block[] {
  const { dataset, splits, seeds, unit, arms, comparisons, claims, notes } = part;
  const taught = arms.some(({ method }) => method === TEACHER_ARM) ? "; one teacher a split" : "";
  const trained =
    seeds.length === 0
      ? `Teachers of ${span("split", splits)}, one each.`
      : `Students of ${span("split", splits)}, ${seeds.length / splits.length} a split and arm, ` +
        `${span("seed", seeds)}. Every method starts from the same student on a split with a seed${taught}.`;
  return section(datasetName(dataset), [
    `${trained} Tests are over ${unit}s.`,
    { table: armTable(arms) },
    { figure: dataset },
    ...section("Claims of the paper", [{ table: claimTable(claims) }], 3),
    ...section("Paired differences", [{ table: comparisonTable(comparisons, arms) }], 3),
    ...section("Where learned attention lies", [{ table: attendedTable(arms) }], 3),
    { list: notes },
    { table: trialTable(part), summary: `${dataset}: every trial` },
  ]);
}

const ARM_COLUMNS = columnsOf(
  "verdict on the value | method",
  "n | test %, mean ± std | 95 % interval | median | geom-gcn's splits % | dead | nearly dead | " +
    "diverged | val % | paper % | ours - paper",
);
/** The index of the published weights' column, after the validation accuracy. */
const PUBLISHED_COLUMN = 11;

/** One row per arm; published weights are a column. */
export function armTable(all: readonly ArmReport[]): Table {
  const published = new Map(all.map((arm) => [arm.publishedOf, arm]));
  const arms = all.filter(hasOwnRow);
  if (published.size === 1) return { columns: ARM_COLUMNS, rows: arms.map(armCells) };
  const title = { title: "with published weights", numeric: true };
  return {
    columns: ARM_COLUMNS.toSpliced(PUBLISHED_COLUMN, 0, title),
    rows: arms.map((arm) => {
      const beside = otherCell(published.get(arm.method));
      return armCells(arm).toSpliced(PUBLISHED_COLUMN, 0, beside);
    }),
  };
}

function meanText({ mean, std }: ArmReport): string {
  return mean === undefined ? "" : `${percent(mean)} ± ${percent(std ?? 0)}`;
}

/** Formats the mean with published weights, and how many of the trials died or diverged. */
function otherCell(arm: ArmReport | undefined): string {
  if (!arm) return "";
  const { dead, diverged } = arm;
  return listed(meanText(arm), dead > 0 && `${dead} dead`, diverged > 0 && `${diverged} diverged`);
}

function armCells(arm: ArmReport): string[] {
  return [
    arm.verdict ? verdictText(arm.verdict) : "",
    arm.role === "control" ? `${arm.label} (control)` : arm.label,
    arm.n === arm.planned ? String(arm.n) : `${arm.n} of ${arm.planned}`,
    meanText(arm),
    arm.interval ? arm.interval.map(percent).join(" to ") : "",
    percent(arm.median),
    percent(arm.geomGcn),
    ...[arm.dead, arm.nearlyDead, arm.diverged].map(String),
    percent(arm.val),
    arm.paper ? accuracyText(arm.paper) : "",
    arm.difference === undefined ? "" : signed(arm.difference),
  ];
}

/** One row per claim, the verdict first. */
export function claimTable(claims: readonly ClaimReport[]): Table {
  return {
    columns: columnsOf("verdict | claim | paper | ours | why"),
    rows: claims.map(({ text, paper = "", ours = "", verdict }) => [
      verdictText(verdict),
      text,
      paper,
      ours,
      verdict.why,
    ]),
  };
}

function comparisonTable(comparisons: readonly Comparison[], arms: readonly ArmReport[]): Table {
  const labels = new Map(arms.map(({ method, label }) => [method, label]));
  const p = (value: number): string => (value < 0.001 ? "< .001" : value.toFixed(3));
  return {
    columns: columnsOf(
      "verdict | one | less the other | family",
      "points | 95 % interval | Holm's p | new graphs: p | d_z | wins",
    ),
    rows: comparisons.map(({ one, other, n, difference, interval, ...rest }) => [
      verdictText(rest.verdict),
      labels.get(one) ?? one,
      labels.get(other) ?? other,
      rest.family,
      signed(100 * difference),
      interval.map((end) => signed(100 * end)).join(" to "),
      p(rest.holm) + (rest.holm < SIGNIFICANCE ? " *" : ""),
      p(rest.newGraphs),
      rest.effect === undefined ? "" : rest.effect.toFixed(2),
      `${rest.wins} of ${n}`,
    ]),
  };
}

/** Counts how often each student layer has the largest share of learned attention. */
function attendedTable(arms: readonly ArmReport[]): Table {
  const learned = arms.filter(({ attended }) => attended);
  const layers = Math.max(0, ...learned.map(({ attended }) => attended!.length));
  const layerNames = Array.from({ length: layers }, (_, j) => `layer ${j + 1}`);
  return {
    columns: columnsOf("trials in which a layer leads", layerNames),
    rows: learned.map(({ label, attended }) => [
      label,
      ...layerNames.map((_, j) => `${attended![j] ?? ""}`),
    ]),
  };
}

function absentTable({ absent }: StudyReport): Table {
  const claims = absent.flatMap(({ dataset, claims: all }) =>
    all.map((claim) => ({ ...claim, text: `${dataset}: ${claim.text}` })),
  );
  return claimTable(claims);
}

/** Lists the paper's contradictions with itself. */
export function factTable(facts: readonly Fact[]): Table {
  return {
    columns: columnsOf("where | computed"),
    rows: facts.map(({ where, text }) => [where, text]),
  };
}

/** Renders a document as Markdown. */
export function markdown(title: string, blocks: readonly Block[]): string {
  return `${[`# ${title}`, ...blocks.flatMap(markdownBlock)].join("\n\n")}\n`;
}

/** @returns its parts; none for what Markdown cannot show */
function markdownBlock(block: Block): string[] {
  if (typeof block === "string") return [escaped(block)];
  if ("heading" in block) return [`${"#".repeat(block.level)} ${block.heading}`];
  if ("list" in block) return [block.list.map((item) => `- ${escaped(item)}`).join("\n")];
  if ("links" in block) {
    return [block.links.map(({ text, href }) => `[${text}](${encodeURI(href)})`).join(" · ")];
  }
  if ("figure" in block) return [];
  const table = markdownTable(block.table);
  if (block.summary === undefined) return [table];
  return [`<details><summary>${escaped(block.summary)}</summary>`, table, "</details>"];
}
