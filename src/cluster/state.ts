// Where the trials of a study are on a cluster: queued, running, failed and why.

import { statSync } from "node:fs";
import { readStart, readText } from "../base/files.ts";
import { type FailedTrial, failedTrials } from "./failed.ts";
import { endedTasks, endedWords, endOf, queuedTasks } from "./slurm.ts";
import { jobOf, type LiveTask, liveTasks, type Submission, submissions } from "./submission.ts";
import { logPath } from "./task-file.ts";

export interface ClusterState {
  /** The tasks that are queued or running and have trials to do. */
  readonly live: readonly LiveTask[];
  readonly queued: ReadonlySet<string>;
  readonly running: ReadonlySet<string>;
  /** Trials that were submitted, have no record, and are neither queued nor running. */
  readonly failed: readonly FailedTrial[];
}

/**
 * @param readMissing returns the ids of the trials that have no record; called after Slurm was asked, so that
 *   what ends meanwhile is not taken for lost
 * @returns undefined if nothing was ever submitted from this folder of runs
 * @throws UserError if Slurm does not answer
 */
export async function clusterState(
  readMissing: () => ReadonlySet<string>,
  runsDir: string,
): Promise<ClusterState | undefined> {
  const all = submissions(runsDir);
  if (all.length === 0) return undefined;
  const queue = await queuedTasks();
  const missing = readMissing();
  const mine = all.filter(({ arrays }) =>
    arrays.some(({ tasks }) => tasks.some((runs) => runs.some((id) => missing.has(id)))),
  );
  const live = liveTasks(queue, mine).filter(({ runs }) => runs.some((id) => missing.has(id)));
  const queued = new Set<string>();
  const running = new Set<string>();
  for (const { state, runs } of live) {
    for (const id of runs) if (missing.has(id)) (state === "PENDING" ? queued : running).add(id);
  }
  for (const id of running) queued.delete(id);
  const lost = new Set([...missing].filter((id) => !queued.has(id) && !running.has(id)));
  return { live, queued, running, failed: lost.size > 0 ? await lostTrials(lost, mine) : [] };
}

/** Finds why each of these trials was lost: its task gave it up, or the accounting says how the task ended. */
async function lostTrials(
  lost: ReadonlySet<string>,
  all: readonly Submission[],
): Promise<FailedTrial[]> {
  const found = new Map<string, FailedTrial>();
  const places = all.flatMap((submission) =>
    submission.arrays.flatMap(({ name, tasks }) => {
      const job = jobOf(submission, name);
      return tasks.flatMap((runs, index) =>
        runs.some((id) => lost.has(id)) ? [{ submission, name, index, runs, job }] : [],
      );
    }),
  );
  const jobs = [...new Set(places.flatMap(({ job }) => job ?? []))];
  const ended = await endedTasks(jobs, readText);
  for (const { submission, name, index, runs, job } of places) {
    const log = logPath(submission.folder, name, index);
    const end = job === undefined ? undefined : endOf(ended, job, index);
    const reason = end ? endedWords(end) : "it was not done, and Slurm no longer knows its job";
    for (const id of runs) if (lost.has(id)) found.set(id, { id, reason, log });
  }
  for (const { folder } of all) {
    for (const trial of failedTrials(folder)) if (lost.has(trial.id)) found.set(trial.id, trial);
  }
  return [...found.values()];
}

/** The end of a log that is read for its last line. */
const TAIL_BYTES = 4096;

/** Returns the last line of a log; undefined if there is none. */
export function lastLine(log: string): string | undefined {
  const size = statSync(log, { throwIfNoEntry: false })?.size;
  if (size === undefined) return undefined;
  const bytes = readStart(log, size).subarray(-TAIL_BYTES);
  return bytes.toString("utf8").trimEnd().split("\n").at(-1);
}
