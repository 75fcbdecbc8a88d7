// Parses and checks the parts of Planetoid's format: features, one-hot labels, test.index, adjacency lists.

import { type RawArray, rawArray, toFloat32, toInt32 } from "../formats/arrays.ts";
import { BadFileError } from "../formats/errors.ts";
import { unpickle } from "../formats/pickle.ts";
import { NdArray, SparseObject } from "../formats/pickle-values.ts";
import type { Csr } from "../graph/csr.ts";
import { UNLABELLED } from "../graph/graph.ts";
import type { DataFile } from "./locate.ts";
import {
  arcsFromPairs,
  canonicalFeatures,
  MAX_CLASSES,
  MAX_ENTRIES,
  MAX_SIDE,
  withoutOnes,
} from "./sparse.ts";

/** More label entries (rows times classes) than this are refused (NELL's, the most, are 13.8 million). */
const MAX_MARKS = 1 << 24;

/** More adjacency-list entries than this are refused (Pubmed has 88,676, NELL 532,288). */
const MAX_LIST_ENTRIES = 1 << 22;

/** A feature matrix, and its file. */
export interface Features {
  readonly path: string;
  readonly matrix: Csr;
}

/** The class of each row, UNLABELLED for a row of zeros; `classes` is the width of the one-hot rows. */
export interface Labels {
  readonly path: string;
  readonly labels: Int32Array;
  readonly classes: number;
}

/** @throws BadFileError for anything but a csr_matrix. */
export function parseFeatures({ bytes, path }: DataFile): Features {
  const value = unpickle(bytes, path);
  if (!(value instanceof SparseObject) || value.form !== "csr") {
    throw new BadFileError(path, "it holds no csr_matrix");
  }
  const [rows, columns] = value.shape;
  const indptr = toInt32(vector(rawArray(value.indptr, path), path), path);
  const indices = toInt32(vector(rawArray(value.indices, path), path), path);
  const data = toFloat32(vector(rawArray(value.data, path), path), path);
  return { path, matrix: canonicalFeatures({ rows, columns, indptr, indices }, data, path) };
}

function vector(array: RawArray, path: string): RawArray {
  const [length] = array.shape;
  if (array.shape.length !== 1 || length === undefined) {
    const shape = array.shape.slice(0, 8).join(", ");
    throw new BadFileError(path, `an array of shape (${shape}) instead of a vector`);
  }
  // Checked before it is copied to another type.
  if (length > MAX_ENTRIES + 1) {
    throw new BadFileError(
      path,
      `an array of ${length} entries; at most ${MAX_ENTRIES + 1} are read`,
    );
  }
  return array;
}

/** Turns one-hot rows into classes; a row of zeros is an unlabelled node. */
export function parseLabels({ bytes, path }: DataFile): Labels {
  const value = unpickle(bytes, path);
  if (!(value instanceof NdArray)) throw new BadFileError(path, "it holds no ndarray");
  const array = rawArray(value, path);
  const [rows, classes] = array.shape;
  if (array.shape.length !== 2 || rows === undefined || !classes) {
    throw new BadFileError(path, `labels of shape (${array.shape.join(", ")}), not rows x classes`);
  }
  if (classes > MAX_CLASSES || rows * classes > MAX_MARKS) {
    throw new BadFileError(
      path,
      `labels of ${rows} rows and ${classes} classes; at most ${MAX_CLASSES} classes and ` +
        `${MAX_MARKS} numbers are read: is it a file of labels?`,
    );
  }
  const oneHot = toFloat32(array, path);
  const [rowStep, classStep] = array.fortranOrder ? [1, rows] : [classes, 1];
  const labels = new Int32Array(rows).fill(UNLABELLED);
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < classes; c++) {
      const mark = oneHot[r * rowStep + c * classStep]!;
      if (mark === 0) continue;
      if (mark !== 1 || labels[r] !== UNLABELLED) {
        throw new BadFileError(path, `row ${r} is not one-hot`);
      }
      labels[r] = c;
    }
  }
  return { path, labels, classes };
}

