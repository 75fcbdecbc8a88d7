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
import { ARC_FORMS } from "./arcs.ts";
import { ARRAY_FILE, arraysOf, isArrays, readArrays } from "./arrays.ts";
import { assemble, type GraphChoices, type Imported } from "./assemble.ts";
import { Beside } from "./beside.ts";
import { LEGAL_CHOICES, type ReadChoices } from "./choices.ts";
import { FEATURE_FORMS } from "./features.ts";
import { type FoundGraph, inFolder, readOwn } from "./found.ts";
import { isGeomGcn, readGeomGcn } from "./geom-gcn.ts";
import { isGraphSaint, readGraphSaint } from "./graphsaint.ts";
import { checkKeptName, isKept, keep, keptFile, readKept } from "./kept.ts";
import { MADE_FEATURES } from "./made-features.ts";
import { MATRIX_FILE, readMatrices } from "./matrices.ts";
import { givenSplits } from "./own-splits.ts";
import { readTables, TABLE_FILE, tableNames } from "./tables.ts";

export { ARC_FORMS, type ArcForm } from "./arcs.ts";
export { describeReport, type Imported, type ImportReport } from "./assemble.ts";
export { FEATURE_FORMS, type FeatureForm } from "./features.ts";
export { keptFile, keptGraphs, readKept } from "./kept.ts";
export { MADE_FEATURES, type MadeFeatures } from "./made-features.ts";

/** How a graph of one's own is read, and what is made of it. */
export interface OwnChoices extends ReadChoices, GraphChoices {
  /** A file or folder of npz files with the sets of nodes, instead of the graph's own. */
  readonly splits?: string;
}

export interface ImportOptions extends OwnChoices {
  /** A name under which the graph is kept in the data folder: later it is a dataset like the others. */
  readonly as?: string;
  /** The data folder, as for loadDataset. */
  readonly dataDir?: string;
}

const oneOf = (forms: object | readonly string[]): Legal => {
  const words: readonly unknown[] = Array.isArray(forms) ? forms : Object.keys(forms);
  return { words: words.join(", "), is: (value) => words.includes(value) };
};

/** What each choice may be. */
export const OWN_CHOICES: Readonly<Record<keyof OwnChoices, Legal>> = {
  ...LEGAL_CHOICES,
  features: oneOf(FEATURE_FORMS),
  makeFeatures: oneOf(MADE_FEATURES),
  arcs: oneOf(ARC_FORMS),
  loops: oneOf(["remove", "refuse"]),
  duplicates: oneOf(["merge", "refuse"]),
  splits: { words: "the path of a file or a folder", is: isText },
};

const LEGAL_OPTIONS: Readonly<Record<keyof ImportOptions, Legal>> = {
  ...OWN_CHOICES,
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
  const { as, dataDir, ...choices } = options;
  checkValues(options, LEGAL_OPTIONS, "importDataset");
  if (as !== undefined) checkKeptName(as);
  const given = as !== undefined || Object.values(choices).some((choice) => choice !== undefined);
  const kept = given ? undefined : keptFile(source, dataDir);
  if (kept !== undefined) return registeredKept(kept, source);
  if (!existsSync(source)) throw new OptionError(`${source}: no such file or folder`);
  if (!given && (await isKept(source))) return registeredKept(source, source);
  const found = await read(source, choices);
  const splits = options.splits
    ? await givenSplits(options.splits, source, found.nodes)
    : found.splits;
  const imported = assemble(as ?? source, { ...found, splits }, choices);
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

async function read(source: string, choices: ReadChoices): Promise<FoundGraph> {
  if (!statSync(source).isDirectory()) return readFile(source, choices);
  const names = (await readdir(source)).sort();
  if (isGraphSaint(names)) return readGraphSaint(source, names);
  if (isGeomGcn(names)) return readGeomGcn(source, names);
  if (names.some((name) => MATRIX_FILE.test(name))) return readMatrices(source, names);
  const arrays = inFolder(source, names, ARRAY_FILE);
  const tables = tableNames(names).length > 0;
  if (arrays.length > 0 && tables) {
    const found = await arraysOf(arrays, source);
    if (found.isGraph) return readArrays(found, choices, await Beside.open(source, names, choices));
  }
  if (tables) return readTables(source, names, choices);
  const [one, more] = arrays;
  if (one !== undefined)
    return readArrays(await arraysOf(arrays, more === undefined ? one : source), choices);
  const seen = names.slice(0, 8).join(", ") || "nothing";
  throw new BadFileError(source, `no known form of graph; it has ${seen}; see docs/datasets.md`);
}

/** Files that do not hold a graph by themselves. */
const PART = /\.(npy|mtx|json)$/i;
const TORCH = /\.(pt|pth|bin)$/i;

async function readFile(source: string, choices: ReadChoices): Promise<FoundGraph> {
  if (PART.test(source) || TABLE_FILE.test(source)) {
    const folder = path.dirname(source);
    throw new BadFileError(source, `one file of several; name their folder instead: ${folder}`);
  }
  const known = ARRAY_FILE.test(source) || (!TORCH.test(source) && isArrays(await readOwn(source)));
  if (known) return readArrays(await arraysOf([source], source), choices);
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
    ...(times && { times }),
  });
}
