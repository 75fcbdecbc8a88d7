// A trained model applied to a graph: logits, classes, and which part of the nodes is right.
import { needObject, needText } from "../base/arguments.ts";
import { UserError } from "../base/errors.ts";
import { readBytes } from "../base/files.ts";
import type { Suggested } from "../base/suggested.ts";
import {
  type DataOptions,
  type DatasetName,
  loadDataset,
  loadSplit,
  type OwnSplit,
  ownSplit,
  type SplitName,
} from "../datasets/index.ts";
import { type Graph, type Split, UNLABELLED } from "../graph/graph.ts";
import { findModel } from "../models/registry.ts";
import { startEngine } from "../tensor/index.ts";
import { checkKeys } from "./config-check.ts";
import { predictedClasses, withForward } from "./evaluate.ts";
import { graphInputs } from "./inputs.ts";
import { decodeModel, type ModelFile, restoreModel } from "./model-file.ts";

export interface EvaluateOptions extends DataOptions {
  /** A dataset's name or a graph; the one that the model was trained on if left out. */
  readonly dataset?: Suggested<DatasetName> | Graph;
  /** Whose sets are scored; on the graph that the model was trained on, the one it was trained with. */
  readonly split?: Suggested<SplitName> | OwnSplit;
}

/** What a model says of a graph's nodes. */
export interface Evaluation {
  readonly dataset: string;
  /** Absent where all labelled nodes alone are scored. */
  readonly split?: string;
  /** Fractions of each set's labelled nodes, 0 to 1; a set without any is left out. */
  readonly accuracy: Readonly<Partial<Record<"train" | "val" | "test" | "all", number>>>;
  /** Of each node. */
  readonly classes: Int32Array;
  /** nodes x classes, row-major. */
  readonly logits: Float32Array;
}

const KEYS: Readonly<Record<keyof EvaluateOptions, true>> = {
  ...{ dataset: true, split: true },
  ...{ dataDir: true, download: true, mirror: true, onWarning: true, onProgress: true },
  ...{ signal: true, idleLimit: true, totalLimit: true },
};

const MODEL = "a trained model, as distill() gives it, or the path of a model file";

/**
 * Scores a trained model on a graph: the one that it was trained on, or any with as many features and
 * classes. Starts the engine. Data is downloaded where it is missing, unless `download` is false.
 *
 * @param model as distill() or readModel() gives it, or the path of a file of encodeModel() or `abkd export`
 * @throws OptionError for arguments that make no sense; FormatError, FileError for a file that cannot be
 *   read; UserError for a graph that the model does not fit; and as loadDataset and loadSplit do
 */
export async function evaluate(
  model: string | ModelFile,
  options: EvaluateOptions = {},
): Promise<Evaluation> {
  const file = typeof model === "string" ? readModelFile(model) : model;
  needObject(file, "evaluate: model", MODEL, "config", "shape", "parameters");
  checkKeys(options, Object.keys(KEYS), "the options of evaluate");
  const { dataset = file.config.dataset, split: given, ...rest } = options;
  const data = { download: true, ...rest };
  const graph = typeof dataset === "string" ? await loadDataset(dataset, data) : dataset;
  needObject(graph, "evaluate: dataset", "a dataset's name, or a graph", "name", "adjacency");
  checkFit(file, graph);
  // Another graph's splits may be of other kinds; without one, all labelled nodes count.
  const spec = given ?? (graph.name === file.config.dataset ? file.config.split : undefined);
  const split =
    typeof spec === "object" ? ownSplit(spec, graph) : spec && (await loadSplit(graph, spec, data));
  startEngine();
  const { classes, logits } = apply(file, graph);
  return {
    dataset: graph.name,
    ...(split && { split: split.name }),
    accuracy: accuracies(graph, classes, split || undefined),
    classes,
    logits,
  };
}

/** A model file of any program. @throws FormatError, FileError */
export function readModelFile(path: string): ReturnType<typeof decodeModel> {
  needText(path, "the path of a model file", "a file of abkd export");
  return decodeModel(readBytes(path, 2), path);
}

function checkFit({ shape }: ModelFile, graph: Graph): void {
  const { features, classes } = shape;
  if (features === graph.features.columns && classes === graph.classes) return;
  throw new UserError(
    `the model is for ${features} features and ${classes} classes; ` +
      `${graph.name} has ${graph.features.columns} and ${graph.classes}`,
  );
}

function apply(file: ModelFile, graph: Graph): Pick<Evaluation, "classes" | "logits"> {
  const model = restoreModel(file);
  const forms = graphInputs(graph);
  try {
    const inputs = findModel(model.outline.kind).prepare(forms.value);
    return withForward<Pick<Evaluation, "classes" | "logits">, unknown>(
      model,
      inputs,
      "logits",
      (forward) => ({
        classes: predictedClasses(forward),
        logits: forward.logits.dataSync<"float32">(),
      }),
    );
  } finally {
    forms.dispose();
    model.dispose();
  }
}

/** NaN where there are no labelled nodes would not be JSON, so such sets are left out. */
function accuracies(graph: Graph, classes: Int32Array, split?: Split): Evaluation["accuracy"] {
  const all = Int32Array.from(graph.labels.keys());
  const sets = { ...(split && { train: split.train, val: split.val, test: split.test }), all };
  return Object.fromEntries(
    Object.entries(sets).flatMap(([name, nodes]) => {
      const labelled = nodes.filter((node) => graph.labels[node] !== UNLABELLED);
      const right = labelled.filter((node) => graph.labels[node] === classes[node]);
      return labelled.length > 0 ? [[name, right.length / labelled.length]] : [];
    }),
  );
}
