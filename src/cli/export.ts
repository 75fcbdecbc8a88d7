// abkd export: writes a run's trained model, with its configuration, for other programs.
import { Command, Option } from "commander";
import { writeAtomic } from "../base/files.ts";
import { encodeModel, encodeModelNpz } from "../training/model-file.ts";
import { describeRun, runId } from "../training/run-id.ts";
import { findRun, RUNS_FOLDER, readFiles, readModel } from "../training/run-store.ts";
import { addModuleOption } from "./modules.ts";
import { integer } from "./options.ts";
import { print } from "./output.ts";

interface ExportOptions {
  readonly format: "safetensors" | "npz";
  readonly output?: string;
  readonly runs: string;
  readonly student?: number;
}

export function exportCommand(): Command {
  return addModuleOption(new Command("export"))
    .description(
      "Writes the model of a run at its best epoch. Matrices are inputs x outputs; the metadata " +
        "hold the configuration and explain how the arrays give the logits.",
    )
    .argument("<run>", "a run's folder, its id, or the first digits of its id")
    .addOption(
      new Option("--format <format>", "file format")
        .choices(["safetensors", "npz"])
        .default("safetensors"),
    )
    .option("--output <file>", "default: <id>.<format> in the working directory")
    .option("--runs <folder>", "where runs are kept", RUNS_FOLDER)
    .addOption(
      new Option("--student <k>", "which one, from 1, of a run that trained several").argParser(
        integer(1),
      ),
    )
    .action((name: string, { format, output, runs, student }: ExportOptions) => {
      const files = findRun(name, runs);
      const { model: first } = readFiles(files);
      const model = student === undefined ? first : readModel(files.model, student);
      const suffix = student === undefined ? "" : `-${student}`;
      const file = output ?? `${runId(model.config)}${suffix}.${format}`;
      writeAtomic(file, format === "npz" ? encodeModelNpz(model) : encodeModel(model));
      print(`${file}: ${describeRun(model.config)}`);
    });
}
