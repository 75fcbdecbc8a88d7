// abkd predict: applies an exported model to a graph, to nodes added to it, or to questions about nodes.
import { Command, Option } from "commander";
import { OptionError, UserError } from "../base/errors.ts";
import { writeAtomic } from "../base/files.ts";
import { printable } from "../base/printable.ts";
import { readAdded } from "../datasets/index.ts";
import { percent } from "../display/format.ts";
import { encodeNpy } from "../formats/npz-writer.ts";
import { type Graph, UNLABELLED } from "../graph/graph.ts";
import { softmaxRows } from "../student/matrix.ts";
import { type Evaluation, evaluate } from "../training/apply.ts";
import { loadStudent } from "../training/load-student.ts";
import type { ModelFile } from "../training/model-file.ts";
import { type ModelGraphOptions, modelAndGraph } from "./model-graph.ts";
import { addModuleOption } from "./modules.ts";
import { integer } from "./numbers.ts";
import { DATASET_FLAG } from "./options.ts";
import { print, printJson, tell } from "./output.ts";
import { predictionsText, type Row, TABLE_FORMS } from "./predictions.ts";
import { answerQuestions } from "./questions.ts";

interface PredictOptions extends ModelGraphOptions {
  readonly split?: string;
  readonly add?: string;
  readonly edges?: string;
  readonly questions?: string;
  readonly output?: string;
  readonly top?: number;
  readonly probabilities?: string;
  readonly logits?: string;
  readonly json?: boolean;
}

export function predictCommand(): Command {
  return addModuleOption(new Command("predict"))
    .description(
      "Applies an exported model to a graph, which needs no labels; prints its accuracy where they are " +
        "known. --add predicts new nodes, --questions answers about single ones.",
    )
    .argument("<file>", "safetensors or npz, as abkd export writes them; or a run's folder")
    .option("--dataset <name>", `${DATASET_FLAG} (default: the one it was trained on)`)
    .option("--split <split>", "split to print accuracies for (default: the one it was trained on)")
    .option("--data <folder>", "look for datasets here first")
    .option("--output <file>", "node, label and class of each node; .csv, .json or .ndjson")
    .addOption(
      new Option("--top <k>", "the k most probable classes, with their probabilities").argParser(
        integer(1, 1000),
      ),
    )
    .addOption(new Option("--probabilities <file>", "as .npy, nodes x classes, float32"))
    .addOption(new Option("--logits <file>", "logits as .npy, nodes x classes, float32"))
    .addOption(
      new Option("--add <file>", "predict these new nodes: a table with an id and all features"),
    )
    .addOption(new Option("--edges <file>", "with --add: a table of the new nodes' edges"))
    .addOption(
      new Option(
        "--questions <file>",
        'NDJSON, - for stdin: {"node": 5} or {"features": ..., "neighbours": [...]} a line',
      ),
    )
    .option("--json", "print the summary as JSON")
    .action(predict);
}

async function predict(file: string, options: PredictOptions): Promise<void> {
  checkOptions(options);
  const { model, graph } = await modelAndGraph(file, options);
  const dataset = options.dataset ?? model.config.dataset;
  if (options.questions !== undefined) {
    const { questions, output, top } = options;
    await answerQuestions(model, graph, {
      questions,
      ...(output !== undefined && { output }),
      top,
    });
  } else if (options.add !== undefined) await predictAdded(model, graph, options);
  else {
    const found = await evaluate(model, {
      ...(options.data !== undefined && { dataDir: options.data }),
      dataset: graph,
      download: false,
      onWarning: tell,
      ...(options.split !== undefined && { split: options.split }),
    });
    const { split, logits, accuracy, metric, unknown, integers } = found;
    if (unknown !== undefined) {
      tell(`${unknown} labels are of classes that the model does not know; they are not scored`);
    }
    // With sets of classes each is decided by itself.
    const probabilities = graph.labelSets
      ? logits.map((x) => 1 / (1 + Math.exp(-x)))
      : softmaxRows(logits, model.shape.classes).probabilities;
    writeFiles(model, options, { ...found, probabilities }, rowsOf(graph));
    if (options.json) {
      const own = { nodes: graph.nodes, accuracy, ...(integers && { integers }) };
      printJson({ file, dataset, split: split ?? null, ...own }, 0);
    } else {
      print(summary(dataset, split, graph, accuracy, metric));
      if (integers) print(integerLine(integers));
    }
  }
}

