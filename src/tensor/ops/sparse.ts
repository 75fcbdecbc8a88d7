// Sparse matrices on the engine, and their differentiable product with dense ones.
import * as tf from "@tensorflow/tfjs";
import { needObject, refuse } from "../../base/arguments.ts";
import { checkCsr } from "../../graph/check.ts";
import { type Csr, nonzeros, takeCsrRows, transpose } from "../../graph/csr.ts";
import { asTensor, runningBackend } from "../engine/backend.ts";
import { Buffer } from "../engine/buffer.ts";
import type { Engine } from "../engine/engine.ts";
import { nativeIsCurrent } from "../native/backend.ts";
import { NativeSparse, nativeSpmm } from "../native/sparse.ts";
import { dropout as dropDense, dropValues } from "./dropout.ts";
import type { DropoutStream } from "./dropout-stream.ts";
import { type RowCodes, rowCodes } from "./grid.ts";
import { IntegerRows } from "./integer-rows.ts";
import {
  convolutionStorage,
  NarrowRows,
  productStorage,
  type Storage,
  storageAsItLies,
} from "./narrow-rows.ts";
import { takeRows } from "./rows.ts";

/** A matrix in compressed rows, as the WebAssembly kernels read it. */
interface Rows {
  readonly indptr: Buffer;
  readonly indices: Buffer;
  readonly values: Buffer;
}

interface Size {
  readonly rows: number;
  readonly columns: number;
  readonly nonzeros: number;
}

/** A matrix of features of which a larger share is not 0 is held and multiplied as a dense one. */
const DENSE = 0.5;

/** A sparse matrix in the engine's memory. It is constant: gradients flow only to the dense side. */
export class SparseMatrix {
  readonly rows: number;
  readonly columns: number;
  readonly nonzeros: number;
  #host: Csr | undefined;
  readonly #makeHost: () => Csr;
  /** Each engine has its own form, made on first use. */
  #wasm: Rows | undefined;
  #native: NativeSparse | undefined;
  #productStorage: Storage | undefined;
  #productRows: NarrowRows | undefined;
  #rowsAsTheyLie: NarrowRows | undefined;
  #convolutionRows: NarrowRows | undefined;
  #transposed: { matrix: SparseMatrix; position: Buffer } | undefined;
  #productPosition: Buffer | undefined;
  readonly #isDense: boolean;
  #dense: tf.Tensor2D | undefined;
  #codes: RowCodes | undefined;
  #rounded: SparseMatrix | undefined;
  #integerRows: IntegerRows | undefined;

  /** @param makeHost gives the matrix of this size when it is first read */
  private constructor(size: Size, makeHost: () => Csr, isDense = false) {
    this.#isDense = isDense;
    this.#makeHost = makeHost;
    this.rows = size.rows;
    this.columns = size.columns;
    this.nonzeros = size.nonzeros;
  }

