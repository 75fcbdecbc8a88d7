// The sets of nodes that come with a graph of one's own: masks or lists in its arrays, or in files elsewhere.
import { existsSync, statSync } from "node:fs";
import { readdir } from "node:fs/promises";
import path from "node:path";
import { OptionError } from "../../base/errors.ts";
import { BadFileError } from "../../formats/errors.ts";
import type { RawSplit } from "../splits.ts";
import { nodeSets } from "./dense.ts";
import { inFolder, readOwn } from "./found.ts";
import { OwnArrays } from "./own-arrays.ts";

const SETS: readonly [keyof RawSplit, readonly string[]][] = [
  ["train", ["train"]],
  ["val", ["val", "valid", "validation", "dev"]],
  ["test", ["test"]],
];
/** More splits than this cannot be named: geom-gcn:0 to geom-gcn:9. */
const MOST = 10;

/**
 * @param first the number of the first node in lists
 * @returns the splits that arrays hold, none or several
 */
export function splitsIn(arrays: OwnArrays, nodes: number, first = 0): RawSplit[] {
  const { file, names } = arrays;
  const found = SETS.map(([set, words]) => {
    const all = words.flatMap((w) => [`${w}_mask`, `${w}_masks`, `${w}_idx`, `idx_${w}`]);
    const more = words.flatMap((w) => [`${w}_index`, `${w}_nodes`, `${w}_id`, `${w}_nid`, w]);
    const known = [...all, ...more];
    const name = known.flatMap(
      (word) => names.find((name) => name.toLowerCase() === word) ?? [],
    )[0];
    return [set, name] as const;
  });
  if (found.every(([, name]) => name === undefined)) return [];
  const sets = found.map(([set, name]) => {
    if (name !== undefined) return nodeSets(arrays.array(name), arrays.where(name), nodes, first);
    throw new BadFileError(file, `it has sets of nodes, but none for ${set}`);
  });
  // PyG's WikiCS has twenty training masks and one for the test.
  const count = Math.max(...sets.map(({ length }) => length));
  const wrong = sets.find(({ length }) => length !== count && length !== 1);
  if (wrong) throw new BadFileError(file, `${count} masks of one set, ${wrong.length} of another`);
  return Array.from({ length: count }, (_, k) => {
    const [train, val, test] = sets.map((masks) => masks[masks.length === 1 ? 0 : k]!);
    return { train: train!, val: val!, test: test! };
  });
}

/**
 * Reads splits from an npz file, or from those of a folder: of `texas`, if some are called
 * `texas_split_...npz`, only these.
 * @param source the graph's path
 * @param first the number of the first node in lists
 * @throws OptionError for a path without such files; BadFileError for one that does not fit the graph
 */
export async function givenSplits(
  given: string,
  source: string,
  nodes: number,
  first = 0,
): Promise<RawSplit[]> {
  if (!existsSync(given)) throw new OptionError(`${given}: no such file or folder`);
  const splits: RawSplit[] = [];
  for (const file of await splitFiles(given, source)) {
    const arrays = new OwnArrays(file, new Set());
    arrays.addNpz(await readOwn(file), file);
    const found = splitsIn(arrays, nodes, first);
    if (found.length === 0) throw new BadFileError(file, "it has no masks or lists of nodes");
    splits.push(...found);
  }
  return splits.slice(0, MOST);
}

async function splitFiles(given: string, source: string): Promise<string[]> {
  if (!statSync(given).isDirectory()) return [given];
  const all = inFolder(given, (await readdir(given)).sort(), /\.npz$/i);
  const { name } = path.parse(path.resolve(source));
  const own = all.filter((file) => path.basename(file).startsWith(`${name}_split`));
  const files = own.length > 0 ? own : all;
  if (files.length === 0) throw new OptionError(`${given} has no npz files`);
  if (own.length > 0 || new Set(all.map(datasetOf)).size === 1) return files;
  const fault = `has splits of several graphs, none called ${name}_split...; name one file`;
  throw new OptionError(`${given} ${fault}`);
}

/** The graph that a file of splits is for: what comes before `_split`. */
function datasetOf(file: string): string {
  return path.basename(file).split("_split")[0]!;
}
