// Reads a folder of text tables: an edge list, and one or more tables of features, labels and sets.
import path from "node:path";
import { OptionError } from "../../base/errors.ts";
import { printable } from "../../base/printable.ts";
import { cellName, isNumber, openTable, type TextTable, visitRows } from "../../formats/csv.ts";
import { BadFileError } from "../../formats/errors.ts";
import type { Csr } from "../../graph/csr.ts";
import { csrFromPairs } from "../../graph/csr.ts";
import { columnOf, columnsOf, listed, type ReadChoices } from "./choices.ts";
import { columnName, NODE_WORDS, type NodeTable, readColumns } from "./columns.ts";
import { fromSets } from "./dense.ts";
import {
  EDGE_WORDS,
  type Ends,
  edgeDecisions,
  edgeList,
  type Nodes,
  nodeEnds,
  readEnds,
} from "./edge-table.ts";
import { isFeatureList, readFeatureList } from "./feature-list.ts";
import { featureNames } from "./feature-names.ts";
import { type FoundGraph, type FoundLabels, idsFrom1, inFolder, readOwn } from "./found.ts";
import { classesOf, labelDecisions, labelDoubts, noLabels, separatorIn, setsOf } from "./labels.ts";
import { tableFeatures } from "./node-features.ts";
import { setTables, splitFrom, splitOf } from "./node-sets.ts";
import { idOf } from "./scan.ts";
import { timesOf } from "./times.ts";

/** Names that files of text tables have; they may be compressed by gzip. */
export const TABLE_FILE =
  /\.(csv|tsv|tab|txt|dat|edges|edgelist|cites|content|nodes|labels)(\.gz)?$/i;

/** The names among these of text tables that may be a graph's. */
export function tableNames(names: readonly string[]): string[] {
  return names.filter((name) => TABLE_FILE.test(name) && !/readme|licen/i.test(name));
}

export const WORDS: ReadonlySet<string> = new Set([...EDGE_WORDS, ...NODE_WORDS]);

/** @throws BadFileError naming file, line and column */
export async function readTables(
  folder: string,
  names: readonly string[],
  choices: ReadChoices,
): Promise<FoundGraph> {
  const all = await openTables(folder, names);
  const { sets, rest: tables } = setTables(all);
  const { table: edges, choices: told } = edgeList(folder, tables, choices);
  const others = tables.filter(({ file }) => file !== edges.file);
  const lists = inFolder(folder, names, /\.json(\.gz)?$/i);
  return readTableParts({ folder, edges, others, lists, sets }, told);
}

/** Tables of which it is known what they are. */
export interface TableParts {
  readonly folder: string;
  readonly edges: TextTable;
  /** Tables of nodes. */
  readonly others: readonly TextTable[];
  /** JSON files that may be lists of features. */
  readonly lists?: readonly string[];
  /** Tables that list the nodes of a set. */
  readonly sets?: readonly TextTable[];
}

export async function readTableParts(
  { folder, edges, others, lists = [], sets = [] }: TableParts,
  choices: ReadChoices,
): Promise<FoundGraph> {
  const ends = readEnds(edges, choices);
  const known = new Set([...ends.from, ...ends.to]);
  checkNames(folder, others, choices);
  const nodeTables = others.map((table) => readColumns(table, (id) => known.has(id), choices));
  return assembled({ folder, edges, ends, nodeTables, lists, sets }, choices);
}

/** Opens the text tables of a folder, in which a row of known names is a header. */
export async function openTables(folder: string, names: readonly string[]): Promise<TextTable[]> {
  const tables: TextTable[] = [];
  for (const file of inFolder(folder, tableNames(names), TABLE_FILE)) {
    tables.push(openTable(file, await readOwn(file), WORDS));
  }
  return tables;
}

/** @throws OptionError for a column that is named and that no table of nodes has */
function checkNames(
  folder: string,
  tables: readonly TextTable[],
  { idColumn, labelColumn }: ReadChoices,
): void {
  for (const word of [idColumn ?? [], labelColumn ? listed(labelColumn) : []].flat()) {
    if (tables.some((table) => columnOf(table, word) !== undefined)) continue;
    const found = tables.map((table) => `${path.basename(table.file)}: ${columnsOf(table)}`);
    throw new OptionError(
      `${folder}: no table of nodes has a column "${word}"; ${found.join("; ")}`,
    );
  }
}

