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
  for (const line of differences(model, graph)) tell(line);
  return { model, graph };
}

/** What is to be said where a model meets another graph than its own. */
function differences({ config: { dataset }, featuresAsIs }: ReadModelFile, graph: Graph): string[] {
  if (graph.name === dataset) return [];
  const digits = (name: string): string | undefined => /-([0-9a-f]{12})$/.exec(name)?.[1];
  // A graph of one's own has its fingerprint in its name: it may be read from another path.
  const own = digits(dataset);
  if (own !== undefined && own === digits(graph.name)) return [];
  const other = `the model was trained on ${dataset}; this is another graph, ${graph.name}`;
  if (featuresAsIs || !graph.featuresAsIs) return [other];
  const forms =
    "the model learned from rows of features divided by their sums; this graph's are read as they are";
  return [other, `${forms}: import it with --features rows`];
}
