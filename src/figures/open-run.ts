// A trained model for a notebook: from the folder of runs, from the committed results, or trained now.
import { existsSync } from "node:fs";
import path from "node:path";
import { provideRun } from "../experiments/committed-runs.ts";
import { RESULTS_FOLDER } from "../experiments/results-store.ts";
import type { Gcnii } from "../models/gcnii.ts";
import { restoreModel } from "../training/model-file.ts";
import type { RunConfig, RunResult } from "../training/run.ts";
import { RUNS_FOLDER, readModel, readResult, runFiles } from "../training/run-store.ts";
import { InterruptedError } from "../training/train.ts";
import { runTrials } from "../training/trials.ts";

const GO_ON = "what was trained is kept, and the same call goes on";

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
  if (existsSync(files.result)) {
    return { result: readResult(files.result), model: restoreModel(readModel(files.model)) };
  }
  const [result] = await runTrials([config], { runsDir: runs, resume: "repair", download: true });
  if (!result || result.interrupted) throw new InterruptedError(`stopped; ${GO_ON}`);
  return { result, model: restoreModel(readModel(files.model)) };
}
