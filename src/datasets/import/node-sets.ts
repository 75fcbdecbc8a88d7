// Reads the sets of nodes in text tables: a column of names, three columns of masks, or a file for each set.
import path from "node:path";
import { printable } from "../../base/printable.ts";
import { cellName, isNumber, type TextTable, visitRows } from "../../formats/csv.ts";
import { BadFileError } from "../../formats/errors.ts";
import type { RawSplit } from "../splits.ts";
import type { NodeTable } from "./columns.ts";
import type { Nodes } from "./edge-table.ts";
import { idOf } from "./scan.ts";

const SET_NAMES: readonly [keyof RawSplit, RegExp][] = [
  ["train", /^(train|training|tr)$/i],
  ["val", /^(val|valid|validation|dev|va)$/i],
  ["test", /^(test|testing|te)$/i],
];
const SET_FILE =
  /^(train|val|valid|validation|test)([_-]?(mask|idx|index|ids?|nodes|set|split))?\./i;

/** @param column the cells of a column by node */
export function splitOf(
  { table, set, masks }: NodeTable,
  column: (k: number) => readonly string[],
): RawSplit | undefined {
  if (set === undefined && !masks) return undefined;
  const texts = set === undefined ? [] : column(set);
  const isIn = masks
    ? (key: keyof RawSplit): ((node: number) => boolean) => {
        const bits = column(masks[key]);
        return (node) => /^(1|true)$/i.test(bits[node]!);
      }
    : (_: keyof RawSplit, pattern: RegExp): ((node: number) => boolean) =>
        (node) =>
          pattern.test(texts[node]!);
  const nodes = masks ? column(masks.train).length : texts.length;
  const sets = SET_NAMES.map(([key, pattern]) => {
    const member = isIn(key, pattern);
    const found: number[] = [];
    for (let node = 0; node < nodes; node++) if (member(node)) found.push(node);
    if (found.length > 0) return [key, Int32Array.from(found)] as const;
    const what = masks ? `column ${masks[key] + 1}` : "its column of sets";
    throw new BadFileError(table.file, `${what} names no node of the set "${key}"`);
  });
  return Object.fromEntries(sets) as unknown as RawSplit;
}

/** Splits off the tables that only list the nodes of a set: train.txt, val.txt, test.txt. */
export function setTables(tables: readonly TextTable[]): {
  readonly rest: TextTable[];
  readonly sets: TextTable[];
} {
  const isSet = ({ file, columns }: TextTable): boolean =>
    columns === 1 && SET_FILE.test(path.basename(file));
  return { sets: tables.filter(isSet), rest: tables.filter((table) => !isSet(table)) };
}

/** A list of ids, or of nodes' numbers, or a mask with a row for each node. */
export function splitFrom(tables: readonly TextTable[], where: string, nodes: Nodes): RawSplit {
  const sets = SET_NAMES.map(([key, pattern]) => {
    const [table, second] = tables.filter(({ file }) =>
      pattern.test(/^[a-z]+/i.exec(path.basename(file))![0]),
    );
    if (!table) throw new BadFileError(where, `it has files of sets, but none for "${key}"`);
    if (second) {
      const names = [table, second].map(({ file }) => path.basename(file)).join(" and ");
      throw new BadFileError(where, `${names} are both of the set "${key}"; keep one`);
    }
    return [key, membersOf(table, nodes)] as const;
  });
  return Object.fromEntries(sets) as unknown as RawSplit;
}

function membersOf(table: TextTable, { nodes, file, index }: Nodes): Int32Array {
  const [cells, lines]: [string[], number[]] = [[], []];
  visitRows(table, ([cell], line) => {
    cells.push(idOf(cell!));
    lines.push(line);
  });
  const bits = cells.length === nodes && cells.every((cell) => /^([01]|true|false)$/i.test(cell));
  if (bits) {
    const isIn = (cell: string): boolean => /^(1|true)$/i.test(cell);
    return Int32Array.from(cells.flatMap((cell, node) => (isIn(cell) ? [node] : [])));
  }
  const seen = new Set<number>();
  for (const [row, id] of cells.entries()) {
    const node = index ? index.get(id) : isNumber(id) ? Number(id) : undefined;
    const where = (): string => cellName(table, lines[row]!, 0);
    if (node === undefined || !Number.isInteger(node) || node < 0 || node >= nodes) {
      throw new BadFileError(where(), `"${printable(id)}" is no node of ${path.basename(file)}`);
    }
    if (seen.has(node)) throw new BadFileError(where(), `"${printable(id)}" is there twice`);
    seen.add(node);
  }
  return Int32Array.from(seen).sort();
}
