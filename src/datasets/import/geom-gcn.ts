// Reads Geom-GCN's folders: out1_graph_edges.txt, out1_node_feature_label.txt and splits as npz.
import path from "node:path";
import { printable } from "../../base/printable.ts";
import { cellName, isNumber, openTable, type TextTable, visitRows } from "../../formats/csv.ts";
import { BadFileError } from "../../formats/errors.ts";
import type { Csr } from "../../graph/csr.ts";
import { canonicalFeatures, MAX_ENTRIES, MAX_SIDE } from "../sparse.ts";
import { geomGcnSplit, type RawSplit } from "../splits.ts";
import { type FoundGraph, inFolder, outOfRange, readOwn } from "./found.ts";
import { classesOf } from "./labels.ts";

const EDGES = "out1_graph_edges.txt";
const NODES = "out1_node_feature_label.txt";
const WORDS: ReadonlySet<string> = new Set(["node_id", "feature", "label"]);

export function isGeomGcn(names: readonly string[]): boolean {
  return names.includes(EDGES) || names.includes(NODES);
}

/** Source: bingzhewei/geom-gcn, new_data, and its utils_data.py. */
export async function readGeomGcn(folder: string, names: readonly string[]): Promise<FoundGraph> {
  const open = async (name: string): Promise<TextTable> => {
    const file = path.join(folder, name);
    return openTable(file, await readOwn(file), WORDS);
  };
  const rows = nodeRows(await open(NODES));
  const nodes = rows.labels.length;
  const edges = ends(await open(EDGES), nodes);
  const files = inFolder(folder, names, /_split_.*_\d\.npz$/);
  const read = async (file: string): Promise<{ bytes: Buffer; path: string }> => {
    return { bytes: await readOwn(file), path: file };
  };
  const splits: RawSplit[] = [];
  for (const file of files.slice(0, 10)) splits.push(await geomGcnSplit(file, nodes, read));
  return {
    form: "Geom-GCN's files",
    nodes,
    ...edges,
    ...classesOf(rows.labels, path.join(folder, NODES)),
    features: rows.features,
    splits,
    decisions: [
      rows.listed
        ? "features are lists of the numbers of those that are 1"
        : "features are as the file has them",
    ],
  };
}

interface NodeRows {
  readonly labels: string[];
  readonly features: Csr;
  /** The features are numbers of features (Film), not a number for each. */
  readonly listed: boolean;
}

function nodeRows(table: TextTable): NodeRows {
  needColumns(table, 3);
  const lines: { id: number; line: number; features: Float32Array; label: string }[] = [];
  let count = 0;
  visitRows(table, ([id, features, label], line) => {
    const node = whole(table, id!, line, 0);
    const numbers = features!.split(",").map((text, k) => {
      if (isNumber(text)) return Number(text);
      const fault = `number ${k + 1} of the list is "${printable(text)}"`;
      throw new BadFileError(cellName(table, line, 1), fault);
    });
    if (label === "" || (!isNumber(label!) && /^(nan|inf)/i.test(label!))) {
      throw new BadFileError(cellName(table, line, 2), `"${printable(label!)}" is no class`);
    }
    count += numbers.length;
    if (count > 8 * MAX_ENTRIES) throw new BadFileError(table.file, "too many features");
    lines.push({ id: node, line, features: Float32Array.from(numbers), label: label! });
  });
  const nodes = lines.length;
  if (nodes === 0) throw new BadFileError(table.file, "it has a header and no rows");
  const labels = new Array<string>(nodes);
  const rows = new Array<Float32Array>(nodes);
  for (const { id, line, features, label } of lines) {
    const where = cellName(table, line, 0);
    if (id >= nodes) {
      const least = lines.reduce((low, row) => Math.min(low, row.id), id);
      outOfRange(where, id, nodes, least);
    }
    if (rows[id]) throw new BadFileError(where, `node ${id} is there twice`);
    rows[id] = features;
    labels[id] = label;
  }
  const length = rows[0]!.length;
  const listed = rows.some((row) => row.length !== length);
  return { labels, listed, features: featuresOf(rows, listed, table) };
}

function featuresOf(rows: readonly Float32Array[], listed: boolean, table: TextTable): Csr {
  const indptr = new Int32Array(rows.length + 1);
  const [indices, values]: [number[], number[]] = [[], []];
  let columns = rows[0]!.length;
  if (listed) columns = 0;
  for (const [r, row] of rows.entries()) {
    // A number may be listed twice.
    const entries = listed ? [...new Set(row)].map((k) => [k, 1] as const) : [...row.entries()];
    for (const [k, value] of entries) {
      if (!Number.isInteger(k) || k < 0 || k >= MAX_SIDE) {
        const fault = `the lists of features differ in length, and node ${r} lists ${k}`;
        throw new BadFileError(table.file, `${fault}, which is no feature's number`);
      }
      if (!Number.isFinite(value)) {
        throw new BadFileError(table.file, `node ${r}: a feature beyond the range of float32`);
      }
      if (listed) columns = Math.max(columns, k + 1);
      if (value === 0) continue;
      indices.push(k);
      values.push(value);
    }
    indptr[r + 1] = indices.length;
  }
  const arrays = { rows: rows.length, columns, indptr, indices: Int32Array.from(indices) };
  return canonicalFeatures(arrays, Float32Array.from(values), table.file);
}

function ends(table: TextTable, nodes: number): Pick<FoundGraph, "from" | "to"> {
  needColumns(table, 2);
  const [from, to, lines]: [number[], number[], number[]] = [[], [], []];
  visitRows(table, (cells, line) => {
    from.push(whole(table, cells[0]!, line, 0));
    to.push(whole(table, cells[1]!, line, 1));
    lines.push(line);
    if (from.length > MAX_ENTRIES)
      throw new BadFileError(table.file, `more than ${MAX_ENTRIES} edges`);
  });
  const least = [from, to].flat().reduce((low, node) => Math.min(low, node), 1);
  for (const [k, line] of lines.entries()) {
    for (const [side, node] of [from[k]!, to[k]!].entries()) {
      if (node >= nodes) outOfRange(cellName(table, line, side), node, nodes, least);
    }
  }
  return { from: Int32Array.from(from), to: Int32Array.from(to) };
}

function needColumns({ file, columns }: TextTable, count: number): void {
  if (columns === count) return;
  throw new BadFileError(file, `${columns} columns instead of ${count}, separated by tabs`);
}

function whole(table: TextTable, cell: string, line: number, column: number): number {
  if (/^\d{1,9}$/.test(cell)) return Number(cell);
  throw new BadFileError(cellName(table, line, column), `"${printable(cell)}" is no node's number`);
}
