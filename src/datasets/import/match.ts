// Finds by contents which table is the edge list, where no names say so: two of its columns hold another table's ids.
import { isNumber, type TextTable, visitRows } from "../../formats/csv.ts";
import { idOf } from "./scan.ts";

export interface Match {
  readonly edges: TextTable;
  readonly ends: readonly [number, number];
  readonly nodes: TextTable;
  readonly id: number;
  /** The ids are numbers, which other columns may hold by chance: a name says more. */
  readonly byNumbers: boolean;
}

/** Of wider tables, only so many columns may be ids or ends. */
const MOST_COLUMNS = 20;
const SAMPLE = 200;
/** The share of a sample's ends that are ids; some edges may lead to nowhere. */
const ENOUGH = 0.9;

/** @returns the one match, or undefined where there is none, or several */
export function matchTables(tables: readonly TextTable[]): Match | undefined {
  const samples = tables.map((table) => sampleOf(table));
  const found: Match[] = [];
  for (const nodes of tables) {
    for (const { id, ids } of idColumns(nodes)) {
      for (const [t, edges] of tables.entries()) {
        if (edges === nodes) continue;
        const byNumbers = [...ids].slice(0, SAMPLE).every(isNumber);
        const ends = endsIn(samples[t]!, ids, byNumbers);
        if (!ends) continue;
        found.push({ edges: named(edges, samples[t]!, ends, ids), ends, nodes, id, byNumbers });
      }
    }
  }
  return found.length === 1 ? found[0] : undefined;
}

/** The first rows, the one that may be a header included, by column. */
function sampleOf(table: TextTable): string[][] {
  const rows: string[][] = table.header ? [[...table.header]] : [];
  visitRows({ ...table, text: firstLines(table.text) }, (cells) => rows.push(cells.map(idOf)));
  return rows;
}

function firstLines(text: string): string {
  let end = 0;
  for (let line = 0; line < 2 * SAMPLE && end >= 0; line++) end = text.indexOf("\n", end + 1);
  return end < 0 ? text : text.slice(0, end);
}

/** Columns of text, or of whole numbers, all of them different. */
function idColumns(table: TextTable): { id: number; ids: ReadonlySet<string> }[] {
  const width = Math.min(table.columns, MOST_COLUMNS);
  const columns = Array.from({ length: width }, () => new Set<string>());
  const distinct = columns.map(() => true);
  let rows = 0;
  visitRows(table, (cells) => {
    rows++;
    for (let k = 0; k < width; k++) {
      if (!distinct[k]) continue;
      const cell = idOf(cells[k]!);
      const other = cell === "" || (isNumber(cell) && !/^\d+$/.test(cell));
      columns[k]!.add(cell);
      if (other || columns[k]!.size < rows) distinct[k] = false;
    }
  });
  return columns.flatMap((ids, id) => (distinct[id] && ids.size > 1 ? [{ id, ids }] : []));
}

/** The two columns whose cells are ids, if they are two: the first row may be a header. */
function endsIn(
  rows: readonly (readonly string[])[],
  ids: ReadonlySet<string>,
  byNumbers: boolean,
): [number, number] | undefined {
  const body = rows.slice(1);
  if (body.length === 0) return undefined;
  // Numbers are often counters or amounts too: each of them must be an id.
  const share = byNumbers ? 1 : ENOUGH;
  const fewest = byNumbers ? Math.min(ids.size, body.length) / 4 : 2;
  const width = Math.min(rows[0]!.length, MOST_COLUMNS);
  const hits = Array.from({ length: width }, (_, k) => {
    const known = body.reduce((sum, row) => sum + Number(ids.has(row[k]!)), 0);
    const different = new Set(body.map((row) => row[k])).size;
    return known >= share * body.length && (different >= fewest || body.length < 3);
  });
  const [from, to, third] = hits.flatMap((hit, k) => (hit ? [k] : []));
  return from !== undefined && to !== undefined && third === undefined ? [from, to] : undefined;
}

/** The table with its first row as a header, if that row is none of the edges. */
function named(
  table: TextTable,
  rows: readonly (readonly string[])[],
  ends: readonly [number, number],
  ids: ReadonlySet<string>,
): TextTable {
  if (table.header || ends.some((k) => ids.has(rows[0]![k]!))) return table;
  return { ...table, header: rows[0]! };
}
