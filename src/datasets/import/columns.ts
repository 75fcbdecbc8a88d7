// Looks through a table of nodes to find which column is the id, the label, the set, a feature.
import path from "node:path";
import { OptionError } from "../../base/errors.ts";
import { printable } from "../../base/printable.ts";
import { cellName, isNumber, type TextTable, visitRows } from "../../formats/csv.ts";
import { BadFileError } from "../../formats/errors.ts";
import type { RawSplit } from "../splits.ts";
import { columnOf, columnsOf, listed, type ReadChoices, unlabelledWords } from "./choices.ts";
import { type Column, commaFault, idOf, MOST_DISTINCT, scan } from "./scan.ts";
import { TIMES } from "./times.ts";

const IDS = ["id", "node", "node_id", "nodeid", "node id", "name", "key", "paper_id", "new_id"];
const LABELS = ["label", "labels", "class", "y", "target", "node_label", "category"].concat([
  ...["subject", "page_type", "type", "community"],
]);
/** What a file with one column beside the ids is called if that is the label. */
const LABEL_FILE = /label|class|target|^y\b/i;
const SETS = ["split", "set", "role", "fold", "subset"];
const MASKS: readonly [keyof RawSplit, readonly string[]][] = [
  ["train", ["train_mask", "train"]],
  ["val", ["val_mask", "valid_mask", "val", "valid"]],
  ["test", ["test_mask", "test"]],
];
/** Names of columns that make a first row a header. */
export const NODE_WORDS: ReadonlySet<string> = new Set(
  [IDS, LABELS, SETS, TIMES, MASKS.flatMap(([, words]) => words), "id:id", ":id", ":label"].flat(),
);

/** A table of nodes and what its columns are, by their numbers from 0. */
export interface NodeTable {
  readonly table: TextTable;
  readonly rows: number;
  /** The ids by row, and their column; absent: the nodes are numbered from 0 by row. */
  readonly ids?: readonly string[];
  readonly id?: number;
  readonly label?: number;
  /** Instead of a label: columns of 0 and 1, one for each class. */
  readonly classes?: readonly number[];
  readonly set?: number;
  /** Instead of a set: columns of 0 and 1, or of true and false. */
  readonly masks?: Readonly<Record<keyof RawSplit, number>>;
  readonly time?: number;
  readonly features: readonly number[];
  /** Those of the features whose cells are lists of numbers. */
  readonly lists: ReadonlySet<number>;
  /** Of text that is none of these. */
  readonly leftOut: readonly number[];
  /** The rows' numbers, which are no feature. */
  readonly index?: number;
  /** The label was told by its contents, not by a name. */
  readonly guessed: boolean;
}

/** Labels with decimals may be ratings; more of them are measurements. */
const MOST_MEASURES = 20;
/** As pandas and R write what is missing: never a name. */
const MISSING = /^[+-]?(nan|na|n\/a|null|none|inf|infinity)$/i;

/** The name of a column in lower case, without what Neo4j adds to it: id:ID(User) is id. */
export function plainName(name: string): string {
  return name
    .toLowerCase()
    .replace(/^:/, "")
    .replace(/:.*$/, "")
    .replace(/\(.*\)$/, "");
}

/**
 * @param isNode whether an id occurs in the edge list: tells ids from the numbers of a first column
 * @throws BadFileError for a column that is text in some rows and numbers in most, a missing number,
 *   an id that occurs twice
 */