interface Parts {
  readonly folder: string;
  readonly edges: TextTable;
  readonly ends: Ends;
  readonly nodeTables: readonly NodeTable[];
  readonly lists: readonly string[];
  readonly sets: readonly TextTable[];
}

const base = (table: TextTable): string => path.basename(table.file);

async function assembled(parts: Parts, choices: ReadChoices): Promise<FoundGraph> {
  const { folder, edges, ends, nodeTables, lists } = parts;
  const decisions = edgeDecisions(edges, ends);
  const main = mainTable(folder, nodeTables);
  const ids = idsOf(main, choices);
  const index = ids && new Map(ids.map((id, row) => [id, row]));
  const nodes: Nodes = { nodes: main.rows, file: main.table.file, index };
  const rowOf = (table: NodeTable): Int32Array => rowsIn(table, main, index);
  const column = (table: NodeTable, k: number): string[] =>
    scattered(table, k, rowOf(table), main.rows);
  const labels = labelTable(folder, nodeTables);
  const warnings = [...orderDoubts(main, nodeTables), ...labelLike(nodeTables, labels)];
  const found = labels
    ? labelsFrom(labels, column, choices, { decisions, warnings })
    : noLabels(main.rows);
  const list = await featureList(lists, main, index);
  const withFeatures = list ? undefined : featureTable(folder, nodeTables, labels);
  const features =
    list ?? (withFeatures && tableFeatures(withFeatures, rowOf(withFeatures), main.rows));
  // A table that nothing was found in should at least be one of these nodes.
  if (!features || !labels) for (const table of nodeTables) rowOf(table);
  const setTable = nodeTables.find(({ set, masks }) => set !== undefined || masks);
  const columnSplit = setTable && splitOf(setTable, (k) => column(setTable, k));
  const split = parts.sets.length > 0 ? splitFrom(parts.sets, folder, nodes) : columnSplit;
  const timeTable = nodeTables.find(({ time }) => time !== undefined);
  const times =
    timeTable &&
    timesOf(column(timeTable, timeTable.time!), (node) => {
      return `${timeTable.table.file}: the time of ${ids ? `"${ids[node]}"` : `node ${node}`}`;
    });
  if (timeTable) {
    const name = printable(timeTable.table.header![timeTable.time!]!);
    decisions.push(`the column ${name} of ${base(timeTable.table)} is the time, and no feature`);
  }
  decisions.push(...leftOut(nodeTables, labels, list !== undefined));
  const where = base(main.table);
  const name = main.table.header?.[main.id ?? 0];
  decisions.push(
    main.ids
      ? `ids are those of ${where}${name ? `, column ${printable(name)}` : ""}`
      : `nodes are numbered from ${index ? 1 : 0} by the rows of ${where}`,
  );
  return {
    form: "text tables",
    nodes: main.rows,
    ...nodeEnds(edges, ends, nodes, choices, { decisions, warnings }),
    ...(features && { features }),
    ...(withFeatures && named(featureNames(withFeatures, features!.columns))),
    ...(ids && { ids }),
    ...found,
    splits: split ? [split] : [],
    ...(times && { times }),
    decisions,
    warnings,
  };
}

const named = (names: readonly string[] | undefined) => names && { featureNames: names };

/**
 * The ids of nodes by row, if they have any.
 * @throws OptionError for a first number where there are ids
 */
export function idsOf(
  { ids, rows, table }: NodeTable,
  { firstNode }: ReadChoices,
): readonly string[] | undefined {
  if (ids && firstNode !== undefined) {
    throw new OptionError(`${table.file} has ids: --first-node is for nodes without`);
  }
  return firstNode === "1" ? idsFrom1(rows) : ids;
}

/** The table with the labels: where several have a column that may be it, a named one counts. */
function labelTable(folder: string, tables: readonly NodeTable[]): NodeTable | undefined {
  const labelled = tables.filter(({ label, classes }) => label !== undefined || classes);
  const certain = labelled.filter(({ guessed }) => !guessed);
  const [labels, second] = certain.length > 0 ? certain : labelled;
  if (!second) return labels;
  const which = `${base(labels!.table)} and ${base(second.table)} both have labels`;
  throw new BadFileError(folder, `${which}; --label-column names the right one`);
}

