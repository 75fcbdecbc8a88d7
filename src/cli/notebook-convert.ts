// abkd notebook convert: notebooks of older formats as nbformat 4.5; nothing is run.
import { Command, Option } from "commander";
import { OptionError } from "../base/errors.ts";
import { readText, writeAtomic } from "../base/files.ts";
import { NAME } from "../base/own-package.ts";
import { parseNotebook, serialiseNotebook } from "../notebook/nbformat.ts";
import { upgraded } from "../notebook/nbformat-3.ts";
import { print } from "./output.ts";

interface ConvertOptions {
  readonly inplace?: boolean;
  readonly output?: string;
}

export function notebookConvertCommand(): Command {
  return new Command("convert")
    .description("Writes notebooks of nbformat 3 and 4 as nbformat 4.5. Nothing is run.")
    .argument("<files...>", "notebooks (.ipynb), of any kernel")
    .addOption(new Option("--inplace", "replace the notebooks").conflicts("output"))
    .option("--output <file>", "where to; one notebook")
    .addHelpText("after", `\nExample:\n  ${NAME} notebook convert old.ipynb --output new.ipynb`)
    .action(convert);
}

function convert(files: readonly string[], { inplace, output }: ConvertOptions): void {
  if (!inplace && output === undefined) throw new OptionError("say --output FILE or --inplace");
  if (output !== undefined && files.length > 1) {
    throw new OptionError("--output takes one notebook; use --inplace for several");
  }
  const texts = files.map((file) =>
    serialiseNotebook(parseNotebook(readText(file, 2), file, upgraded)),
  );
  for (const [k, file] of files.entries()) {
    const target = output ?? file;
    writeAtomic(target, texts[k]!);
    print(`${file}: written to ${target}`);
  }
}
