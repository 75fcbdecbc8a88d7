// Finds the edge list among text tables, and reads the ends of its edges.
import path from "node:path";
import { OptionError } from "../../base/errors.ts";
import { printable } from "../../base/printable.ts";
import { counted, percent } from "../../display/format.ts";
import { cellName, type TextTable, visitRows } from "../../formats/csv.ts";
import { BadFileError } from "../../formats/errors.ts";
import { MAX_ENTRIES } from "../sparse.ts";
import { columnOf, columnsOf, listed, type ReadChoices } from "./choices.ts";
import { plainName } from "./columns.ts";
import { FIRST_NODE, type FoundGraph, firstNodeDoubt, outOfRange } from "./found.ts";
import { matchTables } from "./match.ts";
import { idOf } from "./scan.ts";

const SOURCES = ["source", "src", "from", "u", "id_1", "id1", "node_1", "node1", "from_id"].concat([
  ...["citing", "src_id", "source_id", "start_id", "from_node", "fromnodeid", "txid1", "head"],
]);
const TARGETS = ["target", "dst", "to", "v", "id_2", "id2", "node_2", "node2", "to_id"].concat([
  ...["cited", "dst_id", "target_id", "end_id", "to_node", "tonodeid", "txid2", "tail"],
]);
export const EDGE_WORDS: ReadonlySet<string> = new Set(
  // Neo4j's exports have a colon before the names of its own columns.
  [...SOURCES, ...TARGETS].flatMap((name) => [name, `:${name}`]),
);
const EDGE_FILE = /edge|link|cites|arcs|graph|network|relationship/i;

/** The edge list among tables, and what was told of it and of the ids by contents alone. */
export interface EdgeList {
  readonly table: TextTable;
  readonly choices: ReadChoices;
}

/** @throws BadFileError where no table, or more than one, looks like an edge list */
export function edgeList(
  folder: string,
  tables: readonly TextTable[],
  choices: ReadChoices,
): EdgeList {
  const { edgeColumns } = choices;
  const byChoice = tables.filter(
    (table) =>
      edgeColumns && listed(edgeColumns).every((word) => columnOf(table, word) !== undefined),
  );
  const byHeader = tables.filter(({ header }) => {
    const names = header?.map(plainName) ?? [];
    return names.some((n) => SOURCES.includes(n)) && names.some((n) => TARGETS.includes(n));
  });
  const byName = tables.filter(({ file }) => EDGE_FILE.test(path.basename(file)));
  const narrow = byName.filter(({ columns }) => columns === 2 || columns === 3);
  const chosen = byChoice.filter((table) => byHeader.includes(table) || byName.includes(table));
  const known = [chosen, byChoice, byHeader].find(({ length }) => length > 0);
  const match = known || edgeColumns ? undefined : matchTables(tables);
  if (match && !(match.byNumbers && byName.length > 0)) {
    const [from, to] = match.ends;
    // Without a header, a number would be a column of every other table too.
    const id =
      match.nodes.header?.[match.id] ?? (tables.length === 2 ? `${match.id + 1}` : undefined);
    const told = { idColumn: choices.idColumn ?? id, edgeColumns: `${from + 1},${to + 1}` };
    return { table: match.edges, choices: { ...choices, ...withoutGaps(told) } };
  }
  const found = known ?? [narrow, byName].find(({ length }) => length > 0) ?? [];
  if (found.length === 1) return { table: found[0]!, choices };
  const names = found.map(({ file }) => path.basename(file)).join(", ");
  const fault = names
    ? `${names} all look like edge lists; keep one (join them, if the edges are in several)`
    : 'no table looks like an edge list; call one "edges.csv", or its columns "source" and "target"';
  throw new BadFileError(folder, fault);
}

function withoutGaps({ idColumn, ...rest }: { idColumn: string | undefined; edgeColumns: string }) {
  return { ...rest, ...(idColumn !== undefined && { idColumn }) };
}

