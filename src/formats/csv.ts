// Reads tables of text (CSV, TSV, lists separated by spaces), row by row: separator, header, encoding.

import { isUtf8 } from "node:buffer";
import { CsvError, parse } from "csv-parse/sync";
import { printable } from "../base/printable.ts";
import { BadFileError } from "./errors.ts";

/** More cells than this are refused: a larger table belongs in an array file. */
export const MAX_CELLS = 1 << 25;
/** What is looked at to find the separator and the header. */
const SAMPLE_BYTES = 1 << 16;
const SAMPLE_ROWS = 20;
/** A longer line is no row of a table. */
const MAX_ROW = 1 << 23;

/** A table whose separator and header are known, not read yet. */
export interface TextTable {
  readonly file: string;
  readonly text: string;
  readonly separator: string;
  /** The names of the columns; absent: the first row is data. */
  readonly header?: readonly string[];
  readonly columns: number;
}

/** A row's cells without surrounding spaces, and its line in the file, from 1. */
export type VisitRow = (cells: readonly string[], line: number) => void;

const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

/** Whether a cell is a finite decimal number. */
export function isNumber(cell: string): boolean {
  return NUMBER.test(cell) && Number.isFinite(Number(cell));
}

/** How messages call a cell. @param column from 0 */
export function cellName({ file, header }: TextTable, line: number, column: number): string {
  const name = header?.[column];
  return `${file}: line ${line}, column ${column + 1}${name ? ` (${printable(name)})` : ""}`;
}

/**
 * Finds a table's separator (tab, comma, semicolon, bar or space) and whether its first row names columns.
 * @param words names of columns, in lower case: a first row that has one of them is a header
 * @throws BadFileError for an empty file, one that is not UTF-8, or a quote that is not closed
 */
export function openTable(file: string, bytes: Buffer, words: ReadonlySet<string>): TextTable {
  // KONECT's and Pajek's comments begin with %.
  const text = decoded(file, bytes).replace(/^%(?!%MatrixMarket)/gm, "#");
  const start = text.slice(0, SAMPLE_BYTES);
  const lines = start.split(/\r?\n/).filter((line) => line.trim() !== "" && !line.startsWith("#"));
  if (lines.length > 1 && start.length < text.length) lines.pop();
  const [first] = lines;
  if (first === undefined) throw new BadFileError(file, "it has no rows");
  const separator = separatorOf(lines.slice(0, SAMPLE_ROWS));
  const table = { file, text, separator };
  const rows: (readonly string[])[] = [];
  parseRows(table, (cells) => rows.push(cells), SAMPLE_ROWS);
  if (rows.length === 0) throw new BadFileError(file, "it has no rows");
  const head = rows[0]!;
  // A row may end with a separator that begins no column.
  const columns = Math.max(head.length, 1);
  return { ...table, columns, ...(isHeader(rows, words) && { header: head }) };
}

/**
 * Visits each row after the header.
 * @throws BadFileError for a row of another length, or more cells than are read
 */
export function visitRows(table: TextTable, visit: VisitRow): void {
  let first = table.header !== undefined;
  let cellsSeen = 0;
  parseRows(table, (cells, line) => {
    if (first) {
      first = false;
      return;
    }
    if (cells.length !== table.columns) {
      const found = `${cells.length} ${cells.length === 1 ? "column" : "columns"}`;
      throw new BadFileError(
        table.file,
        `line ${line} has ${found}, the first has ${table.columns}`,
      );
    }
    cellsSeen += cells.length;
    if (cellsSeen > MAX_CELLS) {
      const advice = "save the features as an .npy or .npz file";
      throw new BadFileError(table.file, `more than ${MAX_CELLS} cells; ${advice}`);
    }
    visit(cells, line);
  });
}

function parseRows(
  { file, text, separator }: Pick<TextTable, "file" | "text" | "separator">,
  visit: VisitRow,
  most?: number,
): void {
  if (isPlain(text)) {
    plainRows({ file, text, separator }, visit, most);
    return;
  }
  try {
    parse(text, {
      delimiter: separator,
      comment: "#",
      comment_no_infix: true,
      trim: true,
      relax_quotes: true,
      relax_column_count: true,
      skip_empty_lines: true,
      max_record_size: MAX_ROW,
      ...(most !== undefined && { to: most }),
      on_record: (record: string[], { lines }) => {
        // Between columns that are aligned with spaces, each further space is an empty cell.
        const cells = separator === " " ? record.filter((cell) => cell !== "") : record;
        visit(cells, lines);
        return null;
      },
    });
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    const { code, lines } = error as CsvError & { readonly lines?: number };
    const what = code.includes("QUOTE") ? "a quote is not closed, or not opened" : error.message;
    const where = typeof lines === "number" ? `line ${lines}: ` : "";
    throw new BadFileError(file, `${where}${printable(what, 200)}`, { cause: error });
  }
}

