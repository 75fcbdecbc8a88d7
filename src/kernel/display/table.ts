// Tables, as HTML with everything escaped and as aligned text.

import { inspect, types } from "node:util";
import { childrenOf, isContainer } from "./children.ts";
import { escapeHtml } from "./escape.ts";
import { isLeaf, leafText } from "./leaves.ts";
import { sixDigits } from "./numbers.ts";
import { wholeLine } from "./outline.ts";

export interface Column {
  readonly name: string;
  /** The column's type, shown under its name. */
  readonly type?: string;
  /** Whether the column holds the rows' names rather than values. */
  readonly isIndex?: boolean;
  at(row: number): unknown;
}

/** Tables of up to this many rows are shown in full. */
export const ROWS = 20;
const COLUMNS = 16;
const CELL = 50;
const WIDTH = 100;

/** Prints a table as HTML, at most a screenful: middle rows and columns are left out. */
export function htmlTable(columns: readonly Column[], rows: number, caption?: string): string {
  const cut = cutTable(columns, rows, COLUMNS);
  const cell = (tag: string, text: string) => `<${tag}>${escapeHtml(text)}</${tag}>`;
  const line = (cells: string[]) => `<tr>${cells.join("")}</tr>`;
  const head = cut.columns.map(({ name, type }) => {
    const small = type ? `<br><small>${escapeHtml(type)}</small>` : "";
    return `<th>${escapeHtml(shortText(name))}${small}</th>`;
  });
  const body = cut.rows.map((texts) =>
    line(texts.map((text, i) => cell(cut.columns[i]!.isIndex ? "th" : "td", text))),
  );
  return [
    '<table class="dataframe">',
    `<thead>${line(head)}</thead>`,
    `<tbody>\n${body.join("\n")}\n</tbody>`,
    "</table>",
    ...(caption ? [`<p>${escapeHtml(caption)}</p>`] : []),
  ].join("\n");
}

/** Prints the same table as text. */
export function textTable(columns: readonly Column[], rows: number, caption?: string): string {
  for (let most = COLUMNS; ; most -= 2) {
    const cut = cutTable(columns, rows, most);
    const grid = [
      cut.columns.map(({ name }) => shortText(name)),
      ...(columns.some(({ type }) => type) ? [cut.columns.map(({ type }) => type ?? "")] : []),
      ...cut.rows,
    ];
    const widths = cut.columns.map((_, i) => Math.max(...grid.map((cells) => cells[i]!.length)));
    const width = widths.reduce((sum, each) => sum + each + 2, 0);
    if (width > WIDTH && most > 4 && cut.columns.length > 4) continue;
    const lines = grid.map((cells) =>
      cells
        .map((text, i) => text.padStart(widths[i]!))
        .join("  ")
        .trimEnd(),
    );
    return [...lines, ...(caption ? [caption] : [])].join("\n").toWellFormed();
  }
}

function cutTable(columns: readonly Column[], rows: number, most: number) {
  const shownColumns = elide(columns.length, most).map(
    (i): Column => (i < 0 ? { name: "...", at: () => "..." } : columns[i]!),
  );
  const shownRows = elide(rows, ROWS).map((row) =>
    shownColumns.map((column) => (row < 0 ? "..." : cellText(column, row))),
  );
  return { columns: shownColumns, rows: shownRows };
}

/** Returns the shown indices below `size`, and -1 for the part left out of the middle. */
function elide(size: number, most: number): number[] {
  if (size <= most) return Array.from({ length: size }, (_, i) => i);
  const head = Math.ceil(most / 2);
  const tail = most - head;
  return Array.from({ length: most + 1 }, (_, i) =>
    i < head ? i : i === head ? -1 : size - tail + (i - head - 1),
  );
}

/** Whether a table shows all its columns, rows and values. */
export function isShownWhole(columns: readonly Column[], rows: number): boolean {
  if (columns.length > COLUMNS || rows > ROWS) return false;
  return columns.every((column) => {
    for (let row = 0; row < rows; row++) if (!fitsCell(column.at(row))) return false;
    return true;
  });
}

function fitsCell(value: unknown): boolean {
  if (typeof value === "string") return value.length <= CELL && !/\n/.test(value);
  return typeof value !== "object" || lineOf(value) !== undefined;
}

function cellText(column: Column, row: number): string {
  try {
    const value = column.at(row);
    if (typeof value === "string") return shortText(value);
    if (typeof value === "number") return sixDigits(value);
    if (typeof value !== "object" || value === null) return shortText(String(value));
    return shortText(lineOf(value) ?? summaryOf(value));
  } catch {
    return "(cannot be read)";
  }
}

/** Prints all of a value on one line of a cell's width; undefined if it does not fit. */
function lineOf(value: unknown): string | undefined {
  if (types.isDate(value) && !Number.isNaN(value.getTime())) return value.toISOString();
  return wholeLine(value, CELL, { isLeaf, text: leafText });
}

/** Prints the beginning of a value. */
function summaryOf(value: object): string {
  if (isContainer(value) && childrenOf(value).more > 0 && !Array.isArray(value)) return "[Object]";
  return inspect(value, { depth: 0, maxArrayLength: 4, maxStringLength: CELL });
}

/** Cuts a text to one line of a cell's width. */
function shortText(text: string): string {
  const line = text.slice(0, CELL + 1).replace(/\s/g, " ");
  return line.length > CELL ? `${line.slice(0, CELL - 3)}...` : line;
}
