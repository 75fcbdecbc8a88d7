// Submits the command that is running as one job of a cluster: a search that stays on one node.
import { isCommand, liveJobs, submitCommand } from "../cluster/command-job.ts";
import type { SiteOptions } from "../cluster/site.ts";
import { lastLine } from "../cluster/state.ts";
import { type LiveTask, scriptOf } from "../cluster/submission.ts";
import { logPath } from "../cluster/task-file.ts";
import { print } from "./output.ts";
import { withoutSlurmOptions } from "./slurm-options.ts";

export interface CommandSubmission {
  readonly runsDir: string;
  /** What is submitted, for people. */
  readonly title: string;
  readonly site: SiteOptions;
  /** Further words of the command, which the job runs and this process was not given. */
  readonly more?: readonly string[];
}

/** Says where a job is and what its log ends with. */
export function jobLine({ job, state, reason, submission, array }: LiveTask): string {
  const log = logPath(submission.folder, array, 0);
  const last = lastLine(log);
  const why = state === "PENDING" ? ` (${reason})` : "";
  return `job ${job} is ${state.toLowerCase()}${why}; ${log}${last ? ` ends: ${last}` : " is not there yet"}`;
}

/**
 * Submits this process's command, without its options of a cluster, unless it is queued or running already.
 * @throws UserError without Slurm, or if sbatch refuses it; FileError
 */
export async function submitThisCommand(
  { runsDir, title, site, more = [] }: CommandSubmission,
  dryRun = false,
): Promise<void> {
  const cpus = site.cpus ?? 1;
  const argv = [...withoutSlurmOptions(process.argv.slice(1)), ...more];
  const live = (await liveJobs(runsDir, title)).filter(isCommand);
  if (live.length > 0) return print(live.map(jobLine).join("\n"));
  if (dryRun) return print(`${argv.join(" ")}\n${scriptOf("SUBMISSION", "a1", site, "command")}`);
  const request = { argv, cwd: process.cwd(), cpus, runsDir, title, site, afterJobs: [] };
  const { job, log } = await submitCommand(request);
  print(
    `job ${job} submitted; its log is ${log}. The same command tells how far it is; scancel ${job} ends it`,
  );
}
