// Makes a checked graph from plain arrays.
import { needObject, shown } from "../base/arguments.ts";
import { checkGraph, InputError, isCount, needData } from "./check.ts";
import { type Csr, csrFromPairs } from "./csr.ts";
import { type Graph, type NodeType, type Relation, UNLABELLED } from "./graph.ts";
import { firstNodes, unionOf } from "./union.ts";

/** Numbers in compressed rows, as in scipy.sparse; columns ascend within a row. */
export interface SparseRows {
  readonly columns: number;
  readonly indptr: ArrayLike<number>;
  readonly indices: ArrayLike<number>;
  /** Leave it out if every entry is 1. */
  readonly values?: ArrayLike<number>;
}

/** Both ends of each edge or arc. */
export interface Ends {
  readonly from: ArrayLike<number>;
  readonly to: ArrayLike<number>;
}

/** The arrays of a graph with n nodes, numbered from 0. */
export interface GraphArrays {
  /** A name for messages; "graph" by default. */
  readonly name?: string;
  /** Edges, each in one direction or both; they may repeat. */
  readonly edges?: Ends;
  /** Instead of `edges`: both directions of each edge, n x n in compressed rows. */
  readonly adjacency?: Pick<SparseRows, "indptr" | "indices">;
  /**
   * Instead of `edges`: arcs by name between nodes of `types`, numbered from 0 within their type.
   * Models that ignore types see them all as edges.
   */
  readonly relations?: Readonly<Record<string, Ends & Pick<Relation, "source" | "target">>>;
  /** How many nodes each type has, in the order of the nodes' numbers; the first type's are classified. */
  readonly types?: Readonly<Record<string, number>>;
  /**
   * How many nodes each graph has, if whole graphs are classified; nodes are numbered graph by graph.
   * Leave it out if nodes are classified.
   */
  readonly graphs?: ArrayLike<number>;
  /** n rows of numbers, not normalised, because models divide each row by its sum. */
  readonly features: readonly ArrayLike<number>[] | SparseRows;
  /** Models read the features as they are, which suits negative numbers; false by default. */
  readonly featuresAsIs?: boolean;
  /** The class of each item (node, node of the first type, or graph), from 0, or UNLABELLED. */
  readonly labels?: ArrayLike<number>;
  /** Instead of `labels`: the classes of each item, any number of them; undefined if unknown. */
  readonly labelSets?: readonly (ArrayLike<number> | undefined)[];
  /** The number of classes; by default one more than the highest label. */
  readonly classes?: number;
}

/**
 * Makes a checked graph from arrays, which are copied.
 * @throws InputError naming what is wrong and where: a number out of range or not finite, rows of
 *   different lengths, an edge from a node to itself, an arc without its opposite
 */
export function makeGraph(arrays: GraphArrays): Graph {
  needObject(arrays, "makeGraph: arrays", "{ edges, features, labels }", "features");
  const { name = "graph" } = arrays;
  const labelled = labelsOf(arrays, name);
  const types = arrays.types === undefined ? undefined : typesOf(arrays.types, name);
  const sizes = arrays.graphs && integers(arrays.graphs, `${name}: graphs`, 1);
  const nodes = sumOf(sizes ?? types?.map((type) => type.nodes) ?? [labelled.labels.length]);
  const features = featuresOf(arrays.features, nodes, `${name}: features`);
  // Before anything as long as the nodes is made: a type may claim billions.
  if (features.rows !== nodes) {
    throw new InputError(`${name}: features: ${features.rows} rows for ${nodes} nodes`);
  }
  const relations = relationsOf(arrays, types ?? [], name);
  const adjacency = relations ? unionOf(relations, types ?? []) : adjacencyOf(arrays, nodes, name);
  const graph: Graph = {
    name,
    nodes,
    ...labelled,
    adjacency,
    features,
    ...(arrays.featuresAsIs && { featuresAsIs: true }),
    ...(types && { types }),
    ...(relations && { relations }),
    ...(sizes && { graphs: firstNodes(sizes) }),
  };
  checkGraph(graph);
  return graph;
}

function typesOf(types: unknown, name: string): NodeType[] {
  needData(types, `${name}: types`, "{ paper: 3, author: 2 }");
  return Object.entries(types as object).map(([type, nodes]) => {
    if (isCount(nodes)) return { name: type, nodes };
    throw new InputError(`${name}: types: ${type} has ${shown(nodes)} nodes, not a whole number`);
  });
}

function sumOf(counts: ArrayLike<number>): number {
  return Array.from(counts).reduce((sum, count) => sum + count, 0);
}

