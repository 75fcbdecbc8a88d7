// Operators on numbers per arc: sums, means, largest and softmax over each row's arcs, and products weighted by them.
import * as tf from "@tensorflow/tfjs";
import { needObject, refuse } from "../../base/arguments.ts";
import { asTensor, runningBackend } from "../engine/backend.ts";
import { nativeIsCurrent } from "../native/backend.ts";
import { productOnce } from "../native/sparse.ts";
import { arcProducts } from "./arc-products.ts";
import { SparseMatrix, sparseProduct, spmm } from "./sparse.ts";

/**
 * The arcs of a sparse matrix, its stored entries in their order, in segments: a row's are one. All of
 * its operators are differentiable with respect to x, [arcs] or arcs x width.
 */
export class Segments {
  readonly #starts: Int32Array;
  /** rows x arcs, with a one where an arc is the row's. */
  readonly #sums: SparseMatrix;
  readonly #means: SparseMatrix;

  /** @param matrix its values do not count */
  constructor(matrix: SparseMatrix) {
    if (!(matrix instanceof SparseMatrix)) refuse(matrix, "Segments: matrix", "a SparseMatrix");
    const { rows, indptr, indices } = matrix.host;
    const arcs = indices.length;
    const all = Int32Array.from({ length: arcs }, (_, k) => k);
    const shares = new Float32Array(arcs);
    for (let i = 0; i < rows; i++) {
      shares.fill(1 / (indptr[i + 1]! - indptr[i]!), indptr[i]!, indptr[i + 1]!);
    }
    const form = { rows, columns: arcs, indptr, indices: all };
    this.#starts = indptr;
    this.#sums = SparseMatrix.from(form);
    this.#means = SparseMatrix.from({ ...form, values: shares });
  }

  /** Sums over each row's arcs, [rows] or rows x width; 0 without arcs. */
  sum<T extends tf.Tensor1D | tf.Tensor2D>(x: T): T {
    return this.#times(this.#sums, x);
  }

  /** Means over each row's arcs; 0 without arcs. */
  mean<T extends tf.Tensor1D | tf.Tensor2D>(x: T): T {
    return this.#times(this.#means, x);
  }

  /** The largest of each row's arcs, column by column; 0 without arcs. The first of equals gets the gradient. */
  max<T extends tf.Tensor1D | tf.Tensor2D>(x: T): T {
    const arcs = this.#check(x);
    const rows = this.#starts.length - 1;
    const width = x.size / Math.max(1, arcs);
    const op = tf.customGrad((...args: unknown[]) => {
      const values = (args[0] as tf.Tensor).dataSync<"float32">();
      const [largest, places] = [new Float32Array(rows * width), new Int32Array(rows * width)];
      for (let i = 0; i < rows; i++) {
        for (let c = 0; c < width; c++) {
          let at = -1;
          for (let k = this.#starts[i]!; k < this.#starts[i + 1]!; k++) {
            if (at < 0 || values[k * width + c]! > values[at]!) at = k * width + c;
          }
          places[i * width + c] = at;
          largest[i * width + c] = at < 0 ? 0 : values[at]!;
        }
      }
      const shape = x.rank === 1 ? [rows] : [rows, width];
      const gradFunc = (dy: tf.Tensor): tf.Tensor => {
        const [above, out] = [dy.dataSync<"float32">(), new Float32Array(x.size)];
        for (const [n, at] of places.entries()) if (at >= 0) out[at] = above[n]!;
        return tf.tensor(out, x.shape);
      };
      return { value: tf.tensor(largest, shape), gradFunc };
    });
    return op(x) as T;
  }

  /** The softmax over each row's arcs, column by column; stable for any numbers. */
  softmax<T extends tf.Tensor1D | tf.Tensor2D>(x: T): T {
    const spread = (row: T): T => this.#spread(row);
    // The largest cancels out: it needs no gradient.
    const largest = tf.customGrad((one) => ({
      value: this.max(one as T),
      gradFunc: () => tf.zerosLike(one as T),
    }));
    const e: T = tf.exp(tf.sub<T>(x, spread(largest(x) as T)));
    return tf.div(e, spread(this.sum(e)));
  }

