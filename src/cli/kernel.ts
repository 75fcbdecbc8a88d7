// abkd kernel: installs the TypeScript kernel for Jupyter, without Python.
import path from "node:path";
import { Command, Option } from "commander";
import { UserError } from "../base/errors.ts";
import { NAME } from "../base/own-package.ts";
import { printable, printableLine } from "../base/printable.ts";
import {
  installKernelspec,
  KERNEL_NAME,
  KernelspecError,
  listKernelspecs,
  type Place,
  uninstallKernelspec,
} from "../kernel/kernelspec.ts";
import { print } from "./output.ts";

/** The command of this file as it is typed: the kernel's own package has no other. */
export const KERNEL_COMMAND = NAME === "abkd" ? "abkd kernel" : NAME;

interface PlaceOptions extends Place {
  readonly user?: boolean;
}

/** Returns the command `kernel`, or the whole program of the kernel's own package, with its subcommands. */
export function kernelCommand(name = "kernel"): Command {
  const command = new Command(name).description(
    "The TypeScript kernel for JupyterLab: where Jupyter finds it.",
  );
  const add = (action: string, description: string): Command =>
    command
      .command(action)
      .description(description)
      .addOption(new Option("--user", "in the user's Jupyter folder (default)").conflicts("prefix"))
      .option("--prefix <folder>", "in <folder>/share/jupyter, such as a Python environment's")
      .option("--name <name>", "the kernelspec's name", KERNEL_NAME)
      .allowExcessArguments(false);
  add("install", "write the kernelspec, which names this Node and this package")
    .action(({ prefix, name }: PlaceOptions) => {
      const folder = inPlainWords(() => installKernelspec(placeOf(prefix, name)));
      print(`installed ${folder}`);
    })
    .addHelpText(
      "after",
      "\nInstall again after Node.js or this package has moved: the kernelspec holds their paths.\n" +
        "Jupyter's own variables JUPYTER_DATA_DIR and JUPYTER_PATH are respected.",
    );
  add("uninstall", "remove the kernelspec").action(({ prefix, name }: PlaceOptions) => {
    const folder = inPlainWords(() => uninstallKernelspec(placeOf(prefix, name)));
    print(`removed ${folder}`);
  });
  command
    .command("list")
    .description("list every kernel that Jupyter finds, and whether its files still exist")
    .allowExcessArguments(false)
    .action(list);
  return command;
}

/** Runs an action whose failure the user can fix, and turns that failure into a UserError. */
export function inPlainWords<T>(action: () => T): T {
  try {
    return action();
  } catch (error) {
    if (!(error instanceof KernelspecError)) throw error;
    throw new UserError(error.message, { cause: error, exitCode: error.wrongRequest ? 2 : 1 });
  }
}

function placeOf(prefix: string | undefined, name: string | undefined): Place {
  return { ...(prefix !== undefined && { prefix }), ...(name !== undefined && { name }) };
}

function list(): void {
  const unreadable: string[] = [];
  const all = listKernelspecs((folder, why) => {
    unreadable.push(`${path.basename(folder).padEnd(12)} (unreadable: ${printableLine(why)})`);
  });
  const seen = new Set<string>();
  for (const { name, folder, spec, missing, own } of all) {
    const notes = [
      ...(own ? ["this package's"] : []),
      ...(missing ? [`broken: ${missing} is missing`] : []),
      ...(seen.has(name) ? [`hidden by the first ${name}`] : []),
    ];
    seen.add(name);
    const note = notes.length > 0 ? ` (${notes.join("; ")})` : "";
    print(
      `${name.padEnd(12)} ${printable(String(spec.display_name))}${note}\n${" ".repeat(13)}${folder}`,
    );
  }
  for (const line of unreadable) print(line);
  if (!all.some(({ own }) => own)) {
    print(
      `${all.length > 0 ? "\n" : ""}this package's kernel is not installed; run ${KERNEL_COMMAND} install`,
    );
  }
}
