// abkd predict: applies an exported model to a graph.
import { Command, Option } from "commander";
import { UserError } from "../base/errors.ts";
import { readBytes, writeAtomic } from "../base/files.ts";
import { loadDataset, loadSplit } from "../datasets/index.ts";
import { percent } from "../display/format.ts";
import { encodeNpy } from "../formats/npz-writer.ts";
import { type Graph, type Split, UNLABELLED } from "../graph/graph.ts";
import { findModel } from "../models/registry.ts";
import { startEngine } from "../tensor/index.ts";
import { predictedClasses, withForward } from "../training/evaluate.ts";
import { graphInputs } from "../training/inputs.ts";
import { decodeModel, type ModelFile, restoreModel } from "../training/model-file.ts";
import { addModuleOption } from "./modules.ts";
import { print, printJson, tell } from "./output.ts";

interface PredictOptions {
  readonly dataset?: string;
  readonly split?: string;
  readonly data?: string;
  readonly output?: string;
  readonly logits?: string;
  readonly json?: boolean;
}

export function predictCommand(): Command {
  return addModuleOption(new Command("predict"))
    .description(
      "Applies an exported model to a graph; prints its accuracy where labels are known.",
    )
    .argument("<file>", "safetensors or npz, as abkd export writes them")
    .option("--dataset <name>", "default: the one it was trained on")
    .option("--split <split>", "split to print accuracies for (default: the one it was trained on)")
    .option("--data <folder>", "look for datasets here first")
    .option("--output <file>", "node, label and class of each node; .csv or .json")
    .addOption(new Option("--logits <file>", "logits as .npy, nodes x classes, float32"))
    .option("--json", "print the summary as JSON")
    .action(predict);
}

async function predict(file: string, options: PredictOptions): Promise<void> {
  const { output, logits: logitsFile } = options;
  if (output !== undefined && !/\.(csv|json)$/.test(output)) {
    throw new UserError(`--output ${output}: name a file that ends in .csv or .json`);
  }
  const model = decodeModel(readBytes(file, 2), file);
  if (!model.ours) tell(`${file} was written by another program and has no digest`);
  const dataset = options.dataset ?? model.config.dataset;
  const data = options.data === undefined ? {} : { dataDir: options.data };
  const graph = await loadDataset(dataset, data);
  checkFit(model, graph, file);
  // Another graph's splits may be of other kinds; without a split, all labelled nodes count.
  const spec = options.split ?? (dataset === model.config.dataset ? model.config.split : undefined);
  const split = spec === undefined ? undefined : await loadSplit(graph, spec, data);
  const { classes, logits } = apply(model, graph);
  if (logitsFile !== undefined) {
    writeAtomic(logitsFile, encodeNpy({ shape: [graph.nodes, graph.classes], values: logits }));
  }
  if (output !== undefined) writeAtomic(output, predictionsText(output, graph, classes));
  const accuracy = accuracies(graph, classes, split);
  if (options.json) {
    printJson({ file, dataset, split: spec ?? null, nodes: graph.nodes, accuracy }, 0);
  } else print(summary(dataset, spec, graph, accuracy));
}

function checkFit({ shape }: ModelFile, graph: Graph, file: string): void {
  const { features, classes } = shape;
  if (features === graph.features.columns && classes === graph.classes) return;
  throw new UserError(
    `${file} is for ${features} features and ${classes} classes; ` +
      `${graph.name} has ${graph.features.columns} and ${graph.classes}`,
  );
}

/** Logits (nodes x classes, row-major) and the predicted class of each node. */
interface Predictions {
  readonly classes: Int32Array;
  readonly logits: Float32Array;
}

function apply(file: ModelFile, graph: Graph): Predictions {
  startEngine();
  const model = restoreModel(file);
  const forms = graphInputs(graph);
  const inputs = findModel(model.outline.kind).prepare(forms.value);
  const result = withForward<Predictions, unknown>(model, inputs, "logits", (forward) => ({
    classes: predictedClasses(forward),
    logits: forward.logits.dataSync<"float32">(),
  }));
  forms.dispose();
  model.dispose();
  return result;
}

/** Returns accuracies over labelled nodes. Sets without any are omitted: their NaN would not be JSON. */
function accuracies(graph: Graph, classes: Int32Array, split?: Split): Record<string, number> {
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

function summary(
  dataset: string,
  split: string | undefined,
  graph: Graph,
  accuracy: Readonly<Record<string, number>>,
): string {
  const parts = Object.entries(accuracy).map(([set, share]) => `${set} ${percent(share)}`);
  const unlabelled = graph.labels.filter((label) => label === UNLABELLED).length;
  const without = unlabelled > 0 ? ` (${unlabelled} nodes have no label)` : "";
  const where = split === undefined ? dataset : `${dataset} ${split}`;
  return `${where}: ${graph.nodes} nodes; accuracy: ${parts.join(", ") || "no labels"}${without}`;
}

function predictionsText(file: string, graph: Graph, classes: Int32Array): string {
  const rows = Array.from(classes, (predicted, node) => {
    const label = graph.labels[node]!;
    return { node, label: label === UNLABELLED ? null : label, predicted };
  });
  if (file.endsWith(".json")) return `${JSON.stringify(rows)}\n`;
  const lines = rows.map(({ node, label, predicted }) => `${node},${label ?? ""},${predicted}`);
  return `node,label,predicted\n${lines.join("\n")}\n`;
}
