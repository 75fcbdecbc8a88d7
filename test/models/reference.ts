// GCNII in plain double precision, written from its formula (Chen et al. 2020, eq. 5): slow but clear.
import type { Csr } from "../../src/graph/csr.ts";
import { type Draw, dropoutFactors } from "../tensor/philox.ts";
import { type Numbers, product } from "../tensor/support.ts";

export interface Convolutions {
  /** P, nodes x nodes. */
  readonly adjacency: Csr;
  readonly width: number;
  readonly alpha: number;
  readonly thetas: readonly number[];
  readonly dropout?: Draw;
}

/** Multiplies the matrix, its entries times factors, by a dense one of `columns` columns. */
export function sparseTimes(
  matrix: Csr,
  x: Numbers,
  columns: number,
  factors?: Numbers,
): Float64Array {
  const out = new Float64Array(matrix.rows * columns);
  for (let r = 0; r < matrix.rows; r++) {
    for (let k = matrix.indptr[r]!; k < matrix.indptr[r + 1]!; k++) {
      const weight = (matrix.values?.[k] ?? 1) * (factors?.[k] ?? 1);
      const from = matrix.indices[k]! * columns;
      for (let c = 0; c < columns; c++) out[r * columns + c]! += weight * x[from + c]!;
    }
  }
  return out;
}

const relu = (x: Numbers): Float64Array => Float64Array.from(x, (value) => Math.max(0, value));

function dropped(x: Float64Array, draw: Draw | undefined): Float64Array {
  const factors = dropoutFactors(x.length, draw);
  return x.map((value, i) => value * factors[i]!);
}

/** M_1 .. M_L, each nodes x width, before the activation. */
export function convolutionMaps(
  input: Numbers,
  weights: readonly Numbers[],
  { adjacency, width, alpha, thetas, dropout }: Convolutions,
): Float64Array[] {
  const initial = relu(input);
  let map: Numbers = input;
  return weights.map((weight, l) => {
    const hidden = dropped(relu(map), dropout && { ...dropout, site: dropout.site + l });
    const z = sparseTimes(adjacency, hidden, width).map(
      (sum, i) => (1 - alpha) * sum + alpha * initial[i]!,
    );
    const zw = product(z, weight, adjacency.rows, width, width);
    const layer = zw.map((value, i) => thetas[l]! * value + (1 - thetas[l]!) * z[i]!);
    map = layer;
    return layer;
  });
}

/** All weights of a GCNII, by the names of Gcnii.parameters. */
export type Weights = Readonly<Record<string, Numbers>>;

export interface Network {
  readonly adjacency: Csr;
  readonly features: Csr;
  readonly layers: number;
  readonly width: number;
  readonly classes: number;
  readonly alpha: number;
  readonly lambda: number;
  /** Rate, seed and step; the sites are 0 for the features, 1 .. L for the layers, then L + 1. */
  readonly dropout?: Omit<Draw, "site">;
}

/** Computes the logits (nodes x classes) and the layer maps of a whole network. */
export function forward(
  weights: Weights,
  { adjacency, features, layers, width, classes, alpha, lambda, dropout }: Network,
): { logits: Float64Array; maps: Float64Array[] } {
  const at = (site: number): Draw | undefined => dropout && { ...dropout, site };
  const entries = dropoutFactors(features.indices.length, at(0));
  const hidden = sparseTimes(features, weights["input.weight"]!, width, entries).map(
    (sum, i) => sum + weights["input.bias"]![i % width]!,
  );
  const thetas = Array.from({ length: layers }, (_, l) => Math.log(lambda / (l + 1) + 1));
  const matrices = thetas.map((_, l) => weights[`convolution.${l}.weight`]!);
  const first = at(1);
  const maps = convolutionMaps(hidden, matrices, {
    ...{ adjacency, width, alpha, thetas },
    ...(first && { dropout: first }),
  });
  const top = dropped(relu(maps.at(-1)!), at(layers + 1));
  const logits = product(top, weights["output.weight"]!, adjacency.rows, width, classes).map(
    (sum, i) => sum + weights["output.bias"]![i % classes]!,
  );
  return { logits, maps };
}
