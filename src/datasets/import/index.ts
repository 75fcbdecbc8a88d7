// A graph of one's own from a file or a folder: finds its form by content and registers it as a dataset.
import { existsSync, statSync } from "node:fs";
import { readdir } from "node:fs/promises";
import path from "node:path";
import {
  checkKeys,
  checkValues,
  isText,
  LEGAL,
  type Legal,
  needText,
} from "../../base/arguments.ts";
import { OptionError } from "../../base/errors.ts";
import { printable } from "../../base/printable.ts";
import { BadFileError } from "../../formats/errors.ts";
import { datasets, OWN_NAME } from "../registry.ts";
import { USUAL_RANDOM } from "../splits.ts";
import { ARRAY_FILE, arraysOf, isArrays, readArrays } from "./arrays.ts";
import { assemble, type Imported } from "./assemble.ts";
import { FEATURE_FORMS, type FeatureForm } from "./features.ts";
import { type FoundGraph, inFolder, readOwn } from "./found.ts";
import { isGeomGcn, readGeomGcn } from "./geom-gcn.ts";
import { isGraphSaint, readGraphSaint } from "./graphsaint.ts";
import { checkKeptName, isKept, keep, keptFile, readKept } from "./kept.ts";
import { MATRIX_FILE, readMatrices } from "./matrices.ts";
import { givenSplits } from "./own-splits.ts";
import { readTables, TABLE_FILE, tableNames } from "./tables.ts";

export { describeReport, type Imported, type ImportReport } from "./assemble.ts";
export { FEATURE_FORMS, type FeatureForm } from "./features.ts";
export { keptFile, keptGraphs, readKept } from "./kept.ts";

export interface ImportOptions {
  /** How models get the features (FEATURE_FORMS); by default `rows`, or `as-is` if some are negative. */
  readonly features?: FeatureForm;
  /** A file or folder of npz files with the sets of nodes, instead of the graph's own. */
  readonly splits?: string;
  /** A name under which the graph is kept in the data folder: later it is a dataset like the others. */
  readonly as?: string;
  /** The data folder, as for loadDataset. */
  readonly dataDir?: string;
}

const FORM_NAMES: readonly unknown[] = Object.keys(FEATURE_FORMS);

const LEGAL_OPTIONS: Readonly<Record<keyof ImportOptions, Legal>> = {
  features: { words: FORM_NAMES.join(", "), is: (value) => FORM_NAMES.includes(value) },
  splits: { words: "the path of a file or a folder", is: isText },
  as: LEGAL.name,
  dataDir: LEGAL.folder,
};

/** Whether a dataset is one's own: the name of a kept graph, or a path (with a separator, an ending, or there). */
export function isOwn(name: string, dataDir?: string): boolean {
  if (typeof name !== "string" || datasets.names.includes(name)) return false;
  if (keptFile(name, dataDir) !== undefined) return true;
  return /[\\/]|\.[a-z]\w*$/i.test(name) || (name !== "" && existsSync(name));
}

/**
 * Reads a graph of one's own and registers it: its name is that of the path and 12 digits of its
 * fingerprint, so that two graphs never share runs. The file's own sets become the split `public`;
 * where it has several, they are `geom-gcn:0`, `geom-gcn:1` ... too.
 *
 * @param source a file or a folder (docs/datasets.md has the forms), or the name of a kept graph
 * @returns the graph, and the report of what was found and decided
 * @throws OptionError for a path that does not exist, or a name that cannot be used; BadFileError naming
 *   file and place for anything that cannot be read; InputError for a graph that is not sound
 */
export async function importDataset(
  source: string,
  options: ImportOptions = {},
): Promise<Imported> {
  needText(source, "importDataset: source", "the path of a file or a folder");
  checkKeys(options, Object.keys(LEGAL_OPTIONS), "the options of importDataset");
  const { features, as, dataDir } = options;
  checkValues(options, LEGAL_OPTIONS, "importDataset");
  if (as !== undefined) checkKeptName(as);
  const given = features ?? options.splits ?? as;
  const kept = given === undefined ? keptFile(source, dataDir) : undefined;
  if (kept !== undefined) return registeredKept(kept, source);
  if (!existsSync(source)) throw new OptionError(`${source}: no such file or folder`);
  if (given === undefined && (await isKept(source))) return registeredKept(source, source);
  const found = await read(source);
  const splits = options.splits
    ? await givenSplits(options.splits, source, found.nodes)
    : found.splits;
  const imported = assemble(as ?? source, { ...found, splits }, features);
  if (as !== undefined) await keep(source, as, imported, dataDir);
  register(imported, path.basename(path.resolve(source)));
  return imported;
}

async function registeredKept(file: string, name: string): Promise<Imported> {
  const { from, ...imported } = await readKept(file);
  const { graph } = imported;
  if (OWN_NAME.test(name) && graph.name !== name) {
    throw new OptionError(`${file} is another graph, ${graph.name}, not ${name}`);
  }
  register(imported, from);
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
function register({ graph, splits, times }: Imported, from: string): void {
  const { name } = graph;
  if (datasets.names.includes(name)) return;
  const [first] = splits;
  datasets.add({
    name,
    title: `your own, from ${printable(from)}`,
    files: [],
    defaultSplit: first ? "public" : USUAL_RANDOM,
    load: async () => graph,
    ...(first && { publicSplit: async () => first }),
    ...(splits.length > 1 && { numberedSplits: splits }),
    ...(times && { times: async () => times }),
  });
}
