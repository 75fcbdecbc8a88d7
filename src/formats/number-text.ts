// Parses blocks of comma separated numbers from their bytes, without making text of them.
import { BadFileError } from "./errors.ts";

/** `i32`: whole numbers of int32; `f32`: finite numbers, rounded to float32. */
export type NumberKind = "i32" | "f32";

/** Whole rows of a table of numbers. */
export interface NumberBlock {
  /** Row by row. */
  readonly values: Int32Array | Float32Array;
  readonly rows: number;
}

/** What is wrong in a block: the row counts from the block's first, the column from the row's. */
export class BadNumber extends Error {
  readonly row: number;
  readonly column: number;

  constructor(row: number, column: number, what: string) {
    super(what);
    this.row = row;
    this.column = column;
  }

  /** @param rows how many rows came before this block */
  in(file: string, rows: number): BadFileError {
    return new BadFileError(
      file,
      `line ${rows + this.row + 1}, column ${this.column + 1}: ${this.message}`,
    );
  }
}

const [COMMA, LINE, RETURN, MINUS, PLUS, DOT, ZERO, E, CAPITAL_E] = [
  44, 10, 13, 45, 43, 46, 48, 101, 69,
];
/** Powers of ten that are exact in float64. */
const TENS = Float64Array.from({ length: 23 }, (_, k) => 10 ** k);
/** A number of so many digits is exact in float64. */
const EXACT_DIGITS = 15;
/** A longer cell is no number. */
const LONGEST_CELL = 64;

/**
 * Parses whole lines; the last one needs no line feed.
 * @param bytes rows of exactly `columns` numbers, separated by commas; no header, no quotes, no spaces
 * @throws BadNumber for the first cell that is no number of this kind, and for a row of another length
 */
export function parseNumbers(bytes: Uint8Array, columns: number, kind: NumberKind): NumberBlock {
  let lines = 0;
  for (let k = 0; k < bytes.length; k++) if (bytes[k] === LINE) lines++;
  if (bytes.length > 0 && bytes[bytes.length - 1] !== LINE) lines++;
  // A cell takes two bytes at least, whatever is claimed of rows and columns.
  const room = Math.min(lines * columns, Math.ceil(bytes.length / 2) + 1);
  const values = kind === "i32" ? new Int32Array(room) : new Float32Array(room);
  const cell = kind === "i32" ? wholeNumber : realNumber;
  let [row, column, start, count] = [0, 0, 0, 0];
  for (let at = 0; at <= bytes.length; at++) {
    const byte = at < bytes.length ? bytes[at]! : LINE;
    if (byte !== COMMA && byte !== LINE) continue;
    if (at === bytes.length && start === at && column === 0) break;
    const end = byte === LINE && at > start && bytes[at - 1] === RETURN ? at - 1 : at;
    if (column >= columns) {
      throw new BadNumber(row, column, `one more than the row's ${columns} numbers`);
    }
    const value = cell(bytes, start, end);
    if (Number.isNaN(value)) throw new BadNumber(row, column, faultOf(bytes, start, end, kind));
    values[count++] = value;
    column++;
    start = at + 1;
    if (byte === COMMA) continue;
    if (column < columns) {
      throw new BadNumber(row, column - 1, `the row ends after ${column} of ${columns} numbers`);
    }
    row++;
    column = 0;
  }
  return { values: count === room ? values : values.slice(0, count), rows: row };
}

/** @returns NaN for what is no int32 */
function wholeNumber(bytes: Uint8Array, start: number, end: number): number {
  const negative = bytes[start] === MINUS;
  const first = negative ? start + 1 : start;
  if (end === first || end - first > 10) return Number.NaN;
  let value = 0;
  for (let k = first; k < end; k++) {
    const digit = bytes[k]! - ZERO;
    if (digit < 0 || digit > 9) return Number.NaN;
    value = value * 10 + digit;
  }
  if (negative) value = -value;
  return value === (value | 0) ? value : Number.NaN;
}

/**
 * Rounds twice, to float64 and then to float32, as numpy does with a column of a text file.
 * @returns NaN for what is no finite float32
 */
function realNumber(bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  const negative = bytes[at] === MINUS;
  if (negative || bytes[at] === PLUS) at++;
  let [value, digits, decimals, dotted] = [0, 0, 0, false];
  for (; at < end; at++) {
    const digit = bytes[at]! - ZERO;
    if (digit >= 0 && digit <= 9) {
      value = value * 10 + digit;
      digits++;
      if (dotted) decimals++;
    } else if (bytes[at] === DOT && !dotted) dotted = true;
    else break;
  }
  if (digits === 0) return Number.NaN;
  if (at === end && digits <= EXACT_DIGITS) {
    // One rounding: both sides of the division are exact (Clinger 1990).
    value /= TENS[decimals]!;
    return Math.fround(negative ? -value : value);
  }
  if (at < end && bytes[at] !== E && bytes[at] !== CAPITAL_E) return Number.NaN;
  if (end - start > LONGEST_CELL) return Number.NaN;
  const rest = String.fromCharCode(...bytes.subarray(start, end));
  const slow = Math.fround(Number(rest));
  return Number.isFinite(slow) ? slow : Number.NaN;
}

function faultOf(bytes: Uint8Array, start: number, end: number, kind: NumberKind): string {
  if (end === start) return "an empty cell; a number is expected";
  const shown = String.fromCharCode(...bytes.subarray(start, Math.min(end, start + 20)));
  const safe = shown.replace(/[^\x20-\x7e]/g, "?");
  const more = end - start > 20 ? "..." : "";
  return `"${safe}${more}" is not a ${kind === "i32" ? "whole number of 32 bits" : "finite number"}`;
}
