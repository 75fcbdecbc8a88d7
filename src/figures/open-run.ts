// A run for a notebook: trained (from the runs folder, from the committed results, or now), or before its
// first step.
import path from "node:path";
import * as tf from "@tensorflow/tfjs";
import { CONFIG, needObject, needText } from "../base/arguments.ts";
import { loadDataset, loadSplit } from "../datasets/index.ts";
import { provideRun, type RunFolders } from "../experiments/committed-runs.ts";
import { RESULTS_FOLDER } from "../experiments/results-store.ts";
import type { ModelConfig, ModelOf } from "../models/registry.ts";
import { restoreModel } from "../training/model-file.ts";
import { type PreparedRun, prepare } from "../training/prepared.ts";
import type { RunConfig, RunResult } from "../training/run.ts";
import {
  isSound,
  RUNS_FOLDER,
  readFiles,
  runFiles,
  type StoredRun,
} from "../training/run-store.ts";
import { checkOutputsFit, neededOutputs, outputsOf } from "../training/teacher-outputs.ts";
import { InterruptedError } from "../training/train.ts";
import { runTrials, type TrialsOptions } from "../training/trials.ts";

/** A run's result and its model at the best epoch. */
export interface OpenedRun<M extends ModelConfig> {
  readonly result: RunResult;
  readonly model: ModelOf<M>;
}

const GO_ON = "what was trained is kept, and the same call continues";

/**
 * Opens a run, training it if neither folder has it.
 * @param root the folder that contains `results` and `runs`
 * @param options `modules` as for runTrials, if a program's own method or model is to be trained
 * @throws as runTrials does
 */
export async function openRun<M extends ModelConfig>(
  config: RunConfig<M>,
  root = ".",
  options: Pick<TrialsOptions, "modules"> = {},
): Promise<OpenedRun<M>> {
  needObject(config, "openRun: config", CONFIG, "dataset", "model");
  needObject(options, "openRun: options", "{ modules }");
  return openRunIn(foldersIn(root, "openRun"), config, options);
}

/**
 * Does the same with folders of any names.
 * @throws as runTrials does
 */
export async function openRunIn<M extends ModelConfig>(
  folders: RunFolders,
  config: RunConfig<M>,
  given: Pick<TrialsOptions, "dataDir" | "modules"> = {},
): Promise<OpenedRun<M>> {
  const { result, model } = await storedRun(folders, config, given);
  return { result, model: restoreModel({ ...model, config }) };
}

/**
 * Prepares a run before its first step: the graph on the engine, the student with its initial weights, the
 * trained teacher, and the method's losses and projections. train() takes it as it is; dispose() frees it.
 * Nodes are numbered as in the dataset.
 *
 * @param root the folder that contains `results` and `runs`; the teacher comes from there or is trained now
 * @param options as for openRun()
 * @throws as runTrials does
 */
export async function prepareRun<M extends ModelConfig>(
  config: RunConfig<M>,
  root = ".",
  options: Pick<TrialsOptions, "modules"> = {},
): Promise<PreparedRun<M>> {
  needObject(config, "prepareRun: config", CONFIG, "dataset", "split", "model");
  needObject(options, "prepareRun: options", "{ modules }");
  const folders = foldersIn(root, "prepareRun");
  await tf.ready(); // starts the engine, unless the program has chosen another
  const graph = await loadDataset(config.dataset, { download: true });
  const split = await loadSplit(graph, config.split, { download: true });
  const teacher = config.teacher && (await storedRun(folders, config.teacher, options));
  const donor = config.initial && (await storedRun(folders, config.initial.from, options));
  const loaded = outputsOf(config);
  if (loaded) checkOutputsFit(loaded, graph);
  const outputs = neededOutputs(config, loaded);
  const earlier = { ...(teacher && { teacher }), ...(donor && { donor }) };
  return prepare(config, graph, split, earlier, outputs && { known: outputs });
}

function foldersIn(root: string, caller: string): RunFolders {
  needText(root, `${caller}: root`, "a folder");
  return { results: path.join(root, RESULTS_FOLDER), runs: path.join(root, RUNS_FOLDER) };
}

async function storedRun(
  { results, runs }: RunFolders,
  config: RunConfig,
  given: Pick<TrialsOptions, "dataDir" | "modules"> = {},
): Promise<StoredRun> {
  for (const one of [config.teacher ?? config, config]) provideRun(one, { results, runs });
  const files = runFiles(runs, config);
  // A finished run is read here: a pool of workers would take longer to start.
  if (!isSound(files)) {
    const options = { runsDir: runs, resume: "repair", download: true, ...given } as const;
    const [trained] = await runTrials([config], options);
    if (!trained || trained.interrupted) throw new InterruptedError(`stopped; ${GO_ON}`);
  }
  return readFiles(files);
}
