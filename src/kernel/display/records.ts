// Shows arrays of similar records as tables.
import { types } from "node:util";
import { isLeaf, leafText } from "./leaves.ts";
import { count } from "./numbers.ts";
import { isTextWhole } from "./outline.ts";
import { type Column, htmlTable, isShownWhole, ROWS } from "./table.ts";

const MOST_COLUMNS = 100;
/** The number of records examined, spread over the whole array. */
const LOOKED_AT = 200;

/**
 * Returns the HTML table of an array of records, shortened to its head and tail. Returns undefined for
 * anything but an array of plain objects that have most fields in common, and for a few records that
 * text can show in full and table cells cannot.
 */
export function recordsTable(value: unknown): string | undefined {
  if (!Array.isArray(value) || types.isProxy(value) || value.length < 2) return undefined;
  const fields = fieldsOf(value);
  if (!fields) return undefined;
  const rows = value.length;
  const index: Column = { name: "", isIndex: true, at: (row) => row };
  const columns = fields.map((name): Column => ({ name, at: (row) => read(value, row, name) }));
  const table = [index, ...columns];
  const isWhole = isShownWhole(table, rows);
  const isFew = rows <= ROWS && !isWhole;
  if (isFew && isTextWhole(value, { isLeaf, text: leafText })) return undefined;
  const size = `${count(rows)} records × ${count(columns.length)} fields`;
  return htmlTable(table, rows, isWhole ? undefined : size);
}

/** A missing field is an empty cell. */
const MISSING = "";

function read(records: readonly unknown[], row: number, name: string): unknown {
  const record = records[row];
  return isPlain(record) ? (dataOf(record, name) ?? { value: MISSING }).value : MISSING;
}

/** Returns the names of all fields if the records are similar. */
function fieldsOf(records: readonly unknown[]): string[] | undefined {
  const filled = new Map<string, number>();
  let nested = 0;
  let seen = 0;
  const step = Math.max(1, (records.length - 1) / (LOOKED_AT - 1));
  for (let at = 0; at < records.length; at += step) {
    const record = records[Math.round(at)];
    if (!isPlain(record)) return undefined;
    seen++;
    for (const name of Object.keys(record)) {
      const data = dataOf(record, name);
      if (!data || typeof data.value === "function" || typeof data.value === "symbol") {
        return undefined;
      }
      if (isNested(data.value)) nested++;
      filled.set(name, (filled.get(name) ?? 0) + 1);
      if (filled.size > MOST_COLUMNS) return undefined;
    }
  }
  const cells = [...filled.values()].reduce((all, each) => all + each, 0);
  const isAlike = cells > (seen * filled.size) / 2;
  return isAlike && nested < cells / 2 ? [...filled.keys()] : undefined;
}

function isPlain(value: unknown): value is object {
  if (typeof value !== "object" || value === null || types.isProxy(value)) return false;
  const proto: unknown = Object.getPrototypeOf(value);
  return proto === Object.prototype || proto === null;
}

function isNested(value: unknown): boolean {
  return typeof value === "object" && value !== null && !types.isDate(value);
}

/** Returns a property's value; undefined for a getter, which is not run. */
function dataOf(record: object, name: string): { readonly value: unknown } | undefined {
  const property = Object.getOwnPropertyDescriptor(record, name);
  return property && "value" in property ? { value: property.value } : undefined;
}
