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
import { parseJson } from "./feature-list.ts";
import { FEATURE_FORMS } from "./features.ts";
import { type FoundGraph, inFolder, readOwn } from "./found.ts";
import { isGeomGcn, readGeomGcn } from "./geom-gcn.ts";
import { isGraphSaint, readGraphSaint } from "./graphsaint.ts";
import { readJsonGraph } from "./json-graph.ts";
import { checkKeptName, isKept, keep, keptFile, readKept } from "./kept.ts";
import { isLinqs, readLinqs } from "./linqs.ts";
import { MADE_FEATURES } from "./made-features.ts";
import { MATRIX_FILE, readMatrices } from "./matrices.ts";
import { ogbFolder, readOgb } from "./ogb.ts";
import { givenSplits } from "./own-splits.ts";
import { planetoidNames, readPlanetoid } from "./planetoid-folder.ts";
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
  if (!existsSync(source)) {
    const there = keptFile(source, dataDir);
    const known =
      "is a kept graph, about which all is decided: import its files again, under another name";
    throw new OptionError(there ? `${source} ${known}` : `${source}: no such file or folder`);
  }
  if (!given && (await isKept(source))) return registeredKept(source, source);
  const found = await read(source, choices);
  const splits = options.splits
    ? await givenSplits(options.splits, source, found.nodes, Number(choices.firstNode ?? 0))
    : found.splits;
  const imported = assemble(as ?? source, { ...found, splits }, choices);
  if (as !== undefined) await keep(source, as, imported, dataDir);
  register(imported, path.basename(path.resolve(source)), as ?? source);
  return imported;
}

async function registeredKept(file: string, name: string): Promise<Imported> {
  const { from, ...imported } = await readKept(file);
  const { graph } = imported;
  if (OWN_NAME.test(name) && graph.name !== name) {
    throw new OptionError(`${file} is another graph, ${graph.name}, not ${name}`);
  }
  register(imported, from, name);
  return imported;
}

async function read(source: string, choices: ReadChoices): Promise<FoundGraph> {
  if (!statSync(source).isDirectory()) return readFile(source, choices);
  const names = (await readdir(source)).sort();
  if (isGraphSaint(names)) return readGraphSaint(source, names);
  if (isGeomGcn(names)) return readGeomGcn(source, names);
  if (isLinqs(names)) return readLinqs(source, names, choices);
  const ogb = ogbFolder(source, names);
  if (ogb !== undefined) return readOgb(ogb);
  if (planetoidNames(names).length > 0) return readPlanetoid(source, names);
  if (names.some((name) => MATRIX_FILE.test(name))) return readMatrices(source, names);
  const arrays = inFolder(source, names, ARRAY_FILE);
  const tables = tableNames(names).length > 0;
  if (arrays.length > 0 && tables) {
    const found = await arraysOf(arrays, source, true);
    if (found.isGraph) return readArrays(found, choices, await Beside.open(source, names, choices));
  }
  if (tables) return readTables(source, names, choices);
  const [one, more] = arrays;
  if (one !== undefined)
    return readArrays(await arraysOf(arrays, more === undefined ? one : source), choices);
  for (const file of inFolder(source, names, JSON_FILE)) {
    const found = await readJsonGraph(file, parseJson(file, await readOwn(file)), choices);
    if (found) return found;
  }
  throw new BadFileError(source, `${await unknownFolder(source, names)}; see docs/datasets.md`);
}

const JSON_FILE = /\.json(\.gz)?$/i;

/** Why a folder is no graph, and which folder or file of it may be one. */
async function unknownFolder(source: string, names: readonly string[]): Promise<string> {
  const seen =
    names
      .slice(0, 8)
      .map((name) => printable(name))
      .join(", ") || "nothing";
  const torch = names.find((name) => TORCH.test(name));
  if (torch !== undefined) return `${torch}: ${TORCH_ADVICE}`;
  const inner = names.filter((name) => statSync(path.join(source, name)).isDirectory());
  const advice = inner.length > 0 ? "; a graph may be in one of its folders: name that" : "";
  return `no known form of graph; it has ${seen}${advice}`;
}

/** Files that do not hold a graph by themselves. */
const PART = /\.(npy|mtx)(\.gz)?$/i;
const TORCH = /\.(pt|pth|bin|dgl)$/i;
const TORCH_ADVICE =
  "PyTorch's and DGL's objects are programs, which are not run; save the arrays: " +
  "np.savez(FILE, edge_index=data.edge_index, x=data.x, y=data.y)";
/** Forms that other programs turn into one that is read. */
const OTHERS: readonly [RegExp, string][] = [
  [TORCH, TORCH_ADVICE],
  ...(
    [
      ["gml", "gml"],
      ["graphml", "graphml"],
      ["gexf", "gexf"],
      ["net|paj|pajek", "pajek"],
    ] as const
  ).map(([endings, reader]): [RegExp, string] => [
    new RegExp(`\\.(?:${endings})$`, "i"),
    `not read; networkx turns it into JSON: json.dump(nx.node_link_data(nx.read_${reader}(FILE)), OUT)`,
  ]),
  [
    /\.(parquet|feather|h5|hdf5)$/i,
    "not read; pandas turns it into text: df.to_csv(FILE, index=False)",
  ],
  [/\.(zip|tar|tgz|tar\.gz|rar|7z)$/i, "an archive; unpack it, and name the folder"],
];

async function readFile(source: string, choices: ReadChoices): Promise<FoundGraph> {
  const folder = path.dirname(source);
  const other = OTHERS.find(([pattern]) => pattern.test(source));
  if (other) throw new BadFileError(source, other[1]);
  const [planetoid] = planetoidNames([path.basename(source)]);
  if (planetoid !== undefined) {
    const all = (await readdir(folder)).filter((name) => name.startsWith(`ind.${planetoid}.`));
    return readPlanetoid(folder, all);
  }
  if (JSON_FILE.test(source)) {
    const found = await readJsonGraph(source, parseJson(source, await readOwn(source)), choices);
    if (found) return found;
  }
  if (PART.test(source) || JSON_FILE.test(source) || TABLE_FILE.test(source)) {
    const tables = "a graph of tables is a folder with its edges, and its nodes with their labels";
    const fault = TABLE_FILE.test(source) ? tables : "one file of several";
    throw new BadFileError(source, `${fault}; name the folder instead: ${folder}`);
  }
  if (ARRAY_FILE.test(source) || isArrays(await readOwn(source))) {
    return readArrays(await arraysOf([source], source), choices);
  }
  throw new BadFileError(source, "no known form of graph; see docs/datasets.md");
}

/** The same graph may be read again: it is the same dataset. */
function register({ graph, splits, times, report }: Imported, from: string, given: string): void {
  const { name } = graph;
  if (datasets.names.includes(name)) return;
  const [first] = splits;
  datasets.add({
    name,
    title: `your own, from ${printable(from)}`,
    given,
    ...(report.warnings && { warnings: report.warnings }),
    files: [],
    defaultSplit: first ? "public" : USUAL_RANDOM,
    load: async () => graph,
    ...(first && { publicSplit: async () => first }),
    ...(splits.length > 1 && { numberedSplits: splits }),
    ...(times && { times: async () => times }),
  });
}
