// Reads nodes that are added to a graph: a table of their features, and one of their edges.
import path from "node:path";
import { printable } from "../../base/printable.ts";
import { cellName, openTable, type TextTable, visitRows } from "../../formats/csv.ts";
import { BadFileError } from "../../formats/errors.ts";
import type { Csr } from "../../graph/csr.ts";
import type { Graph } from "../../graph/graph.ts";
import { type NodeTable, readColumns } from "./columns.ts";
import { readEnds } from "./edge-table.ts";
import { columnOrder, featureNames, inOrder } from "./feature-names.ts";
import { newNodesFault } from "./features.ts";
import { readOwn } from "./found.ts";
import { tableFeatures } from "./node-features.ts";
import { WORDS } from "./tables.ts";

/** Added nodes; the first has the number that follows the graph's last node. */
export interface AddedNodes {
  /** Their ids in the file, or the numbers that follow the graph's. */
  readonly names: readonly string[];
  readonly nodes: readonly {
    /** Those that are not 0, by their column. */
    readonly features: Readonly<Record<string, number>>;
    readonly neighbours: readonly number[];
  }[];
  /** What was decided and what is left out, a sentence each. */
  readonly decisions: readonly string[];
}

/**
 * @param nodesFile a table with one row per node: an id (else the nodes have the numbers that follow the
 *   graph's) and a number for each of the graph's features, as its files have them: by their names, or where one side
 *   has none in their order
 * @param edgesFile a table of edges between ids of added nodes, and ids or numbers of the graph's
 * @throws BadFileError naming file, line and column
 */
export async function readAdded(
  nodesFile: string,
  edgesFile: string | undefined,
  graph: Graph,
): Promise<AddedNodes> {
  const unfit = newNodesFault(graph);
  if (unfit !== undefined) throw new BadFileError(nodesFile, unfit);
  const table = openTable(nodesFile, await readOwn(nodesFile), WORDS);
  const edges =
    edgesFile === undefined ? undefined : openTable(edgesFile, await readOwn(edgesFile), WORDS);
  const {
    from: sources = [],
    to: targets = [],
    lines = [],
    columns: sides = [0, 1],
  } = edges ? readEnds(edges) : {};
  const inEdges = new Set([...sources, ...targets]);
  const { found, decisions } = columnsIn(table, (id) => inEdges.has(id), graph);
  const { rows, ids } = found;
  const matrix = featuresAs(graph, found, decisions);
  const names = ids ?? Array.from({ length: rows }, (_, row) => String(graph.nodes + row));
  const known = new Map((graph.nodeNames ?? []).map((name, node) => [name, node]));
  const added = new Map(names.map((name, row) => [name, graph.nodes + row]));
  const twice = names.find(
    (name) => known.has(name) || (!graph.nodeNames && Number(name) < graph.nodes),
  );
  if (twice !== undefined) {
    throw new BadFileError(nodesFile, `"${printable(twice)}" is a node of ${graph.name} already`);
  }
  const neighbours = names.map((): number[] => []);
  const nodeOf = (id: string, where: () => string): number => {
    const own = added.get(id) ?? known.get(id);
    if (own !== undefined) return own;
    if (!graph.nodeNames && /^\d{1,9}$/.test(id) && Number(id) < graph.nodes) return Number(id);
    throw new BadFileError(
      where(),
      `"${printable(id)}" is neither an added node nor one of ${graph.name}`,
    );
  };
  const isNode = (id: string): boolean =>
    added.has(id) || known.has(id) || (!graph.nodeNames && /^\d+$/.test(id));
  // A first row of names that no known word tells from the others.
  const named =
    !edges?.header && sources.length > 1 && !isNode(sources[0]!) && !isNode(targets[0]!);
  for (const [k, id] of sources.entries()) {
    if (named && k === 0) continue;
    const where = (side: 0 | 1): string => cellName(edges!, lines[k]!, sides[side]!);
    const [a, b] = [nodeOf(id, () => where(0)), nodeOf(targets[k]!, () => where(1))];
    if (a < graph.nodes && b < graph.nodes) {
      throw new BadFileError(where(0), "neither end of the edge is an added node");
    }
    if (a === b) throw new BadFileError(where(0), "an edge from a node to itself");
    const [from, to] = a < graph.nodes ? [b, a] : [a, b];
    neighbours[from - graph.nodes]!.push(to);
  }
  return {
    names,
    nodes: neighbours.map((list, row) => ({ features: rowIn(matrix, row), neighbours: list })),
    decisions,
  };
}

