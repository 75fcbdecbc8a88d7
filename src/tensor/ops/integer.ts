// Products of quantised tensors in integers: what fake quantisation simulates. Not differentiable.
import type * as tf from "@tensorflow/tfjs";
import { asTensor, runningBackend } from "../engine/backend.ts";
import { Buffer } from "../engine/buffer.ts";
import { type Grid, inverseOf } from "./grid.ts";
import { LARGEST_OFFSET } from "./integer-rows.ts";
import type { SparseMatrix } from "./sparse.ts";

/** Columns that a row of codes is padded to a multiple of. */
const PADDED = 16;
const PANEL = 4;
const paddedTo = (count: number, size: number): number => size * Math.ceil(count / size);

/** Rows of codes, a byte each, that sums over arcs gather. */
export interface CodeRows {
  readonly rows: number;
  readonly columns: number;
  readonly grid: Grid;
  /** Where the bytes are, rows padded to `stride`. */
  readonly address: number;
  readonly stride: number;
}

/** Rows of codes less their zero, which dense products read. */
export interface OffsetRows {
  readonly rows: number;
  readonly columns: number;
  readonly grid: Grid;
  /** Where the 16-bit integers are. */
  readonly address: number;
  readonly pairs: number;
}

/** A matrix of weights as integers. It is freed by dispose(). */
export class IntegerWeights {
  readonly rows: number;
  readonly columns: number;
  readonly grid: Grid;
  readonly #codes: Int8Array;
  #gathered: Buffer | undefined;
  #panels: Buffer | undefined;

  /** @param codes rows x columns */
  constructor(codes: Int8Array, columns: number, grid: Grid) {
    this.rows = codes.length / columns;
    this.columns = columns;
    this.grid = grid;
    this.#codes = codes;
  }

