// The rows of an accuracy figure: arms in groups, sorted, one hue a family.

import type { Look } from "../distillation/method.ts";
import { type ArmReport, mostDied } from "../experiments/report-data.ts";
import { styleOf } from "./figure.ts";

/** A row: an arm with its look, or the name of the group below it. */
export type Row = { readonly arm: ArmReport; readonly look: Look } | { readonly heading: string };

const GROUPS: readonly { readonly heading: string; has(arm: ArmReport): boolean }[] = [
  { heading: "published weights", has: ({ publishedOf }) => publishedOf !== undefined },
  { heading: "in the paper", has: ({ paper }) => paper !== undefined },
  { heading: "controls", has: ({ role }) => role === "control" },
  { heading: "not in the paper", has: () => true },
];
const SHOWN = ["in the paper", "not in the paper", "controls", "published weights"];

/** `abkd` for `abkd:uniform`, `abkd#2`, `abkd+soft`. */
const familyOf = ({ method }: ArmReport): string => /^[^:+#/]*/.exec(method)![0];

/**
 * Returns the rows from top to bottom: what the paper prints, in its order, then the others, the best first; those
 * whose students mostly died come last.
 */
export function armRows(arms: readonly ArmReport[]): Row[] {
  const shown = arms.filter(({ n, paper, sameAs }) => (n > 0 || paper) && sameAs === undefined);
  const families = [...new Set(shown.map(familyOf))];
  // Those without a look of their own take the palette's in turn.
  const looks = new Map(families.map((family, k) => [family, styleOf(family, k)]));
  const groups = Map.groupBy(shown, (arm) => GROUPS.find(({ has }) => has(arm))!.heading);
  return SHOWN.flatMap((heading): Row[] => {
    const own = [...(groups.get(heading) ?? [])];
    if (heading !== SHOWN[0]) own.sort((a, b) => rank(b) - rank(a));
    const rows = own.map((arm) => ({ arm, look: looks.get(familyOf(arm))! }));
    // One group alone needs no name.
    return rows.length > 0 && groups.size > 1 ? [{ heading }, ...rows] : rows;
  });
}

const rank = (arm: ArmReport): number => (arm.mean ?? -1) - (mostDied(arm) ? 1 : 0);
