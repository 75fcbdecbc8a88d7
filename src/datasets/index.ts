// Loads a dataset and a split of it by name: the entry point of src/datasets.
import { stat } from "node:fs/promises";
import path from "node:path";
import {
  checkValues,
  LEGAL,
  type Legal,
  needArray,
  needObject,
  needText,
} from "../base/arguments.ts";
import { OptionError } from "../base/errors.ts";
import { firstOf } from "../base/registry.ts";
import type { Suggested } from "../base/suggested.ts";
import { BadFileError, DatasetError } from "../formats/errors.ts";
import { checkLabels, itemCount } from "../graph/check.ts";
import type { Graph, Split } from "../graph/graph.ts";
import { archiveOf } from "./archives.ts";
import { countsOf, differences, summarise } from "./canonical.ts";
import { type DownloadOptions, download, sha256Of } from "./download.ts";
import { ASKED_ABOVE, archiveSize, fetchArchive } from "./fetch-archive.ts";
import { importDataset, isOwn, OWN_CHOICES, type OwnChoices } from "./import/index.ts";
import {
  type DataFolders,
  type DataSource,
  dataFolders,
  dataSource,
  findFile,
  missingFile,
} from "./locate.ts";
import { publishedFile } from "./manifest.ts";
import { SUMMARIES } from "./oracles.ts";
import { LARGE_SUMMARIES } from "./oracles-large.ts";
import { namedSets } from "./own.ts";
import { DATASET_NAMES, type DatasetEntry, type DatasetName, datasetEntry } from "./registry.ts";
import {
  fullSplit,
  geomGcnSplit,
  labelledOnly,
  parseSplit,
  perClassSplit,
  type RawSplit,
  randomSplit,
  type SplitName,
  timeSplit,
} from "./splits.ts";

export { BadFileError, DatasetError } from "../formats/errors.ts";
export type { DownloadProgress } from "./download.ts";
export { MissingFileError, UnfitSplitError } from "./errors.ts";
export { type AddedNodes, readAdded } from "./import/added.ts";
export {
  ARC_FORMS,
  type ArcForm,
  describeReport,
  FEATURE_FORMS,
  type FeatureForm,
  type Imported,
  type ImportOptions,
  type ImportReport,
  importDataset,
  isOwn,
  keptGraphs,
  MADE_FEATURES,
  type MadeFeatures,
  OWN_CHOICES,
  type OwnChoices,
  readKept,
} from "./import/index.ts";
export {
  LEGAL_SPLIT,
  nameSets,
  type OwnDataset,
  type OwnSplit,
  ownSplit,
  registerDataset,
} from "./own.ts";
export { DATASET_NAMES, type DatasetName, datasetEntry } from "./registry.ts";
export { parseSplit, type SplitName } from "./splits.ts";
export { type SyntheticMagOptions, syntheticMag } from "./synthetic-mag.ts";

export interface DataOptions extends DownloadOptions {
  /** The folder that is searched first, and where downloads go. */
  readonly dataDir?: string;
  /** Whether a missing file is downloaded from its official address; false by default. */
  readonly download?: boolean;
  /** A server with the layout of a data folder, used instead of the official addresses. */
  readonly mirror?: string;
  /** How a graph of your own is read; a kept graph has been read already, and is refused with choices. */
  readonly own?: OwnChoices;
  /** Called when a graph differs from the published one of its name. */
  readonly onWarning?: (message: string) => void;
}

/** What each of them may be, for the functions that take them. */
export const DATA_OPTIONS: Readonly<Record<keyof DataOptions, Legal>> = {
  dataDir: LEGAL.folder,
  download: LEGAL.switch,
  mirror: LEGAL.address,
  own: {
    words: `an object with ${Object.keys(OWN_CHOICES).join(", ")}`,
    is: LEGAL.object.is,
  },
  onWarning: LEGAL.functions,
  onProgress: LEGAL.functions,
  signal: LEGAL.signal,
  idleLimit: LEGAL.milliseconds,
  totalLimit: LEGAL.milliseconds,
};

/** @throws OptionError for what is not an object, or has an option that makes no sense */
function checkData(options: DataOptions, owner: string): void {
  needObject(
    options,
    `${owner}: options`,
    `an object with ${Object.keys(DATA_OPTIONS).join(", ")}`,
  );
  checkValues(options, DATA_OPTIONS, owner);
}

