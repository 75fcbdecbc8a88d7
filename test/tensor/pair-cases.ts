// Similarities of pairs of nodes in double precision, and the pairs that arcs join.
import type { Csr } from "../../src/graph/csr.ts";
import type { Similarity } from "../../src/tensor/index.ts";
import { dot, type Numbers } from "./support.ts";

export const KINDS: readonly Similarity[] = ["poly", "l2", "rbf", "exp", "tanh"];
export const row = (x: Numbers, i: number, width: number): number[] =>
  Array.from({ length: width }, (_, d) => x[i * width + d]!);
export const absoluteDistance = (a: readonly number[], b: readonly number[]): number =>
  a.reduce((sum, v, d) => sum + Math.abs(v - b[d]!), 0);
export const squaredDistance = (a: readonly number[], b: readonly number[]): number =>
  a.reduce((sum, v, d) => sum + (v - b[d]!) ** 2, 0);

export function similarity(kind: Similarity, a: number[], b: number[]): number {
  if (kind === "poly") return dot(a, b) ** 2;
  if (kind === "tanh") return Math.tanh(dot(a, b));
  const distance = Math.sqrt(squaredDistance(a, b));
  if (kind === "exp") return Math.exp(-distance);
  return kind === "l2" ? distance : Math.exp(-0.5 * distance ** 2);
}

/** Lists the row and column of every entry. */
export function entries({ rows, indptr, indices }: Csr): (readonly [number, number])[] {
  return Array.from({ length: rows }, (_, i) =>
    [...indices.subarray(indptr[i]!, indptr[i + 1]!)].map((j) => [i, j] as const),
  ).flat();
}
