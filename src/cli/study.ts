// abkd study: runs and reports the paper's tables and figures.
import { availableParallelism } from "node:os";
import path from "node:path";
import { Command, InvalidArgumentError, Option } from "commander";
import { UserError } from "../base/errors.ts";
import { writeAtomic } from "../base/files.ts";
import { commandLine } from "../base/shell-word.ts";
import { columnsOf, formatTable } from "../base/table.ts";
import type { SiteOptions } from "../cluster/site.ts";
import { progressPrinter } from "../datasets/download-progress.ts";
import { DATASET_NAMES, DatasetError, loadDataset } from "../datasets/index.ts";
import { duration } from "../display/format.ts";
import { evidenceOf } from "../experiments/evidence.ts";
import { inconsistencies } from "../experiments/inconsistencies.ts";
import { reproductionFiles } from "../experiments/reproduction.ts";
import { RESULTS_FOLDER, ResultsStore } from "../experiments/results-store.ts";
import { distinctTrials, missingTrials, runStudy } from "../experiments/run-study.ts";
import { modelSizeClaims, table9Claims } from "../experiments/sizes.ts";
import { findStudy, studies } from "../experiments/studies/index.ts";
import {
  PROFILES,
  type Profile,
  planStudy,
  SPLIT_FAMILIES,
  type SplitFamily,
  type StudyPlan,
} from "../experiments/study.ts";
import { markdown, studyDocument } from "../experiments/study-document.ts";
import { studyReport } from "../experiments/study-report.ts";
import { theoremReport } from "../experiments/theorem1-report.ts";
import { studyPage } from "../figures/study-page.ts";
import type { TrainingEvent } from "../training/observer.ts";
import type { RunConfig } from "../training/run.ts";
import { RUNS_FOLDER } from "../training/run-store.ts";
import { InterruptedError } from "../training/train.ts";
import { runTrials } from "../training/trials.ts";
import { addModuleOption, type ModuleOptions } from "./modules.ts";
import { integer } from "./numbers.ts";
import { print, printJson } from "./output.ts";
import { stopOnSignals } from "./signals.ts";
import { addSlurmOptions, givenSite, type SlurmFlags } from "./slurm-options.ts";
import { showStudyProgress } from "./study-progress.ts";
import { packCommand, showCommand } from "./study-records.ts";
import {
  cancelStudy,
  clusterLines,
  lookAtCluster,
  submitTrials,
  watchCluster,
} from "./study-slurm.ts";
import { theoremCommand } from "./study-theorem.ts";

interface PlanFlags extends ModuleOptions {
  readonly profile: Profile;
  readonly datasets?: readonly string[];
  readonly split?: SplitFamily;
  readonly results: string;
}

interface RunFlags extends PlanFlags, SlurmFlags {
  readonly data?: string;
  readonly runs: string;
  readonly workers?: number;
  readonly retryFailed?: boolean;
  readonly quiet?: boolean;
}

interface StatusFlags extends PlanFlags {
  readonly runs: string;
  readonly watch?: boolean;
}

interface ReportFlags extends PlanFlags {
  readonly data?: string;
  readonly json?: boolean;
  readonly html?: string;
  readonly output: string;
}

export function studyCommand(): Command {
  const command = new Command("study").description(
    "Puts the paper's tables and figures to the test: trials, statistics, verdicts.",
  );
  command.command("list").description("list the studies and how many trials each has").action(list);
  const running = addPlanOptions(
    command.command("run").description("run the trials that are missing; resumable"),
  )
    .option("--data <folder>", "look for datasets here first")
    .option("--runs <folder>", "models, checkpoints and cached teachers", RUNS_FOLDER)
    .addOption(
      new Option("--workers <n>", "trials at a time (default: one per core)").argParser(
        integer(1, 256),
      ),
    )
    .option("--retry-failed", "rerun trials that diverged")
    .option("--quiet", "show no progress");
  addSlurmOptions(running).action(run);
  command.addCommand(theoremCommand());
  command.addCommand(packCommand());
  command.addCommand(showCommand());
  addPlanOptions(command.command("status").description("how many trials are done"))
    .option("--runs <folder>", "where jobs were submitted from", RUNS_FOLDER)
    .option("--watch", "on a cluster: follow it in one line")
    .action(status);
  command
    .command("cancel <name>")
    .description("cancel a study's jobs on the cluster")
    .option("--runs <folder>", "where jobs were submitted from", RUNS_FOLDER)
    .action(cancelStudy);
  addPlanOptions(
    command
      .command("report")
      .description("the results in Markdown; without a name, writes files on all studies"),
    "[name]",
  )
    .option("--data <folder>", "look for datasets here first")
    .option("--json", "as JSON")
    .option("--html <file>", "as a web page too, in one file")
    .option(
      "--output <file>",
      "the document on all studies; its parts go into a folder of its name",
      REPRODUCTION,
    )
    .action(report);
  return command;
}

