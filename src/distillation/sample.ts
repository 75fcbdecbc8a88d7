// Draws nodes anew at each training step, for methods that compare all pairs of a sample.
import { uniform } from "../tensor/ops/random.ts";
import type { Held } from "./method.ts";

/** Up to this many nodes, the teacher's whole matrix is kept: at most 64 MiB. */
const KEPT_NODES = 4096;

/** Whether the teacher's matrix of all pairs is computed once, for all nodes, instead of at each step. */
export function keepsMatrix(nodes: number, sample: number): boolean {
  return sample >= nodes || nodes <= KEPT_NODES;
}

/** What a method holds that compares all pairs of a sample: the teacher's matrix. */
export function heldMatrix(nodes: number, sample: number): Held {
  const kept = keepsMatrix(nodes, sample);
  return { trained: 0, start: kept ? nodes ** 2 : 0, step: (kept ? nodes : sample) ** 2 };
}

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
