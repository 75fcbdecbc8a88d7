// Real graphs in GraphSAINT's form whose features are not to be had: their topology, labels and split, features made.
import { BadFileError } from "../formats/errors.ts";
import { NpzFile } from "../formats/npz.ts";
import { type Graph, UNLABELLED } from "../graph/graph.ts";
import { readCsr } from "./gnn-benchmark.ts";
import { sparseArcs } from "./import/arrays.ts";
import { parseJson } from "./import/feature-list.ts";
import { saintLabels, saintSplit } from "./import/graphsaint.ts";
import type { DataSource, ReadFile } from "./locate.ts";
import { type FeatureRecipe, madeFeatures } from "./made-features.ts";
import { arcsFromPairs, MAX_SIDE } from "./sparse.ts";
import type { RawSplit } from "./splits.ts";

/** @param folder with GraphSAINT's files, below a data folder */
export function topologyFiles(folder: string): string[] {
  return ["adj_full.npz", "class_map.json", "role.json"].map((file) => `${folder}/${file}`);
}

/** Source of the form: GraphSAINT/GraphSAINT, README, "Dataset format". */
export async function loadTopology(
  name: string,
  folder: string,
  recipe: FeatureRecipe,
  { read }: DataSource,
): Promise<Graph> {
  const matrix = await read(`${folder}/adj_full.npz`);
  const npz = new NpzFile(matrix.bytes, matrix.path);
  const nodes = readCsr(npz, "").rows;
  if (nodes === 0 || nodes > MAX_SIDE) throw new BadFileError(npz.where("shape"), `${nodes} nodes`);
  const { from, to } = sparseArcs(npz, "", nodes, []);
  const map = await read(`${folder}/class_map.json`);
  const { labels, classes, labelSets } = saintLabels(
    map.path,
    parseJson(map.path, map.bytes),
    nodes,
  );
  const without = labels.indexOf(UNLABELLED);
  if (without >= 0) throw new BadFileError(map.path, `node ${without} of ${nodes} has no class`);
  if (labelSets) throw new BadFileError(map.path, "sets of classes; one class a node is expected");
  return {
    name,
    nodes,
    classes,
    adjacency: arcsFromPairs(nodes, from, to, from.length),
    features: madeFeatures(labels, classes, recipe),
    featuresAsIs: true,
    labels,
  };
}

/** GraphSAINT's own sets of nodes. */
export async function topologySplit(
  folder: string,
  nodes: number,
  read: ReadFile,
): Promise<RawSplit> {
  const { bytes, path } = await read(`${folder}/role.json`);
  return saintSplit(path, parseJson(path, bytes), nodes);
}
