// Reads a folder of text tables: an edge list, and one or more tables of features, labels and sets.
import path from "node:path";
import { printable } from "../../base/printable.ts";
import { cellName, openTable, type TextTable, visitRows } from "../../formats/csv.ts";
import { BadFileError } from "../../formats/errors.ts";
import type { Csr } from "../../graph/csr.ts";
import { canonicalFeatures, MAX_ENTRIES } from "../sparse.ts";
import type { RawSplit } from "../splits.ts";
import { featureOf, idOf, NODE_WORDS, type NodeTable, readColumns } from "./columns.ts";
import { isFeatureList, readFeatureList } from "./feature-list.ts";
import { type FoundGraph, inFolder, outOfRange, readOwn } from "./found.ts";
import { classesOf, noLabels } from "./labels.ts";
import { timesOf } from "./times.ts";

/** Names that files of text tables have. */
export const TABLE_FILE = /\.(csv|tsv|tab|txt|dat|edges|edgelist|cites|content|nodes|labels)$/i;

/** The names among these of text tables that may be a graph's. */
export function tableNames(names: readonly string[]): string[] {
  return names.filter((name) => TABLE_FILE.test(name) && !/readme|licen/i.test(name));
}

const SOURCES = [
  "source",
  "src",
  "from",
  "u",
  "id_1",
  "id1",
  "node_1",
  "node1",
  "from_id",
  "citing",
];
const TARGETS = ["target", "dst", "to", "v", "id_2", "id2", "node_2", "node2", "to_id", "cited"];
const EDGE_WORDS: ReadonlySet<string> = new Set([...SOURCES, ...TARGETS]);
export const WORDS: ReadonlySet<string> = new Set([...EDGE_WORDS, ...NODE_WORDS]);
const EDGE_FILE = /edge|link|cites|arcs|graph|network/i;

/** @throws BadFileError naming file, line and column */
export async function readTables(folder: string, names: readonly string[]): Promise<FoundGraph> {
  const files = inFolder(folder, tableNames(names), TABLE_FILE);
  const tables: TextTable[] = [];
  for (const file of files) tables.push(openTable(file, await readOwn(file), WORDS));
  const edges = edgeList(folder, tables);
  const ends = readEnds(edges);
  const known = new Set([...ends.from, ...ends.to]);
  const others = tables.filter((table) => table !== edges);
  const nodeTables = others.map((table) => readColumns(table, (id) => known.has(id)));
  const lists = inFolder(folder, names, /\.json$/i);
  const decisions = [...edgeDecisions(edges, ends)];
  return assembled({ folder, edges, ends, nodeTables, lists }, decisions);
}

interface Parts {
  readonly folder: string;
  readonly edges: TextTable;
  readonly ends: Ends;
  readonly nodeTables: readonly NodeTable[];
  readonly lists: readonly string[];
}

async function assembled(parts: Parts, decisions: string[]): Promise<FoundGraph> {
  const { folder, edges, ends, nodeTables, lists } = parts;
  const main = mainTable(folder, nodeTables);
  const nodes = main.rows;
  const index = main.ids && new Map(main.ids.map((id, row) => [id, row]));
  const rowOf = (table: NodeTable): Int32Array => rowsIn(table, main, index);
  const base = (table: TextTable): string => path.basename(table.file);
  const labelled = nodeTables.filter(({ label }) => label !== undefined);
  // Where several have a column that may be the label, a named one counts.
  const certain = labelled.filter(({ guessed }) => !guessed);
  const [labels, second] = certain.length > 0 ? certain : labelled;
  if (second) {
    const which = `${base(labels!.table)} and ${base(second.table)} both have labels`;
    throw new BadFileError(folder, `${which}; name one column "label" in a header`);
  }
  const list = await featureList(lists, main, index);
  const withFeatures = list
    ? undefined
    : featureTable(
        folder,
        nodeTables.map((table) =>
          // A column that another table's label makes no label is a number like the others.
          table !== labels && table.label !== undefined
            ? { ...table, features: [...table.features, table.label] }
            : table,
        ),
      );
  const features = list ?? denseFeatures(withFeatures!, rowOf(withFeatures!), nodes);
  const setTable = nodeTables.find(({ set }) => set !== undefined);
  const sets = setTable && scattered(setTable, setTable.set!, rowOf(setTable), nodes);
  const timeTable = nodeTables.find(({ time }) => time !== undefined);
  const times =
    timeTable &&
    timesOf(scattered(timeTable, timeTable.time!, rowOf(timeTable), nodes), (node) => {
      return `${timeTable.table.file}: the time of ${main.ids ? `"${main.ids[node]}"` : `node ${node}`}`;
    });
  if (timeTable) {
    const name = printable(timeTable.table.header![timeTable.time!]!);
    decisions.push(`the column ${name} of ${base(timeTable.table)} is the time, and no feature`);
  }
  if (labels?.guessed) {
    const where = `column ${labels.label! + 1} of ${base(labels.table)}`;
    decisions.push(`${where} is taken as the label; a header with "label" would say so`);
  }
  for (const { table, leftOut, features: columns } of nodeTables) {
    const dropped = list ? [...leftOut, ...columns] : leftOut;
    if (dropped.length === 0) continue;
    const what = dropped.map((k) => printable(table.header?.[k] ?? String(k + 1))).slice(0, 5);
    const more = dropped.length > 5 ? ` and ${dropped.length - 5} more` : "";
    const why = list ? "the features are in the JSON file" : "text";
    decisions.push(`left out of ${base(table)}: ${what.join(", ")}${more} (${why})`);
  }
  const where = base(main.table);
  decisions.push(
    index ? `ids are those of ${where}` : `nodes are numbered from 0 by the rows of ${where}`,
  );
  return {
    form: "text tables",
    nodes,
    ...nodeEnds(edges, ends, main, index),
    features,
    ...(main.ids && { ids: main.ids }),
    ...(labels
      ? classesOf(scattered(labels, labels.label!, rowOf(labels), nodes), labels.table.file)
      : noLabels(nodes)),
    splits: sets ? [splitOf(setTable!, sets)] : [],
    ...(times && { times }),
    decisions,
  };
}

