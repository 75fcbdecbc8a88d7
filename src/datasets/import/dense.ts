// Turns dense arrays of features, labels and masks into what a graph needs, in pieces of bounded size.
import { type RawArray, toFloat32, toInt32 } from "../../formats/arrays.ts";
import { BadFileError } from "../../formats/errors.ts";
import { type Csr, csrFromPairs } from "../../graph/csr.ts";
import { UNLABELLED } from "../../graph/graph.ts";
import { countClasses } from "../gnn-benchmark.ts";
import { MAX_CLASSES, MAX_SIDE, withoutOnes } from "../sparse.ts";
import type { FoundLabels } from "./found.ts";

/** More features than this that are not 0 are refused. */
const MAX_NONZEROS = 1 << 25;
/** How many numbers of a dense array are decoded at a time. */
const PIECE = 1 << 20;

/** @throws BadFileError unless it is a matrix of that many rows */
export function sides(array: RawArray, where: string, rows?: number): [number, number] {
  const [n, columns] = array.shape;
  if (array.shape.length !== 2 || n === undefined || columns === undefined) {
    throw new BadFileError(where, `shape (${array.shape.join(", ")}), not a matrix`);
  }
  if (n > MAX_SIDE || columns > MAX_SIDE || n === 0 || columns === 0) {
    throw new BadFileError(where, `shape (${n}, ${columns}); from 1 to ${MAX_SIDE} a side`);
  }
  if (rows !== undefined && n !== rows) {
    throw new BadFileError(where, `${n} rows for ${rows} nodes`);
  }
  return [n, columns];
}

/** Compresses a dense matrix; zeros are not stored, nor values if all are 1. */
export function compressed(array: RawArray, where: string): Csr {
  const [rows, columns] = sides(array, where);
  const indptr = new Int32Array(rows + 1);
  eachPiece(array, where, (values, first) => {
    for (let k = 0; k < values.length; k++) {
      if (values[k] !== 0) indptr[Math.floor(k / columns) + first + 1]!++;
    }
  });
  for (let r = 0; r < rows; r++) indptr[r + 1]! += indptr[r]!;
  const count = indptr[rows]!;
  if (count > MAX_NONZEROS) {
    throw new BadFileError(where, `${count} numbers that are not 0; at most ${MAX_NONZEROS}`);
  }
  const [indices, data] = [new Int32Array(count), new Float32Array(count)];
  let at = 0;
  eachPiece(array, where, (values) => {
    for (let k = 0; k < values.length; k++) {
      if (values[k] === 0) continue;
      indices[at] = k % columns;
      data[at++] = values[k]!;
    }
  });
  return withoutOnes({ rows, columns, indptr, indices, values: data });
}

/**
 * Returns a matrix row by row, as float32 that worker threads can share.
 * @throws BadFileError naming row and column of what is no finite number
 */
export function denseRows(
  array: RawArray,
  where: string,
): { readonly shape: readonly [number, number]; readonly values: Float32Array } {
  const shape = sides(array, where);
  const values = new Float32Array(new SharedArrayBuffer(4 * shape[0] * shape[1]));
  eachPiece(array, where, (piece, first) => values.set(piece, first * shape[1]));
  return { shape, values };
}

/** Visits whole rows, as many as fit in a piece. @param visit gets the number of the first row */
function eachPiece(
  array: RawArray,
  where: string,
  visit: (values: Float32Array, first: number) => void,
): void {
  const [rows, columns] = sides(array, where);
  const name = (k: number, first: number): string =>
    `row ${first + Math.floor(k / columns)}, column ${k % columns}`;
  if (array.fortranOrder) {
    // Stored by columns: decoded whole, then turned.
    const all = toFloat32(array, where, (k) => `row ${k % rows}, column ${Math.floor(k / rows)}`);
    const turned = new Float32Array(all.length);
    for (let k = 0; k < all.length; k++) {
      turned[(k % rows) * columns + Math.floor(k / rows)] = all[k]!;
    }
    visit(turned, 0);
    return;
  }
  const rowBytes = columns * Number(array.code.slice(1));
  const step = Math.max(1, Math.floor(PIECE / columns));
  for (let first = 0; first < rows; first += step) {
    const end = Math.min(rows, first + step);
    const bytes = array.bytes.subarray(first * rowBytes, end * rowBytes);
    const piece = { ...array, bytes, shape: [end - first, columns] };
    visit(
      toFloat32(piece, where, (k) => name(k, first)),
      first,
    );
  }
}

/** Whole numbers, also where they are stored as floating-point ones. */
export function wholeNumbers(array: RawArray, where: string): Int32Array {
  if (!array.code.startsWith("f")) return toInt32(array, where);
  const values = toFloat32(array, where);
  const wrong = values.findIndex((value) => !Number.isInteger(value) || Math.abs(value) >= 2 ** 24);
  if (wrong < 0) return Int32Array.from(values);
  throw new BadFileError(where, `entry ${wrong} is ${values[wrong]}, not a whole number`);
}

