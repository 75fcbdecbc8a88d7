// Columns of features by their names: which file calls them what, and in which order another file has them.
import { printable } from "../../base/printable.ts";
import { type Csr, takeCsrRows, transpose } from "../../graph/csr.ts";
import type { NodeTable } from "./columns.ts";

/**
 * The names of the features of a table; those of a list of numbers are name[0], name[1] ...
 * @param columns how many features the table has
 * @returns undefined if a column has no name, or two have the same
 */
export function featureNames(
  { table: { header }, features, lists }: Pick<NodeTable, "table" | "features" | "lists">,
  columns: number,
): string[] | undefined {
  if (!header || lists.size > 1) return undefined;
  const width = columns - (features.length - lists.size);
  const names = features.flatMap((k) =>
    lists.has(k) ? Array.from({ length: width }, (_, i) => `${header[k]}[${i}]`) : [header[k]!],
  );
  const differ = new Set(names).size === names.length;
  return differ && names.every((name) => name !== "") ? names : undefined;
}

/**
 * Finds columns by their names.
 * @param wanted the names, in their order
 * @param strict whether there must be no other columns
 * @returns the place of each among those found, or what is missing or unknown, in a few words
 */
export function columnOrder(
  wanted: readonly string[],
  found: readonly string[],
  strict = true,
): Int32Array | string {
  const places = new Map(found.map((name, place) => [name, place]));
  const missing = wanted.find((name) => !places.has(name));
  if (missing !== undefined) return `no column "${printable(missing)}"`;
  if (strict && found.length > wanted.length) {
    const known = new Set(wanted);
    const unknown = found.find((name) => !known.has(name))!;
    return `a column "${printable(unknown)}" that is no feature`;
  }
  return Int32Array.from(wanted, (name) => places.get(name)!);
}

/** The columns in another order. @param order of each column its place in the matrix */
export function inOrder(matrix: Csr, order: Int32Array): Csr {
  if (order.every((place, column) => place === column)) return matrix;
  return transpose(takeCsrRows(transpose(matrix).matrix, order)).matrix;
}