/** The file of the document on all studies. */
const REPRODUCTION = "docs/reproduction.md";

function addPlanOptions(command: Command, name = "<name>"): Command {
  return addModuleOption(command)
    .argument(name, "see abkd study list")
    .addOption(
      new Option("--profile <profile>", "quick: few splits and seeds, no verdicts")
        .choices(PROFILES)
        .default("quick"),
    )
    .addOption(
      new Option("--datasets <names>", "separated by commas (default: the paper's)").argParser(
        names,
      ),
    )
    .addOption(
      new Option("--split <family>", "geom-gcn where there is one, else random").choices(
        SPLIT_FAMILIES,
      ),
    )
    .option("--results <folder>", "where results are kept", RESULTS_FOLDER);
}

function names(text: string): string[] {
  const list = text.split(",").map((name) => name.trim());
  if (list.some((name) => name === "")) {
    throw new InvalidArgumentError("Expected names separated by commas.");
  }
  return list;
}

function planOf(name: string, { profile, datasets, split }: PlanFlags): StudyPlan {
  const given = { ...(datasets && { datasets }), ...(split && { split }) };
  return planStudy(findStudy(name), { profile, ...given });
}

function list(): void {
  const rows = studies.map((study) => {
    const count = (profile: Profile): string =>
      String(distinctTrials(planStudy(study, { profile })).size);
    return [study.name, count("quick"), count("paper"), study.title];
  });
  const columns = columnsOf("study", "trials: quick | paper", "what");
  print(formatTable({ columns, rows }));
}

async function run(name: string, flags: RunFlags): Promise<void> {
  const plan = planOf(name, flags);
  const store = new ResultsStore(flags.results);
  const trials = distinctTrials(plan);
  const site = givenSite(flags);
  if (site) return submit(name, flags, trials, site);
  const earlier = store.read(trials.keys());
  const missing = missingTrials(trials, earlier, flags.retryFailed);
  const workers = Math.min(flags.workers ?? availableParallelism(), Math.max(1, missing.size));
  const progress = flags.quiet
    ? undefined
    : showStudyProgress({ trials: missing, earlier: earlier.records.values(), workers });
  const downloads = flags.quiet ? undefined : progressPrinter(process.stderr);
  const stopper = stopOnSignals();
  const began = performance.now();
  const end = (): void => {
    downloads?.clear();
    progress?.close();
  };
  try {
    const options = {
      store,
      runsDir: flags.runs,
      download: true,
      workers,
      signal: stopper.signal,
      ...(flags.retryFailed && { retryFailed: true }),
      ...(flags.data !== undefined && { dataDir: flags.data }),
      ...(flags.module && { modules: flags.module }),
      ...(downloads && { onProgress: downloads.show }),
      observer: (event: TrainingEvent) => {
        stopper.observe(event);
        progress?.observer(event);
      },
    };
    const recorded = await runStudy(plan, options, runTrials);
    end();
    const seconds = (performance.now() - began) / 1000;
    const { records, failures } = store.read(trials.keys());
    const { data } = flags;
    const results = flags.results === RESULTS_FOLDER ? undefined : flags.results;
    const shown = commandLine(["study", "report", name], { data, results });
    const bad = failures.size > 0 ? `${failures.size} diverged, ` : "";
    print(
      `${name}: ${recorded} trials run, ${records.size} of ${trials.size} done, ${bad}` +
        `${duration(seconds)}; ${shown} shows the results`,
    );
  } catch (error) {
    end();
    // A request that was refused would be refused again, so the advice below does not apply.
    if (!(error instanceof UserError) || error.exitCode === 2) throw error;
    const count = store.read(trials.keys()).records.size;
    const kept = `${count} of ${trials.size} trials are kept in ${store.folder}`;
    if (error instanceof InterruptedError) {
      throw stopper.told(error, `${kept}: the same command continues`);
    }
    throw new UserError(
      `${error.message}; ${kept}: once that is fixed, the same command continues`,
      {
        exitCode: error.exitCode,
        cause: error,
      },
    );
  } finally {
    stopper.release();
  }
}

