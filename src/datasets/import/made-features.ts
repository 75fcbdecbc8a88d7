// Features of a graph that has none: an own feature for each node, or its degree.
import { BadFileError } from "../../formats/errors.ts";
import type { Csr } from "../../graph/csr.ts";

/** What features may be made of. */
export const MADE_FEATURES = {
  identity: "each node has one of its own, which is 1 (Kipf and Welling 2017)",
  degree:
    "which is 1 for the number of a node's edges, one for each number to 100 and one for more",
} as const;

export type MadeFeatures = keyof typeof MADE_FEATURES;

const MOST_DEGREE = 100;
/** More features than this are refused: a model has a row of weights for each. */
const MOST_IDENTITY = 1 << 18;

/** @returns nodes x features, all of them 1 */
export function madeFeatures({ rows, indptr }: Csr, how: MadeFeatures, where: string): Csr {
  if (how === "identity" && rows > MOST_IDENTITY) {
    const fault = `no features, and ${rows} nodes are too many for one feature each; --make-features degree`;
    throw new BadFileError(where, fault);
  }
  const degrees = Int32Array.from({ length: rows }, (_, r) =>
    Math.min(indptr[r + 1]! - indptr[r]!, MOST_DEGREE + 1),
  );
  const columns = how === "identity" ? rows : degrees.reduce((a, b) => Math.max(a, b), 0) + 1;
  return {
    rows,
    columns,
    indptr: Int32Array.from({ length: rows + 1 }, (_, r) => r),
    indices: how === "identity" ? Int32Array.from({ length: rows }, (_, r) => r) : degrees,
  };
}
