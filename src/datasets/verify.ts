// Compares a dataset on disk with the published one, array by array and split by split.
import { differences, summarise, summarisePublic, summariseSplit } from "./canonical.ts";
import { MissingFileError } from "./errors.ts";
import { type DataOptions, differsFromPublished, loadDataset, loadRawSplit } from "./index.ts";
import { dataFolders, findFile } from "./locate.ts";
import {
  PUBLIC_SUMMARIES,
  type PublicSummary,
  SPLIT_SUMMARIES,
  type SplitSummary,
  type Summary,
} from "./oracles.ts";
import { datasetEntry } from "./registry.ts";

/** What was found, and how it differs from the published dataset. */
export interface Verification extends Summary {
  readonly public_split?: PublicSummary;
  /** Summaries of the Geom-GCN splits whose files are present. */
  readonly splits: Readonly<Record<string, SplitSummary>>;
  /** Geom-GCN splits whose files are missing, which is not an error. */
  readonly missing: readonly string[];
  readonly differences: readonly string[];
  readonly ok: boolean;
}

/** Whether all of a dataset's files are missing (an embedded one is never absent). */
export function isAbsent(name: string, options: DataOptions): boolean {
  const { files } = datasetEntry(name);
  const folders = dataFolders(options.dataDir);
  return files.length > 0 && files.every((file) => findFile(file, folders) === null);
}

/** Verifies a dataset without using the network. @throws as loadDataset. */
export async function verifyDataset(name: string, options: DataOptions): Promise<Verification> {
  const graph = await loadDataset(name, options);
  const summary = summarise(graph);
  const found = await differsFromPublished(graph, options);
  const expectedPublic = PUBLIC_SUMMARIES[name];
  let publicSplit: PublicSummary | undefined;
  if (expectedPublic && found.length === 0) {
    publicSplit = summarisePublic(await loadRawSplit(graph, "public", options));
    found.push(...differences(publicSplit, expectedPublic, "public_split."));
  }
  const splits: Record<string, SplitSummary> = {};
  const missing: string[] = [];
  // A graph that is not the published one has no published splits.
  for (const [index, expected] of found.length === 0
    ? (SPLIT_SUMMARIES[name] ?? []).entries()
    : []) {
    const spec = `geom-gcn:${index}`;
    try {
      splits[spec] = summariseSplit(graph.nodes, await loadRawSplit(graph, spec, options));
      found.push(...differences(splits[spec], expected, `splits.${spec}.`));
    } catch (error) {
      if (!(error instanceof MissingFileError)) throw error;
      missing.push(spec);
    }
  }
  return {
    ...summary,
    ...(publicSplit && { public_split: publicSplit }),
    splits,
    missing,
    differences: found,
    ok: found.length === 0,
  };
}