export interface Ends {
  readonly from: readonly string[];
  readonly to: readonly string[];
  readonly lines: readonly number[];
  readonly columns: readonly [number, number];
}

export function readEnds(table: TextTable, { edgeColumns }: ReadChoices = {}): Ends {
  const columns = edgeColumns ? columnsGiven(table, edgeColumns) : columnsFound(table);
  if (table.columns < 2) {
    throw new BadFileError(table.file, "an edge list needs two columns; only one was found");
  }
  const [from, to, lines]: [string[], string[], number[]] = [[], [], []];
  visitRows(table, (cells, line) => {
    for (const k of columns) {
      if (cells[k] !== "") continue;
      const fault = "an edge to nowhere: name a node, or leave the row out";
      throw new BadFileError(cellName(table, line, k), fault);
    }
    from.push(idOf(cells[columns[0]]!));
    to.push(idOf(cells[columns[1]]!));
    lines.push(line);
    if (from.length > MAX_ENTRIES) {
      throw new BadFileError(table.file, `more than ${MAX_ENTRIES} edges`);
    }
  });
  if (from.length > 0) return { from, to, lines, columns };
  throw new BadFileError(table.file, `it has a header and no edges; ${A_LINE}`);
}

const A_LINE = "write a line for each edge, such as ann,bob";

function columnsGiven(table: TextTable, edgeColumns: string): [number, number] {
  const found = listed(edgeColumns).map((word) => {
    const k = columnOf(table, word);
    if (k !== undefined) return k;
    throw new OptionError(`${table.file} has no column "${word}"; it has ${columnsOf(table)}`);
  });
  return found as [number, number];
}

function columnsFound({ header }: TextTable): [number, number] {
  const names = header?.map(plainName) ?? [];
  // pandas writes the numbers of rows below an empty name.
  const first = names[0] === "" && names.length > 2 ? 1 : 0;
  const at = (words: readonly string[], usual: number): number => {
    const found = names.findIndex((name) => words.includes(name));
    return found < 0 ? usual : found;
  };
  return [at(SOURCES, first), at(TARGETS, first + 1)];
}

export function edgeDecisions(table: TextTable, { columns }: Ends): string[] {
  const rest = Array.from({ length: table.columns }, (_, k) => k).filter(
    (k) => !columns.includes(k),
  );
  const named = (k: number): string => printable(table.header?.[k] ?? String(k + 1));
  const [from, to] = columns.map((k) => plainName(table.header?.[k] ?? ""));
  const usual = table.header
    ? SOURCES.includes(from!) && TARGETS.includes(to!)
    : columns[0] === 0 && columns[1] === 1;
  const ends = usual ? [] : [`edges lead from ${named(columns[0])} to ${named(columns[1])}`];
  if (rest.length === 0) return ends;
  const names = rest.slice(0, 5).map(named).join(", ");
  const more = rest.length > 5 ? ` and ${rest.length - 5} more` : "";
  const left = `left out of ${path.basename(table.file)}: ${names}${more} (edges have no weights)`;
  return [...ends, left];
}

/** The nodes of a graph as text tables name them. */
export interface Nodes {
  readonly nodes: number;
  /** Which file says so, for messages. */
  readonly file: string;
  /** The node of each id; absent: nodes are numbered from 0. */
  readonly index?: ReadonlyMap<string, number> | undefined;
}

/**
 * @returns the least number in an edge
 * @throws BadFileError where numbers from 0 and numbers from 1 both fit: text says nothing of it
 */
function leastOf(ends: readonly string[], file: string, nodes: number, drop: boolean): number {
  let [least, most] = [Number.POSITIVE_INFINITY, 0];
  for (const id of ends) {
    // Other text, and what is beyond the last node, is refused where it stands.
    if (!/^\d{1,9}$/.test(id)) return 0;
    least = Math.min(least, Number(id));
    most = Math.max(most, Number(id));
  }
  const doubt = most < nodes || drop ? firstNodeDoubt(least, most, nodes) : undefined;
  if (doubt === undefined) return least;
  throw new BadFileError(file, `${doubt}; say --first-node 0 or --first-node 1 (abkd data import)`);
}

