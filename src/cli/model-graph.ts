// An exported model, and the graph that a command applies it to.
import { loadDataset } from "../datasets/index.ts";
import type { Graph } from "../graph/graph.ts";
import { readModelFile } from "../training/apply.ts";
import { fitGraph, isOwnGraph } from "../training/fit.ts";
import type { ModelFile, ReadModelFile } from "../training/model-file.ts";
import { tell } from "./output.ts";

export interface ModelGraphOptions {
  /** By default the dataset that the model was trained on. */
  readonly dataset?: string;
  /** A folder of datasets that is looked into first. */
  readonly data?: string;
}

/** Reads both; says if the file has no digest, and what graphOf() says. */
export async function modelAndGraph(
  file: string,
  options: ModelGraphOptions,
): Promise<{ model: ReadModelFile; graph: Graph }> {
  const model = readModelFile(file);
  if (!model.ours) tell(`${file} was written by another program and has no digest`);
  return { model, graph: await graphOf(model, options) };
}

/**
 * Reads the graph that a model is applied to, with its features as the model reads them; says if it is not the model's
 * own, and what was done to it.
 * @throws UserError as fitGraph() does
 */
export async function graphOf(
  model: ModelFile,
  { dataset, data }: ModelGraphOptions,
): Promise<Graph> {
  const own = model.config.dataset;
  const found = await loadDataset(dataset ?? own, data === undefined ? {} : { dataDir: data });
  const { graph, done } = fitGraph(model, found);
  for (const line of [...differences(model, found), ...done]) tell(line);
  return graph;
}

/** What is to be said where a model meets another graph than its own. */
function differences(model: ModelFile, graph: Graph): string[] {
  if (isOwnGraph(model, graph)) return [];
  const { name, featuresMade } = graph;
  const other = `the model was trained on ${model.config.dataset}; this is another graph, ${name}`;
  if (featuresMade === undefined || model.featuresMade !== undefined) return [other];
  const forms = `features of ${name} were made ${featuresMade} when it was imported`;
  return [other, `${forms}, and the model's file does not say that the model's were`];
}