function edgeList(folder: string, tables: readonly TextTable[]): TextTable {
  const byHeader = tables.filter(({ header }) => {
    const names = header?.map((name) => name.toLowerCase()) ?? [];
    return names.some((n) => SOURCES.includes(n)) && names.some((n) => TARGETS.includes(n));
  });
  const byName = tables.filter(({ file }) => EDGE_FILE.test(path.basename(file)));
  const narrow = byName.filter(({ columns }) => columns === 2 || columns === 3);
  const found = [byHeader, narrow, byName].find(({ length }) => length > 0) ?? [];
  if (found.length === 1) return found[0]!;
  const names = found.map(({ file }) => path.basename(file)).join(", ");
  const fault = names
    ? `${names} all look like edge lists; keep one`
    : 'no table looks like an edge list; call one "edges.csv", or its columns "source" and "target"';
  throw new BadFileError(folder, fault);
}

export interface Ends {
  readonly from: readonly string[];
  readonly to: readonly string[];
  readonly lines: readonly number[];
  readonly columns: readonly [number, number];
}

export function readEnds(table: TextTable): Ends {
  const names = table.header?.map((name) => name.toLowerCase()) ?? [];
  const at = (words: readonly string[], usual: number): number => {
    const found = names.findIndex((name) => words.includes(name));
    return found < 0 ? usual : found;
  };
  const columns = [at(SOURCES, 0), at(TARGETS, 1)] as const;
  if (table.columns < 2) {
    throw new BadFileError(table.file, "an edge list needs two columns; only one was found");
  }
  const [from, to, lines]: [string[], string[], number[]] = [[], [], []];
  visitRows(table, (cells, line) => {
    for (const k of columns) {
      if (cells[k] === "") throw new BadFileError(cellName(table, line, k), "an edge to nowhere");
    }
    from.push(idOf(cells[columns[0]]!));
    to.push(idOf(cells[columns[1]]!));
    lines.push(line);
    if (from.length > MAX_ENTRIES) {
      throw new BadFileError(table.file, `more than ${MAX_ENTRIES} edges`);
    }
  });
  return { from, to, lines, columns };
}

function edgeDecisions(table: TextTable, { columns }: Ends): string[] {
  const rest = Array.from({ length: table.columns }, (_, k) => k).filter(
    (k) => !columns.includes(k),
  );
  if (rest.length === 0) return [];
  const names = rest.map((k) => printable(table.header?.[k] ?? String(k + 1))).join(", ");
  return [`left out of ${path.basename(table.file)}: ${names} (edges have no weights)`];
}

/** The table that says which nodes there are: the one with the most rows, with ids before numbers. */
function mainTable(folder: string, tables: readonly NodeTable[]): NodeTable {
  const [first] = tables.toSorted(
    (a, b) =>
      b.rows - a.rows ||
      Number(b.ids !== undefined) - Number(a.ids !== undefined) ||
      b.features.length - a.features.length,
  );
  if (first) return first;
  throw new BadFileError(folder, "there is an edge list, but no table of features and labels");
}

/** The node of each row of a table. */
function rowsIn(
  { table, ids, rows }: NodeTable,
  main: NodeTable,
  index: ReadonlyMap<string, number> | undefined,
): Int32Array {
  const other = path.basename(main.table.file);
  if (!ids || !index) {
    if (rows === main.rows) return Int32Array.from({ length: rows }, (_, row) => row);
    const fault = `${rows} rows, ${other} has ${main.rows}; without ids both need as many`;
    throw new BadFileError(table.file, fault);
  }
  return Int32Array.from(ids, (id, row) => {
    const node = index.get(id);
    if (node !== undefined) return node;
    const where = cellName(table, lineOf(table, row), 0);
    throw new BadFileError(where, `"${printable(id)}" is no node of ${other}`);
  });
}

