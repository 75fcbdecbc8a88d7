// Nodes drawn anew at each training step, for methods that compare all pairs of some nodes.
import { uniform } from "../tensor/ops/random.ts";

/**
 * `count` different nodes, each set equally likely (Fisher and Yates, cut short), ascending; all of
 * them in order where there are no more. A function of (seed, stream, step).
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
