// abkd quickstart, which `npm start` runs: one distillation from start to picture.
import { existsSync } from "node:fs";
import path from "node:path";
import { Command, Option } from "commander";
import { FileError, probeFolder, writeAtomic } from "../base/files.ts";
import { formatTable } from "../base/table.ts";
import { progressPrinter } from "../datasets/download-progress.ts";
import { type DataOptions, firstAvailable } from "../datasets/index.ts";
import { counted } from "../display/format.ts";
import { formInShort } from "../experiments/form.ts";
import { resultsTable } from "../experiments/results-table.ts";
import { runLabel } from "../experiments/summary.ts";
import { FigureExporter, findChromium, noBrowserAdvice } from "../figures/export.ts";
import {
  modelNames,
  reportDescription,
  reportNotes,
  reportPage,
  reportSheet,
  sheetSize,
} from "../figures/report.ts";
import { type Changes, studentConfig, TEACHER_SEED, teacherConfig } from "../training/recipes.ts";
import type { RunConfig, RunResult } from "../training/run.ts";
import { runId } from "../training/run-id.ts";
import { InterruptedError } from "../training/train.ts";
import { runTrials } from "../training/trials.ts";
import { integer } from "./numbers.ts";
import {
  addMachineOptions,
  DATASET_FLAG,
  givenMachineOptions,
  type MachineOptions,
} from "./options.ts";
import { print as printLine } from "./output.ts";
import { showProgress } from "./progress.ts";
import { type Stopper, stopOnSignals } from "./signals.ts";

export interface QuickstartOptions extends MachineOptions {
  /** The dataset; if absent, Cora, or the synthetic graph if Cora cannot be had. */
  readonly dataset?: string;
  /** The split; if absent, the dataset's default. */
  readonly split?: string;
  readonly data?: string;
  readonly runs: string;
  readonly figures: string;
  readonly trials: number;
}

/** Settings for callers in code that the command line does not have, for example for short tests. */
export interface QuickstartSetting {
  /** Changes to the teacher's recipe. */
  readonly teacher?: Changes;
  /** Changes to every student's recipe. */
  readonly student?: Changes;
  /** Takes the report's lines; if absent, they go to stdout. */
  readonly print?: (line: string) => void;
}

export function quickstartCommand(): Command {
  const command = new Command("quickstart")
    .description(
      "Trains a deep teacher (or loads it), then a small student alone, by SoftKD and by ABKD; " +
        "prints a table and draws the learning curves, the attention and the dissimilarity.",
    )
    .option("--dataset <name>", `${DATASET_FLAG} (default: cora, or synthetic without it)`)
    .option("--split <split>", "as for abkd distill (default: the dataset's usual one)")
    .addOption(
      new Option("--trials <n>", "seeds per method").argParser(integer(1, 1000)).default(3),
    )
    .option("--data <folder>", "look for datasets here first")
    .option("--runs <folder>", "results, checkpoints and cached teachers", "runs")
    .option("--figures <folder>", "where the figures go", "figures");
  return addMachineOptions(command).action(async (options: QuickstartOptions) => {
    await quickstart(options);
  });
}

/**
 * Trains, prints and draws. Results go to stdout, progress to stderr. The figures are
 * `quickstart.svg` (if there is a Chromium) and `quickstart.html` in the figures folder.
 * @returns the teacher's result, then each method's results over seeds
 * @throws UserError for a requested dataset that cannot be had, or a run that failed
 */
export async function quickstart(
  options: QuickstartOptions,
  { teacher, student, print = printLine }: QuickstartSetting = {},
): Promise<readonly RunResult[]> {
  const started = performance.now();
  const downloads = progressPrinter(process.stderr);
  const stopper = stopOnSignals();
  try {
    const data: DataOptions = {
      download: true,
      onProgress: downloads.show,
      signal: stopper.signal,
      ...(options.data !== undefined && { dataDir: options.data }),
    };
    const dataset = options.dataset ?? (await available({ ...data, onWarning: print }, options));
    downloads.clear();
    const configs = configurations(dataset, options, teacher, student);
    print(`${introduction(configs)}\n`);
    probeFolder(options.figures);
    const results = await train(configs, data, options, stopper);
    print(`\n${formatTable(resultsTable(results))}\n`);
    for (const note of reportNotes(results, formInShort)) print(note);
    print("");
    for (const line of await draw(results, options.figures)) print(line);
    print(`${((performance.now() - started) / 1000).toFixed(0)} s in all.`);
    return results;
  } catch (error) {
    throw stopper.told(error, "the next start continues with the teacher");
  } finally {
    downloads.clear();
    stopper.release();
  }
}

