// The commands by name, each loaded only when called: `abkd data` must not wait for an engine.
import { Command, CommanderError } from "commander";
import { UserError } from "../base/errors.ts";
import { printableLine } from "../base/printable.ts";
import { VERSION } from "../base/version.ts";
import { StudentError } from "../student/rows.ts";
import { importGivenModules } from "./modules.ts";
import { print, tell, tellText } from "./output.ts";
import { importGivenData } from "./own-data.ts";

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
 * @returns the exit code: 0; 1 if a run failed; 2 for a wrong request; 130 after an interrupt
 */
export async function main(given: readonly string[]): Promise<number> {
  try {
    await importGivenModules(given);
    const argv = await importGivenData(given);
    const program = await buildProgram(argv);
    await program.parseAsync(argv.length > 0 ? [...argv] : ["--help"], { from: "user" });
    return Number(process.exitCode ?? 0);
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    if (error instanceof UserError) {
      tell(error.message);
      return error.exitCode;
    }
    if (error instanceof StudentError) {
      tell(printableLine(error.message));
      return 2;
    }
    // This is our fault: whoever reports it needs the stack.
    tellText(`abkd: internal error, please report it\n${stackOf(error)}`);
    return 1;
  }
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
  settle(program);
  return program;
}

/** Makes a command and its subcommands print errors in one line and use our exit codes. */
function settle(command: Command): void {
  const { outputError } = command.configureOutput();
  command.hook("preAction", (_, called) => refuseEmpty(called));
  command.exitOverride().configureOutput({
    writeOut: (text) => print(text.replace(/\n$/, "")),
    // A command's own rewording of the message comes first.
    outputError: (message) => outputError?.(message, (text) => tell(text.replace(/^error: /, ""))),
  });
  for (const child of command.commands) settle(child);
}

/** An empty variable of a shell (`--output "$FILE"`) would be taken for the working directory, or left out. */
function refuseEmpty(called: Command): void {
  const empty = called.options.find(
    (option) => called.getOptionValue(option.attributeName()) === "",
  );
  if (!empty) return;
  throw new UserError(
    `${empty.long} is empty: give a value, as in ${empty.flags}, or leave it out`,
  );
}

function stackOf(error: unknown): string {
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  const cause = error instanceof Error && error.cause ? `\ncaused by ${stackOf(error.cause)}` : "";
  return stack + cause;
}
