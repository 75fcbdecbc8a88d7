// Reads nodes that are added to a graph: a table of their features, and one of their edges.
import { printable } from "../../base/printable.ts";
import { cellName, openTable } from "../../formats/csv.ts";
import { BadFileError } from "../../formats/errors.ts";
import type { Graph } from "../../graph/graph.ts";
import { readColumns } from "./columns.ts";
import { readEnds } from "./edge-table.ts";
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
}

/**
 * @param nodesFile a table with one row per node: an id (else the nodes have the numbers that follow the
 *   graph's) and a number for each of the graph's features, in their order
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
  const found = readColumns(table, (id) => inEdges.has(id));
  const { rows, ids } = found;
  // A label that was only guessed is a feature like the others.
  const columns = found.guessed
    ? [...found.features, found.label!].sort((a, b) => a - b)
    : found.features;
  const rowOf = Int32Array.from({ length: rows }, (_, row) => row);
  const matrix = tableFeatures({ ...found, features: columns }, rowOf, rows);
  if (matrix.columns !== graph.features.columns) {
    const fault = `${matrix.columns} columns of features; ${graph.name} has ${graph.features.columns}`;
    throw new BadFileError(nodesFile, `${fault}, and they must be in its order`);
  }
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
  };
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
