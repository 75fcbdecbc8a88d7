// A sparse matrix for the kernels of narrow layers, stored in the order in which they work.
import { type Csr, nonzeros } from "../../graph/csr.ts";
import { Buffer } from "../engine/buffer.ts";

/** How a matrix's entries are stored. */
export interface Storage {
  /** The rows, in the order of the work. */
  readonly order: Int32Array;
  /** The number of blocks of columns; in each block the rows' entries follow each other. */
  readonly blocks: number;
  /** A row's first entry, by block and place in the order; and the end of the last. */
  readonly starts: Int32Array;
  /** The place of each entry in the matrix itself. */
  readonly position: Int32Array;
}

/** How many rows of a dense matrix of width 4 stay in the nearest cache while a sparse matrix reads them. */
const COLUMNS_A_BLOCK = 2048;
/** With fewer entries per row in a block, going from block to block costs more than it saves. */
const FEWEST_A_BLOCK = 64;
/** How many rows are sorted by length together, where no sum depends on it. */
const ROWS_A_WINDOW = 1024;

/** A matrix stored so in the engine's memory; indices have 16 bits if that suffices. */
export class NarrowRows {
  /** The number of rows. */
  readonly count: number;
  /** The number of blocks, as in Storage. */
  readonly blocks: number;
  readonly starts: Buffer;
  readonly order: Buffer;
  readonly indices: Buffer;
  readonly indexBytes: 2 | 4;
  readonly values: Buffer;

  constructor(host: Csr, { order, blocks, starts, position }: Storage) {
    const what = `a sparse ${host.rows} x ${host.columns} matrix`;
    const short = host.columns <= 2 ** 16;
    const indices = new (short ? Uint16Array : Int32Array)(position.length);
    const values = new Float32Array(position.length);
    for (let k = 0; k < position.length; k++) {
      indices[k] = host.indices[position[k]!]!;
      values[k] = host.values ? host.values[position[k]!]! : 1;
    }
    this.count = host.rows;
    this.blocks = blocks;
    this.starts = Buffer.integers(starts, what);
    this.order = Buffer.integers(order, what);
    this.indices = Buffer.integers(indices, what);
    this.indexBytes = short ? 2 : 4;
    this.values = Buffer.floats(values, what);
  }

  dispose(): void {
    for (const buffer of [this.starts, this.order, this.indices, this.values]) buffer.dispose();
  }
}

/** Storage for `narrowProduct`: whole rows sorted by length, or long ones in blocks of columns. */
export function productStorage(host: Csr): Storage {
  const mean = nonzeros(host) / Math.max(1, host.rows);
  const wanted = Math.min(Math.ceil(host.columns / COLUMNS_A_BLOCK), mean / FEWEST_A_BLOCK);
  return byBlock(host, rowsByLength(host, ROWS_A_WINDOW), Math.max(1, Math.floor(wanted)));
}

/** Storage for `narrowProduct` with values that are redrawn each time, in the matrix's own order. */
export function storageAsItLies(host: Csr): Storage {
  return byBlock(host, rowsByLength(host, 1), 1);
}

/** Storage for `narrowForward` and `narrowBackward`: rows in fours, sorted by length within each unit. */
export function convolutionStorage(host: Csr, rowsAUnit: number): Storage {
  return byFours(host, rowsByLength(host, rowsAUnit));
}

/** Sorts the rows of each window by their number of entries, so that neighbouring loops end together. */
function rowsByLength({ rows, indptr }: Csr, window: number): Int32Array {
  const order = Int32Array.from({ length: rows }, (_, row) => row);
  const length = (row: number): number => indptr[row + 1]! - indptr[row]!;
  for (let first = 0; first < rows; first += window) {
    order.subarray(first, first + window).sort((a, b) => length(a) - length(b) || a - b);
  }
  return order;
}

/**
 * Stores block after block, and row after row within each. A row has a multiple of four entries in each
 * block but the last, because the kernel sums four at a time.
 */
function byBlock({ indptr, indices, columns }: Csr, order: Int32Array, blocks: number): Storage {
  const position = new Int32Array(indices.length);
  const starts = new Int32Array(blocks * order.length + 1);
  const next = indptr.slice(0, -1);
  let count = 0;
  for (let block = 0; block < blocks; block++) {
    const end = block + 1 < blocks ? ((block + 1) * columns) / blocks : Number.POSITIVE_INFINITY;
    for (const [place, row] of order.entries()) {
      starts[block * order.length + place] = count;
      const first = next[row]!;
      const last = indptr[row + 1]!;
      let k = first;
      while (k < last && indices[k]! < end) k++;
      if (block + 1 < blocks) k -= (k - first) % 4;
      next[row] = k;
      for (let from = first; from < k; from++) position[count++] = from;
    }
  }
  starts[blocks * order.length] = count;
  return { order, blocks, starts, position };
}

/**
 * Interleaves four consecutive rows, of which the first is the shortest: the first entry of each, the second
 * of each, until the shortest ends; then the rest of the others (SELL-C-sigma without the padding:
 * Kreutzer et al. 2014). Left-over rows are stored as they are.
 */
function byFours({ indptr, indices }: Csr, order: Int32Array): Storage {
  const position = new Int32Array(indices.length);
  const starts = new Int32Array(order.length + 1);
  let count = 0;
  for (let place = 0; place < order.length; place += 4) {
    const four = order.subarray(place, place + 4);
    const shortest = four.length === 4 ? indptr[four[0]! + 1]! - indptr[four[0]!]! : 0;
    for (const [i, row] of four.entries()) {
      starts[place + i + 1] = starts[place + i]! + indptr[row + 1]! - indptr[row]!;
    }
    for (let k = 0; k < shortest; k++) {
      for (const row of four) position[count++] = indptr[row]! + k;
    }
    for (const row of four) {
      for (let k = indptr[row]! + shortest; k < indptr[row + 1]!; k++) position[count++] = k;
    }
  }
  return { order, blocks: 1, starts, position };
}
