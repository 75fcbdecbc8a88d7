// abkd export: writes a run's trained model, with its configuration, for other programs and for the web.
import { existsSync, statSync } from "node:fs";
import { Command, Option } from "commander";
import { OptionError } from "../base/errors.ts";
import { writeAtomic } from "../base/files.ts";
import { grouped } from "../display/format.ts";
import { readModelFile } from "../training/apply.ts";
import { encodeModel, encodeModelNpz, type ModelFile } from "../training/model-file.ts";
import { describeRun, runId } from "../training/run-id.ts";
import { findRun, RUNS_FOLDER, readFiles, readModel } from "../training/run-store.ts";
import { graphOf } from "./model-graph.ts";
import { addModuleOption } from "./modules.ts";
import { integer } from "./numbers.ts";
import { DATASET_FLAG } from "./options.ts";
import { print } from "./output.ts";

interface ExportOptions {
  readonly format: "safetensors" | "npz" | "onnx" | "web";
  readonly output?: string;
  readonly dataset?: string;
  readonly data?: string;
  readonly runs: string;
  readonly student?: number;
}

export function exportCommand(): Command {
  return addModuleOption(new Command("export"))
    .description(
      "Writes the model of a run at its best epoch. Matrices are inputs x outputs; the metadata " +
        "hold the configuration and explain how the arrays give the logits. onnx has opset 18; " +
        "web is a folder with a page that predicts in the browser.",
    )
    .argument("<run>", "a run's folder, its id, the first digits of its id, or an exported file")
    .addOption(
      new Option("--format <format>", "file format")
        .choices(["safetensors", "npz", "onnx", "web"])
        .default("safetensors"),
    )
    .option(
      "--output <file>",
      "default: <id>.<format> in the working directory; for web the folder <id>-web",
    )
    .option("--dataset <name>", `web: the graph; ${DATASET_FLAG} (default: the run's)`)
    .option("--data <folder>", "web: look for datasets here first")
    .option("--runs <folder>", "where runs are kept", RUNS_FOLDER)
    .addOption(
      new Option("--student <k>", "which one, from 1, of a run that trained several").argParser(
        integer(1),
      ),
    )
    .action(async (name: string, options: ExportOptions) => {
      const { format, output, runs, student } = options;
      const model = modelNamed(name, runs, student);
      const stem = `${runId(model.config)}${student === undefined ? "" : `-${student}`}`;
      if (format === "web") {
        await exportWeb(model, output ?? `${stem}-web`, options);
        return;
      }
      const file = output ?? `${stem}.${format}`;
      writeAtomic(file, await encoded(format, model));
      print(`${file}: ${describeRun(model.config)}`);
    });
}

/** @throws UserError for what is neither a model's file nor a complete run */
function modelNamed(name: string, runs: string, student: number | undefined): ModelFile {
  if (existsSync(name) && statSync(name).isFile()) {
    if (student === undefined) return readModelFile(name);
    throw new OptionError(
      `--student tells the students of a run apart; ${name} is one model's file`,
    );
  }
  const files = findRun(name, runs);
  // Also checks that the run is complete.
  const { model } = readFiles(files);
  return student === undefined ? model : readModel(files.model, student);
}

async function encoded(
  format: Exclude<ExportOptions["format"], "web">,
  model: ModelFile,
): Promise<Uint8Array> {
  if (format === "npz") return encodeModelNpz(model);
  if (format === "safetensors") return encodeModel(model);
  const { encodeOnnxModel } = await import("../deployment/onnx.ts");
  return encodeOnnxModel(model);
}

async function exportWeb(model: ModelFile, folder: string, options: ExportOptions): Promise<void> {
  const { writeWebFolder } = await import("../deployment/web-folder.ts");
  const graph = await graphOf(model, options);
  const files = writeWebFolder(folder, model, graph);
  const sizes = Array.from(files, ([name, bytes]) => `${name} ${grouped(bytes)} bytes`);
  print(`${folder}: ${describeRun(model.config)}; open ${folder}/index.html\n${sizes.join(", ")}`);
}
