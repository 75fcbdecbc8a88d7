// Reads the folder of a dataset of the Open Graph Benchmark: raw/edge.csv.gz, node-feat.csv.gz and others.
import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import path from "node:path";
import { MAX_CELLS, openTable, type TextTable, visitRows } from "../../formats/csv.ts";
import { BadFileError } from "../../formats/errors.ts";
import { readArcs, readCount, readFeatures } from "../ogb.ts";
import { csrFromDense, MAX_ENTRIES, MAX_SIDE } from "../sparse.ts";
import type { RawSplit } from "../splits.ts";
import { type FoundGraph, readOwn } from "./found.ts";
import { classesOf, noLabels } from "./labels.ts";
import { splitFrom } from "./node-sets.ts";
import { timesOf } from "./times.ts";

/** Whether a folder has raw/edge.csv, as the archives of OGB do, or is that folder. */
export function ogbFolder(source: string, names: readonly string[]): string | undefined {
  const raw = names.includes("raw") ? path.join(source, "raw") : source;
  const there = ["num-node-list", "edge"].every((stem) => fileOf(raw, stem) !== undefined);
  return there ? raw : undefined;
}

function fileOf(folder: string, stem: string): string | undefined {
  const files = [".csv.gz", ".csv"].map((end) => path.join(folder, stem + end));
  return files.find((file) => existsSync(file));
}

/** Source: snap-stanford/ogb, io/read_graph_raw.py: no headers, nodes numbered from 0. */
export async function readOgb(raw: string): Promise<FoundGraph> {
  const table = async (stem: string, folder = raw): Promise<TextTable | undefined> => {
    const file = fileOf(folder, stem);
    return file === undefined ? undefined : openTable(file, await readOwn(file), new Set());
  };
  const sizes = fileOf(raw, "num-node-list")!;
  const nodes = await readCount(sizes);
  if (nodes > MAX_SIDE) throw new BadFileError(sizes, `${nodes} nodes; at most ${MAX_SIDE}`);
  const most = { most: MAX_ENTRIES };
  const [from, to] = await readArcs(fileOf(raw, "edge")!, most, nodes, nodes);
  const feat = fileOf(raw, "node-feat");
  const label = await table("node-label");
  const year = await table("node_year");
  const texts = label && cells(label, nodes);
  const times = year && timesOf(cells(year, nodes), (node) => `${year.file}: node ${node}`);
  return {
    form: "the files of the Open Graph Benchmark",
    nodes,
    from,
    to,
    ...(feat && {
      features: csrFromDense(...(await readFeatures(feat, nodes, Math.floor(MAX_CELLS / nodes)))),
    }),
    ...(texts ? classesOf(texts, label.file) : noLabels(nodes)),
    splits: await splits(raw, nodes),
    ...(times && { times }),
    decisions: [],
  };
}

function cells(table: TextTable, nodes: number): string[] {
  if (table.columns !== 1) {
    const fault = `${table.columns} columns: tasks with one label for each node are read`;
    throw new BadFileError(table.file, fault);
  }
  const found: string[] = [];
  visitRows(table, ([cell]) => found.push(cell!.replace(/^nan$/i, "").replace(/\.0$/, "")));
  if (found.length === nodes) return found;
  throw new BadFileError(table.file, `${found.length} rows for ${nodes} nodes`);
}

/** The sets of split/NAME beside raw, of each name. */
async function splits(raw: string, nodes: number): Promise<RawSplit[]> {
  const folder = path.join(raw, "..", "split");
  if (path.basename(raw) !== "raw" || !existsSync(folder)) return [];
  const found: RawSplit[] = [];
  for (const name of (await readdir(folder)).sort()) {
    const files = ["train", "valid", "test"].map((set) => fileOf(path.join(folder, name), set));
    if (files.some((file) => file === undefined)) continue;
    const tables: TextTable[] = [];
    for (const file of files) tables.push(openTable(file!, await readOwn(file!), new Set()));
    found.push(splitFrom(tables, path.join(folder, name), { nodes, file: raw }));
  }
  return found;
}
