// The commands by name, each loaded only when called: `abkd data` must not wait for an engine.
import { Command } from "commander";
import { UserError } from "../base/errors.ts";
import { VERSION } from "../base/own-package.ts";
import { printableLine } from "../base/printable.ts";
import { StudentError } from "../student/rows.ts";
import { importGivenModules } from "./modules.ts";
import { importGivenData } from "./own-data.ts";
import { runProgram } from "./shell.ts";

interface Entry {
  readonly name: string;
  readonly summary: string;
  load(): Promise<Command>;
}

const COMMANDS: readonly Entry[] = [
  {
    name: "quickstart",
    summary: "one distillation from start to picture: what npm start runs",
    load: async () => (await import("./quickstart.ts")).quickstartCommand(),
  },
  {
    name: "data",
    summary: "list, describe, check and fetch datasets",
    load: async () => (await import("./data.ts")).dataCommand(),
  },
  {
    name: "methods",
    summary: "list the distillation methods and their options",
    load: async () => (await import("./methods.ts")).methodsCommand(),
  },
  {
    name: "models",
    summary: "list the kinds of models and their options",
    load: async () => (await import("./models.ts")).modelsCommand(),
  },
  {
    name: "train",
    summary: "train a model alone, such as a teacher",
    load: async () => (await import("./train.ts")).trainCommand(),
  },
  {
    name: "distill",
    summary: "distil a teacher into a small student",
    load: async () => (await import("./distill.ts")).distillCommand(),
  },
  {
    name: "compress",
    summary: "find the best student within a budget, with its card",
    load: async () => (await import("./compress.ts")).compressCommand(),
  },
  {
    name: "study",
    summary: "put a table or figure of the paper to the test",
    load: async () => (await import("./study.ts")).studyCommand(),
  },
  {
    name: "export",
    summary: "write a run's trained model to a file",
    load: async () => (await import("./export.ts")).exportCommand(),
  },
  {
    name: "predict",
    summary: "apply an exported model to a graph",
    load: async () => (await import("./predict.ts")).predictCommand(),
  },
  {
    name: "serve",
    summary: "answer questions about nodes over HTTP, on this machine",
    load: async () => (await import("./serve.ts")).serveCommand(),
  },
  {
    name: "kernel",
    summary: "install the TypeScript kernel for JupyterLab",
    load: async () => (await import("./kernel.ts")).kernelCommand(),
  },
  {
    name: "notebook",
    summary: "run and check notebooks without a browser",
    load: async () => (await import("./notebook.ts")).notebookCommand(),
  },
];

/**
 * Runs the command line.
 * @param given without node and the script
 * @returns the exit code, see runProgram
 */
export function main(given: readonly string[]): Promise<number> {
  return runProgram(async () => {
    await importGivenModules(given);
    const argv = await importGivenData(given);
    return { program: await buildProgram(argv), argv };
  }, studentError);
}

function studentError(error: unknown): UserError | undefined {
  if (!(error instanceof StudentError)) return undefined;
  return new UserError(printableLine(error.message), { exitCode: 2 });
}

/** Builds the program: all commands by name, and the called one in full. */
async function buildProgram(argv: readonly string[]): Promise<Command> {
  const program = new Command("abkd")
    .description(
      "Graph neural network compression by attention-based knowledge distillation (ABKD).",
    )
    .version(VERSION)
    .configureHelp({ showGlobalOptions: false });
  const called = argv[0] === "help" ? argv[1] : argv[0];
  for (const { name, summary, load } of COMMANDS) {
    program.addCommand(name === called ? await load() : new Command(name).description(summary));
  }
  return program;
}
