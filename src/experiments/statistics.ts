// The few statistics that reports need so far.

export function mean(xs: readonly number[]): number {
  return xs.reduce((sum, x) => sum + x, 0) / xs.length;
}

/** With n - 1 in the denominator; 0 for a single value. */
export function standardDeviation(xs: readonly number[]): number {
  if (xs.length < 2) return 0;
  const m = mean(xs);
  return Math.sqrt(xs.reduce((sum, x) => sum + (x - m) ** 2, 0) / (xs.length - 1));
}

/** Student's t of paired differences against 0. */
export function pairedT(differences: readonly number[]): number {
  return (mean(differences) / standardDeviation(differences)) * Math.sqrt(differences.length);
}