/** @throws OptionError for options that do not go together; UserError for an unknown ending */
function checkOptions({ output, add, edges, questions, ...others }: PredictOptions): void {
  if (output !== undefined && questions === undefined && !TABLE_FORMS.test(output)) {
    throw new UserError(`--output ${output}: name a file that ends in .csv, .json or .ndjson`);
  }
  if (edges !== undefined && add === undefined) {
    throw new OptionError("--edges are those of new nodes: name their table with --add");
  }
  const { split, probabilities, logits, json } = others;
  const alone = { "--split": split, "--json": json, ...(questions && { "--add": add }) };
  const ofFiles = questions ? { "--probabilities": probabilities, "--logits": logits } : {};
  if (add === undefined && questions === undefined) return;
  for (const [flag, value] of Object.entries({ ...alone, ...ofFiles })) {
    if (value === undefined) continue;
    throw new OptionError(`${flag} does not go with ${questions ? "--questions" : "--add"}`);
  }
}

/** Predicts new nodes from their neighbourhood, and prints them. */
async function predictAdded(
  model: ModelFile,
  graph: Graph,
  options: PredictOptions,
): Promise<void> {
  const { names, nodes, decisions } = await readAdded(options.add!, options.edges, graph);
  for (const line of decisions) tell(line);
  const prepared = (await loadStudent(model)).prepare(graph);
  const asked = names.map((_, k) => graph.nodes + k);
  const found = prepared.predict(asked, nodes);
  const rows = names.map((name): Row => ({ node: name, label: null }));
  writeFiles(model, options, found, rows);
  if (options.output === undefined) {
    process.stdout.write(predictionsText("csv", { model, rows, ...found, top: options.top ?? 1 }));
  } else print(`${graph.name}: ${names.length} new nodes, in ${printable(options.output)}`);
}

function rowsOf({ labels, classNames, nodeNames }: Graph): Row[] {
  return Array.from(labels, (label, node) => ({
    node: nodeNames?.[node] ?? node,
    label: label === UNLABELLED ? null : (classNames?.[label] ?? label),
  }));
}

interface Found {
  readonly classes: Int32Array;
  readonly probabilities: Float32Array;
  readonly logits: Float32Array;
}

/** Writes what --output, --probabilities and --logits ask for. */
function writeFiles(
  model: ModelFile,
  { output, top, probabilities: probabilitiesFile, logits: logitsFile }: PredictOptions,
  { classes, probabilities, logits }: Found,
  rows: readonly Row[],
): void {
  const shape = [rows.length, model.shape.classes];
  if (logitsFile !== undefined) writeAtomic(logitsFile, encodeNpy({ shape, values: logits }));
  if (probabilitiesFile !== undefined) {
    writeAtomic(probabilitiesFile, encodeNpy({ shape, values: probabilities }));
  }
  if (output === undefined) return;
  const form = TABLE_FORMS.exec(output)![1] as "csv" | "json" | "ndjson";
  writeAtomic(output, predictionsText(form, { model, rows, classes, probabilities, top }));
}

function integerLine({ accuracy, differing }: NonNullable<Evaluation["integers"]>): string {
  const parts = Object.entries(accuracy).map(([set, share]) => `${set} ${percent(share)}`);
  const scores = parts.length > 0 ? `${parts.join(", ")}; ` : "";
  return `in integers: ${scores}${differing} nodes have another class than in the simulation`;
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