/** @param column the cells of a column by node */
export function labelsFrom(
  table: NodeTable,
  column: (table: NodeTable, k: number) => string[],
  choices: ReadChoices,
  { decisions, warnings }: { readonly decisions: string[]; readonly warnings: string[] },
): FoundLabels {
  const { label, classes, guessed } = table;
  if (classes) return classSets(table, classes, column, decisions);
  const texts = column(table, label!);
  const where = columnName(table.table, label!);
  if (guessed) {
    const name = table.table.header?.[label!];
    const which = `column ${label! + 1}${name ? ` (${printable(name)})` : ""} of ${base(table.table)}`;
    const remedy = "--label-column or a header would say so";
    // Text is hardly anything else; the last of many numbers may be one more feature.
    const isSure = texts.some((text) => text !== "" && !isNumber(text));
    if (isSure) decisions.push(`${which} is taken as the label; ${remedy}`);
    else warnings.push(`${which} is guessed to be the label, and may be a feature; ${remedy}`);
  }
  const separator = separatorIn(texts, choices);
  if (separator !== undefined) {
    decisions.push(`labels are lists of classes, separated by ${printable(separator)}`);
    return setsOf(texts, separator, where);
  }
  decisions.push(...labelDecisions(texts, choices));
  warnings.push(...labelDoubts(texts, choices));
  return classesOf(texts, where, choices);
}

/** Columns of 0 and 1, one for each class. */
function classSets(
  table: NodeTable,
  columns: readonly number[],
  column: (table: NodeTable, k: number) => string[],
  decisions: string[],
): FoundLabels {
  const [owners, members]: [number[], number[]] = [[], []];
  let nodes = 0;
  for (const [c, k] of columns.entries()) {
    const cells = column(table, k);
    nodes = cells.length;
    for (const [node, cell] of cells.entries()) {
      if (cell === "0" || cell === "" || /^false$/i.test(cell)) continue;
      if (cell !== "1" && !/^true$/i.test(cell)) {
        const fault = `"${printable(cell)}" is neither 0 nor 1; columns of classes are 0 or 1 for each node`;
        throw new BadFileError(columnName(table.table, k), fault);
      }
      owners.push(node);
      members.push(c);
    }
  }
  const names = columns.map((k) => table.table.header?.[k] ?? `column ${k + 1}`);
  decisions.push(
    `${columns.length} columns of ${base(table.table)} are classes, 0 or 1 for each node`,
  );
  return {
    ...fromSets(csrFromPairs(nodes, columns.length, owners, members), nodes, columns.length),
    names,
  };
}

/** Warns of features that are called as labels are: another form of the label would give it away. */
function labelLike(tables: readonly NodeTable[], labels: NodeTable | undefined): string[] {
  if (!labels) return [];
  return tables.flatMap(({ table, features }) => {
    const names = features.map((k) => table.header?.[k] ?? "");
    const found = names.filter((name) => LABEL_LIKE.test(name)).slice(0, 3);
    if (found.length === 0) return [];
    const what = found.map((name) => printable(name)).join(", ");
    return [
      `${base(table)}: ${what} is read as a feature; if it says the label in another form, take it out of the table`,
    ];
  });
}

const LABEL_LIKE = /^(?:\w+[ _.-])?(?:class|label|target)(?:[ _.-](?:id|code|no|number|index))?$/i;

/** Says what is left out of the tables, and that no column is the label, where none is. */
function leftOut(
  tables: readonly NodeTable[],
  labels: NodeTable | undefined,
  listed: boolean,
): string[] {
  const decisions: string[] = [];
  for (const { table, leftOut: texts, features, index } of tables) {
    if (index !== undefined) {
      decisions.push(`the first column of ${base(table)} numbers its rows, and is no feature`);
    }
    const dropped = listed ? [...texts, ...features] : texts;
    if (dropped.length === 0) continue;
    const what = dropped.map((k) => printable(table.header?.[k] ?? String(k + 1))).slice(0, 5);
    const more = dropped.length > 5 ? ` and ${dropped.length - 5} more` : "";
    const why = listed ? "the features are in the JSON file" : "text";
    decisions.push(`left out of ${base(table)}: ${what.join(", ")}${more} (${why})`);
  }
  // A label is rather text than one of many numbers.
  const names = tables.map(({ table, leftOut: texts }) => columnsOf(table, texts)).join("; ");
  if (!labels) decisions.push(`no column is called label: --label-column names one of ${names}`);
  return decisions;
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
  const fault = "there is an edge list, but no table of nodes with their labels (and features)";
  const remedy = "add one, such as nodes.csv with the columns id,label";
  throw new BadFileError(folder, `${fault}; ${remedy} (without features: --make-features)`);
}

