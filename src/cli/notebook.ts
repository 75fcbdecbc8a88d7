// abkd notebook: runs, checks, converts and exports notebooks without a browser.
import path from "node:path";
import { Command, Option } from "commander";
import { OptionError, UserError } from "../base/errors.ts";
import { writeAtomic } from "../base/files.ts";
import { NAME } from "../base/own-package.ts";
import { printableLine } from "../base/printable.ts";
import { terminalLine } from "../display/terminal-line.ts";
import {
  checkNotebook,
  MOST_CELLS,
  MOST_LINES,
  type Problem,
  TOLERANCE,
} from "../notebook/check.ts";
import type { Transport } from "../notebook/client.ts";
import { installDependencies, recordDependencies } from "../notebook/dependencies.ts";
import { type Notebook, readNotebook, serialiseNotebook } from "../notebook/nbformat.ts";
import { injectParameters, parseParameter } from "../notebook/parameters.ts";
import {
  type ChosenKernel,
  checkLanguage,
  chooseKernel,
  type Failure,
  INTERRUPTED,
  type RunOptions,
  runNotebook,
} from "../notebook/run.ts";
import { inPlainWords, KERNEL_COMMAND } from "./kernel.ts";
import { notebookConvertCommand } from "./notebook-convert.ts";
import { notebookExportCommand } from "./notebook-export.ts";
import { real } from "./numbers.ts";
import { print } from "./output.ts";
import { EXIT_CODES, SignalWatch } from "./signal-watch.ts";

interface CommonOptions {
  readonly kernel?: string;
  readonly transport: Transport;
  readonly timeout?: number;
  readonly allowInstall?: boolean;
}

interface RunCommandOptions extends CommonOptions {
  readonly inplace?: boolean;
  readonly output?: string;
  readonly param: ReadonlyMap<string, unknown>;
  readonly allowErrors?: boolean;
}

interface CheckCommandOptions extends CommonOptions {
  readonly tolerance: number;
}

/** Returns the command `notebook` with its subcommands. */
export function notebookCommand(): Command {
  const command = new Command("notebook").description(
    "Runs, checks, converts and exports notebooks without a browser, in this package's TypeScript kernel, " +
      "which need not be installed, or in any installed one.",
  );
  const add = (name: string, description: string): Command =>
    command
      .command(name)
      .description(description)
      .argument("<files...>", "notebooks (.ipynb)")
      .option("--kernel <name>", `an installed kernel, see ${KERNEL_COMMAND} list`)
      .addOption(
        new Option(
          "--transport <how>",
          "how the kernel is reached: ports of this machine, or files that only you may open",
        )
          .choices(["tcp", "ipc"])
          .default("tcp"),
      )
      .addOption(
        new Option("--timeout <seconds>", "time limit per cell (default: none)").argParser(real()),
      )
      .option("--allow-install", "install what cells import as npm:NAME into .abkd/ beside them");
  add("run", "run notebooks from start to end; exit code 1 at the first error")
    .addOption(new Option("--inplace", "write the outputs into the notebook").conflicts("output"))
    .option("--output <file>", "write a notebook with the outputs")
    .addOption(
      new Option("--param <name=value>", "for the cell tagged `parameters`; JSON or a string")
        .argParser((text: string, before: ReadonlyMap<string, unknown>) =>
          new Map(before).set(...parseParameter(text)),
        )
        .default(new Map(), "none"),
    )
    .option("--allow-errors", "continue after errors")
    .addHelpText(
      "after",
      [
        "\nCells run in the notebook's folder. A cell tagged raises-exception may fail.",
        "After an error, the outputs so far are written; later cells have none.",
        "Parameters: the cell tagged `parameters` declares them; one tagged",
        "`injected-parameters` follows it with the values of --param.",
        "\nExamples:",
        `  ${NAME} notebook run notebooks/*.ipynb --inplace`,
        `  ${NAME} notebook run study.ipynb --output seed-3.ipynb --param seed=3 --param split=public`,
      ].join("\n"),
    )
    .action(run);
  add("check", "run notebooks and compare with their outputs; exit code 1 if one differs")
    .addOption(
      new Option("--tolerance <x>", "relative tolerance for numbers that are not whole")
        .argParser(real())
        .default(TOLERANCE),
    )
    .addHelpText(
      "after",
      [
        "\nNo cell may fail. Outputs are compared only in cells with these tags:",
        "  nbval-check-output   its outputs: text, numbers within --tolerance, whole numbers",
        "                       exactly, pictures by presence, plots by their structure",
        "  nbval-ignore-output  never compared",
        "  raises-exception     must fail",
        "  nbval-skip           is not run",
        `\nAlso checked: at most ${MOST_CELLS} code cells of at most ${MOST_LINES} lines, execution counts 1..n,`,
        "and no paths or host names of one machine. The files are not changed.",
      ].join("\n"),
    )
    .action(check);
  return command.addCommand(notebookExportCommand()).addCommand(notebookConvertCommand());
}