/** The node of each row of tx, and the least and greatest of them. */
export interface TestIndex {
  readonly path: string;
  readonly nodes: Int32Array;
  readonly first: number;
  readonly last: number;
}

/** @throws BadFileError for a line that is not a node number or repeats one, and for a file without nodes. */
export function parseTestIndex({ bytes, path }: DataFile): TestIndex {
  const seen = new Uint8Array(MAX_SIDE);
  const nodes: number[] = [];
  for (let at = 0, line = 1; at < bytes.length; line++) {
    const found = bytes.indexOf(0x0a, at);
    const end = found < 0 ? bytes.length : found;
    const node = nodeNumber(bytes, at, end);
    // Blank lines may end the file.
    if (node === undefined && nodes.length > 0 && afterBlanks(bytes, at) === bytes.length) break;
    if (node === undefined) throw new BadFileError(path, `line ${line} is not a node number`);
    if (seen[node]) throw new BadFileError(path, `line ${line} repeats node ${node}`);
    seen[node] = 1;
    nodes.push(node);
    at = end + 1;
  }
  if (nodes.length === 0) throw new BadFileError(path, "it names no test node");
  return { path, nodes: Int32Array.from(nodes), first: seen.indexOf(1), last: seen.lastIndexOf(1) };
}

const isBlank = (code: number): boolean => code === 0x20 || (code >= 0x09 && code <= 0x0d);

/** Finds the first place at or after `at` that is not blank. */
function afterBlanks(bytes: Uint8Array, at: number): number {
  let k = at;
  while (k < bytes.length && isBlank(bytes[k]!)) k++;
  return k;
}

/** Parses the number between blanks; undefined if there is none below MAX_SIDE. */
function nodeNumber(bytes: Uint8Array, start: number, end: number): number | undefined {
  const first = Math.min(end, afterBlanks(bytes, start));
  let last = end;
  while (last > first && isBlank(bytes[last - 1]!)) last--;
  if (first === last) return undefined;
  let node = 0;
  for (let k = first; k < last; k++) {
    const digit = bytes[k]! - 0x30;
    if (!(digit >= 0 && digit <= 9)) return undefined;
    node = 10 * node + digit;
    if (node >= MAX_SIDE) return undefined;
  }
  return node;
}

/** Adjacency lists as stored in the file, {node: [neighbours]}. */
export interface Neighbours {
  readonly path: string;
  readonly lists: ReadonlyMap<unknown, unknown>;
}

export function parseGraph({ bytes, path }: DataFile): Neighbours {
  const lists = unpickle(bytes, path);
  if (!(lists instanceof Map)) throw new BadFileError(path, "it holds no dict of neighbours");
  return { path, lists };
}

/** Returns the arcs of the lists, both ways; a node without an entry has no neighbours. */
export function arcsOf(neighbours: Neighbours, nodes: number): Csr {
  const { from, to } = listedPairs(neighbours, nodes);
  return arcsFromPairs(nodes, from, to, from.length);
}

/** Returns both ends of each entry of the lists, as they lie. */
export function listedPairs(
  { path, lists }: Neighbours,
  nodes: number,
): { readonly from: Int32Array; readonly to: Int32Array } {
  const node = (id: unknown): number => {
    if (typeof id === "number" && Number.isInteger(id) && id >= 0 && id < nodes) return id;
    const shown = typeof id === "number" ? `node ${id}` : "something that is not a node number";
    throw new BadFileError(path, `${shown} in a graph of the nodes 0 to ${nodes - 1}`);
  };
  let count = 0;
  for (const list of lists.values()) {
    if (!Array.isArray(list)) throw new BadFileError(path, "a node's neighbours are not a list");
    count += list.length;
  }
  // Many nodes may share one list, so the entries can outnumber the file's bytes.
  if (count > MAX_LIST_ENTRIES) {
    throw new BadFileError(path, `${count} neighbours; at most ${MAX_LIST_ENTRIES} are read`);
  }
  const from = new Int32Array(count);
  const to = new Int32Array(count);
  let k = 0;
  for (const [key, list] of lists) {
    const source = node(key);
    for (const item of list as unknown[]) {
      from[k] = source;
      to[k++] = node(item);
    }
  }
  return { from, to };
}

