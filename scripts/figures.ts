// `npm run figures [-- --only fig5]`: draws all figures of the results as SVG, PNG and PDF into figures/.
// The same results give the same bytes, given the same version of Chromium and the same fonts.
import path from "node:path";
import { parseArgs } from "node:util";
import { UserError } from "../src/base/errors.ts";
import { paperFigures } from "../src/figures/paper-figures.ts";
import { saveFigure } from "../src/figures/save.ts";

const root = path.resolve(import.meta.dirname, "..");

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      only: { type: "string" },
      output: { type: "string", default: path.join(root, "figures") },
      root: { type: "string", default: root },
    },
  });
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
      const file = path.join(values.output, `${name}.${extension}`);
      await saveFigure(rows.figure, file, { width, height: rows.height, description });
    }
    console.log(`${k + 1}/${figures.length} ${name}`);
  }
}

main().catch((error: unknown) => {
  const wrongOption = String((error as NodeJS.ErrnoException).code).startsWith("ERR_PARSE_ARGS");
  if (!(error instanceof UserError) && !wrongOption) throw error;
  console.error(`abkd: ${(error as Error).message}`);
  process.exitCode = error instanceof UserError ? error.exitCode : 2;
});