export function readColumns(
  table: TextTable,
  isNode: (id: string) => boolean,
  choices: ReadChoices = {},
): NodeTable {
  const { columns, rows, first } = scan(table);
  const names = table.header?.map(plainName);
  const named = (words: readonly string[]): number | undefined => {
    const word = words.find((word) => names?.includes(word));
    return word === undefined ? undefined : names!.indexOf(word);
  };
  const id = idColumn(table, first, columns, isNode, choices);
  const ids = id === undefined ? undefined : id === 0 ? first : cellsOf(table, id);
  if (ids) checkUnique(table, ids, id!);
  const masks = masksOf(named, columns, rows);
  const set = masks ? undefined : named(SETS);
  const time = named(TIMES);
  const index = id === 0 ? undefined : indexColumn(table, first);
  const taken = new Set([id, set, time, index, ...Object.values(masks ?? {})]);
  const rest = [...columns.keys()].filter((k) => !taken.has(k));
  const given = choices.labelColumn === undefined ? undefined : labelsGiven(table, choices);
  const classes = given
    ? given.length > 1
      ? given
      : undefined
    : classColumns(names, columns, rest);
  const label = given ? (given.length === 1 ? given[0] : undefined) : undefined;
  const sure = given || classes ? label : namedLabel(table, names, rest);
  const guessed = !given && !classes && sure === undefined && choices.labelColumn === undefined;
  const found = guessed ? labelByContents(table, columns, rest, rows) : sure;
  const features: number[] = [];
  const lists = new Set<number>();
  const leftOut: number[] = [];
  for (const k of rest) {
    const column = columns[k]!;
    if (k === found || classes?.includes(k)) continue;
    if (column.lists === rows) lists.add(k);
    else if (2 * column.lists > rows) {
      const why = "is no list of numbers, as others in this column are";
      const cell = printable(column.plain, 60);
      throw new BadFileError(cellName(table, column.plainLine, k), `"${cell}" ${why}`);
    }
    const numbers = column.flags === rows || lists.has(k);
    const plain = column.commas > 0 && column.commas === column.texts;
    if (!numbers && !plain && (column.numbers === 0 || column.texts > column.numbers)) {
      leftOut.push(k);
      continue;
    }
    if (!numbers) checkNumbers(table, column, k);
    features.push(k);
  }
  if (found !== undefined) checkLabel(table, columns[found]!, found, unlabelledWords(choices));
  for (const k of classes ?? []) checkNumbers(table, columns[k]!, k);
  return {
    ...{ table, rows, features, lists, leftOut },
    guessed: guessed && found !== undefined,
    ...(ids && { ids, id: id! }),
    ...(found !== undefined && { label: found }),
    ...(classes && { classes }),
    ...(set !== undefined && { set }),
    ...(masks && { masks }),
    ...(time !== undefined && { time }),
    ...(index !== undefined && { index }),
  };
}

/** The first column where it has no name and counts the rows: what pandas writes beside the columns. */
function indexColumn({ header }: TextTable, first: readonly string[]): number | undefined {
  if (!header || !/^(?:unnamed: 0)?$/i.test(header[0]!.trim())) return undefined;
  return first.every((cell, row) => cell === String(row)) ? 0 : undefined;
}

