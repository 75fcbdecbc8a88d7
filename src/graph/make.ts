// A graph from plain arrays, checked: what a program has at hand, in the form that the library reads.
import { needObject, shown } from "../base/arguments.ts";
import { checkGraph, InputError } from "./check.ts";
import { type Csr, csrFromPairs } from "./csr.ts";
import { type Graph, UNLABELLED } from "./graph.ts";

/** Numbers in compressed rows, as scipy.sparse has them; columns ascend within a row. */
export interface SparseRows {
  readonly columns: number;
  readonly indptr: ArrayLike<number>;
  readonly indices: ArrayLike<number>;
  /** Left out where every entry is 1. */
  readonly values?: ArrayLike<number>;
}

/** An undirected graph with n nodes, numbered from 0. */
export interface GraphArrays {
  /** For messages; "graph" if left out. */
  readonly name?: string;
  /** Both ends of each edge, which may stand in one direction or in both, and more than once. */
  readonly edges?: { readonly from: ArrayLike<number>; readonly to: ArrayLike<number> };
  /** In place of `edges`, n x n in compressed rows: both directions of each edge. */
  readonly adjacency?: Pick<SparseRows, "indptr" | "indices">;
  /** n rows of numbers, not normalised: models normalise them. */
  readonly features: readonly ArrayLike<number>[] | SparseRows;
  /** The class of each node, from 0, or UNLABELLED. */
  readonly labels: ArrayLike<number>;
  /** One more than the highest label if left out. */
  readonly classes?: number;
}

/**
 * A checked graph from arrays, which are copied.
 * @throws InputError naming what is wrong and where: a number out of range or not finite, rows of
 *   different lengths, an edge from a node to itself, an arc without its opposite
 */
export function makeGraph(arrays: GraphArrays): Graph {
  needObject(arrays, "makeGraph: arrays", "{ edges, features, labels }", "features", "labels");
  const { name = "graph" } = arrays;
  const labels = integers(arrays.labels, `${name}: labels`, UNLABELLED);
  const nodes = labels.length;
  const { classes = labels.reduce((most, label) => Math.max(most, label), 0) + 1 } = arrays;
  const adjacency = adjacencyOf(arrays, nodes, name);
  const features = featuresOf(arrays.features, nodes, `${name}: features`);
  const graph = { name, nodes, classes, adjacency, features, labels };
  checkGraph(graph);
  return graph;
}

function adjacencyOf({ edges, adjacency }: GraphArrays, nodes: number, name: string): Csr {
  if ((edges === undefined) === (adjacency === undefined)) {
    throw new InputError(
      `${name}: give its edges as \`edges\` or as \`adjacency\`, one of the two`,
    );
  }
  if (adjacency) return sparse({ ...adjacency, columns: nodes }, nodes, `${name}: adjacency`);
  needObject(edges, "makeGraph: edges", "{ from, to }", "from", "to");
  const from = integers(edges!.from, `${name}: edges.from`, 0, nodes);
  const to = integers(edges!.to, `${name}: edges.to`, 0, nodes);
  if (from.length !== to.length) {
    throw new InputError(`${name}: edges: ${from.length} of \`from\` and ${to.length} of \`to\``);
  }
  return csrFromPairs(nodes, nodes, joined(from, to), joined(to, from));
}

function joined(first: Int32Array, second: Int32Array): Int32Array {
  const both = new Int32Array(first.length + second.length);
  both.set(first);
  both.set(second, first.length);
  return both;
}

function featuresOf(features: GraphArrays["features"], nodes: number, what: string): Csr {
  return Array.isArray(features)
    ? dense(features, what)
    : sparse(features as SparseRows, nodes, what);
}

/** Zeros are not stored, nor values where all are 1. */
function dense(rows: readonly ArrayLike<number>[], what: string): Csr {
  const columns = listed(rows[0], `${what}: row 0`).length;
  const indptr = new Int32Array(rows.length + 1);
  let ones = true;
  for (const [r, row] of rows.entries()) {
    const { length } = listed(row, `${what}: row ${r}`);
    if (length !== columns) {
      throw new InputError(`${what}: row ${r} has ${length} numbers, row 0 has ${columns}`);
    }
    for (let c = 0; c < columns; c++) {
      const value = real(row[c], `${what}: row ${r}, column ${c}`);
      if (value === 0) continue;
      indptr[r + 1]!++;
      if (value !== 1) ones = false;
    }
    indptr[r + 1]! += indptr[r]!;
  }
  const indices = new Int32Array(indptr[rows.length]!);
  const values = new Float32Array(indices.length);
  let k = 0;
  for (const row of rows) {
    for (let c = 0; c < columns; c++) {
      if (row[c] === 0) continue;
      indices[k] = c;
      values[k++] = row[c]!;
    }
  }
  return { rows: rows.length, columns, indptr, indices, ...(!ones && { values }) };
}

/** checkGraph() looks at the rest of it. */
function sparse({ columns, indptr, indices, values }: SparseRows, rows: number, what: string): Csr {
  const matrix = {
    ...{ rows, columns },
    indptr: integers(indptr, `${what}: indptr`, 0),
    indices: integers(indices, `${what}: indices`, 0),
  };
  if (values === undefined) return matrix;
  const { length } = listed(values, `${what}: values`);
  const copy = new Float32Array(length);
  for (let k = 0; k < length; k++) copy[k] = real(values[k], `${what}: values: entry ${k}`);
  return { ...matrix, values: copy };
}

/** @param nodes that all are below it: numbers of nodes */
function integers(
  list: ArrayLike<number>,
  what: string,
  least: number,
  nodes = 2 ** 31,
): Int32Array {
  const { length } = listed(list, what);
  const copy = new Int32Array(length);
  for (let k = 0; k < length; k++) {
    const value = list[k]!;
    if (!Number.isInteger(value) || value < least || value >= nodes) {
      const legal = `a whole number from ${least} to ${nodes - 1}`;
      throw new InputError(`${what}: entry ${k} is ${shown(value)}, not ${legal}`);
    }
    copy[k] = value;
  }
  return copy;
}

function listed<T extends ArrayLike<number> | undefined>(list: T, what: string): NonNullable<T> {
  if (typeof list === "object" && list !== null && Number.isInteger(list.length)) return list;
  throw new InputError(`${what} is ${shown(list)}; expected: an array of numbers`);
}

function real(value: number | undefined, what: string): number {
  if (typeof value === "number" && Number.isFinite(value)) return value;
  throw new InputError(`${what} is ${shown(value)}, not a finite number`);
}
