// Loads the data of runs: each graph once, and each split and order of it once.
import { type DataOptions, loadDataset, loadSplit } from "../datasets/index.ts";
import { splitDoubts } from "../datasets/split-doubts.ts";
import { checkGraph, checkSplit } from "../graph/check.ts";
import type { Graph, Split } from "../graph/graph.ts";
import { localityOrder } from "../graph/order.ts";
import { fingerprint } from "./inputs.ts";
import type { RunConfig } from "./run.ts";
import { checkOutputsFit, outputsOf, type TeacherOutputs } from "./teacher-outputs.ts";

/** What a run is trained on; plain data, so that it can be sent to a worker thread. */
export interface TrialData {
  readonly graph: Graph;
  readonly split: Split;
  /** The nodes in the order that the configuration asks for; if absent, as the dataset numbers them. */
  readonly order?: Int32Array;
  /** See fingerprint() in inputs.ts. */
  readonly fingerprint: string;
  /** The teacher's outputs, if the configuration names any and they are loaded. */
  readonly teacher?: TeacherOutputs;
}

/**
 * Loads and checks the data of all runs, so that a missing file is one clear error.
 * @returns a function from each of these configurations to its data
 * @throws UserError for data that cannot be loaded or is invalid, and for a teacher's outputs that do not fit it
 */
export async function loadTrialData(
  configs: Iterable<RunConfig>,
  options: DataOptions,
): Promise<(config: RunConfig) => TrialData> {
  const graphs = new Map<string, Graph>();
  const orders = new Map<string, Int32Array>();
  const data = new Map<string, TrialData>();
  const doubts = new Set<string>();
  for (const config of configs) {
    const { dataset } = config;
    if (data.has(dataKey(config))) continue;
    const graph = graphs.get(dataset) ?? (await loadDataset(dataset, options));
    if (!graphs.has(dataset)) checkGraph(graph);
    graphs.set(dataset, graph);
    const split = await loadSplit(graph, config.split, options);
    checkSplit(split, graph);
    for (const doubt of splitDoubts(graph, split)) {
      const text = `${dataset} ${config.split}: ${doubt}`;
      if (!doubts.has(text)) options.onWarning?.(text);
      doubts.add(text);
    }
    const teacher = outputsOf(config);
    if (teacher) checkOutputsFit(teacher, graph);
    const found = {
      graph,
      split,
      fingerprint: fingerprint(graph, split),
      ...(teacher && { teacher }),
    };
    if (config.order !== "locality") {
      data.set(dataKey(config), found);
      continue;
    }
    const order = orders.get(dataset) ?? localityOrder(graph.adjacency);
    orders.set(dataset, order);
    data.set(dataKey(config), { ...found, order });
  }
  return (config) => data.get(dataKey(config))!;
}

function dataKey({ dataset, split, order, teacherOutputs }: RunConfig): string {
  return `${dataset} ${split} ${order} ${teacherOutputs?.fingerprints}`;
}
