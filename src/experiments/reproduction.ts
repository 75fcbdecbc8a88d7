// docs/reproduction.md: each claim of the paper about small graphs, ours, the verdict, the trials.

import type { Evidence } from "./evidence.ts";
import { datasetName, doneText, provenance } from "./evidence.ts";
import { headlines } from "./headlines.ts";
import type { Fact } from "./inconsistencies.ts";
import type { Table } from "./results-table.ts";
import type { SizeClaim } from "./sizes.ts";
import type { Study } from "./study.ts";
import type { Block } from "./study-document.ts";
import {
  claimTable,
  factTable,
  heading,
  MARKS,
  markdown,
  paragraph,
  trialLinks,
} from "./study-document.ts";
import { outcomeCounts, rankingWords } from "./study-words.ts";
import type { TheoremReport } from "./theorem1-report.ts";
import { RULE, type Verdict } from "./verdict.ts";

/** Everything that the document is made of. */
export interface Reproduction {
  readonly studies: readonly { readonly study: Study; readonly evidence: readonly Evidence[] }[];
  /** Table 9. */
  readonly graphs: readonly SizeClaim[];
  /** Table 3's parameters and ratios. */
  readonly models: readonly SizeClaim[];
  readonly theorem: TheoremReport;
  readonly facts: readonly Fact[];
}

/**
 * @param linkTo a trial's address, as seen from the document
 * @returns Markdown
 */
export function reproductionDocument(
  { studies, graphs, models, theorem, facts }: Reproduction,
  linkTo: (id: string) => string,
): string {
  const blocks: Block[] = [
    paragraph(
      "Written by the command abkd study report from the trials in results/; nothing is typed by hand. " +
        "A notebook for each table and figure: notebooks/README.md.",
    ),
    heading("To remember"),
    {
      kind: "list",
      items: studies
        .filter(({ study }) => study.name === "table3")
        .flatMap(({ evidence }) => evidence)
        .filter(({ profile }) => profile === "paper")
        .flatMap(headlines),
    },
    heading("In short"),
    { kind: "table", table: summary(studies, graphs, models, theorem) },
    heading("How claims are decided"),
    ...RULE.map(paragraph),
    ...studies.flatMap(({ study, evidence }) => studyBlocks(study, evidence, linkTo)),
    heading("Table 3: parameters and ratios"),
    { kind: "table", table: sizeTable(models) },
    heading("Table 9: the graphs"),
    { kind: "table", table: sizeTable(graphs) },
    heading("Theorem 1"),
    paragraph(theorem.about),
    { kind: "table", table: claimTable(theorem.claims) },
    heading("Where the paper contradicts itself, computed"),
    factTable(facts),
  ];
  return markdown("Reproduction", blocks);
}

const NOT_RUN: Verdict = { outcome: "none", why: "not run here yet" };

/** Claims by outcome, a row a table or figure of the paper. */
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
    columns: ["of the paper", "run here on", "claims"].map((title) => ({ title, numeric: false })),
    rows: [
      ...rows,
      ["Table 3: parameters and ratios", "counted", sizes(models)],
      ["Table 9: graphs", "counted", sizes(graphs)],
      ["Theorem 1", "computed", outcomeCounts(theorem.claims)],
    ],
  };
}

function studyBlocks(
  study: Study,
  evidence: readonly Evidence[],
  linkTo: (id: string) => string,
): Block[] {
  const absent = evidence[0]?.report.absent ?? [];
  return [
    heading(study.title),
    ...study.about.map(paragraph),
    ...evidence.flatMap((one): Block[] => {
      const { dataset, part, records } = one;
      const name = datasetName(dataset);
      if (records.size === 0) {
        const claims = part.claims.map((claim) => ({ ...claim, verdict: NOT_RUN }));
        return [heading(name, 3), { kind: "table", table: claimTable(claims) }];
      }
      return [
        heading(name, 3),
        paragraph(provenance(one)),
        { kind: "table", table: claimTable(part.claims) },
        paragraph(rankingWords(one)),
        ...(part.notes.length > 0 ? [{ kind: "list", items: part.notes } as const] : []),
        trialLinks(part, linkTo),
      ];
    }),
    ...absent.flatMap(({ dataset, claims }): Block[] => [
      heading(datasetName(dataset), 3),
      { kind: "table", table: claimTable(claims) },
    ]),
  ];
}

function sizeTable(claims: readonly SizeClaim[]): Table {
  const titles = ["graph", "what", "paper", "ours", "verdict", "why"];
  return {
    columns: titles.map((title, k) => ({ title, numeric: k === 2 || k === 3 })),
    rows: claims.map(({ dataset, what, paper, ours, verdict }) => [
      ...[dataset, what, String(paper), ours === undefined ? "" : String(ours)],
      ...[MARKS[verdict.outcome], verdict.why],
    ]),
  };
}
