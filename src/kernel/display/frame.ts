// danfojs data frames and series, and arrays of records, as tables.
import { types } from "node:util";
import type { Bundle } from "../channel.ts";
import { count } from "./numbers.ts";
import { type Column, htmlTable, textTable } from "./table.ts";

/** The parts of a danfojs DataFrame or Series that a view needs. */
export interface FrameLike {
  readonly $isSeries: boolean;
  readonly columns: readonly unknown[];
  readonly index: readonly unknown[];
  readonly dtypes: readonly unknown[];
  /** Rows of a frame, values of a series. */
  readonly values: ArrayLike<unknown>;
}

export function isFrame(value: unknown): value is FrameLike {
  if (typeof value !== "object" || value === null || types.isProxy(value)) return false;
  // no getter of anything else is run to find out
  if (typeof Object.getOwnPropertyDescriptor(value, "$isSeries")?.value !== "boolean") return false;
  const { columns, index, dtypes, values } = value as Partial<FrameLike>;
  return isList(values) && Array.isArray(columns) && Array.isArray(index) && Array.isArray(dtypes);
}

function isList(value: unknown): boolean {
  return Array.isArray(value) || ArrayBuffer.isView(value);
}

/** A frame within another value: one line. */
export function frameLine(frame: FrameLike): string {
  const { $isSeries, columns, dtypes, index } = frame;
  if ($isSeries) return `Series ${columns[0]} ${dtypes[0]} (${index.length})`;
  return `DataFrame (${index.length} rows × ${columns.length} columns)`;
}

export function frameBundle(frame: FrameLike): Bundle {
  const { $isSeries, index, dtypes, values } = frame;
  const names: Column = { name: "", isIndex: true, at: (row) => index[row] };
  const columns = frame.columns.map(
    (name, i): Column => ({
      name: String(name),
      type: String(dtypes[i]),
      at: (row) => ($isSeries ? values[row] : (values[row] as ArrayLike<unknown>)[i]),
    }),
  );
  const rows = index.length;
  const caption = $isSeries
    ? `${count(rows)} values`
    : `${count(rows)} rows × ${count(columns.length)} columns`;
  return {
    "text/html": htmlTable([names, ...columns], rows, caption),
    "text/plain": textTable([names, ...columns], rows, caption),
  };
}

const MOST_COLUMNS = 12;
const LONGEST = 40;

/**
 * The HTML table of an array of records, where it is one that a table shows better than text does:
 * a few plain objects with the same keys and short values.
 */
export function recordsTable(value: unknown): string | undefined {
  if (!Array.isArray(value) || types.isProxy(value)) return undefined;
  if (value.length < 2 || value.length > 20) return undefined;
  const keys = Object.keys(Object(value[0]));
  if (keys.length === 0 || keys.length > MOST_COLUMNS) return undefined;
  const known = JSON.stringify(keys);
  const records: Record<string, unknown>[] = [];
  for (const item of value) {
    const record = shortRecord(item);
    if (!record || JSON.stringify(Object.keys(record)) !== known) return undefined;
    records.push(record);
  }
  const index: Column = { name: "", isIndex: true, at: (row) => row };
  const columns = keys.map((name): Column => ({ name, at: (row) => records[row]?.[name] }));
  return htmlTable([index, ...columns], records.length);
}

/** The values of a plain object of short values, read without running a getter. */
function shortRecord(item: unknown): Record<string, unknown> | undefined {
  if (typeof item !== "object" || item === null || types.isProxy(item)) return undefined;
  const proto = Object.getPrototypeOf(item);
  if (proto !== Object.prototype && proto !== null) return undefined;
  const record: Record<string, unknown> = Object.create(null);
  for (const [key, property] of Object.entries(Object.getOwnPropertyDescriptors(item))) {
    const { value } = property;
    if (!("value" in property) || !property.enumerable) return undefined;
    if ((typeof value === "object" && value !== null) || typeof value === "function") {
      return undefined;
    }
    if (typeof value === "symbol" || String(value).length > LONGEST) return undefined;
    record[key] = value;
  }
  return record;
}
