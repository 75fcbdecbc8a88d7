// Sparse matrices on the native engine, and their products.
import * as tf from "@tensorflow/tfjs";
import { type Csr, nonzeros, transpose } from "../../graph/csr.ts";
import type { DropoutStream } from "../ops/dropout-stream.ts";
import { type NativeBackend, nativeBackend, type Output, TYPES } from "./backend.ts";
import { dropoutFactors, ofType, toTensor } from "./operators.ts";

/**
 * A sparse matrix for TensorFlow's CSR operators; SparseTensorDenseMatMul, which takes
 * coordinates, is several times slower.
 */
export class NativeSparse {
  readonly rows: number;
  readonly columns: number;
  /** [nonzeros]. */
  readonly values: tf.Tensor1D;
  readonly #host: Csr;
  readonly #backend: NativeBackend = nativeBackend();
  /** The binding's ids of 64-bit tensors: [nonzeros, 2] rows and columns, and the two sizes. */
  readonly #places: number;
  readonly #shape: number;
  #coordinates: tf.Tensor2D | undefined;
  #own: Output | undefined;
  #transposed: { matrix: NativeSparse; position: tf.Tensor1D } | undefined;

  constructor(host: Csr) {
    this.#host = host;
    this.rows = host.rows;
    this.columns = host.columns;
    const count = nonzeros(host);
    const values = host.values?.slice() ?? new Float32Array(count).fill(1);
    this.values = tf.keep(tf.tensor1d(values));
    const { binding } = this.#backend;
    // 64-bit numbers are written as pairs of 32-bit words.
    const words = new Int32Array(4 * count);
    for (const [k, place] of coordinatesOf(host).entries()) words[2 * k] = place;
    this.#places = binding.createTensor([count, 2], TYPES.int64, words);
    const sizes = Int32Array.of(host.rows, 0, host.columns, 0);
    this.#shape = binding.createTensor([2], TYPES.int64, sizes);
  }

  /** [nonzeros, 2]: row and column of each entry, in order. */
  get coordinates(): tf.Tensor2D {
    const pairs = (): tf.Tensor2D =>
      tf.tensor2d(coordinatesOf(this.#host), [this.values.size, 2], "int32");
    this.#coordinates ??= tf.keep(pairs());
    return this.#coordinates;
  }

  /** The matrix with its own values; made on first use. */
  get own(): Output {
    this.#own ??= this.with(this.values);
    return this.#own;
  }

  /** The matrix with other values, [nonzeros]; the caller frees it. */
  with(values: tf.Tensor): Output {
    const backend = this.#backend;
    const inputs = [this.#places, backend.getInputTensorIds([values])[0]!, this.#shape];
    const type = [ofType(backend, "T", TYPES.float)];
    return backend.execute("SparseTensorToCSRSparseMatrix", type, inputs)[0]!;
  }

  /** The matrix times a number; the caller frees it. */
  scaled(factor: number): Output {
    const values = tf.mul(this.values, factor);
    try {
      return this.with(values);
    } finally {
      values.dispose();
    }
  }

  /** The transpose, and the place of each of its entries in this matrix; made on first use. */
  get transposed(): { readonly matrix: NativeSparse; readonly position: tf.Tensor1D } {
    if (!this.#transposed) {
      const { matrix, position } = transpose(this.#host);
      this.#transposed = {
        matrix: new NativeSparse(matrix),
        position: tf.keep(tf.tensor1d(position, "int32")),
      };
    }
    return this.#transposed;
  }

  /** The transpose with other values, given in this matrix's order; the caller frees it. */
  transposedWith(values: tf.Tensor): Output {
    const { matrix, position } = this.transposed;
    const moved = tf.gather(values, position);
    try {
      return matrix.with(moved);
    } finally {
      moved.dispose();
    }
  }

  dispose(): void {
    tf.dispose([this.values, ...(this.#coordinates ? [this.#coordinates] : [])]);
    this.#backend.free(this.#places, this.#shape);
    if (this.#own) this.#backend.free(this.#own);
    this.#transposed?.matrix.dispose();
    this.#transposed?.position.dispose();
  }
}

function coordinatesOf({ rows, indptr, indices }: Csr): Int32Array {
  const pairs = new Int32Array(2 * indices.length);
  for (let row = 0; row < rows; row++) {
    for (let k = indptr[row]!; k < indptr[row + 1]!; k++) {
      pairs[2 * k] = row;
      pairs[2 * k + 1] = indices[k]!;
    }
  }
  return pairs;
}

/**
 * The product A X.
 * @param matrix A, from NativeSparse
 * @param x inner x columns
 */
export function sparseProduct(matrix: Output, x: tf.Tensor): tf.Tensor2D {
  const backend = nativeBackend();
  const flag = (name: string) => ({ name, type: backend.binding.TF_ATTR_BOOL, value: false });
  const flags = ["transpose_a", "transpose_b", "adjoint_a", "adjoint_b"].map(flag);
  const [y] = backend.execute(
    "SparseMatrixMatMul",
    [ofType(backend, "T", TYPES.float), ...flags],
    [matrix.id, backend.getInputTensorIds([x])[0]!],
  );
  return toTensor(backend, y!) as tf.Tensor2D;
}

/** The product A X; frees this form of A afterwards. */
export function productOnce(matrix: Output, x: tf.Tensor): tf.Tensor2D {
  try {
    return sparseProduct(matrix, x);
  } finally {
    nativeBackend().free(matrix);
  }
}

/** spmm() of src/tensor/ops/sparse.ts: A X with dropout on A's entries, differentiable with respect to X. */
export function nativeSpmm(
  matrix: NativeSparse,
  x: tf.Tensor2D,
  stream: DropoutStream | undefined,
): tf.Tensor2D {
  const product = tf.customGrad((...args: unknown[]) => {
    const [dense, save] = args as [tf.Tensor2D, tf.GradSaveFunc];
    const factors = dropoutFactors(matrix.values.size, stream);
    const dropped = factors && tf.mul(matrix.values, factors);
    if (dropped) save([dropped]);
    return {
      value: dropped ? productOnce(matrix.with(dropped), dense) : sparseProduct(matrix.own, dense),
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) =>
        saved[0]
          ? productOnce(matrix.transposedWith(saved[0]), dy)
          : sparseProduct(matrix.transposed.matrix.own, dy),
    };
  });
  return product(x) as tf.Tensor2D;
}
