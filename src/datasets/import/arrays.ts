// Reads a graph from named arrays, an npz file or .npy files side by side: the usual keys of PyG, DGL and others.
import path from "node:path";
import { type RawArray, toFloat32 } from "../../formats/arrays.ts";
import { BadFileError } from "../../formats/errors.ts";
import { isMatlab } from "../../formats/matlab.ts";
import type { ArraySource } from "../../formats/npz.ts";
import { unpickle } from "../../formats/pickle.ts";
import type { Csr } from "../../graph/csr.ts";
import { readCsr, rowsOf, vector } from "../gnn-benchmark.ts";
import { canonicalFeatures, checkCsr, MAX_CLASSES, MAX_ENTRIES } from "../sparse.ts";
import type { Beside } from "./beside.ts";
import type { ReadChoices } from "./choices.ts";
import { compressed, denseArcs, fromSets, labelsOf, sides, wholeNumbers } from "./dense.ts";
import {
  FIRST_NODE,
  type FoundGraph,
  type FoundLabels,
  firstNodeDoubt,
  idsFrom1,
  outOfRange,
  readOwn,
} from "./found.ts";
import { classesOf, noLabels } from "./labels.ts";
import { OwnArrays } from "./own-arrays.ts";
import { splitsIn } from "./own-splits.ts";
import { TIMES, timeArray } from "./times.ts";

const EDGES = ["edge_index", "edges", "edge_list", "edgelist", "edge", "links"];
/** Both ends apart, as DGL has them, or scipy's coordinates. */
const END_PAIRS = [
  ["src", "dst"],
  ["row", "col"],
  ["source", "target"],
  ["u", "v"],
  ["from", "to"],
] as const;
const ADJACENCY = [
  "adj",
  "adj_matrix",
  "adjacency",
  "adjacency_matrix",
  "a",
  "adj_full",
  "graph",
].concat(["topo", "homo", "network"]);
const FEATURES = ["x", "feat", "feats", "features", "node_features", "node_feat"].concat([
  ...["attr", "attr_matrix", "node_attr", "attributes", "attrs", "feature"],
]);
const LABELS = [
  "y",
  "label",
  "labels",
  "node_labels",
  "node_label",
  "targets",
  "target",
  "class",
].concat(["gnd", "group"]);

/** The names of arrays that a graph is made of, without those of sets. */
export const ARRAY_WORDS: ReadonlySet<string> = new Set(
  [EDGES, END_PAIRS, ADJACENCY, FEATURES, LABELS, TIMES].flat(2),
);

/** Names of files that hold an array, or several. */
export const ARRAY_FILE = /\.(npy|npz|pkl|pickle|mat)$/i;

/** Whether a file is an npz archive (or another zip), an npy array, a binary pickle or a MAT-file. */
export function isArrays(bytes: Buffer): boolean {
  const start = bytes.toString("latin1", 0, 6);
  return start.startsWith("PK") || start === NPY || bytes[0] === 0x80 || isMatlab(bytes);
}

const NPY = "\x93NUMPY";

/**
 * @param named a matrix that scipy saved is called as its file; always so if there are several files
 * @throws BadFileError for a file that is damaged, or an object that is no array
 */
export async function arraysOf(
  files: readonly string[],
  where: string,
  named = files.length > 1,
): Promise<OwnArrays> {
  const arrays = new OwnArrays(where, ARRAY_WORDS);
  for (const file of files) {
    const bytes = await readOwn(file);
    const { name } = path.parse(file);
    const start = bytes.toString("latin1", 0, 6);
    if (start.startsWith("PK")) arrays.addNpz(bytes, file, named ? name : "");
    else if (start === NPY || /\.npy$/i.test(file)) arrays.addNpy(name, file, () => bytes);
    else if (isMatlab(bytes) || /\.mat$/i.test(file)) arrays.addMatlab(bytes, file);
    else if (/\.npz$/i.test(file)) arrays.addNpz(bytes, file);
    else arrays.addObject(name, file, unpickle(bytes, file));
  }
  return arrays;
}

/**
 * @param beside text tables in the same folder, for what the arrays lack
 * @throws BadFileError naming the array, and the entry, or row and column
 */
