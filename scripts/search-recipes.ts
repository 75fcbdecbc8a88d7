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
// rewrites the documents from the files. --executor slurm, with the options of `abkd study run`, submits what a rung
// lacks, and after it a job that runs the same command again for the next rung.
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { Command } from "commander";
import { UserError } from "../src/base/errors.ts";
import { writeAtomic } from "../src/base/files.ts";
import { type Stopper, stopOnSignals } from "../src/cli/signals.ts";
import { addSlurmOptions, givenSite, type SlurmFlags } from "../src/cli/slurm-options.ts";
import { RungSubmitted, submitRung } from "../src/cli/slurm-rung.ts";
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
import type { TrialRecord } from "../src/experiments/trial-record.ts";
import type { TrainingEvent } from "../src/training/observer.ts";
import { type RecipeFile, recipeFile, recipePath } from "../src/training/recipe-file.ts";
import type { RunConfig } from "../src/training/run.ts";
import { RUNS_FOLDER, runFiles } from "../src/training/run-store.ts";
import { runTrials } from "../src/training/trials.ts";

const DOCUMENT = new URL("../docs/recipes.md", import.meta.url);

interface Flags extends SlurmFlags {
  readonly dataset?: readonly string[];
  readonly search: string;
  readonly only?: readonly string[];
  readonly workers: string;
  readonly results: string;
  readonly runs: string;
  readonly update: boolean;
  readonly docs: boolean;
}

const several = (text: string, before: readonly string[] = []): string[] => [...before, text];
const values = addSlurmOptions(
  new Command("search-recipes.ts")
    .option("--dataset <name>", "may be repeated (default: cora, citeseer)", several)
    .option("--search <n>", "1 to 5", "1")
    .option("--only <contender>", "may be repeated", several)
    .option("--workers <n>", "runs at a time", String(availableParallelism()))
    .option("--results <folder>", "records", "results/search")
    .option("--runs <folder>", "checkpoints and teachers", RUNS_FOLDER)
    .option("--update", "with --only: replace their recipes", false)
    .option("--docs", "only write the documents again", false),
)
  .parse()
  .opts<Flags>();
const { dataset: datasets = ["cora", "citeseer"], only = [] } = values;

function write(section: string, content: string): void {
  writeFileSync(DOCUMENT, writeSection(readFileSync(DOCUMENT, "utf8"), section, content));
}

/** Keeps the records, but not thousands of models. */
function forget(trials: Iterable<RunConfig>): void {
  for (const config of trials) {
    rmSync(runFiles(values.runs, config).folder, { recursive: true, force: true });
  }
}

async function search(dataset: string, stopper: Stopper): Promise<void> {
  const all = contenders();
  const unknown = only.filter((id) => !all.some((one) => one.id === id));
  if (unknown.length > 0) {
    const names = all.map(({ id }) => id).join(", ");
    throw new UserError(`no contender "${unknown.join()}"; there is ${names}`);
  }
  const index = Number(values.search);
  const rule = searchRule(dataset, index);
  const chosen = all.filter(({ id }) =>
    only.length > 0 ? only.includes(id) : index === 1 || HEADLINE.includes(id),
  );
  const whole = recipeFile(dataset);
  // Checked first, so that hours of work do not end with a refusal.
  if (index > 1 || (only.length > 0 && values.update)) {
    checkBefore(whole, index, { ...rule, configurations: rule.batch });
  }
  const store = new ResultsStore(values.results);
  const workers = Number(values.workers);
  const site = givenSite(values);
  const done: TrialRecord[] = [];
  const slurm = {
    title: `search-${dataset}-${index}`,
    runsDir: values.runs,
    dryRun: values.dryRun ?? false,
    advice: "the same command shows how far they are",
    data: { download: true },
  };
  const run: RunRung = async (trials, { batch, rung }) => {
    const earlier = store.read(trials.keys());
    const missing = missingTrials(trials, earlier);
    const at = `batch ${batch + 1}, rung ${rung + 1} of ${rule.rungs.length}`;
    console.log(`${dataset}, search ${index}, ${at}: ${missing.size} of ${trials.size} runs to do`);
    if (site) {
      if (missing.size > 0) await submitRung(missing, { ...slurm, site, store, others: done });
      done.push(...earlier.records.values());
      forget(trials.values());
      return earlier;
    }
    const known = earlier.records.values();
    const progress = showStudyProgress({ trials: missing, earlier: known, workers });
    const observer = (event: TrainingEvent): void => {
      stopper.observe(event);
      progress.observer(event);
    };
    const { signal } = stopper;
    const options = { store, runsDir: values.runs, workers, signal, observer, download: true };
    await runRecorded(trials, options, runTrials).finally(progress.close);
    forget(missing.values());
    return store.read(trials.keys());
  };
  const began = performance.now();
  const today = () => new Date().toISOString().slice(0, 10);
  const file = await searchRecipes(dataset, chosen, rule, run, today);
  console.log(`${dataset}: ${duration((performance.now() - began) / 1000)}`);
  if (only.length > 0) console.log(recipeReport(file));
  if (only.length > 0 && !values.update) return;
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
  return only.length > 0 && whole ? withLaterSearch(whole, found) : found;
}

const stopper = stopOnSignals();
try {
  for (const dataset of datasets) {
    if (!values.docs) {
      await search(dataset, stopper).catch((error: unknown) => {
        // The rung's own jobs go on with it.
        if (!(error instanceof RungSubmitted)) throw error;
      });
    } else {
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
