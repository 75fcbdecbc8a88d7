// Looks through a table of nodes to find which column is the id, the label, the set, a feature.
import path from "node:path";
import { printable } from "../../base/printable.ts";
import { cellName, isNumber, type TextTable, visitRows } from "../../formats/csv.ts";
import { BadFileError } from "../../formats/errors.ts";
import { MAX_SIDE } from "../sparse.ts";
import { TIMES } from "./times.ts";

const IDS = ["id", "node", "node_id", "nodeid", "node id", "name", "key", "paper_id"];
const LABELS = ["label", "labels", "class", "y", "target", "node_label", "category"].concat([
  ...["subject", "page_type", "type", "community"],
]);
/** What a file with one column beside the ids is called if that is the label. */
const LABEL_FILE = /label|class|target|^y\b/i;
const SETS = ["split", "set", "role", "fold", "subset"];
/** Names of columns that make a first row a header. */
export const NODE_WORDS: ReadonlySet<string> = new Set([...IDS, ...LABELS, ...SETS, ...TIMES]);

/** A table of nodes and what its columns are, by their numbers from 0. */
export interface NodeTable {
  readonly table: TextTable;
  readonly rows: number;
  /** The ids by row; absent: the nodes are numbered from 0 by row. */
  readonly ids?: readonly string[];
  readonly label?: number;
  readonly set?: number;
  readonly time?: number;
  readonly features: readonly number[];
  /** Of text that is none of these. */
  readonly leftOut: readonly number[];
  /** The columns of a first row without names were told apart by their contents. */
  readonly guessed: boolean;
}

interface Column {
  numbers: number;
  texts: number;
  /** How many of the texts are true or false. */
  flags: number;
  empty: number;
  /** Where the first text, and the first empty cell, is. */
  textLine: number;
  text: string;
  emptyLine: number;
  /** Where a number that is none is. */
  nanLine: number;
  whole: boolean;
  readonly distinct: Set<string>;
}

/** As pandas and R write what is missing: never a name. */
const MISSING = /^[+-]?(nan|na|n\/a|null|none|inf|infinity)$/i;
/** Features as pandas writes bool. */
const FLAG = /^(true|false)$/i;
const MOST_DISTINCT = 1000;

/**
 * @param isNode whether an id occurs in the edge list: tells ids from the numbers of a first column
 * @throws BadFileError for a column that is text in some rows and numbers in most, a missing number,
 *   an id that occurs twice
 */
export function readColumns(table: TextTable, isNode: (id: string) => boolean): NodeTable {
  const { columns, rows, first } = scan(table);
  const named = (words: readonly string[]): number | undefined => {
    const names = table.header?.map((name) => name.toLowerCase());
    const word = words.find((word) => names?.includes(word));
    return word === undefined ? undefined : names!.indexOf(word);
  };
  const byName = named(IDS) ?? (table.header?.[0] === "" ? 0 : undefined);
  const id = byName ?? (looksLikeIds(first, columns.length, isNode) ? 0 : undefined);
  const ids = id === undefined ? undefined : id === 0 ? first : columnOf(table, id);
  if (ids) checkUnique(table, ids, id!);
  const set = named(SETS.filter((word) => word !== "type"));
  const time = named(TIMES);
  const rest = [...columns.keys()].filter((k) => k !== id && k !== set && k !== time);
  const ofLabels = rest.length === 1 && LABEL_FILE.test(path.basename(table.file));
  const sure = named(LABELS) ?? (ofLabels ? rest[0] : undefined);
  const label = sure ?? labelByContents(table, columns, rest);
  const features: number[] = [];
  const leftOut: number[] = [];
  for (const k of rest) {
    const column = columns[k]!;
    if (k === label) continue;
    if (column.flags === rows) features.push(k);
    else if (column.numbers === 0 || column.texts > column.numbers) leftOut.push(k);
    else {
      checkNumbers(table, column, k);
      features.push(k);
    }
  }
  if (label !== undefined) checkLabel(table, columns[label]!, label);
  return {
    ...{ table, rows, features, leftOut },
    guessed: label !== undefined && sure === undefined,
    ...(ids && { ids }),
    ...(label !== undefined && { label }),
    ...(set !== undefined && { set }),
    ...(time !== undefined && { time }),
  };
}

