// Graph attention in plain double precision, arc by arc (Velickovic et al. 2018, eqs. 1 to 6).
import type { Csr } from "../../src/graph/csr.ts";
import type { Numbers } from "./support.ts";

export interface GatCase {
  readonly heads: number;
  readonly width: number;
  readonly slope: number;
  /** c and r of gatSums(). */
  readonly scales?: { readonly source: Numbers; readonly target: Numbers } | undefined;
  /** 0 for a dropped arc. */
  readonly kept?: Numbers | undefined;
}

/** Returns y of gatSums(), nodes x (heads width). */
export function naiveGat(
  { rows, indptr, indices }: Csr,
  z: Numbers,
  source: Numbers,
  target: Numbers | undefined,
  { heads, width, slope, scales, kept }: GatCase,
): Float64Array {
  const out = new Float64Array(rows * heads * width);
  const score = (node: number, h: number, vector: Numbers): number => {
    let sum = 0;
    for (let f = 0; f < width; f++) {
      sum += z[(node * heads + h) * width + f]! * vector[h * width + f]!;
    }
    return sum;
  };
  for (let i = 0; i < rows; i++) {
    for (let h = 0; h < heads; h++) {
      const arcs = Array.from({ length: indptr[i + 1]! - indptr[i]! }, (_, k) => indptr[i]! + k);
      const of = arcs.filter((k) => kept?.[k] !== 0);
      const e = of.map((k) => {
        const j = indices[k]!;
        const x =
          (scales?.source[j] ?? 1) * score(j, h, source) + (target ? score(i, h, target) : 0);
        return x > 0 ? x : slope * x;
      });
      const most = e.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
      const exps = e.map((x) => Math.exp(x - most));
      const total = exps.reduce((a, b) => a + b, 0);
      of.forEach((k, n) => {
        const j = indices[k]!;
        const weight = ((scales?.target[i] ?? 1) * (scales?.source[j] ?? 1) * exps[n]!) / total;
        for (let f = 0; f < width; f++) {
          out[(i * heads + h) * width + f]! += weight * z[(j * heads + h) * width + f]!;
        }
      });
    }
  }
  return out;
}
