// Reads the times of nodes: numbers in any unit, or dates in ISO 8601.
import { printable } from "../../base/printable.ts";
import { toFloat64 } from "../../formats/arrays.ts";
import { isNumber } from "../../formats/csv.ts";
import { BadFileError } from "../../formats/errors.ts";
import type { OwnArrays } from "./own-arrays.ts";

/** What a column or an array of times is called. */
export const TIMES = [
  "time",
  "times",
  "timestamp",
  "timestamps",
  "date",
  "datetime",
  "year",
].concat([...["years", "node_year", "node_time", "node_date"]]);

const DATE = /^\d{4}-\d{2}(-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?)?)?$/;

/**
 * @param texts numbers, or dates such as 2020-01-31; a date without a zone is in UTC
 * @param name how messages call the entry of a node
 * @throws BadFileError for a node without a time, or dates among numbers
 */
export function timesOf(texts: readonly string[], name: (node: number) => string): Float64Array {
  const numbers = texts.some(isNumber);
  return Float64Array.from(texts, (text, node) => {
    const day = text.replace(" ", "T");
    const zone = day.includes("T") && !/(Z|[+-]\d{2}:?\d{2})$/.test(day) ? "Z" : "";
    const time = numbers
      ? isNumber(text)
        ? Number(text)
        : Number.NaN
      : DATE.test(text)
        ? Date.parse(day + zone)
        : Number.NaN;
    if (Number.isFinite(time)) return time;
    const what = numbers ? "not a number, as other times are" : "neither a number nor a date";
    throw new BadFileError(name(node), `"${printable(text)}" is ${what} (2020-01-31)`);
  });
}

/** @throws BadFileError for an array that has not one time for each node */
export function timeArray(arrays: OwnArrays, name: string, nodes: number): Float64Array {
  const where = arrays.where(name);
  const named = arrays.texts(name);
  const { shape } = named ?? arrays.array(name);
  const [rows, columns = 1, ...rest] = shape;
  if (rows !== nodes || columns !== 1 || rest.length > 0) {
    throw new BadFileError(
      where,
      `shape (${shape.join(", ")}), not a time for each of ${nodes} nodes`,
    );
  }
  return named
    ? timesOf(named.texts, (k) => `${where}: entry ${k}`)
    : toFloat64(arrays.array(name), where);
}
