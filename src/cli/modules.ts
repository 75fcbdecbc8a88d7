// --module: files that add methods, models, datasets or studies before a command is built.
import { type Command, Option } from "commander";

/** What of a command's options is the program's own. */
export interface ModuleOptions {
  readonly module?: readonly string[];
}

export function addModuleOption(command: Command): Command {
  return command.addOption(
    new Option(
      "--module <file>",
      "adds methods, models, datasets or studies, as CONTRIBUTING.md shows; may be repeated",
    ).argParser((file: string, earlier: readonly string[] = []) => [...earlier, file]),
  );
}

/**
 * A command's flags follow from what there is, so modules come before it.
 * @throws OptionError for a file that there is not; UserError for one that cannot be loaded
 */
export async function importGivenModules(argv: readonly string[]): Promise<void> {
  const files = argv.flatMap((word, k) => {
    if (word.startsWith("--module=")) return [word.slice("--module=".length)];
    const file = argv[k + 1];
    return word === "--module" && file !== undefined ? [file] : [];
  });
  if (files.length === 0) return;
  const { importModules, moduleUrls } = await import("../training/modules.ts");
  await importModules(moduleUrls(files));
}
