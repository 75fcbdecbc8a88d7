// Reads the raw layout of OGB's node datasets: gzipped tables of numbers, for one type of nodes or several.
import path from "node:path";
import { BadFileError } from "../formats/errors.ts";
import { columnsOf, type NumberTable, readNumbers } from "../formats/number-file.ts";
import type { Graph } from "../graph/graph.ts";
import { countClasses } from "./gnn-benchmark.ts";
import { cachedGraph } from "./graph-cache.ts";
import type { DataSource } from "./locate.ts";
import { arcsFromPairs, csrFromDense } from "./sparse.ts";
import type { RawSplit } from "./splits.ts";

/** More nodes or arcs than this are refused before anything is allocated (ogbn-mag has 21 million arcs). */
export const MOST_ARCS = 1 << 28;
const MOST_FEATURES = 1 << 16;

/** The files of a dataset with one type of nodes, below its folder. */
const PLAIN = [
  "raw/num-node-list.csv.gz",
  "raw/num-edge-list.csv.gz",
  "raw/edge.csv.gz",
  "raw/node-feat.csv.gz",
  "raw/node-label.csv.gz",
  "raw/node_year.csv.gz",
  "split/time/train.csv.gz",
  "split/time/valid.csv.gz",
  "split/time/test.csv.gz",
] as const;

/** @param folder of the dataset in a data folder: `ogbn_arxiv` */
export function ogbFiles(folder: string): string[] {
  return PLAIN.map((file) => `${folder}/${file}`);
}

/**
 * Loads a dataset with one type of nodes; both directions of each arc are taken, features are read as they are.
 * The graph is kept in the cache, by the sha256 of its files.
 * Source: snap-stanford/ogb, `io/read_graph_raw.py`.
 */
export async function loadOgb(name: string, folder: string, source: DataSource): Promise<Graph> {
  const at = (file: (typeof PLAIN)[number]): Promise<string> => source.path(`${folder}/${file}`);
  const [nodeCount, arcCount, edges, feats, classes] = await Promise.all([
    at("raw/num-node-list.csv.gz"),
    at("raw/num-edge-list.csv.gz"),
    at("raw/edge.csv.gz"),
    at("raw/node-feat.csv.gz"),
    at("raw/node-label.csv.gz"),
  ]);
  const files = [nodeCount, arcCount, edges, feats, classes];
  const make = async (): Promise<Graph> => {
    const nodes = await readCount(nodeCount);
    const arcs = await readCount(arcCount);
    const [from, to] = await readArcs(edges, { rows: arcs }, nodes, nodes);
    const labels = await readLabels(classes, nodes);
    return {
      name,
      nodes,
      classes: countClasses(labels, classes),
      adjacency: arcsFromPairs(nodes, from, to, arcs),
      features: csrFromDense(...(await readFeatures(feats, nodes))),
      featuresAsIs: true,
      labels,
    };
  };
  return cachedGraph(name, path.join(source.cache, name), files, make, source.onWarning);
}

/** The year of each node. @param file below the data folder */
export async function ogbYears(
  file: string,
  nodes: number,
  source: DataSource,
): Promise<Float64Array> {
  const years = await readNumbers(await source.path(file), {
    columns: 1,
    kind: "i32",
    rows: nodes,
  });
  return Float64Array.from(years);
}

/** OGB's split by time. @param folder of its three files, below the data folder */
export async function ogbSplit(
  folder: string,
  nodes: number,
  source: DataSource,
): Promise<RawSplit> {
  const taken = new Uint8Array(nodes);
  const members = async (set: string): Promise<Int32Array> => {
    const file = await source.path(`${folder}/${set}.csv.gz`);
    const chosen = await readNumbers(file, { columns: 1, kind: "i32", most: nodes });
    for (const [row, node] of chosen.entries()) {
      if (node < 0 || node >= nodes) {
        throw new BadFileError(file, `line ${row + 1}: node ${node} of ${nodes}`);
      }
      if (taken[node]) throw new BadFileError(file, `line ${row + 1}: node ${node} is in two sets`);
      taken[node] = 1;
    }
    return chosen.sort();
  };
  return {
    train: await members("train"),
    val: await members("valid"),
    test: await members("test"),
  };
}

/** Reads a file that holds one count. */
export async function readCount(file: string): Promise<number> {
  const [found, second] = await readNumbers(file, { columns: 1, kind: "i32", most: 2 });
  if (found === undefined) throw new BadFileError(file, "it holds no count");
  if (second !== undefined) {
    throw new BadFileError(file, "several graphs; a dataset of nodes has one");
  }
  if (found < 1 || found > MOST_ARCS) {
    throw new BadFileError(file, `line 1: ${found}; from 1 to ${MOST_ARCS} are read`);
  }
  return found;
}

/**
 * Reads the ends of each arc, one pair a row.
 * @param size how many there are, or at most
 * @returns sources and targets
 */
export async function readArcs(
  file: string,
  size: Pick<NumberTable, "rows" | "most">,
  sources: number,
  targets: number,
): Promise<[Int32Array, Int32Array]> {
  const pairs = await readNumbers(file, { columns: 2, kind: "i32", ...size });
  const arcs = pairs.length / 2;
  const ends: [Int32Array, Int32Array] = [new Int32Array(arcs), new Int32Array(arcs)];
  for (let k = 0; k < arcs; k++) {
    const [from, to] = [pairs[2 * k]!, pairs[2 * k + 1]!];
    if (from < 0 || from >= sources) {
      throw new BadFileError(file, `line ${k + 1}, column 1: node ${from} of ${sources}`);
    }
    if (to < 0 || to >= targets) {
      throw new BadFileError(file, `line ${k + 1}, column 2: node ${to} of ${targets}`);
    }
    ends[0][k] = from;
    ends[1][k] = to;
  }
  return ends;
}

/** Reads dense features. @param most columns @returns the numbers, row by row, and how many a row has */
export async function readFeatures(
  file: string,
  rows: number,
  most = MOST_FEATURES,
): Promise<[Float32Array, number]> {
  const columns = await columnsOf(file);
  if (columns > most) {
    throw new BadFileError(file, `line 1 has ${columns} columns; at most ${most} for ${rows} rows`);
  }
  return [await readNumbers(file, { columns, kind: "f32", rows }), columns];
}

export async function readLabels(file: string, nodes: number): Promise<Int32Array> {
  return readNumbers(file, { columns: 1, kind: "i32", rows: nodes });
}
