// The trivial optimum: with both sides trained, D = 0 wherever the teacher's projection is 0.
//
// What counts is the teacher's projected mean square, |T_i Q_i|^2 (or |T_i u_t|^2) over nodes,
// relative to its start: D has its unit, and the student's side follows it down. |u_t| alone does
// not show it: on Cora, eq. 4 as written let |u_t| double but turned it away from what T_i holds, so
// that |T_i u_t|^2 fell 28 times while the student's maps stayed unrelated (relative D 1.00).

/** The run is in the trivial optimum if the teacher's projected mean square fell by this factor. */
export const COLLAPSE_FACTOR = 100;
/**
 * It is there too if the mean square fell by this factor, and by more than D relative to
 * |t_i|^2 + |s_j|^2, which starts near 1: D then became small by scale more than by alignment.
 */
export const SCALE_FACTOR = 10;
/** It is falling if half is lost while D relative to both sides is that of unrelated maps. */
export const FALLING_FACTOR = 2;
const UNRELATED = 0.99;

/**
 * Returns how much of each teacher layer's projected mean square is left, averaged over the layers,
 * weighted by the attention that they get; a layer that was 0 at the start does not count.
 *
 * @param attention A, teacher layers x student layers
 * @returns now / start; 1 if no layer counts
 */
export function remainingScale(
  start: readonly number[],
  now: readonly number[],
  attention: readonly (readonly number[])[],
): number {
  let remaining = 0;
  let total = 0;
  attention.forEach((row, i) => {
    const before = start[i]!;
    if (before === 0) return;
    const weight = row.reduce((sum, a) => sum + a, 0);
    remaining += (weight * now[i]!) / before;
    total += weight;
  });
  return total === 0 ? 1 : remaining / total;
}

/**
 * Returns the sentence for a report, if there is one.
 *
 * @param remaining see remainingScale
 * @param relative D_ij / (|t_i|^2 + |s_j|^2), averaged by attention
 */
export function collapseWarning(remaining: number, relative: number): string | undefined {
  const byScale = remaining < 1 / SCALE_FACTOR && remaining < relative;
  const fell = remaining < 1 / COLLAPSE_FACTOR || byScale;
  const falling = remaining < 1 / FALLING_FACTOR && relative > UNRELATED;
  if (!fell && !falling) return undefined;
  return (
    `ABKD ${fell ? "fell" : "is falling"} into its trivial optimum: the teacher's projected mean ` +
    `square is ${remaining.toExponential(1)} of its start, so D is small because both sides are; ` +
    `relative to them it is ${relative.toFixed(2)} (unrelated maps have 1). The option projections ` +
    '"fixed-teacher" has no such optimum.'
  );
}