async function run(files: readonly string[], options: RunCommandOptions): Promise<void> {
  if (options.output !== undefined && files.length > 1) {
    throw new OptionError("--output takes one notebook; use --inplace for several");
  }
  const { kernel, notebooks } = open(files, options);
  for (const { file, notebook } of notebooks) {
    const { param } = options;
    const { language } = kernel.spec;
    if (param.size > 0 && !/^(type|java)script$/i.test(language)) {
      throw new OptionError(`--param writes TypeScript, and ${kernel.name} runs ${language}`);
    }
    injectParameters(notebook, param, file);
  }
  await installAll(notebooks, options);
  for (const { file, notebook } of notebooks) {
    const target = options.inplace ? file : options.output;
    const started = performance.now();
    const { errors } = await following(file, async (watch) => {
      const ran = await runNotebook(notebook, {
        ...watch,
        ...commonOptions(kernel, options),
        cwd: path.dirname(path.resolve(file)),
        allowErrors: options.allowErrors ?? false,
      });
      recordDependencies(notebook, path.dirname(path.resolve(file)));
      if (target !== undefined) writeAtomic(target, serialiseNotebook(notebook));
      if (ran.failure) {
        const written = target === undefined ? "" : `; the outputs so far are in ${target}`;
        const exitCode = ran.failure.kind === "interrupt" ? INTERRUPTED : 1;
        throw new UserError(`${describe(file, ran.failure)}${written}`, { exitCode });
      }
      return ran;
    });
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    const failed = errors.size > 0 ? `, ${errors.size} with errors` : "";
    const where = target === undefined ? "" : `, written to ${target}`;
    print(`${file}: ran in ${seconds} s${failed}${where}`);
  }
}

async function check(files: readonly string[], options: CheckCommandOptions): Promise<void> {
  const { kernel, notebooks } = open(files, options);
  const { tolerance } = options;
  await installAll(notebooks, options);
  let count = 0;
  for (const { file, notebook } of notebooks) {
    const problems = await following(file, (watch) =>
      checkNotebook(notebook, { ...watch, ...commonOptions(kernel, options), file, tolerance }),
    );
    for (const problem of problems) print(`${file}: ${problemLine(problem)}`);
    if (problems.length === 0) print(`${file}: as committed`);
    count += problems.length;
  }
  if (count > 0) process.exitCode = 1;
}

/** Opens all notebooks before the first one runs, so that a broken one is reported at once. */
function open(
  files: readonly string[],
  options: CommonOptions,
): { kernel: ChosenKernel; notebooks: { file: string; notebook: Notebook }[] } {
  const notebooks = files.map((file) => ({ file, notebook: readNotebook(file) }));
  const kernel = inPlainWords(() => chooseKernel(options.kernel));
  if (options.kernel === undefined) {
    for (const { file, notebook } of notebooks) checkLanguage(notebook, file);
  }
  return { kernel, notebooks };
}

/** Before any cell runs, so that no output depends on what was installed already. */
async function installAll(
  notebooks: readonly { readonly file: string; readonly notebook: Notebook }[],
  { allowInstall = false }: CommonOptions,
): Promise<void> {
  if (!allowInstall) return;
  for (const { file, notebook } of notebooks) {
    const folder = path.dirname(path.resolve(file));
    const say = (line: string): void => console.error(`${file}: ${line}`);
    await installDependencies(notebook, file, folder, say);
  }
}

function commonOptions(
  kernel: ChosenKernel,
  { timeout, transport }: CommonOptions,
): Pick<RunOptions, "kernel" | "transport" | "timeout"> {
  return { kernel, transport, ...(timeout !== undefined && { timeout: timeout * 1000 }) };
}

/**
 * Shows the cells' progress on stderr. The first Ctrl-C interrupts the running cell, and the notebook
 * is written as after an error; the second ends everything at once. SIGTERM interrupts as well, and
 * ends everything after a second.
 */
async function following<T>(
  file: string,
  action: (watch: Pick<RunOptions, "signal" | "onCell">) => Promise<T>,
): Promise<T> {
  const live = process.stderr.isTTY === true;
  // The kernel ends when this process exits; files are written completely or not at all.
  const watch = new SignalWatch((signal) => process.exit(EXIT_CODES[signal]));
  for (const signal of ["SIGHUP", "SIGINT", "SIGTERM"] as const) watch.watch(signal);
  const { draw, say, wipe } = terminalLine(process.stderr);
  const onCell = (number: number, total: number): void =>
    (live ? draw : say)(`${file}: cell ${number} of ${total}`);
  try {
    return await action({ signal: watch.signal, onCell });
  } catch (error) {
    const { exitCode } = watch;
    if (!(error instanceof UserError) || error.exitCode !== INTERRUPTED || !exitCode) throw error;
    throw new UserError(error.message, { exitCode, cause: error });
  } finally {
    wipe();
    watch.release();
  }
}

function describe(file: string, { number, total, message }: Failure): string {
  return `${file}: cell ${number} of ${total}: ${message}`;
}

function problemLine({ cell, message }: Problem): string {
  const line = printableLine(message);
  return cell === null ? line : `cell ${cell}: ${line}`;
}
