// A trained model for a notebook: from the folder of runs, from the committed results, or trained now.
import path from "node:path";
import { CONFIG, needObject, needText } from "../base/arguments.ts";
import { provideRun, type RunFolders } from "../experiments/committed-runs.ts";
import { RESULTS_FOLDER } from "../experiments/results-store.ts";
import type { ModelConfig, ModelOf } from "../models/registry.ts";
import { restoreModel } from "../training/model-file.ts";
import type { RunConfig, RunResult } from "../training/run.ts";
import { isSound, RUNS_FOLDER, readFiles, runFiles } from "../training/run-store.ts";
import { InterruptedError } from "../training/train.ts";
import { runTrials, type TrialsOptions } from "../training/trials.ts";

/** A run's result and its model at the best epoch. */
export interface OpenedRun<M extends ModelConfig> {
  readonly result: RunResult;
  readonly model: ModelOf<M>;
}

const GO_ON = "what was trained is kept, and the same call goes on";

/**
 * @param root where `results` and `runs` lie
 * @param options `modules` as runTrials takes them, where a program's own method or model is to be trained
 * @throws as runTrials does
 */
export function openRun<M extends ModelConfig>(
  config: RunConfig<M>,
  root = ".",
  options: Pick<TrialsOptions, "modules"> = {},
): Promise<OpenedRun<M>> {
  needObject(config, "openRun: config", CONFIG, "dataset", "model");
  needText(root, "openRun: root", "a folder");
  needObject(options, "openRun: options", "{ modules }");
  const runs = path.join(root, RUNS_FOLDER);
  return openRunIn({ results: path.join(root, RESULTS_FOLDER), runs }, config, options);
}

/**
 * The same with folders of any names.
 * @throws as runTrials does
 */
export async function openRunIn<M extends ModelConfig>(
  { results, runs }: RunFolders,
  config: RunConfig<M>,
  given: Pick<TrialsOptions, "dataDir" | "modules"> = {},
): Promise<OpenedRun<M>> {
  for (const one of [config.teacher ?? config, config]) provideRun(one, { results, runs });
  const files = runFiles(runs, config);
  // Read here where it is done: a pool of workers would take longer to start.
  if (!isSound(files)) {
    const options = { runsDir: runs, resume: "repair", download: true, ...given } as const;
    const [trained] = await runTrials([config], options);
    if (!trained || trained.interrupted) throw new InterruptedError(`stopped; ${GO_ON}`);
  }
  const { result, model } = readFiles(files);
  return { result, model: restoreModel({ ...model, config }) };
}
