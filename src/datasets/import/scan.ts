// Counts what the cells of each column of a table of nodes are: numbers, texts, lists of numbers, dates.

import { isNumber, type TextTable, visitRows } from "../../formats/csv.ts";
import { BadFileError } from "../../formats/errors.ts";
import { MAX_SIDE } from "../sparse.ts";

export interface Column {
  numbers: number;
  texts: number;
  /** How many of the texts are true or false, dates, lists of numbers, numbers written with a comma. */
  flags: number;
  dates: number;
  lists: number;
  commas: number;
  empty: number;
  /** Where the first text, and the first empty cell, is. */
  textLine: number;
  text: string;
  emptyLine: number;
  /** Where a number that is none is. */
  nanLine: number;
  /** Where the first cell that is no list is. */
  plainLine: number;
  plain: string;
  whole: boolean;
  /** The different cells, as far as MOST_DISTINCT. */
  readonly distinct: Set<string>;
}

export const MOST_DISTINCT = 1000;
/** Features as pandas writes bool. */
const FLAG = /^(true|false)$/i;
const DATE = /^\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}([T ].*)?$/;
/** 1,234,567 or 0,5. */
const COMMA = /^[+-]?\d+(,\d{3})*,\d+(\.\d+)?$/;

/** @returns the columns, and the first one's cells as ids */
export function scan(table: TextTable): { columns: Column[]; rows: number; first: string[] } {
  const columns = Array.from({ length: table.columns }, (): Column => {
    const counts = { numbers: 0, texts: 0, flags: 0, dates: 0, lists: 0, commas: 0, empty: 0 };
    const places = { textLine: 0, text: "", emptyLine: 0, nanLine: 0, plainLine: 0, plain: "" };
    return { ...counts, ...places, whole: true, distinct: new Set() };
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
  const isPlain = isNumber(cell);
  const isList = !isPlain && numbersIn(cell) !== undefined;
  if (!isList && column.plainLine === 0) [column.plainLine, column.plain] = [line, cell];
  if (cell === "") {
    if (column.empty++ === 0) column.emptyLine = line;
    return;
  }
  if (/^nan$/i.test(cell)) column.nanLine ||= line;
  if (isPlain) {
    column.numbers++;
    if (column.whole && !Number.isInteger(Number(cell))) column.whole = false;
  } else {
    if (FLAG.test(cell)) column.flags++;
    else if (DATE.test(cell)) column.dates++;
    else if (COMMA.test(cell)) column.commas++;
    else if (isList) column.lists++;
    if (column.texts++ === 0) [column.textLine, column.text] = [line, cell];
  }
  if (column.distinct.size <= MOST_DISTINCT) column.distinct.add(cell);
}

/** The numbers of a list in one cell: [1, 2], or at least three of them, as in 0.5,1,2; undefined for other text. */
export function numbersIn(cell: string): string[] | undefined {
  if (!/^[[\d.+-]/.test(cell) || !/[[\s,;]/.test(cell)) return undefined;
  const inner = /^\[(.*)\]$/s.exec(cell)?.[1]?.trim();
  const numbers = (inner ?? cell).split(/[\s,;]+/).filter((text) => text !== "");
  return numbers.length >= (inner === undefined ? 3 : 1) && numbers.every(isNumber)
    ? numbers
    : undefined;
}

/** Whether a cell is a number written with a comma, in which way, and what to write; undefined for other text. */
export function commaFault(cell: string): string | undefined {
  if (!COMMA.test(cell)) return undefined;
  const thousands = /^[+-]?\d{1,3}(,\d{3})+(\.\d+)?$/.test(cell);
  const [kind, plain] = thousands
    ? ["a comma between thousands", cell.replaceAll(",", "")]
    : ["a comma before its decimals", cell.replace(",", ".")];
  return `has ${kind}; write ${plain}`;
}

/** A feature as a number; true is 1. */
export function featureOf(cell: string): number {
  return FLAG.test(cell) ? Number(cell.length === 4) : Number(cell);
}

/** Ids and labels as text: 7.0, as pandas writes a column with gaps, is 7. */
export function idOf(cell: string): string {
  return /^-?\d+\.0+$/.test(cell) ? cell.slice(0, cell.indexOf(".")) : cell;
}
