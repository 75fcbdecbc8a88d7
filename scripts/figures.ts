// `npm run figures`: draws all figures of the results as SVG, PNG and PDF; -- --help lists its options.
// The same results give the same bytes, given the same version of Chromium and the same fonts.
import path from "node:path";
import { parseArgs } from "node:util";
import { OptionError, UserError } from "../src/base/errors.ts";
import { paperFigures } from "../src/figures/paper-figures.ts";
import type { PrintLook } from "../src/figures/print-look.ts";
import { saveFigure } from "../src/figures/save.ts";

const root = path.resolve(import.meta.dirname, "..");

const HELP = `npm run figures -- [options]

Draws the figures of the results as SVG, PNG and PDF.

  --only NAME       only those whose name begins so: table3, fig5-cora
  --output FOLDER   where to, by default figures/
  --root FOLDER     where results/ and runs/ are, by default this checkout
  --width LENGTH    for print: the figure's width on paper, 8.5cm, 85mm, 3.3in or 240pt
  --points N        for print: the size of the text in points, by default 8
  --font NAME       for print: serif, sans-serif or an installed font
  --no-title        for print: leaves the title to the caption

A figure for print has its text at true size: include it without scaling it. Figures for print go into
figures/print unless --output says otherwise: figures/ is what the notebooks and documents show.

  npm run figures -- --only table3 --width 8.5cm --font serif --no-title`;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      help: { type: "boolean", short: "h" },
      only: { type: "string" },
      output: { type: "string" },
      root: { type: "string", default: root },
      width: { type: "string" },
      points: { type: "string" },
      font: { type: "string" },
      "no-title": { type: "boolean" },
    },
  });
  if (values.help) {
    console.log(HELP);
    return;
  }
  const print = printLook(values);
  const output = values.output ?? path.join(root, print ? "figures/print" : "figures");
  const folders = {
    results: path.join(values.root, "results"),
    runs: path.join(values.root, "runs"),
  };
  const { only } = values;
  const chosen = (name: string): boolean => only === undefined || name.startsWith(only);
  const figures = paperFigures(folders, chosen);
  if (figures.length === 0) {
    const what = only === undefined ? "" : ` whose name begins with "${only}"`;
    throw new UserError(`no figure${what}: ${folders.results} has no trials for one`);
  }
  for (const [k, { name, rows, width, description }] of figures.entries()) {
    for (const extension of ["svg", "png", "pdf"]) {
      const file = path.join(output, `${name}.${extension}`);
      const size = { width, height: rows.height };
      await saveFigure(rows.figure, file, { ...size, description, ...(print && { print }) });
    }
    console.log(`${k + 1}/${figures.length} ${name}`);
  }
}

/** What the options for print say; undefined without them. */
function printLook(values: {
  readonly width?: string;
  readonly points?: string;
  readonly font?: string;
  readonly "no-title"?: boolean;
}): PrintLook | undefined {
  const { width, points, font, "no-title": untitled } = values;
  if (width === undefined) {
    if (points === undefined && font === undefined && !untitled) return undefined;
    throw new OptionError(
      "--points, --font and --no-title are for print: name a --width too, such as 8.5cm",
    );
  }
  return {
    width,
    ...(points !== undefined && { points: Number(points) }),
    ...(font !== undefined && { font }),
    ...(untitled && { title: false }),
  };
}

main().catch((error: unknown) => {
  const wrongOption = String((error as NodeJS.ErrnoException).code).startsWith("ERR_PARSE_ARGS");
  if (!(error instanceof UserError) && !wrongOption) throw error;
  console.error(`abkd: ${(error as Error).message}`);
  process.exitCode = error instanceof UserError ? error.exitCode : 2;
});
