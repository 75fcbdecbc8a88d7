// Reports on many runs after a notebook's interrupt: what they have come to, and how to go on.

import { setTimeout } from "node:timers/promises";
import { listed } from "../display/format.ts";
import { LiveLine } from "../display/line.ts";
import type { RunResult } from "./run.ts";
import { RUNS_FOLDER } from "./run-store.ts";
import { InterruptedError } from "./train.ts";

/** How long runs may take to stop after an interrupt: a large teacher's step takes a second or two. */
const STOPPING_MILLISECONDS = 30_000;

/**
 * Waits until the runs have saved their checkpoints, and shows a line that says what there is.
 * @param asked how many runs were requested
 * @returns finished and stopped runs
 * @throws InterruptedError if there is none, and whatever else the runs failed with
 */
export async function stoppedResults(
  work: Promise<RunResult[]>,
  asked: number,
  runsDir = RUNS_FOLDER,
): Promise<RunResult[]> {
  const goOn = `what was trained is kept in ${runsDir}: the same call with { resume: true } goes on`;
  // The runs' messages may have been lost: the code that receives them can be killed as well.
  const lost = setTimeout(STOPPING_MILLISECONDS, undefined, { ref: false }).then(() => {
    throw new InterruptedError("stopped");
  });
  try {
    return await Promise.race([work, lost]);
  } catch (error) {
    if (!(error instanceof InterruptedError)) throw error;
    const { results, message } = error;
    if (results.length === 0) throw new InterruptedError(`${message}; ${goOn}`);
    new LiveLine().end(`${describe(results, asked)}; ${goOn}`);
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
