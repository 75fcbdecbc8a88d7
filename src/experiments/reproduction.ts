// Writes docs/reproduction.md: each of the paper's claims about small graphs, our number, the verdict. Beside
// it, one page and one list of trials per study.

import { columnsOf, type Table } from "../base/table.ts";
import type { Evidence } from "./evidence.ts";
import { datasetName, doneText, provenance } from "./evidence.ts";
import { headlines } from "./headlines.ts";
import type { Fact } from "./inconsistencies.ts";
import type { ClaimReport } from "./report-data.ts";
import type { SizeClaim } from "./sizes.ts";
import { planStudy, type Study } from "./study.ts";
import {
  armTable,
  type Block,
  claimTable,
  factTable,
  MARKS,
  markdown,
  restsOn,
  section,
} from "./study-document.ts";
import { absentReports } from "./study-report.ts";
import { outcomeCounts, rankingWords } from "./study-words.ts";
import type { TheoremReport } from "./theorem1-report.ts";
import { trialsCsv } from "./trial-index.ts";
import { RULE, type Verdict } from "./verdict.ts";

/** Everything that the document is made from. */
export interface Reproduction {
  readonly studies: readonly { readonly study: Study; readonly evidence: readonly Evidence[] }[];
  /** Table 9. */
  readonly graphs: readonly SizeClaim[];
  /** Table 3's parameters and ratios. */
  readonly models: readonly SizeClaim[];
  readonly theorem: TheoremReport;
  readonly facts: readonly Fact[];
}

/** The document, and the texts it links to, by their file names in the folder of parts. */
export interface ReproductionFiles {
  readonly document: string;
  readonly parts: ReadonlyMap<string, string>;
}

/** @param folder the folder of the parts, relative to the document: `reproduction` */
export function reproductionFiles(
  { studies, graphs, models, theorem, facts }: Reproduction,
  folder: string,
): ReproductionFiles {
  const remembered = studies
    .filter(({ study }) => study.name === "table3")
    .flatMap(({ evidence }) => evidence)
    .filter(({ profile }) => profile === "paper");
  const blocks: Block[] = [
    "Written by the command abkd study report from the trials in results/; nothing is typed by hand. " +
      "Each study has a page with its means, the reason of each verdict and what its trials warn of, and " +
      "a list of its trials; abkd study show prints the record of one. A notebook for each table and " +
      "figure: notebooks/README.md.",
    ...section("To remember", [{ list: remembered.flatMap(headlines) }]),
    ...section("In short", [{ table: summary(studies, graphs, models, theorem) }]),
    ...section("How claims are decided", [
      `In the tables below a cell begins with the verdict: ${Object.values(MARKS).slice(0, 5).join(", ")}; then ` +
        "what came out here, and in brackets what the paper prints.",
      ...RULE,
    ]),
    ...studies.flatMap((one) => verdictBlocks(one, folder)),
    ...section("Table 3: parameters and ratios", [{ table: sizeTable(models) }]),
    ...section("Table 9: the graphs", [{ table: sizeTable(graphs) }]),
    ...section("Theorem 1", [theorem.about, { table: claimTable(theorem.claims) }]),
    ...section("Where the paper contradicts itself, computed", [{ table: factTable(facts) }]),
  ];
  const parts = studies.flatMap(({ study, evidence }): [string, string][] => [
    [`${study.name}.md`, markdown(study.title, pageBlocks(study, evidence))],
    [`${study.name}.csv`, trialsCsv(evidence.map(({ part }) => part))],
  ]);
  return { document: markdown("Reproduction", blocks), parts: new Map(parts) };
}

const NOT_RUN: Verdict = { outcome: "none", why: "not run here yet" };

/** Counts claims by outcome, one row per table or figure of the paper. */
function summary(
  studies: Reproduction["studies"],
  graphs: readonly SizeClaim[],
  models: readonly SizeClaim[],
  theorem: TheoremReport,
): Table {
  const sizes = (claims: readonly SizeClaim[]): string =>
    outcomeCounts(claims.map(({ what, verdict }) => ({ text: what, kind: "value", verdict })));
  const rows = studies.map(({ study, evidence }) => {
    const run = evidence.filter(({ records }) => records.size > 0);
    const where = run.map(({ dataset, profile, report }) => {
      return `${dataset} (${profile}, ${doneText(report)})`;
    });
    const claims = run.flatMap(({ part }) => part.claims);
    return [study.title, where.join(", ") || "not run here yet", outcomeCounts(claims)];
  });
  return {
    columns: columnsOf("of the paper | run here on | claims"),
    rows: [
      ...rows,
      ["Table 3: parameters and ratios", "counted", sizes(models)],
      ["Table 9: graphs", "counted", sizes(graphs)],
      ["Theorem 1", "computed", outcomeCounts(theorem.claims)],
    ],
  };
}