  /** For products with a sparse matrix from the left. */
  gathered(): CodeRows {
    const { rows, columns, grid } = this;
    const stride = paddedTo(columns, PADDED);
    if (!this.#gathered) {
      const padded = new Int8Array(rows * stride);
      for (let r = 0; r < rows; r++) {
        padded.set(this.#codes.subarray(r * columns, (r + 1) * columns), r * stride);
      }
      this.#gathered = Buffer.integers(padded, "weights as codes");
    }
    return { rows, columns, grid, stride, address: this.#gathered.address };
  }

  /**
   * Where the form that `integerProduct` reads begins.
   * @throws {RangeError} for so many rows that a product might not fit 32 bits
   */
  panels(): number {
    const { rows, columns, grid } = this;
    if (rows * LARGEST_OFFSET ** 2 >= 2 ** 31) {
      throw new RangeError(`${rows} rows of weights: an integer product may not fit 32 bits`);
    }
    if (!this.#panels) {
      const pairs = Math.ceil(rows / 2);
      const packed = new Int16Array(pairs * 2 * paddedTo(columns, PANEL));
      for (let r = 0; r < rows; r++) {
        for (let c = 0; c < columns; c++) {
          const panel = Math.trunc(c / PANEL) * pairs * 2 * PANEL;
          const at = panel + (r >> 1) * 2 * PANEL + (c % PANEL) * 2 + (r & 1);
          packed[at] = this.#codes[r * columns + c]! - grid.zero;
        }
      }
      this.#panels = Buffer.integers(packed, "weights as integers");
    }
    return this.#panels.address;
  }

  dispose(): void {
    this.#gathered?.dispose();
    this.#panels?.dispose();
  }
}

/** Codes of a map, and on request the numbers that they stand for. The tensors hold the memory, for tf.tidy(). */
export interface Coded<Rows> {
  readonly codes: Rows;
  /** The shape of x. */
  readonly values?: tf.Tensor2D;
}

/** The codes of x, to be sent along arcs. @param x nodes x width */
export function codeRows(x: tf.Tensor2D, grid: Grid, withValues = false): Coded<CodeRows> {
  const [rows, columns] = x.shape;
  const stride = paddedTo(columns, PADDED);
  const { out, values, shared } = coded(x, grid, (rows * stride) / 4, withValues);
  const { engine } = runningBackend();
  engine.run(
    "integerCodes",
    rows,
    ...([...shared.places, columns, stride, ...shared.grid] as const),
  );
  const codes = { rows, columns, grid, stride, address: out };
  return { codes, ...(values && { values }) };
}

export interface OffsetOptions {
  readonly withValues?: boolean;
  /** Whether the codes are those of ReLU(x). */
  readonly relu?: boolean;
}

/** The codes of x less their zero, to be multiplied by weights. @param x nodes x width */
export function offsetRows(
  x: tf.Tensor2D,
  grid: Grid,
  { withValues = false, relu = false }: OffsetOptions = {},
): Coded<OffsetRows> {
  const [rows, columns] = x.shape;
  const pairs = Math.ceil(columns / 2);
  const { out, values, shared } = coded(x, grid, rows * pairs, withValues);
  const { engine } = runningBackend();
  const floor = relu ? 0 : Number.NEGATIVE_INFINITY;
  engine.run(
    "integerOffsets",
    rows,
    ...([...shared.places, columns, pairs, ...shared.grid, floor] as const),
  );
  const codes = { rows, columns, grid, pairs, address: out };
  return { codes, ...(values && { values }) };
}

/** Memory of so many words for codes, and the arguments that both kernels share. */
function coded(x: tf.Tensor2D, grid: Grid, words: number, withValues: boolean) {
  const backend = runningBackend();
  const out = backend.address(asTensor(backend.allocate([words])));
  const values = withValues ? (asTensor(backend.allocate(x.shape)) as tf.Tensor2D) : undefined;
  const { scale, zero, least, most } = grid;
  return {
    out,
    values,
    shared: {
      places: [backend.address(x), out, values ? backend.address(values) : 0] as const,
      grid: [inverseOf(grid), scale, zero, least, most] as const,
    },
  };
}

/**
 * A X + b as float32, from exact sums of integers: (sum_k a_k (x_k - zero)) (row's scale x X's scale) + b.
 * @param matrix rows x inner, as its codes
 * @param x inner x columns
 * @param bias [columns]
 */
export function integerSpmm(matrix: SparseMatrix, x: CodeRows, bias?: tf.Tensor1D): tf.Tensor2D {
  if (x.rows !== matrix.columns) {
    throw new RangeError(`integerSpmm: ${matrix.rows} x ${matrix.columns} times ${x.rows} rows`);
  }
  const { codes, sums, scales } = matrix.integerRows();
  const backend = runningBackend();
  const { rows, nonzeros, indptr, indices } = matrix;
  const { stride, columns, grid } = x;
  const out = backend.allocate([rows, stride]);
  const address = backend.address(out);
  backend.engine.run(
    ...(["integerSparse", rows + nonzeros, rows, indptr.address, indices.address] as const),
    ...([codes.address, sums.address, x.address, address, stride, grid.zero] as const),
  );
  const floats = inFloats([address, scales.address], bias, [rows, columns], stride, grid.scale);
  backend.disposeData(out.dataId);
  return floats;
}

/** X W + b as float32, from exact sums of integers. @param x nodes x inner @param bias [columns] */
export function integerMatMul(
  x: OffsetRows,
  weights: IntegerWeights,
  bias?: tf.Tensor1D,
): tf.Tensor2D {
  if (x.columns !== weights.rows) {
    throw new RangeError(`integerMatMul: ${x.columns} columns times ${weights.rows} rows`);
  }
  const backend = runningBackend();
  const stride = paddedTo(weights.columns, PANEL);
  const out = backend.allocate([x.rows, stride]);
  const address = backend.address(out);
  backend.engine.run(
    ...(["integerProduct", x.rows, x.address, weights.panels(), address] as const),
    ...([x.pairs, stride / PANEL, stride] as const),
  );
  const scale = Math.fround(x.grid.scale * weights.grid.scale);
  const floats = inFloats([address, 0], bias, [x.rows, weights.columns], stride, scale);
  backend.disposeData(out.dataId);
  return floats;
}

function inFloats(
  [sums, rowScales]: readonly [sums: number, rowScales: number],
  bias: tf.Tensor1D | undefined,
  shape: readonly [rows: number, columns: number],
  stride: number,
  scale: number,
): tf.Tensor2D {
  const backend = runningBackend();
  const [rows, columns] = shape;
  const out = backend.allocate(shape);
  const y = backend.address(out);
  const b = bias ? backend.address(bias) : 0;
  backend.engine.run("integerFloats", rows, sums, y, rowScales, b, columns, stride, scale);
  return asTensor(out) as tf.Tensor2D;
}