function lineOf(table: TextTable, row: number): number {
  let [at, found] = [0, 0];
  visitRows(table, (_, line) => {
    if (at++ === row) found = line;
  });
  return found;
}

function featureTable(folder: string, tables: readonly NodeTable[]): NodeTable {
  const found = tables.filter(({ features }) => features.length > 0);
  if (found.length === 1) return found[0]!;
  const names = found.map(({ table }) => path.basename(table.file)).join(" and ");
  const fault = names
    ? `${names} both have features; join them`
    : "no table has columns of numbers";
  throw new BadFileError(folder, `${fault}: each node needs one row of features`);
}

async function featureList(
  files: readonly string[],
  main: NodeTable,
  index: ReadonlyMap<string, number> | undefined,
): Promise<Csr | undefined> {
  for (const file of files) {
    const parsed = isFeatureList(file, await readOwn(file));
    if (!parsed) continue;
    const of = (id: string): number | undefined => (index ? index.get(id) : Number(id));
    return readFeatureList(file, parsed, main.rows, of);
  }
  return undefined;
}

/** Reads the columns of numbers into compressed rows, zeros left out. */
export function denseFeatures(
  { table, features }: NodeTable,
  rowOf: Int32Array,
  nodes: number,
): Csr {
  const rows: { readonly columns: Int32Array; readonly values: Float32Array }[] = [];
  let count = 0;
  let row = 0;
  visitRows(table, (cells, line) => {
    const [columns, values]: [number[], number[]] = [[], []];
    for (const [c, k] of features.entries()) {
      const value = Math.fround(featureOf(cells[k]!));
      if (!Number.isFinite(value)) {
        throw new BadFileError(cellName(table, line, k), "beyond the range of float32");
      }
      if (value === 0) continue;
      columns.push(c);
      values.push(value);
    }
    count += columns.length;
    rows[rowOf[row++]!] = {
      columns: Int32Array.from(columns),
      values: Float32Array.from(values),
    };
  });
  const indptr = new Int32Array(nodes + 1);
  const [indices, data] = [new Int32Array(count), new Float32Array(count)];
  for (let node = 0, at = 0; node < nodes; node++) {
    const found = rows[node];
    if (found) {
      indices.set(found.columns, at);
      data.set(found.values, at);
      at += found.columns.length;
    }
    indptr[node + 1] = at;
  }
  const arrays = { rows: nodes, columns: features.length, indptr, indices };
  return canonicalFeatures(arrays, data, table.file);
}

/** A column's cells by node; empty for a node without a row. */
function scattered(
  { table }: NodeTable,
  column: number,
  rowOf: Int32Array,
  nodes: number,
): string[] {
  const texts = new Array<string>(nodes).fill("");
  let row = 0;
  visitRows(table, (cells) => {
    texts[rowOf[row++]!] = idOf(cells[column]!);
  });
  return texts;
}

const SET_NAMES: readonly [keyof RawSplit, RegExp][] = [
  ["train", /^(train|training|tr)$/i],
  ["val", /^(val|valid|validation|dev|va)$/i],
  ["test", /^(test|testing|te)$/i],
];

function splitOf({ table }: NodeTable, texts: readonly string[]): RawSplit {
  const of = (pattern: RegExp): Int32Array =>
    Int32Array.from(texts.flatMap((text, node) => (pattern.test(text) ? [node] : [])));
  const sets = SET_NAMES.map(([set, pattern]) => [set, of(pattern)] as const);
  for (const [set, { length }] of sets) {
    if (length > 0) continue;
    throw new BadFileError(table.file, `its column of sets names no node of the set "${set}"`);
  }
  return Object.fromEntries(sets) as unknown as RawSplit;
}

function nodeEnds(
  edges: TextTable,
  { from, to, lines, columns }: Ends,
  main: NodeTable,
  index: ReadonlyMap<string, number> | undefined,
): Pick<FoundGraph, "from" | "to"> {
  const other = path.basename(main.table.file);
  const least = index ? 0 : [from, to].flat().reduce((low, id) => Math.min(low, Number(id)), 1);
  const nodeOf = (id: string, row: number, side: 0 | 1): number => {
    const where = (): string => cellName(edges, lines[row]!, columns[side]);
    if (index) {
      const node = index.get(id);
      if (node !== undefined) return node;
      throw new BadFileError(where(), `an edge to nowhere: "${printable(id)}" is not in ${other}`);
    }
    if (!/^\d{1,9}$/.test(id)) {
      const fault = `"${printable(id)}" is no row of ${other}, which has no column of ids`;
      throw new BadFileError(where(), fault);
    }
    const node = Number(id);
    return node < main.rows ? node : outOfRange(where(), node, main.rows, least);
  };
  return {
    from: Int32Array.from(from, (id, row) => nodeOf(id, row, 0)),
    to: Int32Array.from(to, (id, row) => nodeOf(id, row, 1)),
  };
}
