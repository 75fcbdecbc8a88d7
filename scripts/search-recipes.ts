// Searches recipes for all methods on a dataset, and writes docs/recipes.md and src/training/recipes/NAME.json,
// which src/training/recipes.ts reads.
//
//     node scripts/search-recipes.ts --dataset cora --dataset citeseer
//
// Every run is a record in results/search, so an interrupted search continues where it stopped.
// --search 2 ... 5 searches the headline claims' contenders again, with other draws, splits and seeds, and
// keeps what they choose beside the first search's recipes.
// --only student --only at searches some contenders and prints what it finds; with --update it also
// replaces their recipes in the file, for example after a method's version was raised. --docs only
// rewrites the documents from the files.
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { UserError } from "../src/base/errors.ts";
import { writeAtomic } from "../src/base/files.ts";
import { type Stopper, stopOnSignals } from "../src/cli/signals.ts";
import { showStudyProgress } from "../src/cli/study-progress.ts";
import { duration } from "../src/display/format.ts";
import { contenders } from "../src/experiments/contenders.ts";
import { writeSection } from "../src/experiments/markdown-section.ts";
import {
  checkBefore,
  withFurtherSearch,
  withLaterSearch,
} from "../src/experiments/recipe-merge.ts";
import { recipeReport, spacesReport } from "../src/experiments/recipe-report.ts";
import { type RunRung, searchRecipes, searchRule } from "../src/experiments/recipe-search.ts";
import { ResultsStore } from "../src/experiments/results-store.ts";
import { missingTrials, runRecorded } from "../src/experiments/run-study.ts";
import { HEADLINE } from "../src/experiments/studies/arms.ts";
import type { TrainingEvent } from "../src/training/observer.ts";
import { type RecipeFile, recipeFile, recipePath } from "../src/training/recipe-file.ts";
import { RUNS_FOLDER, runFiles } from "../src/training/run-store.ts";
import { runTrials } from "../src/training/trials.ts";

const DOCUMENT = new URL("../docs/recipes.md", import.meta.url);

const { values } = parseArgs({
  options: {
    dataset: { type: "string", multiple: true, default: ["cora", "citeseer"] },
    search: { type: "string", default: "1" },
    only: { type: "string", multiple: true, default: [] },
    workers: { type: "string", default: String(availableParallelism()) },
    results: { type: "string", default: "results/search" },
    runs: { type: "string", default: RUNS_FOLDER },
    update: { type: "boolean", default: false },
    docs: { type: "boolean", default: false },
  },
});

function write(section: string, content: string): void {
  writeFileSync(DOCUMENT, writeSection(readFileSync(DOCUMENT, "utf8"), section, content));
}

async function search(dataset: string, stopper: Stopper): Promise<void> {
  const all = contenders();
  const unknown = values.only.filter((id) => !all.some((one) => one.id === id));
  if (unknown.length > 0) {
    const names = all.map(({ id }) => id).join(", ");
    throw new UserError(`no contender "${unknown.join()}"; there is ${names}`);
  }
  const index = Number(values.search);
  const rule = searchRule(dataset, index);
  const chosen = all.filter(({ id }) =>
    values.only.length > 0 ? values.only.includes(id) : index === 1 || HEADLINE.includes(id),
  );
  const whole = recipeFile(dataset);
  // Checked first, so that hours of work do not end with a refusal.
  if (index > 1 || (values.only.length > 0 && values.update)) {
    checkBefore(whole, index, { ...rule, configurations: rule.batch });
  }
  const store = new ResultsStore(values.results);
  const workers = Number(values.workers);
  const run: RunRung = async (trials, { batch, rung }) => {
    const earlier = store.read(trials.keys());
    const missing = missingTrials(trials, earlier);
    const at = `batch ${batch + 1}, rung ${rung + 1} of ${rule.rungs.length}`;
    console.log(`${dataset}, search ${index}, ${at}: ${missing.size} of ${trials.size} runs to do`);
    const known = earlier.records.values();
    const progress = showStudyProgress({ trials: missing, earlier: known, workers });
    const observer = (event: TrainingEvent): void => {
      stopper.observe(event);
      progress.observer(event);
    };
    const { signal } = stopper;
    const options = { store, runsDir: values.runs, workers, signal, observer, download: true };
    await runRecorded(trials, options, runTrials).finally(progress.close);
    // Keeps the records, but not thousands of models.
    for (const config of missing.values()) {
      rmSync(runFiles(values.runs, config).folder, { recursive: true, force: true });
    }
    return store.read(trials.keys());
  };
  const began = performance.now();
  const today = () => new Date().toISOString().slice(0, 10);
  const file = await searchRecipes(dataset, chosen, rule, run, today);
  console.log(`${dataset}: ${duration((performance.now() - began) / 1000)}`);
  if (values.only.length > 0) console.log(recipeReport(file));
  if (values.only.length > 0 && !values.update) return;
  const kept = combined(whole, index, file);
  const path = recipePath(dataset);
  writeAtomic(path.pathname, `${JSON.stringify(kept, null, 1)}\n`);
  write(dataset, recipeReport(kept));
  write("spaces", spacesReport(searchRule("cora")));
  console.log(`${path.pathname} and docs/recipes.md are written`);
}

/** Returns the file to write: the search's recipes replace the existing ones or stand beside them. */
function combined(whole: RecipeFile | undefined, index: number, found: RecipeFile): RecipeFile {
  if (index > 1) {
    if (whole) return withFurtherSearch(whole, index, found);
    throw new UserError(`${found.dataset}: search 1 must come before search ${index}`);
  }
  return values.only.length > 0 && whole ? withLaterSearch(whole, found) : found;
}

const stopper = stopOnSignals();
try {
  for (const dataset of values.dataset) {
    if (!values.docs) await search(dataset, stopper);
    else {
      const file = recipeFile(dataset);
      if (file) write(dataset, recipeReport(file));
      write("spaces", spacesReport(searchRule("cora")));
    }
  }
} catch (error) {
  if (!(error instanceof UserError)) throw error;
  const told = stopper.told(error, "the same command continues");
  const { message, exitCode } = told instanceof UserError ? told : error;
  console.error(`${message}; what was run is kept in ${values.results}`);
  process.exitCode = exitCode;
} finally {
  stopper.release();
}