export function readArrays(
  arrays: OwnArrays,
  choices: ReadChoices = {},
  beside?: Beside,
): FoundGraph {
  const { file, names } = arrays;
  const features = readFeatures();
  const own = readLabels();
  const nodes = features?.rows ?? own?.labels.length ?? nodesOfEdges();
  const labels = own ?? beside?.labels(nodes) ?? noLabels(nodes);
  if (labels.labels.length !== nodes) {
    const where = arrays.where(findName(LABELS) ?? "labels");
    throw new BadFileError(where, `${labels.labels.length} labels for ${nodes} rows of features`);
  }
  const decisions: string[] = [];
  const warnings: string[] = [];
  const first = Number(choices.firstNode ?? 0);
  const ends = hasEdges() || !beside ? readEdges(nodes, decisions) : beside.edges(nodes);
  const splits = splitsIn(arrays, nodes, first);
  const other = splits.length === 0 ? beside?.split(nodes) : undefined;
  const timeName = findName(TIMES);
  const ids = beside?.ids(nodes) ?? (first === 1 ? idsFrom1(nodes) : undefined);
  return {
    form: beside ? "arrays and text tables" : "arrays",
    nodes,
    ...ends,
    ...labels,
    ...(features && { features }),
    ...(ids && { ids }),
    splits: other ? [other] : splits,
    decisions: [...decisions, ...(beside?.decisions ?? [])],
    warnings: [...warnings, ...(beside?.warnings ?? [])],
    ...(timeName !== undefined && { times: timeArray(arrays, timeName, nodes) }),
  };

  function readLabels(): FoundLabels | undefined {
    const rows = prefixOf(LABELS);
    if (rows) return sparseLabels(arrays, rows);
    const name = findName(LABELS);
    return name === undefined ? undefined : labelArray(arrays, name, choices);
  }

  /** The number of nodes where there are neither features nor labels. */
  function nodesOfEdges(): number {
    const prefix = adjacencyPrefix();
    if (prefix !== undefined) return readCsr(arrays, prefix).rows;
    const dense = findName(ADJACENCY);
    if (dense !== undefined) return sides(arrays.array(dense), arrays.where(dense))[0];
    return needed(FEATURES, "features or labels") as never;
  }

  function hasEdges(): boolean {
    const apart = END_PAIRS.some((words) => words.every((word) => names.includes(word)));
    return apart || adjacencyPrefix() !== undefined || !!findName([...EDGES, ...ADJACENCY]);
  }

  function adjacencyPrefix(): string | undefined {
    return prefixOf(ADJACENCY) ?? (names.includes("indptr") ? "" : undefined);
  }

  function findName(words: readonly string[]): string | undefined {
    return words
      .map((word) => names.find((name) => name.toLowerCase() === word))
      .find((name) => name !== undefined);
  }

  function needed(words: readonly string[], what: string): string {
    const found = findName(words);
    if (found !== undefined) return found;
    const known = names.slice(0, 12).join(", ") || "no arrays";
    const fault = `it has no ${what} (${words.slice(0, 4).join(", ")} ...); it has ${known}`;
    throw new BadFileError(file, fault);
  }

  /** The beginning of the names of a matrix in compressed rows: `adj_`, `adj_matrix.`. */
  function prefixOf(words: readonly string[]): string | undefined {
    const name = findName(words.flatMap((word) => [`${word}_indptr`, `${word}.indptr`]));
    return name?.slice(0, -"indptr".length);
  }

  function readFeatures(): Csr | undefined {
    const prefix = prefixOf(FEATURES);
    if (prefix !== undefined) return sparseFeatures(arrays, prefix);
    const name = findName(FEATURES);
    if (name === undefined) return undefined;
    return compressed(arrays.array(name), arrays.where(name));
  }

  function readEdges(nodes: number, decisions: string[]): Pick<FoundGraph, "from" | "to"> {
    const name = findName(EDGES);
    if (name !== undefined) {
      return pairs(arrays.array(name), arrays.where(name), (...all) => numbered(all)[0]!);
    }
    const apart = END_PAIRS.find((words) => words.every((word) => names.includes(word)));
    if (apart) {
      const both = apart.map((word): Ends => [vector(arrays, word), arrays.where(word)]);
      const [from, to] = numbered(...both) as [Int32Array, Int32Array];
      if (from.length === to.length) return { from, to };
      throw new BadFileError(file, `${from.length} of ${apart[0]} and ${to.length} of ${apart[1]}`);
    }
    const prefix = adjacencyPrefix();
    if (prefix !== undefined) return sparseArcs(arrays, prefix, nodes, decisions);
    const dense = findName(ADJACENCY);
    if (dense !== undefined) {
      const where = arrays.where(dense);
      sides(arrays.array(dense), where, nodes);
      return denseArcs(arrays.array(dense), where);
    }
    needed([...EDGES.slice(0, 2), "src and dst", "adj_indptr"], "edges");
    throw new Error("unreachable");
  }

  /** The nodes that numbers name. NumPy's users count from 0, MATLAB's from 1, so that only the latter are asked. */
  function numbered(...all: Ends[]): Int32Array[] {
    const found = nodesOf(all, nodes, choices.firstNode);
    if (found.doubt === undefined) return found.ends;
    const where = all[0]![1];
    if (arrays.isMatlab) {
      const fault = `${found.doubt}; say --first-node 0 or --first-node 1 (abkd data import)`;
      throw new BadFileError(where, fault);
    }
    warnings.push(`${found.doubt}; read from 0: --first-node 1 reads them from 1`);
    return found.ends;
  }
}

