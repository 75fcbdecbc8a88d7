// A trained model for a notebook: from the folder of runs, from the committed results, or trained now.
import path from "node:path";
import { provideRun } from "../experiments/committed-runs.ts";
import { RESULTS_FOLDER } from "../experiments/results-store.ts";
import type { Gcnii } from "../models/gcnii.ts";
import { restoreModel } from "../training/model-file.ts";
import type { RunConfig, RunResult } from "../training/run.ts";
import { isSound, RUNS_FOLDER, readFiles, runFiles } from "../training/run-store.ts";
import { runTrials } from "../training/trials.ts";

/**
 * @param root where `results` and `runs` lie
 * @throws as runTrials does
 */
export async function openRun(
  config: RunConfig,
  root = ".",
): Promise<{ readonly result: RunResult; readonly model: Gcnii }> {
  const runs = path.join(root, RUNS_FOLDER);
  const results = path.join(root, RESULTS_FOLDER);
  for (const one of [config.teacher ?? config, config]) provideRun(one, { results, runs });
  const files = runFiles(runs, config);
  // Read here where it is done: a pool of workers would take longer to start.
  if (!isSound(files)) {
    await runTrials([config], { runsDir: runs, resume: "repair", download: true });
  }
  const { result, model } = readFiles(files);
  return { result, model: restoreModel(model) };
}