/** @throws BadFileError if a matrix and its labels have different numbers of rows. */
export function sameRows({ matrix, path }: Features, labels: Labels): void {
  if (matrix.rows === labels.labels.length) return;
  throw new BadFileError(
    path,
    `${matrix.rows} rows, but ${labels.labels.length} in ${labels.path}`,
  );
}

/** @throws BadFileError if two files have different numbers of columns. */
export function sameWidth(width: number, expected: number, path: string, other: string): void {
  if (width === expected) return;
  throw new BadFileError(path, `${width} columns, but ${expected} in ${other}`);
}

/** Checks that x and y repeat the first rows of allx and ally; otherwise the copy is damaged. */
export function checkPrefix(x: Features, y: Labels, allx: Features, ally?: Labels): void {
  const rows = x.matrix.rows;
  if (rows > allx.matrix.rows) {
    throw new BadFileError(x.path, `${rows} rows, more than the ${allx.matrix.rows} of allx`);
  }
  for (let r = 0; r < rows; r++) {
    if (!sameRow(x.matrix, allx.matrix, r)) {
      throw new BadFileError(x.path, `row ${r} differs from row ${r} of ${allx.path}`);
    }
    if (ally && y.labels[r] !== ally.labels[r]) {
      throw new BadFileError(y.path, `row ${r} differs from row ${r} of ${ally.path}`);
    }
  }
}

function sameRow(a: Csr, b: Csr, row: number): boolean {
  const start = a.indptr[row]!;
  const offset = b.indptr[row]! - start;
  const end = a.indptr[row + 1]!;
  if (b.indptr[row + 1]! - offset !== end) return false;
  for (let k = start; k < end; k++) {
    if (a.indices[k] !== b.indices[k + offset]) return false;
    if ((a.values?.[k] ?? 1) !== (b.values?.[k + offset] ?? 1)) return false;
  }
  return true;
}

/** Stacks allx's rows, then row k of tx at node testNodes[k], with empty rows at the gaps. */
export function stack(allx: Csr, tx: Csr, testNodes: Int32Array, nodes: number): Csr {
  const rowOfNode = new Int32Array(nodes).fill(-1);
  for (let k = 0; k < testNodes.length; k++) rowOfNode[testNodes[k]!] = k;
  const indptr = new Int32Array(nodes + 1);
  const indices = new Int32Array(allx.indices.length + tx.indices.length);
  const values = new Float32Array(indices.length);
  let out = allx.indices.length;
  indptr.set(allx.indptr);
  indices.set(allx.indices);
  if (allx.values) values.set(allx.values);
  else values.fill(1, 0, out);
  for (let node = allx.rows; node < nodes; node++) {
    const row = rowOfNode[node]!;
    for (let k = tx.indptr[row] ?? 0; k < (tx.indptr[row + 1] ?? 0) && row >= 0; k++) {
      indices[out] = tx.indices[k]!;
      values[out++] = tx.values?.[k] ?? 1;
    }
    indptr[node + 1] = out;
  }
  return withoutOnes({ rows: nodes, columns: allx.columns, indptr, indices, values });
}

/** @throws BadFileError unless test.index has one line for each row of tx. */
export function sameTestRows(index: TestIndex, tx: Features): void {
  if (index.nodes.length === tx.matrix.rows) return;
  throw new BadFileError(
    index.path,
    `${index.nodes.length} test nodes for the ${tx.matrix.rows} rows of ${tx.path}`,
  );
}
