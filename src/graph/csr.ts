// Compressed sparse rows (CSR): the library's only sparse layout, on the host.
import { InputError, isCount } from "./check.ts";

/**
 * A sparse matrix by rows. Row r holds the entries indptr[r] .. indptr[r + 1] - 1.
 * `values` is absent if every entry is 1 (an adjacency, a binary feature matrix).
 */
export interface Csr {
  readonly rows: number;
  readonly columns: number;
  /** Length rows + 1, ascending, first 0, last the number of stored entries. */
  readonly indptr: Int32Array;
  /** Column of each entry; sorted and unique within a row. */
  readonly indices: Int32Array;
  readonly values?: Float32Array;
}

/** Number of stored entries. */
export function nonzeros(matrix: Csr): number {
  return matrix.indices.length;
}

/**
 * Makes sorted, unique arcs from (row, column) pairs: a counting sort by row, then a sort of each row, so that
 * the time does not depend on the number of columns. Pairs may repeat and come in any order; rows and columns
 * are counted from 0.
 * @throws InputError for a pair outside the matrix, a row without its column
 */
export function csrFromPairs(
  rows: number,
  columns: number,
  rowOf: ArrayLike<number>,
  columnOf: ArrayLike<number>,
): Csr {
  checkPairs(rows, columns, rowOf, columnOf);
  const count = rowOf.length;
  const start = new Int32Array(rows + 1);
  for (let k = 0; k < count; k++) start[rowOf[k]! + 1]!++;
  for (let r = 0; r < rows; r++) start[r + 1]! += start[r]!;
  const next = start.slice(0, rows);
  const indices = new Int32Array(count);
  for (let k = 0; k < count; k++) indices[next[rowOf[k]!]!++] = columnOf[k]!;
  return mergedRows(columns, start, indices);
}

/**
 * Sorts each row and merges what repeats in it.
 * @param indptr where each row begins, which is changed; with the entries' columns, which are changed too
 */
export function mergedRows(columns: number, indptr: Int32Array, indices: Int32Array): Csr {
  const rows = indptr.length - 1;
  let kept = 0;
  let first = 0;
  for (let r = 0; r < rows; r++) {
    const end = indptr[r + 1]!;
    if (!ascends(indices, first, end)) indices.subarray(first, end).sort();
    const begin = kept;
    for (let k = first; k < end; k++) {
      // Kept ones lie before this row or in what of it was read.
      if (kept === begin || indices[k] !== indices[kept - 1]) indices[kept++] = indices[k]!;
    }
    indptr[r] = begin;
    first = end;
  }
  indptr[rows] = kept;
  return {
    rows,
    columns,
    indptr,
    indices: kept < indices.length ? indices.slice(0, kept) : indices,
  };
}

function ascends(indices: Int32Array, first: number, end: number): boolean {
  for (let k = first + 1; k < end; k++) if (indices[k]! < indices[k - 1]!) return false;
  return true;
}

function checkPairs(
  rows: number,
  columns: number,
  rowOf: ArrayLike<number>,
  columnOf: ArrayLike<number>,
): void {
  const fail = (fault: string): never => {
    throw new InputError(`pairs for a ${rows} x ${columns} matrix: ${fault}`);
  };
  if (!isCount(rows) || !isCount(columns))
    fail("the sides are not whole numbers from 0 to 2147483647");
  for (const [name, ends] of Object.entries({ rows: rowOf, columns: columnOf })) {
    if (!isCount(ends?.length)) fail(`the ${name} are not an array of numbers`);
  }
  if (!(rowOf.length === columnOf.length)) {
    fail(`${rowOf.length} rows and ${columnOf.length} columns; each pair has one of each`);
  }
  const checkEnds = (name: string, side: number, ends: ArrayLike<number>): void => {
    for (let k = 0; k < ends.length; k++) {
      const end = ends[k]!;
      if (Number.isInteger(end) && end >= 0 && end < side) continue;
      const hint = end === side ? "; they are counted from 0" : "";
      const told = typeof end === "number" ? end : `"${String(end)}" (${typeof end})`;
      fail(`pair ${k} is in ${name} ${told} of ${side}${hint}`);
    }
  };
  checkEnds("row", rows, rowOf);
  checkEnds("column", columns, columnOf);
}

/**
 * Returns the transpose. `position[k]` is the place of the transpose's entry k in the original's
 * arrays, so that values changed later (dropout) can be read through it.
 */
export function transpose(matrix: Csr): { matrix: Csr; position: Int32Array } {
  const { rows, columns, indptr, indices, values } = matrix;
  const count = indices.length;
  const start = new Int32Array(columns + 1);
  for (let k = 0; k < count; k++) start[indices[k]! + 1]!++;
  for (let c = 0; c < columns; c++) start[c + 1]! += start[c]!;
  const transposedIndptr = start.slice();
  const transposedIndices = new Int32Array(count);
  const position = new Int32Array(count);
  for (let r = 0; r < rows; r++) {
    for (let k = indptr[r]!; k < indptr[r + 1]!; k++) {
      const place = start[indices[k]!]!++;
      transposedIndices[place] = r;
      position[place] = k;
    }
  }
  let transposedValues: Float32Array | undefined;
  if (values) {
    transposedValues = new Float32Array(count);
    for (let k = 0; k < count; k++) transposedValues[k] = values[position[k]!]!;
  }
  return {
    matrix: {
      rows: columns,
      columns: rows,
      indptr: transposedIndptr,
      indices: transposedIndices,
      ...(transposedValues && { values: transposedValues }),
    },
    position,
  };
}

/** The chosen rows, in the order given. @param chosen rows that there are */
export function takeCsrRows({ columns, indptr, indices, values }: Csr, chosen: Int32Array): Csr {
  const length = chosen.reduce((sum, row) => sum + indptr[row + 1]! - indptr[row]!, 0);
  const taken = {
    indptr: new Int32Array(chosen.length + 1),
    indices: new Int32Array(length),
    ...(values && { values: new Float32Array(length) }),
  };
  let count = 0;
  for (const [at, row] of chosen.entries()) {
    const [first, end] = [indptr[row]!, indptr[row + 1]!];
    taken.indices.set(indices.subarray(first, end), count);
    if (values) taken.values?.set(values.subarray(first, end), count);
    count += end - first;
    taken.indptr[at + 1] = count;
  }
  return { rows: chosen.length, columns, ...taken };
}

/** The chosen columns, renumbered from 0. @param chosen columns that there are, ascending */
export function takeCsrColumns(matrix: Csr, chosen: readonly number[]): Csr {
  const place = new Map(chosen.map((column, at) => [column, at]));
  const { rows, indptr, indices, values } = matrix;
  const taken = new Int32Array(rows + 1);
  const kept: number[] = [];
  for (let r = 0; r < rows; r++) {
    for (let k = indptr[r]!; k < indptr[r + 1]!; k++) if (place.has(indices[k]!)) kept.push(k);
    taken[r + 1] = kept.length;
  }
  return {
    rows,
    columns: chosen.length,
    indptr: taken,
    indices: Int32Array.from(kept, (k) => place.get(indices[k]!)!),
    ...(values && { values: Float32Array.from(kept, (k) => values[k]!) }),
  };
}
