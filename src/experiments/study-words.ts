// What a study's numbers say, in sentences: for notebooks and docs/reproduction.md.
import { inPercent, listed } from "../display/format.ts";
import { datasetName, type Evidence, extent } from "./evidence.ts";
import { type ArmReport, type ClaimReport, hasOwnRow, mostDied } from "./report-data.ts";
import type { Outcome } from "./verdict.ts";

/** The words for counted outcomes, in the order in which they are reported. */
const COUNTED: Readonly<Record<Outcome, string>> = {
  reproduced: "reproduced",
  differs: "differ",
  equivalent: "equivalent",
  undecided: "undecided",
  "not testable": "not testable",
  none: "without a verdict",
};
const OUTCOMES = Object.keys(COUNTED) as Outcome[];

/** Counts claims by outcome: `3 reproduced, 1 differ, 8 undecided`. */
export function outcomeCounts(claims: readonly ClaimReport[]): string {
  const counts = OUTCOMES.map((outcome) => {
    const found = claims.filter(({ verdict }) => verdict.outcome === outcome);
    const floors = found.filter(({ verdict }) => verdict.floor).length;
    const dead = floors > 0 ? ` (${floors} of arms whose students died)` : "";
    return found.length > 0 && `${found.length} ${COUNTED[outcome]}${dead}`;
  });
  return listed(...counts);
}

/** Returns the paper's number in brackets; a range is already in the claim's text. */
function printed({ kind, paper }: ClaimReport): string {
  return paper === undefined || kind === "range" ? "" : ` (the paper: ${paper})`;
}

/** States a claim and its result: `ABKD is above LSP (the paper: +9.09 points): 3.10 points below`. */
export function claimWords(claim: ClaimReport): string {
  const { text, ours, verdict } = claim;
  const why = verdict.outcome === "none" ? `${ours ?? "no trial"}; ${verdict.why}` : verdict.why;
  return `${text}${printed(claim)}: ${why}`;
}

/** Lists the methods' means in order: `SoftKD 88.8 > ABKD 85.1 (paper 84.27) > Student 81.6`. */
function ranking(arms: readonly ArmReport[]): string {
  const shown = arms.flatMap((arm) => (arm.mean === undefined ? [] : [{ ...arm, mean: arm.mean }]));
  return shown
    .sort((a, b) => b.mean - a.mean)
    .map(({ label, mean, paper, dead, diverged, n }) => {
      const notes = listed(
        paper && `paper ${paper.mean.toFixed(2)}`,
        dead > 0 && `${dead} of ${n} died`,
        diverged > 0 && `${diverged} diverged`,
      );
      return `${label} ${inPercent(mean)}${notes === "" ? "" : ` (${notes})`}`;
    })
    .join(" > ");
}

/** States the order of the methods on one dataset, and which of them mostly died. */
export function rankingWords({ part }: Evidence): string {
  // Published weights are a column of the table, not part of the order.
  const arms = part.arms.filter(hasOwnRow);
  const names = arms.filter(mostDied).map(({ label }) => label);
  const died = names.length > 0 && ` Most students died or diverged with: ${names.join("; ")}.`;
  const alive = arms.filter((arm) => !mostDied(arm));
  return `Mean test accuracy in percent: ${ranking(alive)}.${died || ""}`;
}

/** Says in one sentence what follows from a study on one dataset. */
export function verdictSentence({ dataset, profile, part, records }: Evidence): string {
  const name = datasetName(dataset);
  if (records.size === 0) return `${name}: not run here yet.`;
  const { claims } = part;
  return profile === "quick"
    ? `**${name}, quick profile: a first look at ${extent(part)}, from which no verdict follows.**`
    : `**${name}: of ${claims.length} claims ${outcomeCounts(claims)}.**`;
}

/** Returns paragraphs on one dataset: the verdicts, or why there are none, then the order of the means. */
export function verdictWords(evidence: Evidence): string[] {
  const { part, records } = evidence;
  const head = verdictSentence(evidence);
  if (records.size === 0) return [head];
  const { claims } = part;
  const of = (outcome: Outcome): ClaimReport[] =>
    claims.filter(({ verdict }) => verdict.outcome === outcome);
  const decided = OUTCOMES.filter((outcome) => outcome !== "none").flatMap((outcome) =>
    of(outcome).map((claim) => `- **${outcome}**: ${claimWords(claim)}`),
  );
  const soFar = of("none")
    .filter(({ kind, ours }) => kind !== "value" && ours !== undefined)
    .map((claim) => `- so far: ${claim.text}${printed(claim)}: ${claim.ours}`);
  const list = [...decided, ...soFar].join("\n");
  return [head, list, rankingWords(evidence)].filter((text) => text !== "");
}
