// Turns sparse matrices from files into the library's Csr: checked, sorted, merged.

import { BadFileError } from "../formats/errors.ts";
import { arraysFault, type CsrArrays } from "../graph/check.ts";
import { type Csr, csrFromPairs, transpose } from "../graph/csr.ts";

/** Longer sides are refused before anything is allocated for them. */
export const MAX_SIDE = 1 << 22;
/** More stored entries than this are refused (Amazon Computers, the largest, has 3.7 million). */
export const MAX_ENTRIES = 1 << 22;

/** More classes than this are taken to mean a damaged label (NELL has 210). */
export const MAX_CLASSES = 1 << 16;

/**
 * Checks that the arrays form a matrix: lengths, ascending row starts, columns in range.
 *
 * @throws BadFileError naming the first entry that is wrong.
 */
export function checkCsr(arrays: CsrArrays, where: string): void {
  const { rows, columns, indices } = arrays;
  if (rows > MAX_SIDE || columns > MAX_SIDE) {
    throw new BadFileError(where, `shape ${rows} x ${columns}; at most ${MAX_SIDE} a side`);
  }
  if (indices.length > MAX_ENTRIES) {
    throw new BadFileError(where, `${indices.length} entries; at most ${MAX_ENTRIES}`);
  }
  const fault = arraysFault(arrays);
  if (fault !== undefined) throw new BadFileError(where, fault);
}

/**
 * Makes a feature matrix with sorted columns, duplicates summed (as scipy does) and zeros dropped;
 * it has no `values` if all are 1.
 */
export function canonicalFeatures(arrays: CsrArrays, data: Float32Array, where: string): Csr {
  checkCsr(arrays, where);
  const { rows, columns, indptr } = arrays;
  if (data.length !== arrays.indices.length) {
    throw new BadFileError(where, `${data.length} values for ${arrays.indices.length} indices`);
  }
  const count = indptr[rows]!;
  const trimmed: Csr = {
    rows,
    columns,
    indptr,
    indices: arrays.indices.subarray(0, count),
    values: data.subarray(0, count),
  };
  const sorted = isSorted(trimmed) ? trimmed : transpose(transpose(trimmed).matrix).matrix;
  return withoutOnes(isCanonical(sorted) ? sorted : merged(sorted));
}

/** Sorts the entries of a matrix by row; within a row they stay in the given order, and may repeat. */
export function byRow(
  rows: number,
  columns: number,
  rowOf: Int32Array,
  columnOf: Int32Array,
  given: Float32Array,
): Required<Csr> {
  const indptr = new Int32Array(rows + 1);
  for (const row of rowOf) indptr[row + 1]!++;
  for (let r = 0; r < rows; r++) indptr[r + 1]! += indptr[r]!;
  const next = indptr.slice(0, rows);
  const indices = new Int32Array(rowOf.length);
  const values = new Float32Array(rowOf.length);
  for (let k = 0; k < rowOf.length; k++) {
    const at = next[rowOf[k]!]!++;
    indices[at] = columnOf[k]!;
    values[at] = given[k]!;
  }
  return { rows, columns, indptr, indices, values };
}

/** Whether columns ascend within each row (a column may repeat). */
function isSorted({ rows, indptr, indices }: Csr): boolean {
  for (let r = 0; r < rows; r++) {
    for (let k = indptr[r]! + 1; k < indptr[r + 1]!; k++) {
      if (indices[k]! < indices[k - 1]!) return false;
    }
  }
  return true;
}

/** Whether columns are sorted without duplicates and no value is 0. */
function isCanonical({ rows, indptr, indices, values }: Csr): boolean {
  for (let r = 0; r < rows; r++) {
    let previous = -1;
    for (let k = indptr[r]!; k < indptr[r + 1]!; k++) {
      if (indices[k]! <= previous || values![k] === 0) return false;
      previous = indices[k]!;
    }
  }
  return true;
}

/** Sums neighbouring duplicates and drops zeros. */
function merged({ rows, columns, indptr, indices, values }: Csr): Csr {
  const outIndptr = new Int32Array(rows + 1);
  const outIndices = new Int32Array(indices.length);
  const outValues = new Float32Array(indices.length);
  let out = 0;
  for (let r = 0; r < rows; r++) {
    const end = indptr[r + 1]!;
    for (let k = indptr[r]!; k < end; ) {
      const column = indices[k]!;
      let sum = values![k++]!;
      while (k < end && indices[k] === column) sum += values![k++]!;
      if (sum === 0) continue;
      outIndices[out] = column;
      outValues[out++] = sum;
    }
    outIndptr[r + 1] = out;
  }
  return {
    rows,
    columns,
    indptr: outIndptr,
    indices: outIndices.slice(0, out),
    values: outValues.slice(0, out),
  };
}

/**
 * Compresses a matrix that is stored row by row; zeros are dropped.
 * @param rows by default those of `dense`; further ones are empty
 */
export function csrFromDense(
  dense: Float32Array,
  columns: number,
  rows = dense.length / columns,
): Csr {
  const indptr = new Int32Array(rows + 1);
  let count = 0;
  for (let k = 0, row = 0; k < dense.length; indptr[++row] = count) {
    for (const end = k + columns; k < end; k++) if (dense[k] !== 0) count++;
  }
  indptr.fill(count, dense.length / columns + 1);
  const indices = new Int32Array(count);
  const values = count === dense.length ? dense : new Float32Array(count);
  for (let k = 0, at = 0; k < dense.length; ) {
    for (let c = 0; c < columns; c++, k++) {
      if (dense[k] === 0) continue;
      indices[at] = c;
      values[at++] = dense[k]!;
    }
  }
  return withoutOnes({ rows, columns, indptr, indices, values });
}

/** Returns the same matrix, without `values` if each is 1. */
export function withoutOnes(matrix: Csr): Csr {
  const { rows, columns, indptr, indices, values } = matrix;
  return values && allOnes(values) ? { rows, columns, indptr, indices } : matrix;
}

/** Sets positive values to 1, as PyG's read_npz does (x[x > 0] = 1); negative ones stay. */
export function binarised(matrix: Csr): Csr {
  if (!matrix.values) return matrix;
  const values = matrix.values.slice();
  for (let k = 0; k < values.length; k++) if (values[k]! > 0) values[k] = 1;
  return withoutOnes({ ...matrix, values });
}

/** Whether all are 1, by a plain loop: every() with its callback takes ten times as long. */
function allOnes(values: Float32Array): boolean {
  for (let k = 0; k < values.length; k++) if (values[k] !== 1) return false;
  return true;
}

/**
 * Makes arcs as PyG counts them: both directions of each pair, duplicates merged, self loops removed.
 *
 * @param from, to both ends of each stored entry, 0 .. nodes - 1; only the first `count` are read.
 */
export function arcsFromPairs(nodes: number, from: Int32Array, to: Int32Array, count: number): Csr {
  const rowOf = new Int32Array(2 * count);
  const columnOf = new Int32Array(2 * count);
  let kept = 0;
  for (let k = 0; k < count; k++) {
    const a = from[k]!;
    const b = to[k]!;
    if (a === b) continue;
    rowOf[kept] = a;
    columnOf[kept++] = b;
    rowOf[kept] = b;
    columnOf[kept++] = a;
  }
  return csrFromPairs(nodes, nodes, rowOf.subarray(0, kept), columnOf.subarray(0, kept));
}
