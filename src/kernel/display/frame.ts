// danfojs data frames and series: recognises them, and describes them in one line.
import { types } from "node:util";

/** The parts of a danfojs DataFrame or Series that a view needs. */
export interface FrameLike {
  readonly $isSeries: boolean;
  readonly columns: readonly unknown[];
  readonly index: readonly unknown[];
  readonly dtypes: readonly unknown[];
  /** The rows of a frame, or the values of a series. */
  readonly values: ArrayLike<unknown>;
}

export function isFrame(value: unknown): value is FrameLike {
  if (typeof value !== "object" || value === null || types.isProxy(value)) return false;
  // This check runs no getter of other objects.
  if (typeof Object.getOwnPropertyDescriptor(value, "$isSeries")?.value !== "boolean") return false;
  const { columns, index, dtypes, values } = value as Partial<FrameLike>;
  return isList(values) && Array.isArray(columns) && Array.isArray(index) && Array.isArray(dtypes);
}

function isList(value: unknown): boolean {
  return Array.isArray(value) || ArrayBuffer.isView(value);
}

/** Describes a frame inside another value, in one line. */
export function frameLine(frame: FrameLike): string {
  const { $isSeries, columns, dtypes, index } = frame;
  if ($isSeries) return `Series ${columns[0]} ${dtypes[0]} (${index.length})`;
  return `DataFrame (${index.length} rows × ${columns.length} columns)`;
}
