// Which nodes a step spares from rounding: the more neighbours a node has, the likelier.
// Tailor, Fernandez-Marques, Lane: Degree-Quant, ICLR 2021, section 3.1, and its public code (transforms.py).
import type { Graph } from "../../graph/graph.ts";
import { uniform } from "../../tensor/ops/random.ts";

/**
 * Returns each node's chance of being spared, least + (most - least) #{nodes of its degree or less} / n, within
 * its own graph if there are several. Degrees are in-degrees without loops.
 */
export function sparedChances(
  { nodes, adjacency: { indptr }, graphs }: Pick<Graph, "nodes" | "adjacency" | "graphs">,
  { least, most }: { readonly least: number; readonly most: number },
): Float32Array {
  const chances = new Float32Array(nodes);
  const starts = graphs ?? Int32Array.of(0);
  for (const [g, from] of starts.entries()) {
    const to = starts[g + 1] ?? nodes;
    const degrees = Int32Array.from({ length: to - from }, (_, k) => {
      return indptr[from + k + 1]! - indptr[from + k]!;
    });
    const upTo = new Int32Array(degrees.reduce((high, d) => Math.max(high, d), 0) + 1);
    for (const degree of degrees) upTo[degree]!++;
    for (let d = 1; d < upTo.length; d++) upTo[d]! += upTo[d - 1]!;
    for (const [k, degree] of degrees.entries()) {
      chances[from + k] = least + ((most - least) * upTo[degree]!) / degrees.length;
    }
  }
  return chances;
}

/** Draws a step's spared nodes, a byte for each: a function of (seed, step). */
export function drawSpared(chances: Float32Array, seed: number, step: number): Uint8Array {
  const draws = uniform(seed, `spared ${step}`, chances.length);
  return Uint8Array.from(draws, (u, node) => (u < chances[node]! ? 1 : 0));
}

/** Draws which of a matrix's numbers a step leaves as they are: all but a share. */
export function drawLeft(
  size: number,
  share: number,
  seed: number,
  step: number,
  name: string,
): Uint8Array {
  return Uint8Array.from(uniform(seed, `noise ${step} ${name}`, size), (u) => (u < share ? 0 : 1));
}
