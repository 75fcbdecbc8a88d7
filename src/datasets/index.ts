// Loading a dataset and a split of it by name: the one door to src/datasets.
import { OptionError } from "../errors.ts";
import type { Graph, Split } from "../graph/graph.ts";
import { dataFolders, fileReader, type ReadFile } from "./locate.ts";
import { type DatasetEntry, datasetEntry } from "./registry.ts";
import {
  fullSplit,
  geomGcnSplit,
  labelledOnly,
  parseSplit,
  type RawSplit,
  randomSplit,
} from "./splits.ts";

export { BadFileError, DatasetError, MissingFileError } from "./errors.ts";
export { DATASET_NAMES, datasetEntry } from "./registry.ts";

export interface DataOptions {
  /** Searched before all other folders, and where downloads go. */
  readonly dataDir?: string;
}

/**
 * The graph of a dataset.
 *
 * @param name one of DATASET_NAMES.
 * @throws OptionError for an unknown name; MissingFileError for a file that is in no folder;
 *   BadFileError for one that is broken.
 */
export async function loadDataset(name: string, options: DataOptions = {}): Promise<Graph> {
  return datasetEntry(name).load(reader(options));
}

/**
 * A split of a dataset's graph, without its unlabelled nodes, which are counted.
 *
 * @param graph as loadDataset gave it: its name decides which files are read.
 * @param spec `geom-gcn:0..9`, `public`, `pyg-full` or `random:<train>/<val>/<test>:<seed>`.
 * @throws OptionError for a split that makes no sense or that the dataset does not have, and as
 *   loadDataset does.
 */
export async function loadSplit(
  graph: Graph,
  spec: string,
  options: DataOptions = {},
): Promise<Split> {
  const raw = await rawSplit(graph, spec, datasetEntry(graph.name), reader(options));
  return labelledOnly(spec, raw, graph.labels);
}

function reader(options: DataOptions): ReadFile {
  return fileReader(dataFolders(options.dataDir));
}

async function rawSplit(
  graph: Graph,
  spec: string,
  entry: DatasetEntry,
  read: ReadFile,
): Promise<RawSplit> {
  const parsed = parseSplit(spec);
  if (parsed.kind === "random") return randomSplit(graph, parsed);
  if (parsed.kind === "geom-gcn" && entry.geomGcnFile) {
    return geomGcnSplit(entry.geomGcnFile(parsed.index), graph.nodes, read);
  }
  if (parsed.kind !== "geom-gcn" && entry.publicSplit) {
    const split = await entry.publicSplit(graph, read);
    return parsed.kind === "public" ? split : fullSplit(graph.nodes, split);
  }
  throw new OptionError(
    `${entry.name} has no split "${spec}": use ${entry.defaultSplit} or another random one`,
  );
}
