// Claims about sizes that need no training: table 9's graphs, table 3's parameters and ratios.
import { needObject } from "../base/arguments.ts";
import { OptionError } from "../base/errors.ts";
import { type DataOptions, DatasetError, loadDataset } from "../datasets/index.ts";
import type { Graph } from "../graph/graph.ts";
import { Gcnii } from "../models/gcnii.ts";
import { parameterCount } from "../models/model.ts";
import { startEngine } from "../tensor/index.ts";
import { studentRecipe, teacherRecipe } from "../training/recipes.ts";
import { table3, table9 } from "./published.ts";
import type { Verdict } from "./verdict.ts";

/** One printed number beside ours. */
export interface SizeClaim {
  readonly dataset: string;
  readonly what: string;
  readonly paper: number;
  /** Absent if the graph's files are missing or there is no loader. */
  readonly ours?: number;
  readonly verdict: Verdict;
}

type Size = readonly [what: string, paper: number, ours: number | undefined];

function claim(dataset: string, [what, paper, ours]: Size): SizeClaim {
  const base = { dataset, what, paper };
  if (ours === undefined) {
    return { ...base, verdict: { outcome: "not testable", why: "the graph is not here" } };
  }
  const same = ours === paper;
  const why = same ? "equal" : `ours is ${ours}, the paper prints ${paper}`;
  return { ...base, ours, verdict: { outcome: same ? "reproduced" : "differs", why } };
}

/** Loads a graph; undefined if it is not available here. */
async function graphOf(name: string, options: DataOptions): Promise<Graph | undefined> {
  try {
    return await loadDataset(name, options);
  } catch (error) {
    // A file that is missing, or a dataset without a loader (ogbn-mag).
    if (error instanceof DatasetError || error instanceof OptionError) return undefined;
    throw error;
  }
}

/** Checks table 9: nodes, arcs, features and classes of each graph, as loaded. Downloads only if told to. */
export async function table9Claims(options: DataOptions = {}): Promise<SizeClaim[]> {
  needObject(options, "table9Claims: options", "an object, such as { dataDir }");
  const claims = Object.entries(table9).map(async ([dataset, paper]) => {
    const graph = await graphOf(dataset, options);
    const sizes: Size[] = [
      ["nodes", paper.nodes, graph?.nodes],
      ["edges (each direction counts)", paper.edges, graph?.adjacency.indices.length],
      ["features", paper.features, graph?.features.columns],
      ["classes", paper.classes, graph?.classes],
    ];
    return sizes.map((size) => claim(dataset, size));
  });
  return (await Promise.all(claims)).flat();
}

/** Checks table 3's parameters and ratio, counted on the models here; starts the engine, trains nothing. */
export async function modelSizeClaims(options: DataOptions = {}): Promise<SizeClaim[]> {
  needObject(options, "modelSizeClaims: options", "an object, such as { dataDir }");
  startEngine();
  const claims = Object.entries(table3).map(async ([dataset, paper]) => {
    const graph = await graphOf(dataset, options);
    const count = (recipe: ReturnType<typeof teacherRecipe>): number | undefined => {
      if (!graph) return undefined;
      const shape = { features: graph.features.columns, classes: graph.classes };
      const model = new Gcnii(recipe.model, shape, 1);
      try {
        return parameterCount(model);
      } finally {
        model.dispose();
      }
    };
    const student = count(studentRecipe(dataset, "student"));
    const teacher = count(teacherRecipe(dataset));
    const ratio = teacher && student ? Number((teacher / student).toFixed(1)) : undefined;
    const sizes: Size[] = [
      ["student parameters", paper.studentParameters, student],
      ["teacher / student", paper.ratio, ratio],
    ];
    return sizes.map((size) => claim(dataset, size));
  });
  return (await Promise.all(claims)).flat();
}
