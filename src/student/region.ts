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
}
