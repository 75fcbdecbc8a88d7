// Reads features as JSON: the numbers of each node's features by its id, as MUSAE's graphs have them.
import { printable } from "../../base/printable.ts";
import { decoded } from "../../formats/csv.ts";
import { BadFileError } from "../../formats/errors.ts";
import type { Csr } from "../../graph/csr.ts";
import { canonicalFeatures, MAX_ENTRIES, MAX_SIDE } from "../sparse.ts";

/** JSON of at most this size is parsed: it takes several times as much memory. */
const MAX_JSON = 128 * 1024 * 1024;

/** @throws BadFileError for text that is not JSON */
export function parseJson(file: string, bytes: Buffer): unknown {
  if (bytes.length > MAX_JSON) {
    throw new BadFileError(file, `${bytes.length} bytes of JSON; at most ${MAX_JSON} are read`);
  }
  const text = decoded(file, bytes);
  try {
    return JSON.parse(text);
  } catch (error) {
    const why = printable((error as Error).message, 100);
    // Python writes them, though JSON has none.
    const word = /\b(?:NaN|Infinity)\b/.exec(text.replace(/"(?:[^"\\]|\\.)*"/g, '""'))?.[0];
    const hint = word === undefined ? "" : `; JSON has no ${word}: write null for what is missing`;
    throw new BadFileError(file, `not JSON (${why})${hint}`);
  }
}

/** @returns the parsed file if it maps ids to lists, and undefined for other JSON */
export function isFeatureList(file: string, bytes: Buffer): [string, unknown][] | undefined {
  const parsed = parseJson(file, bytes);
  if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed)) return undefined;
  const entries = Object.entries(parsed);
  return entries.length > 0 && entries.some(([, list]) => Array.isArray(list))
    ? entries
    : undefined;
}

/** @param nodeOf the node of an id, or what is no node */
export function readFeatureList(
  file: string,
  entries: readonly [string, unknown][],
  nodes: number,
  nodeOf: (id: string) => number | undefined,
): Csr {
  const lists = new Array<readonly number[]>(nodes).fill([]);
  let [count, columns] = [0, 0];
  for (const [id, list] of entries) {
    const node = nodeOf(id);
    const where = `${file}: "${printable(id)}"`;
    if (node === undefined || !(node >= 0 && node < nodes)) {
      throw new BadFileError(where, "is no node");
    }
    if (!Array.isArray(list)) throw new BadFileError(where, "not a list of features");
    for (const [k, feature] of list.entries()) {
      if (!Number.isInteger(feature) || feature < 0 || feature >= MAX_SIDE) {
        throw new BadFileError(where, `entry ${k} is ${printable(String(feature))}, not a feature`);
      }
      columns = Math.max(columns, feature + 1);
    }
    lists[node] = [...new Set(list as number[])];
    count += lists[node]!.length;
    if (count > MAX_ENTRIES) throw new BadFileError(file, `more than ${MAX_ENTRIES} entries`);
  }
  if (columns === 0) throw new BadFileError(file, "no node has a feature");
  const indptr = new Int32Array(nodes + 1);
  for (let node = 0; node < nodes; node++) indptr[node + 1] = indptr[node]! + lists[node]!.length;
  const indices = Int32Array.from(lists.flat());
  const arrays = { rows: nodes, columns, indptr, indices };
  return canonicalFeatures(arrays, new Float32Array(count).fill(1), file);
}