/** An array of nodes' numbers, and where it is. */
type Ends = readonly [array: RawArray, where: string];

/** Both ends of each edge: 2 x m as PyG has them, or m x 2. */
function pairs(
  array: RawArray,
  where: string,
  nodesOf: (...all: Ends) => Int32Array,
): Pick<FoundGraph, "from" | "to"> {
  const [first, second] = sides(array, where);
  if (first !== 2 && second !== 2) {
    throw new BadFileError(where, `shape (${first}, ${second}), neither 2 x edges nor edges x 2`);
  }
  const count = first === 2 ? second : first;
  if (count > MAX_ENTRIES) throw new BadFileError(where, `${count} edges; at most ${MAX_ENTRIES}`);
  const all = nodesOf(array, where);
  // Whether all sources come before all targets in storage.
  if ((first === 2) !== array.fortranOrder) {
    return { from: all.slice(0, count), to: all.slice(count) };
  }
  return {
    from: all.filter((_, k) => k % 2 === 0),
    to: all.filter((_, k) => k % 2 === 1),
  };
}

/**
 * The nodes, from 0, that numbers name.
 * @throws BadFileError for what is no node
 */
function nodesOf(
  all: readonly Ends[],
  nodes: number,
  firstNode: ReadChoices["firstNode"],
): { ends: Int32Array[]; doubt: string | undefined } {
  const numbers = all.map(([array, where]) => wholeNumbers(array, where));
  const [least, most] = numbers.reduce(
    ([low, high], list) =>
      list.reduce(([low, high], node) => [Math.min(low, node), Math.max(high, node)], [low, high]),
    [Number.POSITIVE_INFINITY, 0],
  );
  const first = Number(firstNode ?? 0);
  const ends = numbers.map((list) => (first === 0 ? list : list.map((node) => node - first)));
  for (const [k, list] of ends.entries()) {
    const wrong = list.findIndex((node) => node < 0 || node >= nodes);
    if (wrong < 0) continue;
    const where = `${all[k]![1]}: entry ${wrong}`;
    return outOfRange(where, list[wrong]!, nodes, firstNode ? 0 : least, FIRST_NODE);
  }
  return { ends, doubt: firstNode ? undefined : firstNodeDoubt(least, most, nodes) };
}

/** A scipy matrix in compressed rows. @param prefix of its arrays' names */
export function sparseArcs(
  arrays: ArraySource,
  prefix: string,
  nodes: number,
  decisions: string[],
): Pick<FoundGraph, "from" | "to"> {
  const matrix = readCsr(arrays, prefix);
  const where = arrays.where(`${prefix}indptr`);
  if (matrix.rows !== nodes || matrix.columns !== nodes) {
    const shape = `${matrix.rows} x ${matrix.columns}`;
    throw new BadFileError(where, `an adjacency of ${shape} for ${nodes} nodes`);
  }
  checkCsr(matrix, where);
  const data = `${prefix}data`;
  if (arrays.names.includes(data)) {
    const weights = toFloat32(vector(arrays, data, matrix.indices.length), arrays.where(data));
    if (weights.some((weight) => weight !== 1)) {
      decisions.push("weights of edges are left out: each stored arc counts");
    }
  }
  const from = rowsOf(matrix);
  return { from, to: matrix.indices.subarray(0, from.length) };
}

/** Numbers or names of classes. */
function labelArray(arrays: OwnArrays, name: string, choices: ReadChoices): FoundLabels {
  const where = arrays.where(name);
  const named = arrays.texts(name);
  if (!named) return labelsOf(arrays.array(name), where);
  const [, columns = 1, ...rest] = named.shape;
  if (columns === 1 && rest.length === 0) return classesOf(named.texts, where, choices);
  throw new BadFileError(
    where,
    `texts of shape (${named.shape.join(", ")}), not one for each node`,
  );
}

/** n x classes in scipy's rows. */
function sparseLabels(arrays: ArraySource, prefix: string): FoundLabels {
  const table = sparseFeatures(arrays, prefix);
  const where = arrays.where(`${prefix}data`);
  if (table.values) throw new BadFileError(where, "a label is 0 or 1 for each class");
  if (table.rows === 0 || table.columns === 0 || table.columns > MAX_CLASSES) {
    throw new BadFileError(where, `${table.rows} nodes, ${table.columns} classes`);
  }
  return fromSets(table, table.rows, table.columns);
}

function sparseFeatures(arrays: ArraySource, prefix: string): Csr {
  const matrix = readCsr(arrays, prefix);
  const data = `${prefix}data`;
  const where = arrays.where(data);
  const values = arrays.names.includes(data)
    ? toFloat32(vector(arrays, data, matrix.indices.length), where)
    : new Float32Array(matrix.indices.length).fill(1);
  return canonicalFeatures(matrix, values, where);
}