/** Returns Cora if it can be had, the synthetic graph otherwise. */
async function available(data: DataOptions, { split }: QuickstartOptions): Promise<string> {
  try {
    return await firstAvailable(["cora", "synthetic"], data, split);
  } catch (error) {
    if (!data.signal?.aborted) throw error;
    throw new InterruptedError("stopped while fetching data");
  }
}

/** The methods of a first look; comparing all of them takes hours. */
const METHODS = ["student", "softkd", "abkd"];

/** Returns the teacher, then each method from the same student weights, seed by seed. */
function configurations(
  dataset: string,
  { split, trials }: QuickstartOptions,
  teacherChanges?: Changes,
  studentChanges?: Changes,
): RunConfig[] {
  const subject = { dataset, ...(split !== undefined && { split }) };
  const teacher = teacherConfig({ ...subject, seed: TEACHER_SEED }, teacherChanges);
  const seeds = Array.from({ length: trials }, (_, k) => k + 1);
  const students = METHODS.flatMap((name) =>
    seeds.map((seed) => studentConfig({ ...subject, seed }, name, teacher, studentChanges)),
  );
  return [teacher, ...students];
}

function introduction([teacher, ...students]: readonly RunConfig[]): string {
  const names = [...new Set(students.map(({ method }) => runLabel(method!.name)))].join(", ");
  const seeds = students.length / new Set(students.map(({ method }) => method!.name)).size;
  const { dataset, split } = teacher!;
  return (
    `${dataset}, split ${split}: ${modelNames(teacher, students[0]!)}; ` +
    `${names}, ${counted(seeds, "seed")} each.`
  );
}

async function train(
  configs: readonly RunConfig[],
  data: DataOptions,
  options: QuickstartOptions,
  stopper: Stopper,
): Promise<RunResult[]> {
  const progress = showProgress(configs.map(runId));
  try {
    return await runTrials(configs, {
      ...data,
      runsDir: options.runs,
      observer: (event) => {
        stopper.observe(event);
        progress.observer(event);
      },
      signal: stopper.signal,
      ...givenMachineOptions(options),
    });
  } finally {
    progress.close();
  }
}

/**
 * Writes the figures. If the sheet cannot be drawn, an older one stays and is reported to show an
 * earlier run.
 * @returns a line per file: its path, or why it is missing
 */
async function draw(results: readonly RunResult[], folder: string): Promise<string[]> {
  const svg = path.join(folder, "quickstart.svg");
  const html = path.join(folder, "quickstart.html");
  writeAtomic(html, await reportPage(results));
  const page = `${html} (open it in a browser)`;
  const executable = await findChromium();
  if (executable === undefined) return [page, notDrawn(svg, noBrowserAdvice())];
  try {
    writeAtomic(svg, await drawSheet(results, executable));
  } catch (error) {
    // A browser that does not start must not lose minutes of training.
    if (error instanceof FileError) throw error;
    const [reason] = String(error instanceof Error ? error.message : error).split("\n");
    return [page, notDrawn(svg, `${executable} could not draw it: ${reason}`)];
  }
  return [svg, page];
}

function notDrawn(svg: string, why: string): string {
  if (!existsSync(svg)) return `no ${svg}: ${why}`;
  return `no new ${svg}: ${why}; the existing file shows an earlier run`;
}

async function drawSheet(results: readonly RunResult[], executable: string): Promise<string> {
  const exporter = await FigureExporter.open(executable);
  try {
    return await exporter.svg(reportSheet(results), sheetSize, reportDescription(results));
  } finally {
    await exporter.close();
  }
}