/** Says where a table's rows are taken in the order of another's, although ids are known in one of them. */
function orderDoubts(main: NodeTable, tables: readonly NodeTable[]): string[] {
  return tables.flatMap((one) => {
    if (one === main || (one.ids === undefined) === (main.ids === undefined)) return [];
    const [withIds, without] = one.ids ? [one, main] : [main, one];
    const names = [base(without.table), base(withIds.table)] as const;
    return [`${names[0]} has no ids: its rows are taken in the order of ${names[1]}'s`];
  });
}

/** The node of each row of a table. */
function rowsIn(
  { table, ids, rows, id }: NodeTable,
  main: NodeTable,
  index: ReadonlyMap<string, number> | undefined,
): Int32Array {
  const other = path.basename(main.table.file);
  if (!ids || !index) {
    if (rows === main.rows) return Int32Array.from({ length: rows }, (_, row) => row);
    const [withIds, without] = ids ? [table, main.table] : [main.table, table];
    const fault =
      ids || main.ids
        ? `${base(withIds)} has a column of ids, and ${base(without)} has none: add the ids to ${base(without)} too`
        : "without ids both need as many";
    throw new BadFileError(
      table.file,
      `${rows} rows, ${other} has ${main.rows}; ${fault} (--id-column names the ids' column)`,
    );
  }
  return Int32Array.from(ids, (name, row) => {
    const node = index.get(name);
    if (node !== undefined) return node;
    const where = cellName(table, lineOf(table, row), id!);
    throw new BadFileError(where, `"${printable(name)}" is no node of ${other}`);
  });
}

function lineOf(table: TextTable, row: number): number {
  let [at, found] = [0, 0];
  visitRows(table, (_, line) => {
    if (at++ === row) found = line;
  });
  return found;
}

/** The one table with columns of numbers, or none. */
function featureTable(
  folder: string,
  tables: readonly NodeTable[],
  labels: NodeTable | undefined,
): NodeTable | undefined {
  // A column that another table's label makes no label is a number like the others.
  const numbers = tables.map((table) =>
    table !== labels && table.label !== undefined
      ? { ...table, features: [...table.features, table.label] }
      : table,
  );
  const [found, second] = numbers.filter(({ features }) => features.length > 0);
  if (!second) return found;
  const names = [found!, second].map(({ table }) => path.basename(table.file)).join(" and ");
  const fault = `${names} both have features; join them: each node needs one row of features`;
  throw new BadFileError(folder, fault);
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

/** The cells by row of each column that is no feature, read together at the first question. */
const read = new WeakMap<NodeTable, ReadonlyMap<number, string[]>>();

/** A column's cells by row: of the label, a class, the set, a mask or the time. */
export function columnCells(nodes: NodeTable, column: number): string[] {
  const { table, label, classes = [], set, masks = {}, time } = nodes;
  const wanted = [label, ...classes, set, ...Object.values(masks), time];
  const known = wanted.filter((k): k is number => k !== undefined);
  const cells = read.get(nodes) ?? new Map(known.map((k) => [k, [] as string[]]));
  if (!read.has(nodes)) {
    visitRows(table, (row) => {
      for (const [k, texts] of cells) texts.push(idOf(row[k]!));
    });
    read.set(nodes, cells);
  }
  return cells.get(column)!;
}

/** A column's cells by node; empty for a node without a row. */
function scattered(table: NodeTable, column: number, rowOf: Int32Array, nodes: number): string[] {
  const texts = new Array<string>(nodes).fill("");
  for (const [row, cell] of columnCells(table, column).entries()) texts[rowOf[row]!] = cell;
  return texts;
}
