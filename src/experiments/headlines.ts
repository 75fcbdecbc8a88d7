// What a reader should remember from Table 3: five sentences per graph, each with its verdict.
import { inPercent, percent } from "../display/format.ts";
import { datasetName, type Evidence } from "./evidence.ts";
import type { ClaimReport, Comparison } from "./report-data.ts";
import { TEACHER_ARM } from "./study.ts";
import { verdictText } from "./study-document.ts";

/** The form that the search chose, and the paper's equations. */
const [SEARCHED, LITERAL] = ["abkd", "abkd:literal"] as const;

const shown = (fraction: number | undefined): string =>
  fraction === undefined ? "?" : percent(fraction);
const points = (fraction: number): string =>
  `${inPercent(Math.abs(fraction))} points ${fraction < 0 ? "below" : "above"}`;

/**
 * @param evidence Table 3's
 * @returns sentences; none if nothing has been run
 */
export function headlines(evidence: Evidence): string[] {
  const { part, records } = evidence;
  if (records.size === 0) return [];
  const name = datasetName(evidence.dataset);
  const arm = (id: string) => part.arms.find(({ method }) => method === id)!;
  const label = (id: string): string => arm(id).label;
  const value = (id: string): ClaimReport | undefined =>
    part.claims.find(({ kind, arms }) => kind === "value" && arms?.[0] === id);
  const first = (id: string): string => arm(id).sameAs ?? id;
  const against = (id: string): Comparison | undefined =>
    part.comparisons.find(({ one, other }) => one === SEARCHED && first(other) === first(id));
  const orders = part.comparisons.filter(
    ({ one, family }) => one === SEARCHED && family === "claim",
  );
  const accuracy = (id: string): string => {
    const claim = value(id);
    const paper = claim?.paper === undefined ? "" : `; the paper: ${claim.paper}`;
    const verdict = claim ? `: ${verdictText(claim.verdict)}` : "";
    return `${label(id)} ${shown(arm(id).mean)}${paper}${verdict}`;
  };
  const difference = (id: string): string[] => {
    const found = against(id);
    if (!found) return [];
    const where = `${points(found.difference)} ${label(id)}`;
    return [`${where}: ${verdictText(found.verdict)}`];
  };
  const { dead, nearlyDead, n } = arm(LITERAL);
  const controls = ["abkd:uniform", "abkd:last"].flatMap(difference);
  return [
    `${name}: ${accuracy(TEACHER_ARM)}; ${accuracy(SEARCHED)}.`,
    ...(orders.length > 0
      ? [`${name}: ABKD is ${orders.flatMap(({ other }) => difference(other)).join("; ")}.`]
      : []),
    `${name}, equations 3 to 6 as written: ${dead + nearlyDead} of ${n} students died or nearly died; ${accuracy(LITERAL)}.`,
    ...(controls.length > 0 ? [`${name}, learned attention: ${controls.join("; ")}.`] : []),
    ...difference("softkd").map((text) => `${name}: ABKD is ${text}.`),
  ];
}