/** Finds the columns; a first one without a known name holds ids if it cannot be a feature. */
function columnsIn(
  table: TextTable,
  isNode: (id: string) => boolean,
  { features: { columns } }: Graph,
): { found: NodeTable; decisions: string[] } {
  const found = readColumns(table, isNode);
  const { features, lists, leftOut } = found;
  const numbers = features.length + Number(found.guessed);
  const isMore = !table.header && lists.size === 0 && numbers === columns + 1;
  const isFree = leftOut.includes(0) || isMore;
  if (found.ids || !isFree || !areDistinct(table, 0)) return { found, decisions: [] };
  const file = path.basename(table.file);
  return {
    found: readColumns(table, isNode, { idColumn: "1" }),
    decisions: [`the first column of ${file} is taken as the new nodes' ids`],
  };
}

function areDistinct(table: TextTable, column: number): boolean {
  const seen = new Set<string>();
  let rows = 0;
  visitRows(table, (cells) => {
    seen.add(cells[column]!);
    rows++;
  });
  return seen.size === rows;
}

/** @throws BadFileError for other features than the graph's */
function featuresAs(
  { name, features, featureNames: wanted }: Graph,
  found: NodeTable,
  decisions: string[],
): Csr {
  const { table, rows, guessed, label, id } = found;
  const rowOf = Int32Array.from({ length: rows }, (_, row) => row);
  const matrixOf = (own: NodeTable): Csr => tableFeatures(own, rowOf, rows);
  // What is called like a feature of the graph is one.
  const called = wanted && table.header && new Set(wanted);
  const isCalled = (k: number): boolean => k !== id && called!.has(table.header![k]!);
  const more = called ? Array.from({ length: table.columns }, (_, k) => k).filter(isCalled) : [];
  const withMore = (others: readonly number[]): NodeTable => {
    const all = new Set([...found.features, ...others]);
    return { ...found, features: [...all].sort((a, b) => a - b) };
  };
  let own = withMore(more);
  let matrix = matrixOf(own);
  // Without names a label that was only guessed is the feature that is missing.
  if (!called && guessed && matrix.columns + 1 === features.columns) {
    own = withMore([label!]);
    matrix = matrixOf(own);
  }
  const names = wanted && featureNames(own, matrix.columns);
  const order = names && columnOrder(wanted, names);
  if (typeof order === "string") {
    const known = wanted!.slice(0, 12).map((one) => printable(one));
    const all = known.join(", ") + (wanted!.length > 12 ? " ..." : "");
    throw new BadFileError(table.file, `${order}; ${name} has ${all}`);
  }
  if (matrix.columns === features.columns) {
    const file = path.basename(table.file);
    const left = Array.from({ length: table.columns }, (_, k) => k).filter(
      (k) => k !== id && k !== found.index && !own.features.includes(k),
    );
    const named = left.map((k) => printable(table.header?.[k] ?? `column ${k + 1}`));
    if (named.length > 0) decisions.push(`left out of ${file}: ${named.join(", ")}`);
    if (wanted && !names) {
      decisions.push(`features in ${file} have no names, and are taken in the order of ${name}'s`);
    }
    return order ? inOrder(matrix, order) : matrix;
  }
  const fault = `${matrix.columns} columns of features; ${name} has ${features.columns}`;
  throw new BadFileError(table.file, `${fault}, and they must be in its order`);
}

function rowIn(
  { indptr, indices, values }: Graph["features"],
  row: number,
): Readonly<Record<string, number>> {
  const entries: [number, number][] = [];
  for (let k = indptr[row]!; k < indptr[row + 1]!; k++) {
    entries.push([indices[k]!, values ? values[k]! : 1]);
  }
  return Object.fromEntries(entries);
}