/** Whether every line is a row, and every separator ends a cell: no quotes, and lines that end in one way. */
function isPlain(text: string): boolean {
  if (text.includes('"')) return false;
  return !text.includes("\r") || !/(^|[^\r])\n|\r(?!\n)/.test(text);
}

/** What the parser makes of a plain text, in a fifth of its time. */
function plainRows(
  { file, text, separator }: Pick<TextTable, "file" | "text" | "separator">,
  visit: VisitRow,
  most = Number.POSITIVE_INFINITY,
): void {
  // What is before a row's first cell, or comment.
  const inked = separator === "\t" ? /[^ \r\f]/ : separator === " " ? /[^\t\r\f]/ : /[^ \t\r\f]/;
  for (let [start, line, rows] = [0, 1, 0]; start < text.length && rows < most; line++) {
    const end = text.indexOf("\n", start);
    const row = text.slice(start, end < 0 ? text.length : end);
    start += row.length + 1;
    if (row.length > MAX_ROW) {
      throw new BadFileError(file, `line ${line}: more than ${MAX_ROW} characters in a row`);
    }
    const first = row.search(inked);
    if (first < 0 || row[first] === "#") continue;
    const cells = row.split(separator);
    for (let k = 0; k < cells.length; k++) cells[k] = trimmed(cells[k]!);
    rows++;
    visit(separator === " " ? cells.filter((cell) => cell !== "") : cells, line);
  }
}

/** As the parser does: of what is no ASCII, only spaces after a cell are left out. */
function trimmed(cell: string): string {
  const rest = cell.charCodeAt(0) <= 32 ? cell.trimStart() : cell;
  return rest.trimEnd();
}

function separatorOf(lines: readonly string[]): string {
  const counts = (separator: string): number[] =>
    lines.map((line) => line.trim().split(separator).length - 1);
  const regular = ["\t", ",", ";", "|"].find((separator) => {
    const [first, ...rest] = counts(separator);
    return first! > 0 && rest.every((count) => count === first);
  });
  if (regular !== undefined) return regular;
  // Quoted cells may hold separators, and a faulty row may lack one: then the most frequent one counts.
  const sum = (separator: string): number => counts(separator).reduce((a, b) => a + b, 0);
  const usual = ["\t", ",", ";", "|"].toSorted((a, b) => sum(b) - sum(a))[0]!;
  if (sum(usual) >= lines.length / 2) return usual;
  return sum(" ") > 0 ? " " : ",";
}

/** A first row is a header if it has a known name, or text above a column of numbers. */
function isHeader(rows: readonly (readonly string[])[], words: ReadonlySet<string>): boolean {
  const [head, ...rest] = rows as [readonly string[], ...(readonly string[])[]];
  // A numbered column stands at its number; other numbers are data, beside a cell that happens to be a known word.
  const numbered = head.every(
    (cell, k) => !isNumber(cell) || cell === String(k) || cell === String(k - 1),
  );
  if (numbered && head.some((cell) => words.has(cell.toLowerCase()))) return true;
  // pandas writes the numbers of unnamed columns after an empty cell.
  if (head[0] === "" && head.slice(1).every((cell, k) => cell === String(k))) return true;
  if (rest.length === 0 || head.some(isNumber)) return false;
  return head.some((_, k) => rest.every((row) => isNumber(row[k] ?? "")));
}

/** Decodes a text file. @throws BadFileError for another encoding than UTF-8, naming the place */
export function decoded(file: string, bytes: Buffer): string {
  const [a, b] = bytes;
  if ((a === 0xff && b === 0xfe) || (a === 0xfe && b === 0xff)) {
    throw new BadFileError(file, "it is UTF-16; save it as UTF-8");
  }
  const zero = bytes.subarray(0, SAMPLE_BYTES).indexOf(0);
  if (zero >= 0) throw new BadFileError(file, `byte ${zero} is 0: it is not a text file`);
  // TextDecoder leaves out a byte order mark.
  if (isUtf8(bytes)) return new TextDecoder().decode(bytes);
  const at = firstBadByte(bytes);
  const line = 1 + bytes.subarray(0, at).filter((byte) => byte === 10).length;
  const start = at === 0 ? 0 : bytes.lastIndexOf(10, at - 1) + 1;
  const place = `line ${line}, byte ${at - start + 1} of the line`;
  throw new BadFileError(file, `${place}: it is not UTF-8 (Latin-1?); save it as UTF-8`);
}

/** Where a text stops being UTF-8. */
function firstBadByte(bytes: Buffer): number {
  let at = 0;
  for (let next = bytes.indexOf(10); next >= 0; next = bytes.indexOf(10, at)) {
    if (!isUtf8(bytes.subarray(at, next))) break;
    at = next + 1;
  }
  for (;;) {
    const isWhole = (width: number): boolean => isUtf8(bytes.subarray(at, at + width));
    const width = at < bytes.length ? [1, 2, 3, 4].find(isWhole) : undefined;
    if (width === undefined) return at;
    at += width;
  }
}
