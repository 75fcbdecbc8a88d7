// What a study's numbers say, in sentences: for notebooks and docs/reproduction.md.
import { datasetName, type Evidence } from "./evidence.ts";
import type { ArmReport, ClaimReport } from "./report-data.ts";
import type { Outcome } from "./verdict.ts";

const OUTCOMES: readonly Outcome[] = ["reproduced", "refuted", "undecided", "not testable", "none"];

/** How many claims came to what: `3 reproduced, 1 refuted, 8 undecided`. */
export function outcomeCounts(claims: readonly ClaimReport[]): string {
  const counts = Map.groupBy(claims, ({ verdict }) => verdict.outcome);
  const parts = OUTCOMES.flatMap((outcome) => {
    const count = counts.get(outcome)?.length ?? 0;
    return count > 0 ? `${count} ${outcome === "none" ? "without a verdict" : outcome}` : [];
  });
  return parts.join(", ");
}

/** A claim with what came of it: `ABKD is above LSP (the paper: +9.09 points): 3.10 points below`. */
export function claimWords({ text, paper, ours, verdict }: ClaimReport): string {
  const printed = paper === undefined ? "" : ` (the paper: ${paper})`;
  const why = verdict.outcome === "none" ? `${ours ?? "no trial"}; ${verdict.why}` : verdict.why;
  return `${text}${printed}: ${why}`;
}

const percent = (fraction: number): string => (100 * fraction).toFixed(1);

/** Most of its students live. */
const isAlive = ({ n, dead }: ArmReport): boolean => dead <= n / 2;

/** The others, by name. */
function died(arms: readonly ArmReport[]): string {
  const names = arms.filter((arm) => !isAlive(arm)).map(({ label }) => label);
  return names.length === 0 ? "" : ` Most students died with: ${names.join("; ")}.`;
}

/** The methods' means in order: `SoftKD 88.8 > ABKD 85.1 (paper 84.27) > Student 81.6`. */
function ranking(arms: readonly ArmReport[]): string {
  const shown = arms.flatMap((arm) => (arm.mean === undefined ? [] : [{ ...arm, mean: arm.mean }]));
  return shown
    .sort((a, b) => b.mean - a.mean)
    .map(({ label, mean, paper, dead, n }) => {
      const notes = [
        ...(paper ? [`paper ${paper.mean.toFixed(2)}`] : []),
        ...(dead > 0 ? [`${dead} of ${n} died`] : []),
      ];
      return `${label} ${percent(mean)}${notes.length > 0 ? ` (${notes.join(", ")})` : ""}`;
    })
    .join(" > ");
}

/** Paragraphs on one dataset: the verdicts, or why there are none, then the order of the means. */
export function verdictWords({ dataset, profile, part, records }: Evidence): string[] {
  const name = datasetName(dataset);
  if (records.size === 0) return [`${name}: not run here yet.`];
  const { claims, arms } = part;
  const by = Map.groupBy(claims, ({ verdict }) => verdict.outcome);
  const list = (outcome: Outcome): string[] =>
    (by.get(outcome) ?? []).map((claim) => `- **${outcome}**: ${claimWords(claim)}`);
  const head =
    profile === "quick"
      ? `**${name}, quick profile: a first look at ${part.splits.length} splits and ` +
        `${part.seeds.length} seeds, from which no verdict follows.**`
      : `**${name}: of ${claims.length} claims ${outcomeCounts(claims)}.**`;
  const soFar = (by.get("none") ?? []).flatMap(({ kind, text, paper, ours }) =>
    kind === "value" || ours === undefined
      ? []
      : [`- so far: ${text}${paper === undefined ? "" : ` (the paper: ${paper})`}: ${ours}`],
  );
  const decided = [...list("reproduced"), ...list("refuted"), ...list("undecided"), ...soFar];
  return [
    head,
    ...(decided.length > 0 ? [decided.join("\n")] : []),
    `Mean test accuracy in percent: ${ranking(arms.filter(isAlive))}.${died(arms)}`,
  ];
}