  static #of(host: Csr, isDense = false): SparseMatrix {
    return new SparseMatrix({ ...host, nonzeros: nonzeros(host) }, () => host, isDense);
  }

  /** The same matrix on the host. */
  get host(): Csr {
    this.#host ??= this.#makeHost();
    return this.#host;
  }

  get indptr(): Buffer {
    return this.#compressed().indptr;
  }

  get indices(): Buffer {
    return this.#compressed().indices;
  }

  get values(): Buffer {
    return this.#compressed().values;
  }

  /** The native engine's form. */
  native(): NativeSparse {
    this.#native ??= new NativeSparse(this.host);
    return this.#native;
  }

  #compressed(): Rows {
    if (!this.#wasm) {
      const { rows, columns, indptr, indices, values } = this.host;
      const what = `a sparse ${rows} x ${columns} matrix`;
      this.#wasm = {
        indptr: Buffer.integers(indptr, what),
        indices: Buffer.integers(indices, what),
        values: Buffer.floats(values ?? new Float32Array(this.nonzeros).fill(1), what),
      };
    }
    return this.#wasm;
  }

  /**
   * Makes a sparse matrix, which is copied into the engine's memory when an operator first needs it. It is
   * checked once, here, because kernels trust what they read.
   * @throws InputError for an invalid matrix, or one that holds NaN or an infinity
   */
  static from(host: Csr): SparseMatrix {
    checkCsr(host, `a sparse ${host.rows} x ${host.columns} matrix`);
    return SparseMatrix.#of(host);
  }

  /**
   * Makes a matrix of features; where most numbers are not 0, products with it are dense ones.
   * @throws InputError as from() does
   */
  static ofFeatures(host: Csr): SparseMatrix {
    checkCsr(host, `a ${host.rows} x ${host.columns} matrix of features`);
    return SparseMatrix.#of(host, nonzeros(host) > DENSE * host.rows * host.columns);
  }

  /**
   * Returns some rows as a matrix of their own, multiplied as this one is.
   * @param chosen rows that there are, each at most once
   */
  takeRows(chosen: Int32Array): SparseMatrix {
    const whole = this.dense();
    if (!whole) return SparseMatrix.#of(takeCsrRows(this.host, chosen));
    const { indptr } = this.host;
    const count = chosen.reduce((sum, row) => sum + indptr[row + 1]! - indptr[row]!, 0);
    // Products read the tensor alone.
    const makeHost = () => takeCsrRows(this.host, chosen);
    const size = { rows: chosen.length, columns: this.columns, nonzeros: count };
    const taken = new SparseMatrix(size, makeHost, true);
    taken.#dense = tf.keep(tf.tidy(() => takeRows(whole, chosen)));
    return taken;
  }

  /** The same matrix as a tensor, made on first use, if its products are dense ones. */
  dense(): tf.Tensor2D | undefined {
    if (!this.#isDense) return undefined;
    if (!this.#dense) {
      const { rows, columns, indptr, indices, values } = this.host;
      const numbers = new Float32Array(rows * columns);
      for (let r = 0; r < rows; r++) {
        for (let k = indptr[r]!; k < indptr[r + 1]!; k++) {
          numbers[r * columns + indices[k]!] = values ? values[k]! : 1;
        }
      }
      this.#dense = tf.keep(tf.tensor2d(numbers, [rows, columns]));
    }
    return this.#dense;
  }

  /** The transpose, and the place of each of its entries in this matrix; made on first use. */
  transposed(): { readonly matrix: SparseMatrix; readonly position: Buffer } {
    if (!this.#transposed) {
      const { matrix, position } = transpose(this.host);
      this.#transposed = {
        matrix: SparseMatrix.#of(matrix),
        position: Buffer.integers(position, "the positions of a transpose"),
      };
    }
    return this.#transposed;
  }

  /** The form that `narrowProduct` reads; made on first use. */
  productRows(): NarrowRows {
    this.#productRows ??= new NarrowRows(this.host, this.#storage());
    return this.#productRows;
  }

  /** Computed once, because productPosition() of the matrix that this one transposes needs it too. */
  #storage(): Storage {
    this.#productStorage ??= productStorage(this.host);
    return this.#productStorage;
  }

  /** The form that `narrowProduct` reads for values in this matrix's own order, as dropout draws them. */
  rowsAsTheyLie(): NarrowRows {
    this.#rowsAsTheyLie ??= new NarrowRows(this.host, storageAsItLies(this.host));
    return this.#rowsAsTheyLie;
  }

  /** The place in this matrix of each entry of the transpose's productRows(). */
  productPosition(): Buffer {
    if (!this.#productPosition) {
      const { matrix, position } = this.transposed();
      const from = position.integers;
      const composed = matrix.#storage().position.map((k) => from[k]!);
      this.#productPosition = Buffer.integers(composed, "the positions of a transpose");
    }
    return this.#productPosition;
  }

  /** The form that `narrowForward` and `narrowBackward` read; made on first use. */
  convolutionRows(): NarrowRows {
    const { nodesAUnit } = runningBackend().engine;
    this.#convolutionRows ??= new NarrowRows(this.host, convolutionStorage(this.host, nodesAUnit));
    return this.#convolutionRows;
  }

  /** The entries as integers of 8 bits, row by row; made on first use. */
  codes(): RowCodes {
    this.#codes ??= rowCodes(this.host.indptr, this.host.values);
    return this.#codes;
  }

  /** The same matrix with the numbers that codes() stand for; made on first use, and freed with this one. */
  rounded(): SparseMatrix {
    if (!this.#rounded) {
      const { codes, scales } = this.codes();
      const { indptr } = this.host;
      const values = Float32Array.from(codes);
      for (let r = 0; r < this.rows; r++) {
        for (let k = indptr[r]!; k < indptr[r + 1]!; k++) values[k] = codes[k]! * scales[r]!;
      }
      this.#rounded = SparseMatrix.#of({ ...this.host, values }, this.#isDense);
    }
    return this.#rounded;
  }

  /** The codes as `integerSparse` reads them; made on first use. */
  integerRows(): IntegerRows {
    this.#integerRows ??= new IntegerRows(this.host.indptr, this.codes());
    return this.#integerRows;
  }

  dispose(): void {
    this.#dense?.dispose();
    this.#integerRows?.dispose();
    this.#rounded?.dispose();
    for (const rows of [this.#productRows, this.#rowsAsTheyLie, this.#convolutionRows]) {
      rows?.dispose();
    }
    this.#productPosition?.dispose();
    for (const buffer of Object.values(this.#wasm ?? {}) as Buffer[]) buffer.dispose();
    this.#native?.dispose();
    this.#transposed?.matrix.dispose();
    this.#transposed?.position.dispose();
  }
}

/** An X of more bytes than this exceeds the caches, whose size Node does not report. */
const FAR = 2 ** 25;

/** The arguments of Y = p A X + q Z, as addresses; by default p is 1, and there is no Z and no mask. */
export interface ProductArguments {
  /** A's entries, [nonzeros]. */
  readonly values: number;
  readonly x: number;
  readonly y: number;
  /** The number of columns of X and Y. */
  readonly columns: number;
  readonly p?: number;
  readonly q?: number;
  readonly z?: number;
  /** One bit per element of Y: the product (not Z) is 0 where the bit is 0. */
  readonly mask?: number;
}

/** Whether a product with an X of so many columns reads ahead, as 1 or 0. */
export function readsFar({ columns: inner }: SparseMatrix, columns: number): number {
  return inner * columns * 4 > FAR ? 1 : 0;
}

/** Computes Y = p A X + q Z by addresses; all products with a sparse matrix share this kernel call. */
export function sparseProduct(
  engine: Engine,
  matrix: SparseMatrix,
  { values, x, y, columns, p = 1, q = 0, z = 0, mask = 0 }: ProductArguments,
): void {
  const { rows, nonzeros: entries, indptr, indices } = matrix;
  const far = readsFar(matrix, columns);
  engine.run(
    ...(["sparseProduct", rows + entries, rows, indptr.address, indices.address] as const),
    ...[values, x, y, columns, p, q, z, mask, far],
  );
}

/** A X with other values for A, at an address; not differentiable. */
export function multiply(matrix: SparseMatrix, values: number, x: tf.Tensor): tf.Tensor2D {
  const backend = runningBackend();
  const columns = x.shape[1]!;
  const out = backend.allocate([matrix.rows, columns]);
  const [from, y] = [backend.address(x), backend.address(out)];
  sparseProduct(backend.engine, matrix, { values, x: from, y, columns });
  return asTensor(out) as tf.Tensor2D;
}

/**
 * Some rows of A X, to the bits that spmm() gives them; not differentiable, and not on the native engine.
 * @param first the first of `count` rows
 */
export function spmmRows(
  matrix: SparseMatrix,
  x: tf.Tensor2D,
  first: number,
  count: number,
): tf.Tensor2D {
  const columns = x.shape[1];
  const features = matrix.dense();
  if (features) return tf.matMul(tf.slice(features, [first, 0], [count, matrix.columns]), x);
  const backend = runningBackend();
  const out = backend.allocate([count, columns]);
  const { entries, starts, indices, values, dispose } = rowsAt(matrix, first, count);
  backend.engine.run(
    ...(["sparseProduct", count + entries, count, starts, indices, values] as const),
    ...[backend.address(x), backend.address(out), columns, 1, 0, 0, 0, readsFar(matrix, columns)],
  );
  dispose();
  return asTensor(out) as tf.Tensor2D;
}

/** Some rows of a matrix as kernels read them, by addresses. @param first the first of `count` rows */
export function rowsAt({ host, indices, values }: SparseMatrix, first: number, count: number) {
  const own = host.indptr.subarray(first, first + count + 1);
  const [begin, end] = [own[0]!, own[count]!];
  // Kernels share work out by where rows begin, counted from their first one.
  const starts = Buffer.integers(
    own.map((at) => at - begin),
    "the places of some rows",
  );
  return {
    entries: end - begin,
    starts: starts.address,
    indices: indices.address + 4 * begin,
    values: values.address + 4 * begin,
    dispose: () => starts.dispose(),
  };
}

/**
 * A X, differentiable with respect to X. With `dropout`, A's stored entries are dropped and scaled first
 * (for sparse input features zeros stay zeros, so only stored entries are drawn). Mostly dense features
 * (ofFeatures) are multiplied as a dense matrix.
 *
 * @param matrix rows x inner
 * @param x inner x columns
 * @returns rows x columns
 */
export function spmm(matrix: SparseMatrix, x: tf.Tensor2D, dropout?: DropoutStream): tf.Tensor2D {
  if (!(matrix instanceof SparseMatrix)) refuse(matrix, "spmm: matrix", "a SparseMatrix");
  needObject(x, "spmm: x", "a tensor of two dimensions", "shape");
  if (x.shape[0] !== matrix.columns) {
    throw new RangeError(`spmm: ${matrix.rows} x ${matrix.columns} times [${x.shape}]`);
  }
  const features = matrix.dense();
  if (features) return tf.matMul(dropout?.rate ? dropDense(features, dropout) : features, x);
  if (nativeIsCurrent()) return nativeSpmm(matrix.native(), x, dropout);
  const backend = runningBackend();
  const product = tf.customGrad((...args: unknown[]) => {
    const [dense, save] = args as [tf.Tensor2D, tf.GradSaveFunc];
    const dropped = dropout?.rate ? dropValues(matrix, dropout) : undefined;
    if (dropped) save([dropped]);
    const values = dropped ? backend.address(dropped) : matrix.values.address;
    const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]): tf.Tensor => {
      const { matrix: other, position } = matrix.transposed();
      if (!saved[0]) return multiply(other, other.values.address, dy);
      const moved = backend.allocate([matrix.nonzeros]);
      const [from, to] = [backend.address(saved[0]), backend.address(moved)];
      backend.engine.run("gather", matrix.nonzeros, from, position.address, to);
      const gradient = multiply(other, to, dy);
      backend.disposeData(moved.dataId);
      return gradient;
    };
    return { value: multiply(matrix, values, dense), gradFunc };
  });
  return product(x) as tf.Tensor2D;
}
