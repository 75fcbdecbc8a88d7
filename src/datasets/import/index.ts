// A graph of one's own from a file or a folder: finds its form by content and registers it as a dataset.
import { existsSync, statSync } from "node:fs";
import { readdir } from "node:fs/promises";
import path from "node:path";
import { OptionError } from "../../base/errors.ts";
import { BadFileError } from "../../formats/errors.ts";
import { datasets } from "../registry.ts";
import { type RawSplit, USUAL_RANDOM } from "../splits.ts";
import { ARRAY_FILE, arraysOf, isArrays, readArrays } from "./arrays.ts";
import { assemble, type Imported } from "./assemble.ts";
import { type FoundGraph, inFolder, readOwn } from "./found.ts";
import { isGeomGcn, readGeomGcn } from "./geom-gcn.ts";
import { isGraphSaint, readGraphSaint } from "./graphsaint.ts";
import { MATRIX_FILE, readMatrices } from "./matrices.ts";
import { readTables, TABLE_FILE, tableNames } from "./tables.ts";

export { describeReport, type Imported, type ImportReport } from "./assemble.ts";

/** Whether a dataset is named by a path: no known name, with a separator, a file's ending, or there. */
export function isPath(name: string): boolean {
  if (typeof name !== "string" || datasets.names.includes(name)) return false;
  return /[\\/]|\.[a-z]\w*$/i.test(name) || (name !== "" && existsSync(name));
}

/**
 * Reads a graph from a file or a folder and registers it: its name is that of the path and 12 digits of
 * its fingerprint, so that two graphs never share runs. The file's own sets become the split `public`;
 * where it has several, they are `geom-gcn:0`, `geom-gcn:1` ... too.
 *
 * @throws OptionError for a path that does not exist; BadFileError naming file and place for anything
 *   that cannot be read; InputError for a graph that is not sound
 */
export async function importDataset(source: string): Promise<Imported> {
  if (!existsSync(source)) throw new OptionError(`${source}: no such file or folder`);
  const found = await read(source);
  const imported = assemble(source, found);
  register(source, imported, found.splits);
  return imported;
}

async function read(source: string): Promise<FoundGraph> {
  if (!statSync(source).isDirectory()) return readFile(source);
  const names = (await readdir(source)).sort();
  if (isGraphSaint(names)) return readGraphSaint(source, names);
  if (isGeomGcn(names)) return readGeomGcn(source, names);
  if (names.some((name) => MATRIX_FILE.test(name))) return readMatrices(source, names);
  const arrays = inFolder(source, names, ARRAY_FILE);
  if (names.some((name) => /\.npy$/i.test(name))) return readArrays(await arraysOf(arrays, source));
  if (tableNames(names).length > 0) return readTables(source, names);
  const [one, more] = arrays;
  if (one !== undefined)
    return readArrays(await arraysOf(arrays, more === undefined ? one : source));
  const seen = names.slice(0, 8).join(", ") || "nothing";
  throw new BadFileError(source, `no known form of graph; it has ${seen}; see docs/datasets.md`);
}

/** Files that do not hold a graph by themselves. */
const PART = /\.(npy|mtx|json)$/i;
const TORCH = /\.(pt|pth|bin)$/i;

async function readFile(source: string): Promise<FoundGraph> {
  if (PART.test(source) || TABLE_FILE.test(source)) {
    const folder = path.dirname(source);
    throw new BadFileError(source, `one file of several; name their folder instead: ${folder}`);
  }
  const known = ARRAY_FILE.test(source) || (!TORCH.test(source) && isArrays(await readOwn(source)));
  if (known) return readArrays(await arraysOf([source], source));
  const advice = TORCH.test(source) ? "PyTorch's objects are not read; save its arrays as npz" : "";
  const fault = ["no known form of graph", advice, "see docs/datasets.md"].filter(Boolean);
  throw new BadFileError(source, fault.join("; "));
}

/** The same graph may be read again: it is the same dataset. */
function register(source: string, { graph }: Imported, splits: readonly RawSplit[]): void {
  const { name } = graph;
  if (datasets.names.includes(name)) return;
  const [first] = splits;
  datasets.add({
    name,
    title: `your own, from ${path.basename(path.resolve(source))}`,
    files: [],
    defaultSplit: first ? "public" : USUAL_RANDOM,
    load: async () => graph,
    ...(first && { publicSplit: async () => first }),
    ...(splits.length > 1 && { numberedSplits: splits }),
  });
}
