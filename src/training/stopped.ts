// Reports on many runs after a notebook's interrupt: what they have come to, and how to go on.

import { existsSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import { listed } from "../display/format.ts";
import { LiveLine } from "../display/line.ts";
import { withPrerequisites } from "./beforehand.ts";
import type { RunConfig, RunResult } from "./run.ts";
import { RUNS_FOLDER, runFiles } from "./run-store.ts";
import { InterruptedError } from "./train.ts";

/** How long runs may take to stop after an interrupt: a large teacher's step takes a second or two. */
const STOPPING_MILLISECONDS = 30_000;

/**
 * Waits until the runs have saved their checkpoints, and shows a line that says what there is.
 * @param configs the requested runs
 * @returns finished and stopped runs
 * @throws InterruptedError if there is none, and whatever else the runs failed with
 */
export async function stoppedResults(
  work: Promise<RunResult[]>,
  configs: readonly RunConfig[],
  runsDir = RUNS_FOLDER,
): Promise<RunResult[]> {
  const isKept = (config: RunConfig): boolean => {
    const { result, checkpoint } = runFiles(runsDir, config);
    return existsSync(result) || existsSync(checkpoint);
  };
  const goOn = (): string =>
    [...withPrerequisites(configs).values()].some(isKept)
      ? `; what was trained is kept in ${runsDir}: the same call with { resume: true } goes on`
      : "";
  // The runs' messages may have been lost: the code that receives them can be killed as well.
  const lost = setTimeout(STOPPING_MILLISECONDS, undefined, { ref: false }).then(() => {
    throw new InterruptedError("stopped");
  });
  try {
    return await Promise.race([work, lost]);
  } catch (error) {
    if (!(error instanceof InterruptedError)) throw error;
    const { results, message } = error;
    if (results.length === 0) throw new InterruptedError(`${message}${goOn()}`);
    new LiveLine().end(`${describe(results, configs.length)}${goOn()}`);
    return [...results];
  }
}

/** "1 of 4 runs done, 1 stopped, with the best epoch so far (20 of 34), 2 without any" */
function describe(results: readonly RunResult[], asked: number): string {
  const stopped = results.filter(({ interrupted }) => interrupted);
  const done = results.length - stopped.length;
  const begun = stopped.map(({ bestEpoch, curve }) => `${bestEpoch} of ${curve.loss.length}`);
  return listed(
    `${done} of ${asked} runs done`,
    stopped.length > 0 &&
      `${stopped.length} stopped, with the best epoch so far (${begun.join(", ")})`,
    asked > results.length && `${asked - results.length} without any`,
  );
}
