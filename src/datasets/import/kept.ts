// Graphs of one's own that `abkd data import` keeps: own/NAME.npz in a data folder, which numpy can read too.
import { existsSync, readdirSync, statSync } from "node:fs";
import path from "node:path";
import { OptionError } from "../../base/errors.ts";
import { fileError, writeAtomic } from "../../base/files.ts";
import { makeFolders } from "../../base/folders.ts";
import { printable } from "../../base/printable.ts";
import { toFloat32, toFloat64, toInt32 } from "../../formats/arrays.ts";
import { BadFileError } from "../../formats/errors.ts";
import { NpzFile } from "../../formats/npz.ts";
import { encodeNpz, type NpyArray, npzDigest } from "../../formats/npz-writer.ts";
import { checkGraph } from "../../graph/check.ts";
import type { Csr } from "../../graph/csr.ts";
import type { Graph } from "../../graph/graph.ts";
import { dataFolders } from "../locate.ts";
import { datasets, OWN_NAME } from "../registry.ts";
import type { RawSplit } from "../splits.ts";
import { type Imported, type ImportReport, ownName } from "./assemble.ts";
import { nodeSets } from "./dense.ts";
import { readOwn } from "./found.ts";

const FOLDER = "own";
/** What a name may be: as the first part of a graph's name. */
const NAME = /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/;
const SETS = ["train", "val", "test"] as const;
const NOTES = "import_json";

/** What is kept beside the arrays, as JSON. */
interface Kept {
  /** The name of the file or folder that it was made from. */
  readonly from: string;
  readonly classes: number;
  readonly features: number;
  readonly featuresAsIs: boolean;
  readonly featuresMade?: Graph["featuresMade"];
  readonly featureScales?: Graph["featureScales"];
  readonly featureNames?: Graph["featureNames"];
  readonly nodeNames?: readonly string[];
  readonly report: ImportReport;
}

/** @throws OptionError for a name that no kept graph may have */
export function checkKeptName(name: string): void {
  if (NAME.test(name) && name.length <= 40 && !OWN_NAME.test(name)) {
    datasets.checkName(name);
    return;
  }
  throw new OptionError(
    `a graph cannot be kept as "${printable(name)}": a name has lower-case letters and digits, in parts ` +
      "joined by -, 40 characters at most, and does not end in a fingerprint",
  );
}

/** Returns the file of a kept graph; its name may end in the graph's fingerprint. */
export function keptFile(name: string, dataDir?: string): string | undefined {
  const stem = OWN_NAME.test(name) ? name.slice(0, name.lastIndexOf("-")) : name;
  if (!NAME.test(stem)) return undefined;
  const files = dataFolders(dataDir).searched.map((folder) => fileIn(folder, stem));
  return files.find((file) => existsSync(file));
}

/** The names of the kept graphs, and their files, in the order in which folders are searched. */
export function keptGraphs(dataDir?: string): { readonly name: string; readonly file: string }[] {
  const found = new Map<string, string>();
  for (const folder of dataFolders(dataDir).searched) {
    const own = path.join(folder, FOLDER);
    for (const file of existsSync(own) ? readdirSync(own).sort() : []) {
      const { name, ext } = path.parse(file);
      if (ext === ".npz" && NAME.test(name) && !found.has(name))
        found.set(name, path.join(own, file));
    }
  }
  return Array.from(found, ([name, file]) => ({ name, file }));
}

const fileIn = (folder: string, name: string): string => path.join(folder, FOLDER, `${name}.npz`);

/**
 * Keeps a graph. The same graph may be kept again; another one of this name is never replaced.
 * @returns the file
 * @throws OptionError if another graph has the name; FileError if it cannot be written
 */
export async function keep(
  source: string,
  name: string,
  imported: Imported,
  dataDir?: string,
): Promise<string> {
  // A folder that is only read must be there; one that is written to is made, as everywhere.
  if (dataDir !== undefined && !existsSync(dataDir)) made(dataDir);
  const file = fileIn(dataFolders(dataDir).downloads, name);
  if (existsSync(file)) {
    const { graph } = await readKept(file);
    if (graph.name === imported.graph.name) return file;
    throw new OptionError(
      `${file} is another graph, ${graph.name}: choose another name for ${imported.graph.name}, or delete it`,
    );
  }
  made(path.dirname(file));
  writeAtomic(file, encodeNpz(arraysOf(source, imported)));
  return file;
}

/** @throws FileError */
function made(folder: string): void {
  try {
    makeFolders(folder);
  } catch (cause) {
    throw fileError("create", folder, cause, 2);
  }
}

