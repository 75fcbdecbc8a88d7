// abkd notebook export: a notebook as a page that needs no network, in HTML or as a PDF; nothing is run.
import path from "node:path";
import { Command, Option } from "commander";
import { OptionError, UserError } from "../base/errors.ts";
import { writeAtomic } from "../base/files.ts";
import { NAME } from "../base/own-package.ts";
import { Chromium, findChromium, noBrowserAdvice } from "../display/chromium.ts";
import { printPage } from "../display/print.ts";
import { readNotebook } from "../notebook/nbformat.ts";
import { print } from "./output.ts";

interface ExportOptions {
  readonly html?: boolean;
  readonly pdf?: boolean;
  readonly output?: string;
  readonly input: boolean;
}

export function notebookExportCommand(): Command {
  return new Command("export")
    .description(
      "Writes notebooks as pages for reading and printing, with the outputs that they hold. Nothing is run " +
        "and nothing is fetched: mathematics, pictures and plots are inside the file.",
    )
    .argument("<files...>", "notebooks (.ipynb), of any kernel")
    .option("--html", "write an HTML page")
    .option("--pdf", "write a PDF (needs a Chromium)")
    .addOption(
      new Option(
        "--output <file>",
        "where to, by its ending .html or .pdf; one notebook",
      ).conflicts(["html", "pdf"]),
    )
    .option("--no-input", "leave out the code")
    .addHelpText(
      "after",
      [
        "\nCells tagged remove-cell, remove-input or remove-output lose what the tag says.",
        "Scripts in outputs are left out; an interactive plot is shown by the picture beside it.",
        "\nExamples:",
        `  ${NAME} notebook export notebooks/*.ipynb --pdf`,
        `  ${NAME} notebook export study.ipynb --no-input --output report.html`,
      ].join("\n"),
    )
    .action(exportNotebooks);
}

async function exportNotebooks(files: readonly string[], options: ExportOptions): Promise<void> {
  const targets = targetsOf(files, options);
  const notebooks = files.map((file) => ({ file, notebook: readNotebook(file) }));
  // Loaded here alone: a notebook that runs needs none of it.
  const { notebookPage } = await import("../notebook/page.ts");
  const browser = targets.some((endings) => endings.some(isPdf)) ? await openBrowser() : undefined;
  try {
    for (const [k, { file, notebook }] of notebooks.entries()) {
      const page = notebookPage(notebook, { file, input: options.input });
      for (const target of targets[k]!) {
        writeAtomic(target, isPdf(target) ? await printPage(browser!, page.html) : page.html);
        print(`${file}: written to ${target}`);
      }
      if (page.plain > 0) {
        console.error(
          `${NAME}: ${file}: plots without a picture (${page.plain}) are shown as text; ` +
            "run the notebook where there is a Chromium, and the file will hold their pictures",
        );
      }
    }
  } finally {
    browser?.close();
  }
}

const isPdf = (file: string): boolean => path.extname(file).toLowerCase() === ".pdf";

/** The files that each notebook is written to. */
function targetsOf(files: readonly string[], { html, pdf, output }: ExportOptions): string[][] {
  if (output !== undefined) {
    if (files.length > 1) throw new OptionError("--output takes one notebook; use --html or --pdf");
    if (!/\.(?:html|pdf)$/i.test(output)) {
      throw new OptionError(`--output ${output}: its name must end in .html or .pdf`);
    }
    return [[output]];
  }
  const endings = [...(html ? [".html"] : []), ...(pdf ? [".pdf"] : [])];
  if (endings.length === 0) throw new OptionError("say --html, --pdf or --output FILE");
  return files.map((file) => {
    const { dir, name } = path.parse(file);
    return endings.map((ending) => path.join(dir, name + ending));
  });
}

async function openBrowser(): Promise<Chromium> {
  const executable = await findChromium();
  if (executable === undefined) throw new UserError(`cannot write a PDF: ${noBrowserAdvice()}`);
  return new Chromium(executable);
}