/** The paper's name for a graph, and the claims about it. */
type GraphClaims = readonly [graph: string, claims: readonly ClaimReport[]];

/** Returns a study's claims by graph, including graphs that are not available here. */
function claimsByGraph(study: Study, evidence: readonly Evidence[]): GraphClaims[] {
  const absent = absentReports(planStudy(study, { profile: "quick" }));
  const isAbsent = (name: string): boolean => absent.some(({ dataset }) => dataset === name);
  const known = evidence.filter(({ dataset, records }) => records.size > 0 || !isAbsent(dataset));
  const here = known.map(({ dataset, part, records }) => {
    const claims = part.claims.map((claim) =>
      records.size > 0 ? claim : { ...claim, verdict: NOT_RUN },
    );
    return { dataset, claims };
  });
  const others = absent.filter(({ dataset }) => !known.some((one) => one.dataset === dataset));
  const all = [...here, ...others];
  return all.map(({ dataset, claims }) => [datasetName(dataset), claims]);
}

/** Shows one study to a reader of all: its verdicts in a table, and which graphs have none. */
function verdictBlocks(
  { study, evidence }: Reproduction["studies"][number],
  folder: string,
): Block[] {
  const graphs = claimsByGraph(study, evidence);
  const decided = graphs.filter(([, claims]) => claims.some(isDecided));
  const open = graphs.flatMap(([graph, claims]) => {
    const reasons = Map.groupBy(
      claims.filter((claim) => !isDecided(claim)),
      ({ verdict }) => verdict.why,
    );
    return [...reasons].map(([why, all]) => `${graph}, ${all.length} claims: no verdict: ${why}`);
  });
  const links = [
    { text: "means, reasons, warnings", href: `${folder}/${study.name}.md` },
    { text: "every trial", href: `${folder}/${study.name}.csv` },
  ];
  return section(study.title, [{ links }, { table: verdictTable(decided) }, { list: open }]);
}

function isDecided({ verdict }: ClaimReport): boolean {
  return verdict.outcome !== "none";
}

/** One row per claim, one column per graph. */
function verdictTable(graphs: readonly GraphClaims[]): Table {
  const texts = new Set(graphs.flatMap(([, claims]) => claims.map(({ text }) => text)));
  return {
    columns: columnsOf(["claim", ...graphs.map(([graph]) => graph)]),
    rows: [...texts].map((text) => [
      text,
      ...graphs.map(([, claims]) => verdictCell(claims.find((claim) => claim.text === text))),
    ]),
  };
}

/** Formats a verdict with our number and the paper's: `✓ on 10 splits: 84.37 (84.27 ± 1.48)`. */
function verdictCell(claim: ClaimReport | undefined): string {
  if (!claim || !isDecided(claim)) return "";
  const { verdict, ours, paper } = claim;
  const [mark] = MARKS[verdict.outcome].split(" ");
  const few = restsOn(verdict);
  return `${mark}${few === "" ? "" : ` on ${few}`}: ${ours ?? "no trial"}${paper === undefined ? "" : ` (${paper})`}`;
}

/** Builds a study's own page, graph by graph; its trials are in the list beside it. */
function pageBlocks(study: Study, evidence: readonly Evidence[]): Block[] {
  const run = new Map(evidence.map((one) => [datasetName(one.dataset), one]));
  return [
    { links: [{ text: "every trial", href: `${study.name}.csv` }] },
    ...study.about,
    ...claimsByGraph(study, evidence).flatMap(([graph, claims]) => {
      const table = { table: claimTable(claims) };
      const one = run.get(graph);
      if (!one || one.records.size === 0) return [{ heading: graph, level: 2 } as const, table];
      const { arms, notes } = one.part;
      const means = { table: armTable(arms) };
      return section(graph, [provenance(one), means, table, rankingWords(one), { list: notes }]);
    }),
  ];
}

function sizeTable(claims: readonly SizeClaim[]): Table {
  return {
    columns: columnsOf("graph | what", "paper | ours", "verdict | why"),
    rows: claims.map(({ dataset, what, paper, ours = "", verdict }) => [
      dataset,
      what,
      `${paper}`,
      `${ours}`,
      MARKS[verdict.outcome],
      verdict.why,
    ]),
  };
}
