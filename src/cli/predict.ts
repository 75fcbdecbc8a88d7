// abkd predict: applies an exported model to a graph.
import { Command, Option } from "commander";
import { UserError } from "../base/errors.ts";
import { writeAtomic } from "../base/files.ts";
import { loadDataset } from "../datasets/index.ts";
import { percent } from "../display/format.ts";
import { encodeNpy } from "../formats/npz-writer.ts";
import { type Graph, UNLABELLED } from "../graph/graph.ts";
import { type Evaluation, evaluate, readModelFile } from "../training/apply.ts";
import { addModuleOption } from "./modules.ts";
import { DATASET_FLAG } from "./options.ts";
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
    .option("--dataset <name>", `${DATASET_FLAG} (default: the one it was trained on)`)
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
  const model = readModelFile(file);
  if (!model.ours) tell(`${file} was written by another program and has no digest`);
  const dataset = options.dataset ?? model.config.dataset;
  const data = options.data === undefined ? {} : { dataDir: options.data };
  const graph = await loadDataset(dataset, data);
  if (graph.name !== model.config.dataset) {
    tell(`the model was trained on ${model.config.dataset}; this is another graph, ${graph.name}`);
  }
  const { split, classes, logits, accuracy, metric } = await evaluate(model, {
    ...data,
    dataset: graph,
    download: false,
    onWarning: tell,
    ...(options.split !== undefined && { split: options.split }),
  });
  if (logitsFile !== undefined) {
    writeAtomic(logitsFile, encodeNpy({ shape: [graph.nodes, graph.classes], values: logits }));
  }
  if (output !== undefined) writeAtomic(output, predictionsText(output, graph, classes));
  if (options.json) {
    printJson({ file, dataset, split: split ?? null, nodes: graph.nodes, accuracy }, 0);
  } else print(summary(dataset, split, graph, accuracy, metric));
}

function summary(
  dataset: string,
  split: string | undefined,
  graph: Graph,
  accuracy: Evaluation["accuracy"],
  metric = "accuracy",
): string {
  const parts = Object.entries(accuracy).map(([set, share]) => `${set} ${percent(share)}`);
  const unlabelled = graph.labels.filter((label) => label === UNLABELLED).length;
  const without = unlabelled > 0 ? ` (${unlabelled} nodes have no label)` : "";
  const where = split === undefined ? dataset : `${dataset} ${split}`;
  return `${where}: ${graph.nodes} nodes; ${metric}: ${parts.join(", ") || "no labels"}${without}`;
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