function arraysOf(source: string, imported: Imported): Map<string, NpyArray> {
  const { graph, report, splits, times } = imported;
  const { nodes, adjacency, features, labels, labelSets } = graph;
  const arrays = new Map<string, NpyArray>();
  const vector = (name: string, values: NpyArray["values"]): void => {
    arrays.set(name, { shape: [values.length], values });
  };
  const matrix = (name: string, { rows, columns, indptr, indices, values }: Csr): void => {
    vector(`${name}_indptr`, indptr);
    vector(`${name}_indices`, indices);
    // scipy's csr_matrix() needs the ones too, but they are left out here as in memory.
    if (values) vector(`${name}_data`, values);
    vector(`${name}_shape`, Int32Array.of(rows, columns));
  };
  matrix("adj", adjacency);
  matrix("attr", features);
  if (labelSets) matrix("sets", labelSets);
  vector("labels", labels);
  if (times) vector("times", times);
  for (const set of SETS) {
    if (splits.length === 0) break;
    const values = new Uint8Array(splits.length * nodes);
    for (const [k, split] of splits.entries()) {
      for (const node of split[set]) values[k * nodes + node] = 1;
    }
    arrays.set(`${set}_masks`, { shape: [splits.length, nodes], values });
  }
  const kept: Kept = {
    from: path.basename(path.resolve(source)),
    classes: graph.classes,
    features: features.columns,
    featuresAsIs: graph.featuresAsIs ?? false,
    ...(graph.featuresMade && { featuresMade: graph.featuresMade }),
    ...(graph.featureScales && { featureScales: graph.featureScales }),
    ...(graph.featureNames && { featureNames: graph.featureNames }),
    ...(graph.nodeNames && { nodeNames: graph.nodeNames }),
    report,
  };
  vector(NOTES, new Uint8Array(Buffer.from(JSON.stringify(kept))));
  return arrays;
}

/** Whether a path is a file that `keep` wrote, here or elsewhere. */
export async function isKept(source: string): Promise<boolean> {
  if (!source.endsWith(".npz") || !statSync(source).isFile()) return false;
  const bytes = await readOwn(source);
  return npzDigest(bytes) === "fits" && new NpzFile(bytes, source).names.includes(NOTES);
}

/** @throws BadFileError for a file that `keep` did not write, or that was changed */
export async function readKept(file: string): Promise<Imported & { readonly from: string }> {
  const bytes = await readOwn(file);
  const state = npzDigest(bytes);
  if (state !== "fits") {
    const fault = state === "differs" ? "it is damaged" : "abkd data import did not write it";
    throw new BadFileError(file, `${fault}; delete it and import the graph again`);
  }
  const npz = new NpzFile(bytes, file);
  const notes = keptNotes(npz);
  const { from, report, classes, featuresAsIs, featuresMade, nodeNames } = notes;
  const integers = (name: string): Int32Array => toInt32(npz.array(name), npz.where(name));
  const matrix = (name: string): Csr => {
    const [rows, columns] = integers(`${name}_shape`) as unknown as [number, number];
    const data = `${name}_data`;
    return {
      rows,
      columns,
      indptr: integers(`${name}_indptr`),
      indices: integers(`${name}_indices`),
      ...(npz.names.includes(data) && { values: toFloat32(npz.array(data), npz.where(data)) }),
    };
  };
  const labels = integers("labels");
  const graph: Graph = {
    name: "",
    nodes: labels.length,
    classes,
    labels,
    adjacency: matrix("adj"),
    features: matrix("attr"),
    ...(npz.names.includes("sets_indptr") && { labelSets: matrix("sets") }),
    ...(featuresAsIs && { featuresAsIs: true }),
    ...(featuresMade && { featuresMade }),
    ...(notes.featureScales && { featureScales: notes.featureScales }),
    ...(notes.featureNames && { featureNames: notes.featureNames }),
    ...(nodeNames && { nodeNames }),
    ...(report.classNames && { classNames: report.classNames }),
    decided: report.decisions,
  };
  const times = npz.names.includes("times")
    ? toFloat64(npz.array("times"), npz.where("times"))
    : undefined;
  const splits = keptSplits(npz, graph.nodes);
  const named = { ...graph, name: ownName(file, { graph, splits, times }) };
  checkGraph(named);
  return { graph: named, report, splits, from, ...(times && { times }) };
}

function keptNotes(npz: NpzFile): Kept {
  return JSON.parse(Buffer.from(npz.array(NOTES).bytes).toString()) as Kept;
}

function keptSplits(npz: NpzFile, nodes: number): RawSplit[] {
  if (!npz.names.includes("train_masks")) return [];
  const [train, val, test] = SETS.map((set) => {
    const name = `${set}_masks`;
    return nodeSets(npz.array(name), npz.where(name), nodes);
  });
  return train!.map((nodesOf, k) => ({ train: nodesOf, val: val![k]!, test: test![k]! }));
}
