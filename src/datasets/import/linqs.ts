// Reads the tab files of LINQS' Pubmed-Diabetes, in which each cell names its feature: label=1, w-rat=0.09.
import path from "node:path";
import { printable } from "../../base/printable.ts";
import { decoded, isNumber } from "../../formats/csv.ts";
import { BadFileError } from "../../formats/errors.ts";
import { canonicalFeatures, MAX_ENTRIES, MAX_SIDE } from "../sparse.ts";
import type { ReadChoices } from "./choices.ts";
import { noteDropped } from "./edge-table.ts";
import { type FoundGraph, readOwn } from "./found.ts";
import { classesOf } from "./labels.ts";

const NODES = /\.NODE\.\w+\.tab$/;
const EDGES = /\.(UN)?DIRECTED\.\w+\.tab$/;

export function isLinqs(names: readonly string[]): boolean {
  return [NODES, EDGES].every((pattern) => names.some((name) => pattern.test(name)));
}

/** Source: linqs.org, Pubmed-Diabetes: two lines of head, then a node, or an edge, a line. */
export async function readLinqs(
  folder: string,
  names: readonly string[],
  choices: ReadChoices,
): Promise<FoundGraph> {
  const lines = async (pattern: RegExp): Promise<[file: string, lines: string[]]> => {
    const file = path.join(folder, names.find((name) => pattern.test(name))!);
    const all = decoded(file, await readOwn(file)).split(/\r?\n/);
    return [file, all];
  };
  const [nodeFile, nodeLines] = await lines(NODES);
  const { ids, labels, features } = readNodes(nodeFile, nodeLines);
  const index = new Map(ids.map((id, node) => [id, node]));
  const [edgeFile, edgeLines] = await lines(EDGES);
  const [from, to]: [number[], number[]] = [[], []];
  let dropped = 0;
  for (const [k, line] of edgeLines.entries()) {
    if (k < 2 || line === "") continue;
    const ends = line.split("\t").flatMap((cell) => /^\w+:(.+)$/.exec(cell)?.[1] ?? []);
    const [a, b] = ends.map((id) => index.get(id));
    if (ends.length === 2 && a !== undefined && b !== undefined) {
      from.push(a);
      to.push(b);
    } else if (ends.length === 2 && choices.unknownEnds === "drop") dropped++;
    else {
      const unknown = ends.find((id) => !index.has(id));
      const what =
        ends.length === 2
          ? `an edge to nowhere: "${printable(unknown!)}" is not in ${path.basename(nodeFile)}`
          : "no edge: paper:1, a bar and paper:2 are expected";
      throw new BadFileError(edgeFile, `line ${k + 1}: ${what}`);
    }
    if (from.length > MAX_ENTRIES) throw new BadFileError(edgeFile, `over ${MAX_ENTRIES} edges`);
  }
  const notes = { decisions: [], warnings: [] };
  if (dropped > 0) noteDropped(dropped, dropped + from.length, path.basename(nodeFile), notes);
  return {
    form: "LINQS' tab files",
    nodes: ids.length,
    ids,
    from: Int32Array.from(from),
    to: Int32Array.from(to),
    features,
    ...classesOf(labels, nodeFile, choices),
    splits: [],
    ...notes,
  };
}

function readNodes(
  file: string,
  lines: readonly string[],
): Pick<Required<FoundGraph>, "ids" | "features"> & { labels: string[] } {
  const columns = new Map<string, number>();
  for (const cell of lines[1]?.split("\t") ?? []) {
    const name = /^numeric:(.+):[^:]*$/.exec(cell)?.[1];
    if (name !== undefined) columns.set(name, columns.size);
  }
  if (columns.size === 0 || columns.size > MAX_SIDE) {
    throw new BadFileError(file, `line 2 names ${columns.size} features (numeric:NAME:0.0)`);
  }
  const [ids, labels]: [string[], string[]] = [[], []];
  const [indices, values, starts]: [number[], number[], number[]] = [[], [], [0]];
  const seen = new Set<string>();
  for (const [k, line] of lines.entries()) {
    if (k < 2 || line === "") continue;
    const fail = (what: string): never => {
      throw new BadFileError(file, `line ${k + 1}: ${what}`);
    };
    const [id = "", ...cells] = line.split("\t");
    if (id === "" || seen.has(id)) fail(`the node "${printable(id)}" is there twice, or no id`);
    seen.add(id);
    ids.push(id);
    let label = "";
    for (const cell of cells) {
      const at = cell.indexOf("=");
      const [name, value] = [cell.slice(0, at), cell.slice(at + 1)];
      if (name === "label") label = value;
      else if (name !== "summary") {
        const column = columns.get(name);
        if (column === undefined || !isNumber(value)) {
          fail(`"${printable(cell)}" is no feature of line 2 with a number`);
        } else {
          indices.push(column);
          values.push(Number(value));
        }
      }
    }
    labels.push(label);
    starts.push(indices.length);
    if (indices.length > MAX_ENTRIES) throw new BadFileError(file, `over ${MAX_ENTRIES} features`);
  }
  if (ids.length === 0) throw new BadFileError(file, "it has no nodes after its two lines of head");
  const indptr = Int32Array.from(starts);
  const matrix = {
    rows: ids.length,
    columns: columns.size,
    indptr,
    indices: Int32Array.from(indices),
  };
  return { ids, labels, features: canonicalFeatures(matrix, Float32Array.from(values), file) };
}
