// Checks all that can be known before anything is trained, so that a run that must fail costs no teacher.
import { existsSync } from "node:fs";
import { dirname } from "node:path";
import { checkKeys, checkValues, LEGAL, type Legal, shown } from "../base/arguments.ts";
import { OptionError, UserError } from "../base/errors.ts";
import { probeFolder } from "../base/files.ts";
import { DATA_OPTIONS } from "../datasets/index.ts";
import { checkLabelSets, checkStudent } from "../distillation/registry.ts";
import { checkItems, hiddenWidth } from "../models/registry.ts";
import { chooseEngine, engineFlavour, MOST_THREADS } from "../tensor/index.ts";
import { checkConfig } from "./config-check.ts";
import type { Job } from "./executor.ts";
import { readGraph } from "./inputs.ts";
import { refuseTooLarge, shapesOf, toldEstimate } from "./memory-check.ts";
import { addedNeeds, moduleUrls, refuseMissingModules } from "./modules.ts";
import { checkCut } from "./node-batches.ts";
import type { RunConfig } from "./run.ts";
import { describeRun, runId } from "./run-id.ts";
import { RUNS_FOLDER, refuseOtherData, runFiles } from "./run-store.ts";
import { checkDrawn, drawnBy } from "./sampled-batches.ts";
import { neededOutputs } from "./teacher-outputs.ts";
import { earlierWork } from "./trial.ts";
import type { TrialData } from "./trial-data.ts";
import type { TrialsOptions } from "./trials.ts";

const MOST_WORKERS = 256;

const OPTIONS: Readonly<Record<keyof TrialsOptions, Legal>> = {
  ...DATA_OPTIONS,
  workers: whole(MOST_WORKERS),
  threads: whole(MOST_THREADS),
  runsDir: LEGAL.folder,
  resume: {
    words: 'true, false or "repair"',
    is: (value) => typeof value === "boolean" || value === "repair",
  },
  checkpointSeconds: {
    words: "a number, 0 or more",
    is: (value) => typeof value === "number" && value >= 0,
  },
  observer: LEGAL.functions,
  engine: { words: "an engine", is: () => true }, // chooseEngine() knows them
  profile: LEGAL.switch,
  executor: LEGAL.functions,
  modules: { words: "an array of files' paths or URLs", is: Array.isArray },
  memoryLimit: {
    words: "a number of GiB above 0",
    is: (value) => typeof value === "number" && value > 0,
  },
  recorded: { words: "a Map", is: (value) => value instanceof Map },
};

/** The options of runTrials(). */
export const TRIALS_OPTIONS = Object.keys(OPTIONS);

function whole(most: number): Legal {
  return {
    words: `a whole number from 1 to ${most}`,
    is: (value) => Number.isInteger(value) && Number(value) >= 1 && Number(value) <= most,
  };
}

/**
 * Checks what runTrials() was given, before any file is read.
 * @throws OptionError for a configuration or an option that makes no sense
 */
export function checkRequest(configs: readonly RunConfig[], options: TrialsOptions): void {
  if (!Array.isArray(configs)) {
    throw new OptionError(`runTrials takes an array of configurations, not ${shown(configs)}`);
  }
  checkKeys(options, TRIALS_OPTIONS, "the options of runTrials");
  checkValues(options, OPTIONS, "runTrials");
  if (options.executor && (options.workers ?? options.threads) !== undefined) {
    throw new OptionError(
      "runTrials: the options workers and threads are for worker threads; leave them out with an executor",
    );
  }
  configs.forEach((config, k) => {
    checkConfig(config, configs.length === 1 ? "the run" : `run ${k + 1} of ${configs.length}`);
    refuseOtherSplits(config);
    // An engine that is not built must be reported before anything is trained.
    chooseEngine(options.engine ?? "auto", hiddenWidth(config.model));
  });
  moduleUrls(options.modules ?? []);
  refuseMissingModules(addedNeeds(withPrerequisites(configs).values()), options.modules);
}

/** Returns what must be trained before a run: its teacher, and the run whose weights it starts from. */
export function prerequisites({ teacher, initial }: RunConfig): RunConfig[] {
  return [...(teacher ? [teacher] : []), ...(initial ? [initial.from] : [])];
}

