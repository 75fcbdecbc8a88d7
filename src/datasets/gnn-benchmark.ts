// Reads the npz files of Shchur's GNN benchmark (Amazon, Coauthor) as PyG's read_npz does.

import { type RawArray, toFloat32, toInt32 } from "../formats/arrays.ts";
import { BadFileError } from "../formats/errors.ts";
import { type ArraySource, NpzFile } from "../formats/npz.ts";
import { type Graph, UNLABELLED } from "../graph/graph.ts";
import type { ReadFile } from "./locate.ts";
import {
  arcsFromPairs,
  binarised,
  canonicalFeatures,
  checkCsr,
  MAX_CLASSES,
  MAX_ENTRIES,
  MAX_SIDE,
} from "./sparse.ts";

/**
 * Features are binarised as PyG does (x > 0 becomes 1). Each stored arc counts, whatever its
 * value, and is taken in both directions. Names of nodes and classes are not read.
 * Source: shchur/gnn-benchmark; PyG `io/npz.py`.
 */
export async function loadGnnBenchmark(name: string, file: string, read: ReadFile): Promise<Graph> {
  const { bytes, path } = await read(file);
  const npz = new NpzFile(bytes, path);
  const adjacency = readCsr(npz, "adj_");
  const { rows: nodes, columns } = adjacency;
  if (nodes !== columns || nodes === 0) {
    throw new BadFileError(npz.where("adj_shape"), `${nodes} x ${columns}, not a square`);
  }
  checkCsr(adjacency, npz.where("adj"));
  const attributes = readCsr(npz, "attr_");
  if (attributes.rows !== nodes) {
    throw new BadFileError(npz.where("attr_shape"), `${attributes.rows} rows for ${nodes} nodes`);
  }
  const labels = toInt32(vector(npz, "labels", nodes), npz.where("labels"));
  const classes = countClasses(labels, npz.where("labels"));
  const data = toFloat32(
    vector(npz, "attr_data", attributes.indices.length),
    npz.where("attr_data"),
  );
  const features = canonicalFeatures(attributes, data, npz.where("attr"));
  return {
    name,
    nodes,
    classes,
    adjacency: arcsFromPairs(nodes, rowsOf(adjacency), adjacency.indices, adjacency.indptr[nodes]!),
    features: binarised(features),
    labels,
  };
}

/** The arrays of a matrix in compressed rows, not checked yet. */
export interface CsrMembers {
  readonly rows: number;
  readonly columns: number;
  readonly indptr: Int32Array;
  readonly indices: Int32Array;
}

/** @param prefix of the arrays' names: `adj_` */
export function readCsr(npz: ArraySource, prefix: string): CsrMembers {
  const shape = toInt32(vector(npz, `${prefix}shape`, 2), npz.where(`${prefix}shape`));
  const [rows, columns] = [shape[0]!, shape[1]!];
  if (rows < 0 || columns < 0 || rows > MAX_SIDE || columns > MAX_SIDE) {
    throw new BadFileError(npz.where(`${prefix}shape`), `${rows} x ${columns}`);
  }
  const [starts, places] = [`${prefix}indptr`, `${prefix}indices`];
  return {
    rows,
    columns,
    indptr: toInt32(vector(npz, starts, rows + 1), npz.where(starts)),
    indices: toInt32(vector(npz, places), npz.where(places)),
  };
}

/** Reads a one-dimensional array, of the given length if one is given. */
export function vector(npz: ArraySource, name: string, length?: number): RawArray {
  const array = npz.array(name);
  const found = array.shape[0];
  if (array.shape.length !== 1 || found === undefined || found > MAX_ENTRIES) {
    throw new BadFileError(npz.where(name), `shape (${array.shape.join(", ")}), not a vector`);
  }
  if (length !== undefined && found !== length) {
    throw new BadFileError(npz.where(name), `${found} entries instead of ${length}`);
  }
  return array;
}

/** The row of each entry. */
export function rowsOf({ rows, indptr }: CsrMembers): Int32Array {
  const rowOf = new Int32Array(indptr[rows]!);
  for (let r = 0; r < rows; r++) rowOf.fill(r, indptr[r]!, indptr[r + 1]!);
  return rowOf;
}

/** @throws BadFileError for what is no class */
export function countClasses(labels: Int32Array, where: string): number {
  let classes = 0;
  for (let k = 0; k < labels.length; k++) {
    const label = labels[k]!;
    if (label < UNLABELLED || label >= MAX_CLASSES) {
      throw new BadFileError(where, `node ${k} has the class ${label}`);
    }
    classes = Math.max(classes, label + 1);
  }
  if (classes === 0) throw new BadFileError(where, "no node has a class");
  return classes;
}
