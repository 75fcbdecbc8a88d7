// An exported model, and the graph that a command applies it to.
import { loadDataset } from "../datasets/index.ts";
import type { Graph } from "../graph/graph.ts";
import { readModelFile } from "../training/apply.ts";
import type { ReadModelFile } from "../training/model-file.ts";
import { tell } from "./output.ts";

export interface ModelGraphOptions {
  /** By default the dataset that the model was trained on. */
  readonly dataset?: string;
  /** A folder of datasets that is looked into first. */
  readonly data?: string;
}

/** Reads both; says if the file has no digest, and if the graph is not the model's own. */
export async function modelAndGraph(
  file: string,
  { dataset, data }: ModelGraphOptions,
): Promise<{ model: ReadModelFile; graph: Graph }> {
  const model = readModelFile(file);
  if (!model.ours) tell(`${file} was written by another program and has no digest`);
  const own = model.config.dataset;
  const graph = await loadDataset(dataset ?? own, data === undefined ? {} : { dataDir: data });
  if (graph.name !== own) {
    tell(`the model was trained on ${own}; this is another graph, ${graph.name}`);
  }
  return { model, graph };
}
