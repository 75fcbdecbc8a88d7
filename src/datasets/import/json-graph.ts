// Reads a graph from JSON: nodes and links as networkx and D3 write them, or arrays by name, as in WikiCS.
import { printable } from "../../base/printable.ts";
import { openTable, type TextTable } from "../../formats/csv.ts";
import { BadFileError } from "../../formats/errors.ts";
import { ARRAY_WORDS, readArrays } from "./arrays.ts";
import type { ReadChoices } from "./choices.ts";
import type { FoundGraph } from "./found.ts";
import { OwnArrays } from "./own-arrays.ts";
import { readTableParts, WORDS } from "./tables.ts";

type Json = Readonly<Record<string, unknown>>;

/** Names of adjacency lists: the neighbours of each node. */
const NEIGHBOURS = /^(links|neighbou?rs|adj_lists?|adjacency_lists?)$/i;
/** More different attributes of nodes than this are no table. */
const MOST_COLUMNS = 10_000;

/** @returns undefined for JSON that is no graph */
export async function readJsonGraph(
  file: string,
  parsed: unknown,
  choices: ReadChoices,
): Promise<FoundGraph | undefined> {
  if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed)) return undefined;
  const graph = parsed as Json;
  const links = graph["links"] ?? graph["edges"];
  if (isRecords(graph["nodes"]) && isRecords(links)) {
    const edges = asTable(`${file}: links as a table`, links);
    const nodes = asTable(`${file}: nodes as a table`, graph["nodes"]);
    const found = await readTableParts({ folder: file, edges, others: [nodes] }, choices);
    return { ...found, form: "JSON of nodes and links" };
  }
  const arrays = new OwnArrays(file, ARRAY_WORDS);
  for (const [name, value] of Object.entries(graph)) {
    if (Array.isArray(value) && value.length > 0) addList(arrays, name, value, file);
  }
  if (!arrays.isGraph) return undefined;
  return { ...readArrays(arrays, choices), form: "JSON of arrays" };
}

function isRecords(value: unknown): value is readonly Json[] {
  if (!Array.isArray(value) || value.length === 0) return false;
  return value.every((one) => typeof one === "object" && one !== null && !Array.isArray(one));
}

/** A row for each record: entry k is in line k + 2. */
function asTable(name: string, records: readonly Json[]): TextTable {
  const columns = [...new Set(records.flatMap((record) => Object.keys(record)))];
  if (columns.length > MOST_COLUMNS) {
    throw new BadFileError(name, `${columns.length} different attributes; at most ${MOST_COLUMNS}`);
  }
  const row = (cells: readonly string[]): string =>
    cells.map((cell) => `"${printable(cell, 1 << 20).replaceAll('"', '""')}"`).join(",");
  const lines = records.map((record) => row(columns.map((column) => cellOf(record[column]))));
  const text = [row(columns), ...lines].join("\n");
  return { ...openTable(name, Buffer.from(text), WORDS), header: columns };
}

function cellOf(value: unknown): string {
  if (value === null || value === undefined) return "";
  return Array.isArray(value) ? JSON.stringify(value) : String(value);
}

/** Adds an array of numbers or texts, of one or two dimensions, or adjacency lists as pairs. */
function addList(arrays: OwnArrays, name: string, list: readonly unknown[], file: string): void {
  const where = `${file}: ${printable(name)}`;
  const wanted = ARRAY_WORDS.has(name.toLowerCase()) || /mask|idx|train|val|test/i.test(name);
  if (NEIGHBOURS.test(name) && list.every(Array.isArray)) {
    const pairs = list.flatMap((near, node) =>
      (near as unknown[]).flatMap((other) => [node, other]),
    );
    arrays.addArray("edge_index", where, numbers(pairs, [pairs.length / 2, 2], where));
  } else if (list.every((one) => typeof one === "string")) {
    arrays.addArray(name, where, { shape: [list.length], texts: list as string[] });
  } else if (wanted && list.every(Array.isArray)) {
    const rows = list as readonly unknown[][];
    const width = rows[0]!.length;
    const uneven = rows.findIndex((row) => row.length !== width);
    if (uneven >= 0) {
      const fault = `row ${uneven} has ${rows[uneven]!.length} entries, the first has ${width}`;
      throw new BadFileError(where, fault);
    }
    arrays.addArray(name, where, numbers(rows.flat(), [rows.length, width], where));
  } else if (wanted) {
    arrays.addArray(name, where, numbers(list, [list.length], where));
  }
}

function numbers(
  values: readonly unknown[],
  shape: readonly number[],
  where: string,
): ReturnType<OwnArrays["array"]> {
  const wrong = values.findIndex(
    (value) => typeof value !== "number" && typeof value !== "boolean",
  );
  if (wrong >= 0) {
    const place = shape[1] === undefined ? `entry ${wrong}` : `row ${Math.floor(wrong / shape[1])}`;
    const found = printable(JSON.stringify(values[wrong]) ?? "nothing", 40);
    throw new BadFileError(where, `${place}: ${found} is no number`);
  }
  const bytes = new Uint8Array(Float64Array.from(values as number[], Number).buffer);
  return { shape, code: "f8", littleEndian: true, fortranOrder: false, bytes };
}
