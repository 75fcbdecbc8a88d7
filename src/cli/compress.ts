// abkd compress: from a graph and a teacher to the best student within a budget, in one command.
import { existsSync } from "node:fs";
import path from "node:path";
import { Command, InvalidArgumentError, Option } from "commander";
import { writeAtomic } from "../base/files.ts";
import type { SiteOptions } from "../cluster/site.ts";
import { progressPrinter } from "../datasets/download-progress.ts";
import { datasetEntry, loadDataset, loadSplit } from "../datasets/index.ts";
import { SPLIT_FORMS } from "../datasets/splits.ts";
import { counted, duration, percent } from "../display/format.ts";
import { LiveLine } from "../display/line.ts";
import { cardMarkdown, cardParts } from "../experiments/compress/card.ts";
import type { StageProgress } from "../experiments/compress/clock.ts";
import { compress, USUAL_METHODS } from "../experiments/compress/compress.ts";
import { compressPage } from "../figures/compress-page.ts";
import type { TrainingEvent } from "../training/observer.ts";
import { describeEpoch, runName } from "../training/progress.ts";
import { TEACHER_SEED, teacherConfig } from "../training/recipes.ts";
import type { RunConfig } from "../training/run.ts";
import { RUNS_FOLDER } from "../training/run-store.ts";
import { addModuleOption, type ModuleOptions } from "./modules.ts";
import { integer } from "./numbers.ts";
import { addHyperParameters, DATASET_FLAG, givenHyperParameters } from "./options.ts";
import { print } from "./output.ts";
import { namedData } from "./own-data.ts";
import { showNotes } from "./progress.ts";
import { stopOnSignals } from "./signals.ts";
import { submitThisCommand } from "./slurm-command.ts";
import { addSlurmOptions, givenSite, type SlurmFlags } from "./slurm-options.ts";
import { addTeacherFiles, givenTeacher, type TeacherFileFlags } from "./teacher-files.ts";

interface CompressFlags
  extends ModuleOptions,
    TeacherFileFlags,
    SlurmFlags,
    Record<string, unknown> {
  readonly budget?: number;
  readonly bytes?: number;
  readonly latency?: number;
  readonly minutes: number;
  readonly split?: string;
  readonly methods: readonly string[];
  readonly output?: string;
  readonly runs: string;
  readonly workers?: number;
}

export function compressCommand(): Command {
  const command = addModuleOption(new Command("compress"))
    .description(
      "Finds the best student within a budget: its family, its size, the features that it keeps, and the method that " +
        "trains it, by validation accuracy alone. Ends with the student's file and its card. The same command goes on " +
        "where it was stopped.",
    )
    .argument("<dataset>", DATASET_FLAG)
    .optionsGroup("What the student may cost (at least one):")
    .addOption(new Option("--budget <n>", "parameters").argParser(integer(1)))
    .addOption(
      new Option("--bytes <size>", "length of its file: 24000, 24k or 1M").argParser(
        scaled({ "": 1, k: 1000, M: 1e6 }),
      ),
    )
    .addOption(
      new Option(
        "--latency <time>",
        "of a pass over the whole graph on one thread, measured here: 800us or 1ms",
      ).argParser(scaled({ us: 1, µs: 1, ms: 1000, s: 1e6 })),
    )
    .optionsGroup("Search:")
    .addOption(
      new Option("--minutes <n>", "of search; the teacher is trained before")
        .argParser(scaled({ "": 1 }))
        .default(10),
    )
    .option("--split <split>", SPLIT_FORMS)
    .addOption(
      new Option(
        "--methods <names>",
        "tried beside the plain student and SoftKD, separated by commas: docs/recipes.md",
      )
        .argParser((text) => text.split(",").map((name) => name.trim()))
        .default([...USUAL_METHODS], USUAL_METHODS.join(",")),
    )
    .optionsGroup("Where and how:")
    .option(
      "--output <folder>",
      "the student, its card, the records (default: compressed/<dataset>)",
    )
    .option("--data <folder>", "look for datasets here first")
    .option("--runs <folder>", "checkpoints and cached teachers", RUNS_FOLDER)
    .addOption(
      new Option("--workers <n>", "runs at a time (default: one per core)").argParser(
        integer(1, 256),
      ),
    )
    .option("--quiet", "show no progress, only warnings");
  addHyperParameters(command, "Teacher (default: the dataset's GCNII 64L-64H):", "teacher-");
  addTeacherFiles(command);
  addSlurmOptions(command);
  return command.action((given: string, flags: CompressFlags) => run(command, given, flags));
}

/** Returns a parser for a positive number with one of these units. */
function scaled(units: Readonly<Record<string, number>>): (text: string) => number {
  return (text) => {
    const [, digits = "", unit = ""] = /^(\d+(?:\.\d+)?) ?([a-zA-Zµ]*)$/.exec(text.trim()) ?? [];
    const value = Number(digits) * (Object.hasOwn(units, unit) ? units[unit]! : Number.NaN);
    if (digits !== "" && value > 0 && Number.isFinite(value)) return value;
    const names = Object.keys(units).filter((name) => name !== "");
    const after = names.length > 0 ? `, such as 10${names[0]}` : "";
    throw new InvalidArgumentError(`Expected a number above 0${after}.`);
  };
}

