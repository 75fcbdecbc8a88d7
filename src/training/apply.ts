// Applies a trained model to a graph: logits, classes and accuracies.
import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import {
  checkKeys,
  checkValues,
  isText,
  LEGAL,
  type Legal,
  needObject,
  needText,
} from "../base/arguments.ts";
import { OptionError, UserError } from "../base/errors.ts";
import { readBytes } from "../base/files.ts";
import type { Suggested } from "../base/suggested.ts";
import {
  DATA_OPTIONS,
  type DataOptions,
  type DatasetName,
  LEGAL_SPLIT,
  loadDataset,
  loadSplit,
  type OwnSplit,
  ownSplit,
  type SplitName,
} from "../datasets/index.ts";
import { type Graph, type Split, UNLABELLED } from "../graph/graph.ts";
import type { Outputs } from "../models/model.ts";
import { checkItems, findModel, graphShape } from "../models/registry.ts";
import { relationalFault } from "../models/relational.ts";
import { taskOf } from "../tasks/task.ts";
import { startEngine } from "../tensor/index.ts";
import { predictedClasses, withForward } from "./evaluate.ts";
import { type Fitted, fitGraph } from "./fit.ts";
import { fingerprint, graphInputs, readGraph } from "./inputs.ts";
import { type IntegerScores, integerScores } from "./integer-scores.ts";
import { decodeModel, MODEL_NAME, type ModelFile, restoreModel } from "./model-file.ts";
import { RUNS_FOLDER } from "./run-store.ts";

export interface EvaluateOptions extends DataOptions {
  /** A dataset's name or a graph; the one that the model was trained on if left out. */
  readonly dataset?: Suggested<DatasetName> | Graph;
  /** Whose sets are scored; on the graph that the model was trained on, by default the split of its training. */
  readonly split?: Suggested<SplitName> | OwnSplit;
}

/** What a model says about a graph's items: its nodes, or whole graphs if it consists of several. */
export interface Evaluation {
  readonly dataset: string;
  /** Absent if only all labelled items together are scored. */
  readonly split?: string;
  /** What `accuracy` holds in its place, as in results; by default the accuracy. */
  readonly metric?: "micro-F1";
  /** Fractions, 0 to 1, of each set's labelled items; a set without any is left out. */
  readonly accuracy: Readonly<Partial<Record<"train" | "val" | "test" | "all", number>>>;
  /** For a model of low precision, where inference in integers is there: what that gives. */
  readonly integers?: IntegerScores<Evaluation["accuracy"]>;
  /** How many labels are of classes that the model does not know, and so are not scored; absent: none. */
  readonly unknown?: number;
  /** The class of each item's largest logit, as the model numbers them (`classNames` of the model file). */
  readonly classes: Int32Array;
  /** items x classes, row-major; with label sets an item has the classes whose logits are above 0. */
  readonly logits: Float32Array;
}

const OPTIONS: Readonly<Record<keyof EvaluateOptions, Legal>> = {
  ...DATA_OPTIONS,
  dataset: {
    words: "a dataset's name, or a graph, as returned by makeGraph()",
    is: (value) => isText(value) || LEGAL.object.is(value),
  },
  split: LEGAL_SPLIT,
};

const MODEL = "a trained model, as returned by distill(), or the path of a model file";

/**
 * Scores a trained model on a graph: the one that it was trained on, or any with as many features. Its
 * labels may be of some of the model's classes, known by their names, or none. Starts the engine. Missing
 * data is downloaded, unless `download` is false.
 *
 * @param model as returned by distill() or readModel(), or the path of a file of encodeModel() or `abkd export`
 * @throws OptionError for arguments that make no sense; FormatError, FileError for a file that cannot be
 *   read; UserError for a graph that the model does not fit; and as loadDataset and loadSplit do
 */