/** The column that is given, else that of a known name with the most of the edges' ids, else the first by contents. */
function idColumn(
  table: TextTable,
  first: readonly string[],
  columns: readonly Column[],
  isNode: (id: string) => boolean,
  { idColumn: given }: ReadChoices,
): number | undefined {
  if (given !== undefined) return columnOf(table, given);
  const names = table.header?.map(plainName) ?? [];
  const known = IDS.flatMap((word) => (names.includes(word) ? [names.indexOf(word)] : []));
  const more = names.flatMap((name, k) => (/^\w*id$/.test(name) && !known.includes(k) ? [k] : []));
  const [best] = [...known, ...more]
    .filter((k) => columns[k]!.empty === 0 || known.length === 1)
    .map((k) => {
      const cells = k === 0 ? first : cellsOf(table, k);
      const hits = cells.reduce((sum, cell) => sum + Number(isNode(cell)), 0);
      return { k, hits, sure: known.includes(k) };
    })
    .filter(({ hits, sure }) => sure || hits > 0.5 * first.length)
    .toSorted((a, b) => b.hits - a.hits);
  if (best) return best.k;
  if (table.header?.[0] === "") return 0;
  return looksLikeIds(first, columns.length, isNode) ? 0 : undefined;
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

function cellsOf(table: TextTable, k: number): string[] {
  const cells: string[] = [];
  visitRows(table, (row) => cells.push(idOf(row[k]!)));
  return cells;
}

function checkUnique(table: TextTable, ids: readonly string[], column: number): void {
  const seen = new Set(ids);
  if (seen.size === ids.length && !seen.has("")) return;
  const met = new Map<string, number>();
  visitRows(table, (cells, line) => {
    const id = idOf(cells[column]!);
    const first = met.get(id);
    met.set(id, line);
    if (id !== "" && first === undefined) return;
    const fault =
      id === ""
        ? "a node without an id: give it one, or leave the row out"
        : `the node "${printable(id)}" is there twice, first in line ${first}: keep one row, or ` +
          "name another column of ids (--id-column)";
    throw new BadFileError(cellName(table, line, column), fault);
  });
}

/** Three columns of 0 and 1, or of true and false, named after the sets. */
function masksOf(
  named: (words: readonly string[]) => number | undefined,
  columns: readonly Column[],
  rows: number,
): Readonly<Record<keyof RawSplit, number>> | undefined {
  const found = MASKS.map(([set, words]) => [set, named(words)] as const);
  const fits = found.every(([, k]) => k !== undefined && isBits(columns[k]!, rows));
  return fits ? (Object.fromEntries(found) as Record<keyof RawSplit, number>) : undefined;
}

function isBits({ distinct, flags }: Column, rows: number): boolean {
  return (
    flags === rows ||
    (distinct.size <= 4 && [...distinct].every((cell) => /^[01](\.0+)?$/.test(cell)))
  );
}

/** The columns that one named, none of them if this table has none. @throws OptionError where it has only some */
function labelsGiven(table: TextTable, { labelColumn }: ReadChoices): number[] {
  const words = listed(labelColumn!);
  const found = words.map((word) => columnOf(table, word));
  const missing = words[found.indexOf(undefined)];
  const known = found.filter((k) => k !== undefined);
  if (missing === undefined || known.length === 0) return known;
  throw new OptionError(`${table.file} has no column "${missing}"; it has ${columnsOf(table)}`);
}

/** Columns that are called label_a, label_b ..., all of 0 and 1. */
function classColumns(
  names: readonly string[] | undefined,
  columns: readonly Column[],
  rest: readonly number[],
): number[] | undefined {
  const found = rest.filter((k) => /^(label|class|y)[ _.-]?./.test(names?.[k] ?? ""));
  const fits =
    found.length > 1 && found.every((k) => columns[k]!.empty === 0 && isBits(columns[k]!, -1));
  return fits ? found : undefined;
}

function namedLabel(
  table: TextTable,
  names: readonly string[] | undefined,
  rest: readonly number[],
): number | undefined {
  const [only, second] = rest;
  const ofLabels = second === undefined && LABEL_FILE.test(path.basename(table.file));
  const word = LABELS.find((word) => rest.some((k) => names?.[k] === word));
  if (word !== undefined) return rest.find((k) => names?.[k] === word);
  const ends = rest.filter((k) => /[ _.-](label|class|target|category)$/.test(names?.[k] ?? ""));
  if (ends.length === 1) return ends[0];
  return ofLabels ? only : undefined;
}

/** Without a name: the one column of text, or in a table without a header the last, if it is whole. */
function labelByContents(
  table: TextTable,
  columns: readonly Column[],
  rest: readonly number[],
  rows: number,
): number | undefined {
  const texts = rest.filter((k) => {
    const { numbers, texts: words, flags, dates, lists, commas } = columns[k]!;
    return numbers === 0 && words > flags + dates + lists + commas;
  });
  // A text of its own in most rows is a name, and no class.
  const fewest = rows > 20 ? rows / 2 : rows;
  const size = columns[texts[0]!]?.distinct.size ?? 0;
  if (texts.length === 1 && size <= MOST_DISTINCT && size < fewest) return texts[0];
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
      : (commaFault(column.text) ?? "is text, in a column of numbers");
    throw new BadFileError(cellName(table, column.textLine, k), `"${text}" ${why}`);
  }
  if (column.empty > 0) {
    throw new BadFileError(cellName(table, column.emptyLine, k), "empty; write a number");
  }
}

function checkLabel(
  table: TextTable,
  { texts, numbers, text, textLine, nanLine, whole, distinct }: Column,
  k: number,
  none: ReadonlySet<string>,
): void {
  if (nanLine > 0 && !none.has("nan")) {
    const why =
      "NaN is no class; leave the cell empty where a node has none, or name the words for none (--unlabelled NaN)";
    throw new BadFileError(cellName(table, nanLine, k), why);
  }
  if (texts === 0 && !whole && distinct.size > MOST_MEASURES) {
    const why = `its numbers have decimals, more than ${MOST_MEASURES} different ones: measurements, and no classes`;
    throw new BadFileError(columnName(table, k), why);
  }
  if (texts === 0 || numbers === 0 || texts > numbers) return;
  const words = [...distinct].filter((cell) => !isNumber(cell));
  if (distinct.size <= MOST_DISTINCT && words.every((word) => none.has(word.toLowerCase()))) return;
  const why = "is text, where most labels are numbers";
  throw new BadFileError(cellName(table, textLine, k), `"${printable(text)}" ${why}`);
}

/** How messages call a column. */
export function columnName({ file, header }: TextTable, k: number): string {
  const name = header?.[k];
  return `${file}: column ${k + 1}${name ? ` (${printable(name)})` : ""}`;
}