function scan(table: TextTable): { columns: Column[]; rows: number; first: string[] } {
  const columns = Array.from({ length: table.columns }, (): Column => {
    const none = {
      numbers: 0,
      texts: 0,
      flags: 0,
      empty: 0,
      textLine: 0,
      text: "",
      emptyLine: 0,
      nanLine: 0,
    };
    return { ...none, whole: true, distinct: new Set() };
  });
  const first: string[] = [];
  visitRows(table, (cells, line) => {
    first.push(idOf(cells[0]!));
    if (first.length > MAX_SIDE) throw new BadFileError(table.file, `more than ${MAX_SIDE} rows`);
    for (const [k, column] of columns.entries()) note(column, cells[k]!, line);
  });
  if (first.length === 0) throw new BadFileError(table.file, "it has a header and no rows");
  return { columns, rows: first.length, first };
}

function note(column: Column, cell: string, line: number): void {
  if (cell === "") {
    if (column.empty++ === 0) column.emptyLine = line;
    return;
  }
  if (/^nan$/i.test(cell)) column.nanLine ||= line;
  if (isNumber(cell)) {
    column.numbers++;
    if (column.whole && !Number.isInteger(Number(cell))) column.whole = false;
  } else {
    if (FLAG.test(cell)) column.flags++;
    if (column.texts++ === 0) [column.textLine, column.text] = [line, cell];
  }
  if (column.distinct.size <= MOST_DISTINCT) column.distinct.add(cell);
}

/** A feature as a number; true is 1. */
export function featureOf(cell: string): number {
  return FLAG.test(cell) ? Number(cell.length === 4) : Number(cell);
}

/** Ids as text: 7.0, as pandas writes a column with gaps, is 7. */
export function idOf(cell: string): string {
  return /^\d+\.0+$/.test(cell) ? cell.slice(0, cell.indexOf(".")) : cell;
}

/** Whether a first column without a name holds ids: all different, and most of a sample are in edges. */
function looksLikeIds(
  first: readonly string[],
  columns: number,
  isNode: (id: string) => boolean,
): boolean {
  if (columns < 2) return false;
  const sample = first.slice(0, 200);
  const known = sample.filter(isNode).length;
  // Numbers may be features that happen to be nodes' numbers too; some nodes have no edges.
  const enough = sample.every(isNumber) ? 0.9 : 0.5;
  return known >= enough * sample.length && new Set(sample).size > 0.9 * sample.length;
}

function columnOf(table: TextTable, k: number): string[] {
  const cells: string[] = [];
  visitRows(table, (row) => cells.push(idOf(row[k]!)));
  return cells;
}

function checkUnique(table: TextTable, ids: readonly string[], column: number): void {
  const seen = new Set(ids);
  if (seen.size === ids.length && !seen.has("")) return;
  const met = new Set<string>();
  visitRows(table, (cells, line) => {
    const id = idOf(cells[column]!);
    if (id === "") throw new BadFileError(cellName(table, line, column), "a node without an id");
    if (met.has(id)) {
      throw new BadFileError(
        cellName(table, line, column),
        `the node "${printable(id)}" is there twice`,
      );
    }
    met.add(id);
  });
}

/** Without a name: the one column of text, or in a table without a header the last, if it is whole. */
function labelByContents(
  table: TextTable,
  columns: readonly Column[],
  rest: readonly number[],
): number | undefined {
  const texts = rest.filter((k) => {
    const { numbers, texts: words, flags } = columns[k]!;
    return numbers === 0 && words > flags;
  });
  if (texts.length === 1 && columns[texts[0]!]!.distinct.size <= MOST_DISTINCT) return texts[0];
  const last = rest.at(-1);
  if (table.header || texts.length > 0 || last === undefined) return undefined;
  const { whole, distinct, texts: words } = columns[last]!;
  const fits = words === 0 && whole && distinct.size > 1 && distinct.size <= MOST_DISTINCT;
  return fits && columns.length > 1 ? last : undefined;
}

function checkNumbers(table: TextTable, column: Column, k: number): void {
  if (column.texts > 0) {
    const text = printable(column.text);
    const why = MISSING.test(column.text)
      ? "is not a number; write one, or leave the row out"
      : "is text, in a column of numbers";
    throw new BadFileError(cellName(table, column.textLine, k), `"${text}" ${why}`);
  }
  if (column.empty > 0) {
    throw new BadFileError(cellName(table, column.emptyLine, k), "empty; write a number");
  }
}

function checkLabel(table: TextTable, column: Column, k: number): void {
  const { texts, numbers, text, textLine, nanLine } = column;
  if (nanLine > 0) {
    const why = "NaN is no class; leave the cell empty where a node has none";
    throw new BadFileError(cellName(table, nanLine, k), why);
  }
  if (texts === 0 || numbers === 0 || texts > numbers) return;
  const why = "is text, where most labels are numbers";
  throw new BadFileError(cellName(table, textLine, k), `"${printable(text)}" ${why}`);
}