async function run(command: Command, given: string, flags: CompressFlags): Promise<void> {
  const { budget, bytes, latency, minutes, methods, quiet = false } = flags;
  const dataset = await namedData(given, {
    quiet,
    ...(flags.data !== undefined && { dataDir: flags.data }),
  });
  const { split = datasetEntry(dataset).defaultSplit } = flags;
  const outputs = await givenTeacher(command, dataset, flags);
  const teacher = outputs
    ? { outputs }
    : teacherConfig(
        { dataset, split, seed: TEACHER_SEED },
        givenHyperParameters(flags, "teacher-"),
      );
  const folder = flags.output ?? path.join("compressed", dataset);
  const site = givenSite(flags);
  if (site) return submit(flags, { dataset, split, folder, site });
  const progress = quiet ? undefined : showSearch();
  const downloads = quiet ? undefined : progressPrinter(process.stderr);
  const stopper = stopOnSignals();
  const end = (): void => {
    downloads?.clear();
    progress?.line.wipe();
  };
  try {
    const found = await compress({
      dataset,
      split,
      teacher,
      minutes,
      methods,
      folder,
      runsDir: flags.runs,
      signal: stopper.signal,
      budget: {
        ...(budget !== undefined && { parameters: budget }),
        ...(bytes !== undefined && { bytes }),
        ...(latency !== undefined && { microseconds: latency }),
      },
      ...(flags.data !== undefined && { dataDir: flags.data }),
      ...(flags.workers !== undefined && { workers: flags.workers }),
      ...(flags.module && { modules: flags.module }),
      ...(downloads && { onProgress: downloads.show }),
      ...(progress && { onStage: progress.stage }),
      observer(event) {
        stopper.observe(event);
        (progress?.observer ?? showNotes)(event);
      },
    });
    end();
    const card = cardParts(found);
    const file = path.join(folder, "card.md");
    const page = path.join(folder, "card.html");
    writeAtomic(file, cardMarkdown(card));
    writeAtomic(page, compressPage(found));
    const { test } = found.best.accuracy;
    print(
      [
        card.verdict,
        `${path.join(folder, found.file)}: ${card.facts.rows[0]![1]}, ${card.facts.rows[1]![1]}; test ${percent(test)}`,
        `${file}, ${page}: the card, as a page with a figure`,
      ].join("\n"),
    );
  } catch (error) {
    end();
    throw stopper.told(error, "the same command continues");
  } finally {
    stopper.release();
  }
}

/** Submits the whole search as one job: its time, and a latency, are those of one node. */
async function submit(
  { data, runs, workers, dryRun }: CompressFlags,
  found: { dataset: string; split: string; folder: string; site: SiteOptions },
): Promise<void> {
  const { dataset, split, folder, site } = found;
  const card = path.join(folder, "card.md");
  if (existsSync(card)) {
    return print(`${card} is there: this search is over; another one needs another --output`);
  }
  // Fetched here, as nodes may have no network.
  const options = { download: true, ...(data !== undefined && { dataDir: data }) };
  await loadSplit(await loadDataset(dataset, options), split, options);
  const title = `compress ${path.resolve(folder)}`;
  const more = workers === undefined ? ["--workers", String(site.cpus ?? 1)] : [];
  await submitThisCommand({ runsDir: runs, title, site, more }, dryRun);
}

/** One line that says how far the search is, and before it how far the teacher is. */
function showSearch() {
  const line = new LiveLine(process.stderr);
  let last: StageProgress | undefined;
  let best = 0;
  let teacher: { readonly id: string; readonly config: RunConfig } | undefined;
  const text = (): string | undefined => {
    if (!last) return undefined;
    const { stage, done, secondsLeft } = last;
    const most = best > 0 ? `, best validation so far ${percent(best)}` : "";
    const left =
      secondsLeft > 0
        ? `at most ${duration(secondsLeft)} left in all`
        : "the time is up, but a few runs are done in any case";
    return `${stage}: ${counted(done, "run")} done${most}; ${left}`;
  };
  return {
    line,
    stage(progress: StageProgress): void {
      if (progress.stage !== last?.stage) best = 0;
      last = progress;
      best = Math.max(best, ...progress.finished.map(({ validation }) => validation));
      line.update(text);
    },
    observer(event: TrainingEvent): void {
      if (event.type === "note") line.say(event.message);
      // What is trained before the search: the teacher, or the student that ranks the features in its place.
      if (event.type === "start" && !last) teacher = event;
      if (event.type === "epoch" && event.id === teacher?.id && !last) {
        const { config } = teacher;
        line.update(() => `${runName(config, !config.method)}: ${describeEpoch(event)}`);
      }
    },
  };
}