/**
 * Loads a dataset's graph. A graph that differs from the published one is loaded with a warning (it
 * may be intended), unless a file has exactly the published length: that is a damaged copy.
 *
 * @param name one of DATASET_NAMES, or the path of a graph of your own, a file or a folder
 *   (docs/datasets.md), or the name under which importDataset() kept it: the graph's name is then what
 *   configurations call it.
 * @throws OptionError for an unknown name or path; MissingFileError for a file that is in no folder and
 *   may not be downloaded; BadFileError for a broken file; DatasetError if a download fails.
 */
export async function loadDataset(
  name: Suggested<DatasetName>,
  options: DataOptions = {},
): Promise<Graph> {
  checkData(options, "loadDataset");
  if (isOwn(name, options.dataDir)) {
    return (await importDataset(name, { ...options.own, ...placeOf(options) })).graph;
  }
  const entry = datasetEntry(name);
  const folders = dataFolders(options.dataDir);
  const graph = await entry.load(sourceOf(folders, options));
  if (entry.files.length > 0) {
    const large = LARGE_SUMMARIES[name];
    const differing = large
      ? differences(countsOf(graph), large)
      : await differsFromPublished(graph, options);
    if (differing.length > 0) {
      await refuseDamaged(entry, folders);
      const more = differing.length > 3 ? ` and ${differing.length - 3} more` : "";
      options.onWarning?.(
        `this is not the published ${name}: ${differing.slice(0, 3).join(", ")}${more} differ`,
      );
    }
  }
  return graph;
}

/**
 * Loads the first of some datasets whose graph and default split are available, e.g.
 * `["cora", "synthetic"]` where a download may fail. `onWarning` is told why an earlier one was not.
 *
 * @param split a split to use instead of the datasets' default ones
 * @throws DatasetError if even the last one is not available; OptionError for an unknown name
 */
export async function firstAvailable(
  names: readonly [Suggested<DatasetName>, ...Suggested<DatasetName>[]],
  options: DataOptions = {},
  split?: Suggested<SplitName>,
): Promise<string> {
  needArray(names, "firstAvailable: names", "an array of datasets' names");
  checkData(options, "firstAvailable");
  for (const [index, name] of names.entries()) {
    try {
      const graph = await loadDataset(name, options);
      await loadSplit(graph, split ?? datasetEntry(graph.name).defaultSplit, options);
      return graph.name;
    } catch (error) {
      const next = names[index + 1];
      if (!(error instanceof DatasetError) || options.signal?.aborted || !next) throw error;
      options.onWarning?.(`${name} is not available, so this is ${next}: ${error.message}`);
    }
  }
  throw new OptionError(`no dataset is named; known: ${firstOf(DATASET_NAMES)} (abkd data list)`);
}

/**
 * Loads a split of a dataset's graph, without its unlabelled nodes, which are counted.
 *
 * @param graph a graph from loadDataset: its name decides which files are read.
 * @param spec `geom-gcn:0..9`, `public`, `pyg-full`, `random:<train>/<val>/<test>:<seed>`,
 *   `per-class:<train>/<val>:<seed>`, `per-class-largest:<train>/<val>:<seed>` or `time:<train>/<val>`.
 * @throws OptionError for a split that is malformed or that the dataset does not have; otherwise as
 *   loadDataset.
 */
export async function loadSplit(
  graph: Graph,
  spec: Suggested<SplitName>,
  options: DataOptions = {},
): Promise<Split> {
  return labelledOnly(spec, await loadRawSplit(graph, spec, options), graph.labels);
}