export async function evaluate(
  model: string | ModelFile,
  options: EvaluateOptions = {},
): Promise<Evaluation> {
  checkKeys(options, Object.keys(OPTIONS), "the options of evaluate");
  checkValues(options, OPTIONS, "evaluate");
  const file = typeof model === "string" ? readModelFile(model) : model;
  needObject(file, "evaluate: model", MODEL, "config", "shape", "parameters");
  const { dataset = file.config.dataset, split: given, ...rest } = options;
  const data = { download: true, ...rest };
  const found = typeof dataset === "string" ? await loadDataset(dataset, data) : dataset;
  needObject(found, "evaluate: dataset", "a dataset's name, or a graph", "name", "adjacency");
  const { graph, unknown, done } = asModelled(file, found);
  for (const line of done) data.onWarning?.(line);
  const split =
    typeof given === "object"
      ? ownSplit(given, graph)
      : given === undefined
        ? await trainedSplit(file, graph, data)
        : await loadSplit(graph, given, data);
  startEngine();
  const { metric } = taskOf(graph);
  return {
    dataset: graph.name,
    ...(split && { split: split.name }),
    ...(metric !== "accuracy" && { metric }),
    ...(unknown > 0 && { unknown }),
    ...apply(file, graph, split),
  };
}

/**
 * Returns the split of the model's training, if the graph is that of its training. Another one, whatever its name,
 * has none: its test nodes may have been trained on, so that all labelled items count together.
 */
async function trainedSplit(
  { config, data }: ModelFile,
  graph: Graph,
  options: DataOptions,
): Promise<Split | undefined> {
  if (graph.name !== config.dataset) return undefined;
  const split = await loadSplit(graph, config.split, options);
  // A file of another program may not say which data it was: its name counts then.
  if (data === "" || fingerprint(graph, split) === data) return split;
  options.onWarning?.(
    `this is not the ${graph.name} ${config.split} that the model was trained on: only all labelled items are scored`,
  );
  return undefined;
}

/**
 * Reads a model file of any program, or that of a run's folder.
 * @throws OptionError for a path that is neither; FormatError, FileError
 */
export function readModelFile(path: string): ReturnType<typeof decodeModel> {
  needText(path, "the path of a model file", "a file of abkd export");
  if (!existsSync(path)) {
    const run = join(RUNS_FOLDER, path);
    const meant = existsSync(join(run, MODEL_NAME)) ? `; did you mean ${run}?` : "";
    throw new OptionError(`${path}: there is no such file or folder; ${NAME_ONE}${meant}`);
  }
  const file = statSync(path).isDirectory() ? modelIn(path) : path;
  return decodeModel(readBytes(file, 2), file);
}

const NAME_ONE =
  "name a model's file (abkd export writes one, abkd compress student.safetensors) or a finished run's folder " +
  "(abkd distill prints it)";

/** @throws OptionError for a folder without a run's model, saying which of its files may be meant */
function modelIn(folder: string): string {
  const file = join(folder, MODEL_NAME);
  if (existsSync(file)) return file;
  const names = readdirSync(folder).sort();
  const models = names.filter((name) => name.endsWith(".safetensors")).slice(0, 3);
  const runs = names.filter((name) => existsSync(join(folder, name, MODEL_NAME))).slice(0, 3);
  const found = [...models, ...runs].map((name) => join(folder, name)).join(", ");
  const what = names.length === 0 ? "an empty folder" : `a folder without ${MODEL_NAME}`;
  throw new OptionError(`${folder} is ${what}; ${found ? `did you mean ${found}?` : NAME_ONE}`);
}

/**
 * Returns the graph with its labels in the model's classes and its features as the model reads them, how many labels
 * have none of these classes, and what was done to the features.
 * @throws UserError for other features, or sets of other classes
 */
