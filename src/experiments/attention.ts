// Learned attention in trial records: which methods have it, how student layers share it, what claims ask of it.
import type { RunResult } from "../training/run.ts";
import type { ArmReport } from "./report-data.ts";
import type { TrialRecord } from "./trial-record.ts";

/** Returns A at the end of a run, to four decimals; undefined if the method has no attention or a fixed one. */
export function learnedAttention({ config, inspection }: RunResult): number[][] | undefined {
  if (config.method?.options["attention"] !== "learned") return undefined;
  const matrix = inspection?.last.matrices["attention"];
  return matrix?.map((row) => row.map((a) => Number(a.toFixed(4))));
}

/** Returns each student layer's share of all attention, fractions that sum to 1; undefined if none was learned. */
function sharesOf({ attention }: TrialRecord): number[] | undefined {
  if (!attention?.[0]) return undefined;
  const sums = attention[0].map((_, j) => attention.reduce((sum, row) => sum + row[j]!, 0));
  const total = sums.reduce((sum, x) => sum + x, 0);
  return sums.map((sum) => sum / total);
}

const leader = (shares: readonly number[]): number => shares.indexOf(Math.max(...shares));

/** Returns the shares of an arm's trials and how often each layer leads; nothing unless all learned it. */
export function attentionOf(
  records: readonly TrialRecord[],
): Pick<ArmReport, "attended" | "shares"> {
  const shares = records.map(sharesOf);
  if (!shares.every((share) => share !== undefined)) return {};
  const leaders = shares.map(leader);
  const attended = shares[0]!.map((_, layer) => leaders.filter((one) => one === layer).length);
  return { attended, shares };
}

/** Properties that a trial may have, by name: claims are data, so that their digest can be registered. */
export const MEASURES = {
  /** One student layer has more than half of all attention. */
  "one layer has most": (record: TrialRecord): boolean =>
    Math.max(...(sharesOf(record) ?? [0])) > 0.5,
  /** The third student layer, dark in the paper's map for Cora, has the largest share. */
  "third layer leads": (record: TrialRecord): boolean => leader(sharesOf(record) ?? []) === 2,
} as const;