async function submit(
  title: string,
  flags: RunFlags,
  trials: ReadonlyMap<string, RunConfig>,
  site: SiteOptions,
): Promise<void> {
  const { data, runs, module, retryFailed, dryRun } = flags;
  await submitTrials(trials, {
    store: new ResultsStore(flags.results),
    runsDir: runs,
    site,
    title,
    advice: `abkd study status ${title} shows how far they are`,
    ...(data !== undefined && { dataDir: data }),
    ...(module && { modules: module }),
    ...(retryFailed && { retryFailed }),
    ...(dryRun && { dryRun }),
    data: { download: true, ...(data !== undefined && { dataDir: data }) },
  });
}

async function status(name: string, flags: StatusFlags): Promise<void> {
  const plan = planOf(name, flags);
  const store = new ResultsStore(flags.results);
  const trials = distinctTrials(plan);
  const question = { trials, store, runsDir: flags.runs };
  if (flags.watch) return watchCluster(question);
  const answer = await lookAtCluster(question);
  const { records, failures, problems } = answer.read;
  const groups = Map.groupBy(plan.trials, ({ dataset, arm }) => `${dataset}\n${arm}`);
  const rows = [...groups].map(([key, group]) => {
    const count = (among: ReadonlyMap<string, unknown>): string =>
      String(group.filter(({ id }) => among.has(id)).length);
    return [...key.split("\n"), count(records), count(failures), String(group.length)];
  });
  const columns = columnsOf("dataset | arm", "done | diverged | trials");
  const total = `${records.size} of ${trials.size} different trials are done`;
  const { missing } = answer;
  const bad = problems.map(({ id, message }) =>
    id !== undefined && missing.has(id) ? `${message}; the next run repeats its trial` : message,
  );
  const cluster = clusterLines(answer);
  print([formatTable({ columns, rows }), "", total, ...bad, ...cluster].join("\n"));
}

async function report(name: string | undefined, flags: ReportFlags): Promise<void> {
  if (name === undefined) return reportAll(flags);
  const plan = planOf(name, flags);
  const store = new ResultsStore(flags.results);
  const made = studyReport(plan, store);
  const facts = inconsistencies(await nell(flags.data));
  if (flags.html !== undefined) writeAtomic(flags.html, await studyPage(plan.study, made, facts));
  if (flags.json) return printJson({ ...made, facts });
  print(markdown(made.title, studyDocument(made, facts)).trimEnd());
}

/** Writes the document on all studies, and its parts: per dataset the paper profile if more of it was run. */
async function reportAll({ results, data, output }: ReportFlags): Promise<void> {
  const options = data === undefined ? {} : { dataDir: data };
  const store = new ResultsStore(results);
  const { dir, name } = path.parse(output);
  const { document, parts } = reproductionFiles(
    {
      studies: studies.map((study) => ({
        study,
        evidence: study.datasets
          .filter((dataset) => DATASET_NAMES.includes(dataset))
          .map((dataset) => evidenceOf(study, dataset, store)),
      })),
      graphs: await table9Claims(options),
      models: await modelSizeClaims(options),
      theorem: await theoremReport(results),
      facts: inconsistencies(await nell(data)),
    },
    name,
  );
  for (const [file, text] of parts) writeAtomic(path.join(dir, name, file), text);
  writeAtomic(output, document);
  print(
    `${output} and ${parts.size} files in ${path.join(dir, name)} are written from the trials in ${store.folder}`,
  );
}

/** Returns NELL if the datasets include it and its files are here: a report downloads nothing. */
async function nell(dataDir: string | undefined) {
  if (!DATASET_NAMES.includes("nell")) return undefined;
  try {
    return await loadDataset("nell", { ...(dataDir !== undefined && { dataDir }) });
  } catch (error) {
    if (error instanceof DatasetError) return undefined;
    throw error;
  }
}