/** What is told of an import. */
interface Notes {
  readonly decisions: string[];
  readonly warnings: string[];
}

/** More of the edges than this are not dropped without a warning. */
const MOST_DROPPED = 0.05;

/**
 * @param notes gets how many edges were dropped
 * @throws BadFileError for an edge to what is no node, unless these are to be dropped
 */
export function nodeEnds(
  edges: TextTable,
  { from, to, lines, columns }: Ends,
  { nodes, file, index }: Nodes,
  { unknownEnds, firstNode }: ReadChoices,
  notes: Notes,
): Pick<FoundGraph, "from" | "to"> {
  const other = path.basename(file);
  const drop = unknownEnds === "drop";
  const least = index || firstNode ? 0 : leastOf([from, to].flat(), edges.file, nodes, drop);
  const nodeOf = (id: string, row: number, side: 0 | 1): number => {
    const where = (): string => cellName(edges, lines[row]!, columns[side]);
    const node = index ? index.get(id) : /^\d{1,9}$/.test(id) ? Number(id) : undefined;
    if (node !== undefined && node < nodes) return node;
    if (drop) return -1;
    if (index) {
      const like = similarId(id, index);
      const remedy =
        like === undefined
          ? "add a row for it, or drop such edges: --unknown-ends drop"
          : `it has "${printable(like)}": write ids alike in both`;
      throw new BadFileError(
        where(),
        `an edge to nowhere: "${printable(id)}" is not in ${other}; ${remedy}`,
      );
    }
    if (node === undefined) {
      const fault = `"${printable(id)}" is no row of ${other}, which has no column of ids`;
      throw new BadFileError(where(), `${fault}; --id-column names one`);
    }
    return outOfRange(where(), node, nodes, least, FIRST_NODE);
  };
  const ends = {
    from: Int32Array.from(from, (id, row) => nodeOf(id, row, 0)),
    to: Int32Array.from(to, (id, row) => nodeOf(id, row, 1)),
  };
  const known = (_: number, k: number): boolean => ends.from[k]! >= 0 && ends.to[k]! >= 0;
  const kept = { from: ends.from.filter(known), to: ends.to.filter(known) };
  const dropped = from.length - kept.from.length;
  if (dropped > 0) {
    const lost =
      from.find((id) => index && !index.has(id)) ?? to.find((id) => index && !index.has(id));
    const like = lost === undefined || !index ? undefined : similarId(lost, index);
    const hint = like === undefined ? "" : `; "${printable(lost!)}" may be "${printable(like)}"`;
    noteDropped(dropped, from.length, other, notes, hint);
  }
  return kept;
}

/** Says how many edges were dropped: a warning if they are many. @param other the file of the nodes */
export function noteDropped(
  dropped: number,
  all: number,
  other: string,
  { decisions, warnings }: Notes,
  hint = "",
): void {
  const share = dropped / all;
  const which = `${dropped} of ${counted(all, "edge")} (${percent(share)}) lead to what is not in ${other}`;
  (share > MOST_DROPPED ? warnings : decisions).push(`${which} and are dropped${hint}`);
}

/** The id that differs in its case, in zeros before a number, or in the .0 of a floating-point one. */
function similarId(id: string, index: ReadonlyMap<string, number>): string | undefined {
  const plain = (text: string): string =>
    text
      .trim()
      .toLowerCase()
      .replace(/^0+(?=\d)/, "")
      .replace(/\.0+$/, "");
  const wanted = plain(id);
  for (const known of index.keys()) if (plain(known) === wanted) return known;
  return undefined;
}