function labelsOf(
  { labels, labelSets, classes }: GraphArrays,
  name: string,
): Pick<Graph, "labels" | "labelSets" | "classes"> {
  if ((labels === undefined) === (labelSets === undefined)) {
    const found = labels === undefined ? "it has no labels" : "it has labels and label sets";
    throw new InputError(`${name}: ${found}; give one of \`labels\` and \`labelSets\``);
  }
  const countFrom = (highest: number): number => classes ?? highest + 1;
  if (labels !== undefined) {
    const own = integers(labels, `${name}: labels`, UNLABELLED);
    return {
      labels: own,
      classes: countFrom(own.reduce((most, label) => Math.max(most, label), 0)),
    };
  }
  if (!Array.isArray(labelSets)) {
    throw new InputError(`${name}: labelSets is ${shown(labelSets)}; expected: an array of arrays`);
  }
  const all: readonly (ArrayLike<number> | null | undefined)[] = labelSets;
  const sets = all.map((set, item) => integers(set ?? [], `${name}: labelSets: item ${item}`, 0));
  const indices = Int32Array.from(sets.flatMap((set) => [...set]));
  const owners = Int32Array.from(sets.flatMap((set, item) => Array.from(set, () => item)));
  const columns = countFrom(indices.reduce((most, label) => Math.max(most, label), 0));
  const beyond = indices.find((label) => label >= columns);
  if (beyond !== undefined)
    throw new InputError(`${name}: labelSets: class ${beyond} of ${columns}`);
  return {
    // JSON has null for undefined.
    labels: Int32Array.from(all, (set) => ((set ?? undefined) === undefined ? UNLABELLED : 0)),
    labelSets: csrFromPairs(sets.length, columns, owners, indices),
    classes: columns,
  };
}

/** @throws InputError for an unknown type, or a node that is not of its type */
function relationsOf(
  { edges, adjacency, relations }: GraphArrays,
  types: readonly NodeType[],
  graph: string,
): Relation[] | undefined {
  if (relations === undefined) return undefined;
  needData(relations, `${graph}: relations`, "an object of them");
  if (edges || adjacency) {
    throw new InputError(`${graph}: it has relations, so leave out \`edges\` and \`adjacency\``);
  }
  return Object.entries(relations).map(([name, relation]) => {
    const what = `${graph}: relation ${name}`;
    needObject(relation, what, "{ source, target, from, to }", "source", "target", "from", "to");
    const { source, target, from, to } = relation;
    const [columns, rows] = [source, target].map((given) => {
      const type = types.find(({ name }) => name === given);
      if (type) return type.nodes;
      const known = types.map(({ name }) => name).join(", ") || "none; name them in `types`";
      throw new InputError(`${what}: ${shown(given)} is not a type; known: ${known}`);
    }) as [number, number];
    const [sources, targets] = endsOf({ from, to }, what, columns, rows);
    return { name, source, target, arcs: csrFromPairs(rows, columns, targets, sources) };
  });
}

function endsOf(
  { from, to }: Ends,
  what: string,
  sources: number,
  targets: number,
): [Int32Array, Int32Array] {
  const ends: [Int32Array, Int32Array] = [
    integers(from, `${what}.from`, 0, sources),
    integers(to, `${what}.to`, 0, targets),
  ];
  if (ends[0].length === ends[1].length) return ends;
  throw new InputError(`${what}: ${ends[0].length} of \`from\` and ${ends[1].length} of \`to\``);
}

function adjacencyOf(
  { edges, adjacency }: Pick<GraphArrays, "edges" | "adjacency">,
  nodes: number,
  name: string,
): Csr {
  if ((edges === undefined) === (adjacency === undefined)) {
    throw new InputError(`${name}: give its edges either as \`edges\` or as \`adjacency\``);
  }
  if (adjacency) return sparse({ ...adjacency, columns: nodes }, nodes, `${name}: adjacency`);
  needObject(edges, "makeGraph: edges", "{ from, to }", "from", "to");
  const [from, to] = endsOf(edges!, `${name}: edges`, nodes, nodes);
  return csrFromPairs(nodes, nodes, joined(from, to), joined(to, from));
}

function joined(first: Int32Array, second: Int32Array): Int32Array {
  const both = new Int32Array(first.length + second.length);
  both.set(first);
  both.set(second, first.length);
  return both;
}

function featuresOf(features: GraphArrays["features"], nodes: number, what: string): Csr {
  needData(features, what, "rows of numbers, or SparseRows");
  return Array.isArray(features)
    ? dense(features, what)
    : sparse(features as SparseRows, nodes, what);
}

/** Makes a matrix from dense rows. Zeros are not stored, nor values if all are 1. */
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

/** Makes a matrix from compressed rows; checkGraph() checks the rest. */
function sparse({ columns, indptr, indices, values }: SparseRows, rows: number, what: string): Csr {
  const starts = listed(indptr, `${what}: indptr`).length;
  if (starts !== rows + 1) {
    throw new InputError(`${what}: indptr has ${starts} entries for ${rows} rows`);
  }
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

/** @param nodes the bound, if the entries are node numbers */
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
