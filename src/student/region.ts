// The part of a graph that some nodes' predictions depend on.
import type { Matrix } from "./matrix.ts";
import type { Rows } from "./rows.ts";

/** Nodes in an order in which those within fewer hops of the asked ones come first. */
export class Region {
  readonly #adjacency: Rows;
  /** P's weights: (d + 1)^-1/2 of each node. */
  readonly #scale: Float64Array;
  readonly #within: (hops: number) => number;
  /** The features of all its nodes times a weight; the caller's to change. */
  readonly product: (weight: string) => Matrix;

  constructor(
    adjacency: Rows,
    degrees: Int32Array,
    within: (hops: number) => number,
    product: (weight: string) => Matrix,
  ) {
    this.#adjacency = adjacency;
    this.#scale = Float64Array.from(degrees, (degree) => 1 / Math.sqrt(degree + 1));
    this.#within = within;
    this.product = product;
  }

  /** P x with P = D^-1/2 (A + I) D^-1/2, for the nodes within some hops of the asked ones. */
  propagate({ columns, values }: Matrix, hops: number): Matrix {
    const { indptr, indices } = this.#adjacency;
    const rows = this.#within(hops);
    const out = new Float64Array(rows * columns);
    const scale = this.#scale;
    for (let r = 0; r < rows; r++) {
      const to = r * columns;
      for (let c = 0; c < columns; c++) out[to + c] = scale[r]! * scale[r]! * values[to + c]!;
      for (let k = indptr[r]!; k < indptr[r + 1]!; k++) {
        const weight = scale[r]! * scale[indices[k]!]!;
        const from = indices[k]! * columns;
        for (let c = 0; c < columns; c++) out[to + c]! += weight * values[from + c]!;
      }
    }
    return { columns, values: out };
  }

  /** The mean over each node's neighbours, 0 without any, for the nodes within some hops of the asked ones. */
  mean({ columns, values }: Matrix, hops: number): Matrix {
    const { indptr, indices } = this.#adjacency;
    const rows = this.#within(hops);
    const out = new Float64Array(rows * columns);
    for (let r = 0; r < rows; r++) {
      const [begin, end] = [indptr[r]!, indptr[r + 1]!];
      for (let k = begin; k < end; k++) {
        const from = indices[k]! * columns;
        for (let c = 0; c < columns; c++) {
          out[r * columns + c]! += values[from + c]! / (end - begin);
        }
      }
    }
    return { columns, values: out };
  }

  /**
   * With i's neighbours and i itself as j: for each head the mean of c_j z_j, weighted by the softmax over j of
   * LeakyReLU(a . c_j z_j + b . z_i), times r_i; c = (d + 1)^-1/2 and r = 1 / c if `symmetric`, else both are 1.
   * @param a heads x width, as b, which may be left out
   */
  attend(z: Matrix, hops: number, a: Matrix, b: Matrix | undefined, symmetric: boolean): Matrix {
    const { columns, values } = z;
    const { indptr, indices } = this.#adjacency;
    const width = a.columns;
    const heads = columns / width;
    const rows = this.#within(hops);
    const out = new Float64Array(rows * columns);
    const share = (node: number): number => (symmetric ? this.#scale[node]! : 1);
    const sent = headDots(z, a);
    const own = b && headDots(z, b);
    for (let r = 0; r < rows; r++) {
      const [begin, end] = [indptr[r]!, indptr[r + 1]!];
      for (let h = 0; h < heads; h++) {
        const score = (node: number): number => {
          const e = share(node) * sent[node * heads + h]! + (own ? own[r * heads + h]! : 0);
          return e < 0 ? SLOPE * e : e;
        };
        let most = score(r);
        for (let k = begin; k < end; k++) most = Math.max(most, score(indices[k]!));
        const to = r * columns + h * width;
        let sum = 0;
        // The last one is the node itself.
        for (let k = begin; k <= end; k++) {
          const node = k < end ? indices[k]! : r;
          const weight = Math.exp(score(node) - most);
          const from = node * columns + h * width;
          sum += weight;
          for (let c = 0; c < width; c++) out[to + c]! += weight * share(node) * values[from + c]!;
        }
        for (let c = 0; c < width; c++) out[to + c]! /= sum * share(r);
      }
    }
    return { columns, values: out };
  }
}

/** LeakyReLU's slope below 0. */
const SLOPE = 0.2;

/** Each node's and head's product with the head's vector. */
function headDots({ columns, values }: Matrix, vectors: Matrix): Float64Array {
  const width = vectors.columns;
  const out = new Float64Array(values.length / width);
  for (let k = 0; k < values.length; k++) {
    out[Math.floor(k / width)]! += values[k]! * vectors.values[k % columns]!;
  }
  return out;
}
