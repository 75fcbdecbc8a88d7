// --module: files that add methods, models, datasets or studies before a command is built.
import { type Command, Option } from "commander";

/** The part of a command's options that --module adds. */
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
 * Imports the modules before the command is built, because its flags depend on what they register.
 * @throws OptionError for a missing file; UserError for one that cannot be loaded
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
