// Reads the folder of a dataset of the Open Graph Benchmark: raw/edge.csv.gz, node-feat.csv.gz and others.
import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import path from "node:path";
import { cellName, isNumber, openTable, type TextTable, visitRows } from "../../formats/csv.ts";
import { BadFileError } from "../../formats/errors.ts";
import { MAX_ENTRIES, MAX_SIDE } from "../sparse.ts";
import type { RawSplit } from "../splits.ts";
import type { NodeTable } from "./columns.ts";
import { type FoundGraph, outOfRange, readOwn } from "./found.ts";
import { classesOf, noLabels } from "./labels.ts";
import { tableFeatures } from "./node-features.ts";
import { splitFrom } from "./node-sets.ts";
import { timesOf } from "./times.ts";

/** Whether a folder has raw/edge.csv, as the archives of OGB do, or is that folder. */
export function ogbFolder(source: string, names: readonly string[]): string | undefined {
  const raw = names.includes("raw") ? path.join(source, "raw") : source;
  const there = ["num-node-list", "edge"].every((stem) => fileOf(raw, stem) !== undefined);
  return there ? raw : undefined;
}

function fileOf(folder: string, stem: string): string | undefined {
  const files = [".csv.gz", ".csv"].map((end) => path.join(folder, stem + end));
  return files.find((file) => existsSync(file));
}

/** Source: snap-stanford/ogb, io/read_graph_raw.py: no headers, nodes numbered from 0. */
export async function readOgb(raw: string): Promise<FoundGraph> {
  const table = async (stem: string, folder = raw): Promise<TextTable | undefined> => {
    const file = fileOf(folder, stem);
    return file === undefined ? undefined : openTable(file, await readOwn(file), new Set());
  };
  const sizes = numbers((await table("num-node-list"))!, 1, MAX_SIDE);
  if (sizes.length !== 1) {
    const fault = `it holds ${sizes.length} graphs; datasets of nodes of one graph are read (ogbn-)`;
    throw new BadFileError(raw, fault);
  }
  const nodes = sizes[0]!;
  const edgeTable = (await table("edge"))!;
  const edges = numbers(edgeTable, 2, MAX_SIDE);
  const wrong = edges.findIndex((node) => node >= nodes);
  if (wrong >= 0) outOfRange(edgeTable.file, edges[wrong]!, nodes, 0);
  const feat = await table("node-feat");
  const label = await table("node-label");
  const year = await table("node_year");
  const texts = label && cells(label, nodes);
  const times = year && timesOf(cells(year, nodes), (node) => `${year.file}: node ${node}`);
  return {
    form: "the files of the Open Graph Benchmark",
    nodes,
    from: edges.filter((_, k) => k % 2 === 0),
    to: edges.filter((_, k) => k % 2 === 1),
    ...(feat && { features: tableFeatures(wholeTable(feat, nodes), identity(nodes), nodes) }),
    ...(texts ? classesOf(texts, label.file) : noLabels(nodes)),
    splits: await splits(raw, nodes),
    ...(times && { times }),
    decisions: [],
  };
}

const identity = (nodes: number): Int32Array => Int32Array.from({ length: nodes }, (_, k) => k);

/** A table all of whose columns are features. */
function wholeTable(table: TextTable, nodes: number): NodeTable {
  let rows = 0;
  visitRows(table, (row, line) => {
    const k = row.findIndex((cell) => !isNumber(cell));
    if (k >= 0) throw new BadFileError(cellName(table, line, k), "not a number");
    rows++;
  });
  if (rows !== nodes) throw new BadFileError(table.file, `${rows} rows for ${nodes} nodes`);
  const features = Array.from({ length: table.columns }, (_, k) => k);
  return { table, rows, features, lists: new Set(), leftOut: [], guessed: false };
}

function cells(table: TextTable, nodes: number): string[] {
  if (table.columns !== 1) {
    const fault = `${table.columns} columns: tasks with one label for each node are read`;
    throw new BadFileError(table.file, fault);
  }
  const found: string[] = [];
  visitRows(table, ([cell]) => found.push(cell!.replace(/^nan$/i, "").replace(/\.0$/, "")));
  if (found.length === nodes) return found;
  throw new BadFileError(table.file, `${found.length} rows for ${nodes} nodes`);
}

/** Whole numbers from 0, row by row. */
function numbers(table: TextTable, columns: number, most: number): Int32Array {
  const found: number[] = [];
  visitRows(table, (row, line) => {
    if (row.length !== columns) {
      throw new BadFileError(table.file, `line ${line} has ${row.length} columns, not ${columns}`);
    }
    for (const [k, cell] of row.entries()) {
      const number = /^\d{1,9}$/.test(cell) ? Number(cell) : Number.NaN;
      if (!(number <= most)) {
        throw new BadFileError(cellName(table, line, k), `not a whole number from 0 to ${most}`);
      }
      found.push(number);
    }
    if (found.length > 2 * MAX_ENTRIES) {
      throw new BadFileError(table.file, `more than ${MAX_ENTRIES} edges`);
    }
  });
  return Int32Array.from(found);
}

/** The sets of split/NAME beside raw, of each name. */
async function splits(raw: string, nodes: number): Promise<RawSplit[]> {
  const folder = path.join(raw, "..", "split");
  if (path.basename(raw) !== "raw" || !existsSync(folder)) return [];
  const found: RawSplit[] = [];
  for (const name of (await readdir(folder)).sort()) {
    const files = ["train", "valid", "test"].map((set) => fileOf(path.join(folder, name), set));
    if (files.some((file) => file === undefined)) continue;
    const tables: TextTable[] = [];
    for (const file of files) tables.push(openTable(file!, await readOwn(file!), new Set()));
    found.push(splitFrom(tables, path.join(folder, name), { nodes, file: raw }));
  }
  return found;
}