/** Loads a split like loadSplit, but keeps the unlabelled nodes that the source put in. */
export async function loadRawSplit(
  graph: Graph,
  spec: string,
  options: DataOptions = {},
): Promise<RawSplit> {
  needObject(graph, "loadSplit: graph", "a graph, as returned by loadDataset()");
  needText(spec, "loadSplit: split", "a split's name, such as geom-gcn:0");
  checkData(options, "loadSplit");
  const parsed = parseSplit(spec);
  checkLabels(graph);
  if (parsed.kind === "random") return randomSplit(graph, parsed);
  if (parsed.kind === "per-class") return perClassSplit(graph, parsed);
  if (parsed.kind === "sets") return namedSets(parsed.digest);
  const entry = datasetEntry(graph.name);
  const source = sourceOf(dataFolders(options.dataDir), options);
  if (parsed.kind === "time") {
    if (entry.times) return timeSplit(graph, await entry.times(graph, source), parsed);
    throw new OptionError(`${entry.name} has no times of its nodes, so no split "${spec}"`);
  }
  const numbered = parsed.kind === "geom-gcn" && entry.numberedSplits?.[parsed.index];
  if (numbered) return numbered;
  if (parsed.kind === "geom-gcn" && entry.geomGcnFile) {
    return geomGcnSplit(entry.geomGcnFile(parsed.index), graph.nodes, source.read);
  }
  if (parsed.kind === "fold" && entry.fold) return entry.fold(parsed.index, graph, source);
  if ((parsed.kind === "public" || parsed.kind === "pyg-full") && entry.publicSplit) {
    const split = await entry.publicSplit(graph, source);
    return parsed.kind === "public" ? split : fullSplit(itemCount(graph), split);
  }
  throw new OptionError(
    `${entry.name} has no split "${spec}": use ${entry.defaultSplit} or another random one`,
  );
}

/**
 * Downloads a registered dataset's file into the folder for downloads.
 *
 * @param file relative to a data folder, e.g. `planetoid/ind.cora.x`. A file of an archive comes with all others.
 * @returns its path.
 */
export async function fetchFile(file: string, options: DataOptions = {}): Promise<string> {
  const { downloads } = dataFolders(options.dataDir);
  const target = path.join(downloads, file);
  const archive = archiveOf(file);
  if (archive) {
    await fetchArchive(archive, await archiveSize(archive, options.mirror), downloads, options);
    return target;
  }
  const published = publishedFile(file);
  if (published.archive && !options.mirror) {
    throw new DatasetError(
      `${file} is part of an archive: unpack ${published.url} into ${path.dirname(target)}`,
    );
  }
  const url = options.mirror ? `${options.mirror.replace(/\/$/, "")}/${file}` : published.url;
  await download({ ...published, url }, target, options);
  return target;
}

/** The data folder, for what takes nothing else. */
function placeOf({ dataDir }: DataOptions): Pick<DataOptions, "dataDir"> {
  return dataDir === undefined ? {} : { dataDir };
}

function sourceOf(folders: DataFolders, options: DataOptions): DataSource {
  return dataSource(
    folders,
    async (file) => {
      if (!options.download) throw missingFile(file, folders);
      const archive = archiveOf(file);
      // What is asked about before it is fetched is never fetched on the way to something else.
      if (archive && (await archiveSize(archive, options.mirror)).disk > ASKED_ABOVE) {
        throw missingFile(file, folders);
      }
      return fetchFile(file, options);
    },
    options.onWarning,
  );
}

/**
 * Returns dotted paths of what differs between a graph and the published one of its name. No digest of
 * all labels is published: where a file that adds labels is present, its own digest is checked instead.
 *
 * @param graph a graph from loadDataset.
 */
export async function differsFromPublished(graph: Graph, options: DataOptions): Promise<string[]> {
  const { name } = graph;
  const found = differences(summarise(graph), SUMMARIES[name] ?? LARGE_SUMMARIES[name]!);
  const folders = dataFolders(options.dataDir);
  for (const file of datasetEntry(graph.name).labelFiles ?? []) {
    const path = findFile(file, folders);
    if (path === null) continue;
    const asPublished = (await sha256Of(path)) === publishedFile(file).sha256;
    const rest = found.filter((entry) => !["sha256.labels_i32", "unlabelled"].includes(entry));
    return asPublished ? rest : [...rest, file];
  }
  return found;
}

/** @throws BadFileError for a file that has the published length but other contents. */
async function refuseDamaged(entry: DatasetEntry, folders: DataFolders): Promise<void> {
  for (const file of [...entry.files, ...(entry.labelFiles ?? [])]) {
    const found = findFile(file, folders);
    // Files of an archive have no digests of their own.
    if (found === null || archiveOf(file)) continue;
    const { bytes, sha256 } = publishedFile(file);
    const digest = await sha256Of(found);
    if ((await stat(found)).size === bytes && digest !== sha256) {
      throw new BadFileError(
        found,
        `a damaged copy: sha256 ${digest} instead of ${sha256}; delete it and fetch it again`,
      );
    }
  }
}