/** @throws BadFileError that says, for NaN, how a node without a label is written */
function wholeLabels(array: RawArray, where: string): Int32Array {
  if (!array.code.startsWith("f")) return wholeNumbers(array, where);
  toFloat32(array, where, (k) => `entry ${k} (a node without a label has -1)`);
  return wholeNumbers(array, where);
}

/**
 * Classes of n nodes: n numbers, a column or (as MATLAB has them) a row of them, or n x classes of 0 and 1
 * (one a row, or a set).
 * @throws BadFileError for anything else
 */
export function labelsOf(array: RawArray, where: string): FoundLabels {
  const [rows, columns] = array.shape;
  if (array.shape.length === 1 || (array.shape.length === 2 && (columns === 1 || rows === 1))) {
    if (rows === 0) throw new BadFileError(where, "there are no labels");
    const labels = wholeLabels(array, where);
    return { labels, classes: countClasses(labels, where) };
  }
  const [nodes, classes] = sides(array, where);
  if (classes > MAX_CLASSES) throw new BadFileError(where, `${classes} classes`);
  const table = compressed(array, where);
  if (table.values) {
    throw new BadFileError(where, "a label is 0 or 1 for each class; there are other numbers");
  }
  return fromSets(table, nodes, classes);
}

/** One class for each node if no row has more than one, and sets otherwise. */
export function fromSets(table: Csr, nodes: number, classes: number): FoundLabels {
  const { indptr, indices } = table;
  const sizes = Int32Array.from({ length: nodes }, (_, r) => indptr[r + 1]! - indptr[r]!);
  if (sizes.every((size) => size <= 1)) {
    const labels = sizes.map((size, r) => (size === 0 ? UNLABELLED : indices[indptr[r]!]!));
    return { labels, classes };
  }
  return { labels: new Int32Array(nodes), classes, labelSets: table };
}

/**
 * The nodes of each set: a mask of n, several masks (n x k or k x n), or a list of nodes.
 * @param start the number of the first node in a list
 * @returns a list for each mask
 */
export function nodeSets(array: RawArray, where: string, nodes: number, start = 0): Int32Array[] {
  const values = wholeNumbers(array, where);
  const [first, second] = array.shape;
  const bits = values.every((value) => value === 0 || value === 1);
  if (array.shape.length === 1) {
    if (first === nodes && bits) return [chosen((node) => values[node] === 1)];
    return [listed(start === 0 ? values : values.map((node) => node - start))];
  }
  if (array.shape.length !== 2 || (first !== nodes && second !== nodes) || !bits) {
    const shape = array.shape.join(", ");
    throw new BadFileError(where, `shape (${shape}) is no mask of ${nodes} nodes`);
  }
  const byNode = first === nodes;
  const count = byNode ? second! : first!;
  if (count > 100) throw new BadFileError(where, `${count} masks; at most 100`);
  // Whether neighbours in storage belong to one node.
  const together = byNode !== array.fortranOrder;
  const at = (node: number, k: number): number => (together ? node * count + k : k * nodes + node);
  return Array.from({ length: count }, (_, k) => chosen((node) => values[at(node, k)] === 1));

  function chosen(isIn: (node: number) => boolean): Int32Array {
    const found: number[] = [];
    for (let node = 0; node < nodes; node++) if (isIn(node)) found.push(node);
    return Int32Array.from(found);
  }

  function listed(list: Int32Array): Int32Array {
    for (const [k, node] of list.entries()) {
      if (node >= 0 && node < nodes) continue;
      throw new BadFileError(where, `entry ${k}: node ${node} is not one of 0 to ${nodes - 1}`);
    }
    const sorted = list.slice().sort();
    const twice = sorted.findIndex((node, k) => node === sorted[k + 1]);
    if (twice >= 0) throw new BadFileError(where, `node ${sorted[twice]} is there twice`);
    return sorted;
  }
}

/** The arcs of a dense adjacency. */
export function denseArcs(array: RawArray, where: string): { from: Int32Array; to: Int32Array } {
  const [rows, columns] = sides(array, where);
  if (rows !== columns) throw new BadFileError(where, `${rows} x ${columns}, not a square`);
  const { indptr, indices } = compressed(array, where);
  const from = new Int32Array(indices.length);
  for (let r = 0; r < rows; r++) from.fill(r, indptr[r]!, indptr[r + 1]!);
  return { from, to: indices };
}

/** Sets of classes by node, as pairs. */
export function setsFromPairs(
  nodes: number,
  classes: number,
  owners: readonly number[],
  members: readonly number[],
): FoundLabels {
  return fromSets(csrFromPairs(nodes, classes, owners, members), nodes, classes);
}
