// Draws nodes anew at each training step, for methods that compare all pairs of a sample.
import { uniform } from "../tensor/ops/random.ts";

/**
 * Returns `count` different nodes in ascending order, each set equally likely (Fisher-Yates, cut short),
 * or all nodes if there are no more. The draw depends on (seed, stream, step) alone.
 */
export function sampleNodes(
  nodes: number,
  count: number,
  { seed, stream, step }: { readonly seed: number; readonly stream: string; readonly step: number },
): Int32Array {
  const all = Int32Array.from({ length: nodes }, (_, node) => node);
  if (count >= nodes) return all;
  const drawn = uniform(seed, `${stream}.${step}`, count);
  for (let k = 0; k < count; k++) {
    const other = k + Math.floor(drawn[k]! * (nodes - k));
    [all[k], all[other]] = [all[other]!, all[k]!];
  }
  return all.slice(0, count).sort();
}