/** @throws OptionError if a run would learn from one of another split */
function refuseOtherSplits(config: RunConfig): void {
  for (const needed of prerequisites(config)) {
    refuseOtherSplits(needed);
    refuseOtherSplit(config, needed);
  }
}

function refuseOtherSplit(
  { dataset, split }: RunConfig,
  teacher: Pick<RunConfig, "dataset" | "split">,
): void {
  if (teacher.dataset === dataset && teacher.split === split) return;
  throw new OptionError(
    `a student of ${dataset} ${split} has a teacher of ${teacher.dataset} ${teacher.split}, ` +
      "which may have been trained on the student's test nodes",
  );
}

/**
 * Checks the jobs, including those that others need, once their data is loaded: sizes against memory,
 * folders that must be writable, what earlier runs left there.
 * @returns what is to be said before they begin
 * @throws UserError naming the first run that could not be trained or kept
 */
export function checkPlan(
  jobs: Iterable<Job>,
  dataOf: (config: RunConfig) => TrialData,
  options: TrialsOptions,
): string[] {
  const { runsDir = RUNS_FOLDER, engine = "auto", memoryLimit } = options;
  const all = [...jobs];
  const told: string[] = [];
  /** Runs that differ in their seeds alone take the same. */
  const sizes = new Set<string>();
  for (const { config, data } of all) {
    const { graph, split, teacher } = dataOf(config);
    for (const known of teacher?.trainedOn ?? []) refuseOtherSplit(config, known);
    const drawn = drawnBy(config, graph, split);
    const { batch } = config.training;
    if (drawn) checkDrawn(drawn);
    else if (batch !== undefined) checkCut({ graph, split, size: batch, kind: config.model.kind });
    readGraph(config, graph);
    if (graph.labelSets && config.method) checkLabelSets(config.method.name);
    checkItems(config.model.kind, graph);
    if (config.method) {
      const { method } = config;
      named(config, () => checkStudent(method, shapesOf(config, graph).outline));
    }
    refuseOtherRecords(config, data, options);
  }
  const folders = new Set<string>();
  for (const { config, data, start } of all) {
    const files = runFiles(runsDir, config);
    refuseOtherData(files, describeRun(config), data);
    folders.add(existsSync(files.folder) ? files.folder : dirname(files.folder));
    const flavour = engineFlavour(chooseEngine(engine, hiddenWidth(config.model)));
    const owner = { config, data, flavour };
    const earlier = named(config, () => earlierWork({ config, start }, files, owner, () => {}));
    // A finished run is not trained.
    if (earlier.finished) continue;
    named(config, () => neededOutputs(config, dataOf(config).teacher));
    refuseTooLarge(config, dataOf(config).graph, engine);
    const size = runId({ ...config, seed: 0 });
    if (sizes.has(size)) continue;
    sizes.add(size);
    const estimate = toldEstimate(config, dataOf(config), engine, memoryLimit);
    if (estimate !== undefined) told.push(estimate);
  }
  for (const folder of folders) probeFolder(folder);
  return told;
}

/** Puts the run's name before an error's message. */
function named<T>(config: RunConfig, act: () => T): T {
  try {
    return act();
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    const { message, exitCode } = error;
    throw new UserError(`${describeRun(config)}: ${message}`, { exitCode, cause: error });
  }
}

/** Returns the name of a dataset and a split in `recorded`. */
export function dataName({ dataset, split }: Pick<RunConfig, "dataset" | "split">): string {
  return `${dataset} ${split}`;
}

/** @throws UserError if earlier results are of other data than is loaded */
function refuseOtherRecords(config: RunConfig, data: string, { recorded }: TrialsOptions): void {
  const earlier = recorded?.get(dataName(config));
  if (earlier === undefined || earlier.fingerprint === data) return;
  throw new UserError(
    `${earlier.path} is the result of other data named ${dataName(config)}, which cannot be ` +
      "compared; it is kept: choose another folder for results, or move that one away",
  );
}

/** Returns the runs with all that they need, equal ones once. */
export function withPrerequisites(configs: readonly RunConfig[]): Map<string, RunConfig> {
  const all = new Map<string, RunConfig>();
  const add = (config: RunConfig): void => {
    for (const needed of prerequisites(config)) add(needed);
    all.set(runId(config), config);
  };
  for (const config of configs) add(config);
  return all;
}