export function asModelled(file: ModelFile, given: Graph): Fitted & { unknown: number } {
  const { graph, done } = fitGraph(file, given);
  const { classes } = file.shape;
  checkStructure(file, graph);
  // A file written before names were kept.
  const own = graph.name === file.config.dataset && !file.classNames;
  if (graph.labelSets || (own && graph.classNames)) {
    if (graph.classes === classes) return { graph, unknown: 0, done };
    throw new UserError(`the model is for ${classes} classes; ${graph.name} has ${graph.classes}`);
  }
  const number = new Map(file.classNames?.map((name, c) => [name, c]));
  const classOf = (label: number): number => {
    const name = graph.classNames?.[label] ?? String(label);
    // Without names, a model's classes are called by their numbers.
    return file.classNames ? (number.get(name) ?? UNLABELLED) : numbered(name, classes);
  };
  const of = Int32Array.from({ length: graph.classes }, (_, label) => classOf(label));
  let unknown = 0;
  const labels = graph.labels.map((label) => {
    if (label === UNLABELLED) return label;
    if (of[label] === UNLABELLED) unknown++;
    return of[label]!;
  });
  const { classNames: _, ...rest } = graph;
  const names = file.classNames && { classNames: file.classNames };
  return { graph: { ...rest, ...names, classes, labels }, unknown, done };
}

/** @throws UserError for a graph that has other features or classes than the model */
export function checkFit(file: ModelFile, graph: Graph): void {
  const { shape } = file;
  const { features, classes } = shape;
  if (features !== graph.features.columns || classes !== graph.classes) {
    throw new UserError(
      `the model is for ${features} features and ${classes} classes; ` +
        `${graph.name} has ${graph.features.columns} and ${graph.classes}`,
    );
  }
  checkStructure(file, graph);
}

/** @throws UserError for a graph of other relations, or with other nodes than have parameters of their own */
function checkStructure({ shape, config }: ModelFile, graph: Graph): void {
  const { relational, nodes } = shape;
  const { kind } = config.model;
  checkItems(kind, graph);
  const found = graphShape(graph, kind);
  const fault =
    nodes === found.nodes
      ? relationalFault(relational, found.relational)
      : `${nodes} nodes, each with learned numbers of its own, not ${graph.nodes}`;
  if (fault !== undefined) throw new UserError(`the model is for ${fault} (${graph.name})`);
}

const numbered = (name: string, classes: number): number =>
  /^\d{1,9}$/.test(name) && Number(name) < classes ? Number(name) : UNLABELLED;

type Applied = Pick<Evaluation, "accuracy" | "integers" | "classes" | "logits">;

function apply(file: ModelFile, graph: Graph, split: Split | undefined): Applied {
  const model = restoreModel(file);
  const forms = graphInputs(readGraph(file.config, graph));
  try {
    const inputs = findModel(model.outline.kind).prepare(forms.value);
    const scored = (logits: Outputs["logits"]) => accuracies(graph, { logits }, split);
    const simulated = withForward<Applied, unknown>(model, inputs, "logits", (forward) => ({
      accuracy: scored(forward.logits),
      classes: predictedClasses(forward),
      logits: forward.logits.dataSync<"float32">(),
    }));
    const integers = integerScores(model, file.config.model, inputs, simulated.classes, scored);
    return { ...simulated, ...(integers && { integers }) };
  } finally {
    forms.dispose();
    model.dispose();
  }
}

/** Scores each set; a set without labelled items is left out, because NaN is not JSON. */
function accuracies(graph: Graph, { logits }: Outputs, split?: Split): Evaluation["accuracy"] {
  const all = Int32Array.from(graph.labels.keys());
  const sets = { ...(split && { train: split.train, val: split.val, test: split.test }), all };
  return Object.fromEntries(
    Object.entries(sets).flatMap(([name, items]) => {
      const labelled = items.filter((item) => graph.labels[item] !== UNLABELLED);
      if (labelled.length === 0) return [];
      const targets = taskOf(graph).targets(graph, labelled);
      const { accuracy } = targets.scores(logits);
      targets.dispose();
      return [[name, accuracy]];
    }),
  );
}