  dispose(): void {
    this.#sums.dispose();
    this.#means.dispose();
  }

  #check(x: tf.Tensor): number {
    const arcs = this.#sums.columns;
    if (x.rank < 1 || x.rank > 2 || x.shape[0] !== arcs) {
      throw new RangeError(`${arcs} arcs do not fit [${x.shape}]`);
    }
    return arcs;
  }

  #times<T extends tf.Tensor>(matrix: SparseMatrix, x: T): T {
    this.#check(x);
    const product = spmm(
      matrix,
      x.rank === 1 ? tf.expandDims(x, 1) : (x as unknown as tf.Tensor2D),
    );
    return (x.rank === 1 ? tf.squeeze(product, [1]) : product) as T;
  }

  /** Each row's number for all of its arcs. */
  #spread<T extends tf.Tensor>(row: T): T {
    const { matrix } = this.#sums.transposed();
    const wide = row.rank === 1 ? tf.expandDims(row, 1) : row;
    const product = spmm(matrix, wide as tf.Tensor2D);
    return (row.rank === 1 ? tf.squeeze(product, [1]) : product) as T;
  }
}

/**
 * A X with other values for A's stored entries; differentiable with respect to the values and X.
 * @param matrix rows x inner; its own values do not count
 * @param values [arcs]
 * @param x inner x columns
 * @returns rows x columns
 * @throws {RangeError} for shapes that do not match
 */
export function weightedProduct(
  matrix: SparseMatrix,
  values: tf.Tensor1D,
  x: tf.Tensor2D,
): tf.Tensor2D {
  if (!(matrix instanceof SparseMatrix))
    refuse(matrix, "weightedProduct: matrix", "a SparseMatrix");
  needObject(values, "weightedProduct: values", "a tensor of one dimension", "size");
  needObject(x, "weightedProduct: x", "a tensor of two dimensions", "shape");
  if (values.size !== matrix.nonzeros || x.shape[0] !== matrix.columns) {
    throw new RangeError(
      `weightedProduct: ${matrix.nonzeros} arcs of ${matrix.rows} x ${matrix.columns} ` +
        `with [${values.shape}] and [${x.shape}]`,
    );
  }
  const op = tf.customGrad((...args: unknown[]) => {
    const [v, dense, save] = args as [tf.Tensor1D, tf.Tensor2D, tf.GradSaveFunc];
    save([v, dense]);
    const gradFunc = (dy: tf.Tensor2D, [own, from]: tf.Tensor[]): tf.Tensor[] => [
      arcProducts(matrix, dy, from as tf.Tensor2D),
      transposedProduct(matrix, own as tf.Tensor1D, dy),
    ];
    return { value: product(matrix, v, dense), gradFunc: gradFunc as unknown as () => tf.Tensor };
  });
  return op(values, x) as tf.Tensor2D;
}

function product(matrix: SparseMatrix, values: tf.Tensor1D, x: tf.Tensor2D): tf.Tensor2D {
  if (nativeIsCurrent()) return productOnce(matrix.native().with(values), x);
  const backend = runningBackend();
  const out = backend.allocate([matrix.rows, x.shape[1]]);
  const [v, from, y] = [values, x, out].map((tensor) => backend.address(tensor)) as [
    ...[number, number, number],
  ];
  sparseProduct(backend.engine, matrix, { values: v, x: from, y, columns: x.shape[1] });
  return asTensor(out) as tf.Tensor2D;
}

function transposedProduct(matrix: SparseMatrix, values: tf.Tensor1D, x: tf.Tensor2D): tf.Tensor2D {
  if (nativeIsCurrent()) return productOnce(matrix.native().transposedWith(values), x);
  const backend = runningBackend();
  const { matrix: other, position } = matrix.transposed();
  const moved = backend.allocate([matrix.nonzeros]);
  const [from, to] = [backend.address(values), backend.address(moved)];
  backend.engine.run("gather", matrix.nonzeros, from, position.address, to);
  return product(other, asTensor(moved) as tf.Tensor1D, x);
}
