// A search's rung on a cluster: arrays for its runs, and after them a job that runs the command again for the next one.
import { UserError } from "../base/errors.ts";
import { isCommand, liveJobs, submitCommand } from "../cluster/command-job.ts";
import { ownArray } from "../cluster/requeue.ts";
import { clusterState } from "../cluster/state.ts";
import type { RunConfig } from "../training/run.ts";
import { print } from "./output.ts";
import { jobLine } from "./slurm-command.ts";
import { type SlurmRequest, submitTrials } from "./study-slurm.ts";

/** Thrown once a rung is submitted: the search goes on in the job that follows it. */
export class RungSubmitted extends Error {}

/** What the job that goes on needs: it only plans, submits and writes the recipes. */
const NEXT = { cpus: 1 } as const;

/**
 * Submits those of a rung's runs that are not queued, and the job that goes on after them.
 * @param missing the runs without a record
 * @throws RungSubmitted; in a job of the search, UserError for runs that were lost: they would be lost again
 */
export async function submitRung(
  missing: ReadonlyMap<string, RunConfig>,
  request: SlurmRequest,
): Promise<never> {
  const { title, runsDir, site, dryRun } = request;
  const own = ownArray();
  if (own !== undefined) await refuseLost(missing, runsDir);
  await submitTrials(missing, request);
  if (dryRun) throw new RungSubmitted();
  const live = await liveJobs(runsDir, title);
  const next = live.filter((task) => isCommand(task) && task.job !== own);
  if (next.length > 0) {
    print(next.map(jobLine).join("\n"));
    throw new RungSubmitted();
  }
  const afterJobs = [...new Set(live.filter((task) => !isCommand(task)).map(({ job }) => job))];
  const { gres: _, ...modest } = site;
  const { job, log } = await submitCommand({
    ...{ argv: process.argv.slice(1), cwd: process.cwd(), cpus: NEXT.cpus },
    ...{ runsDir, title, site: { ...modest, ...NEXT }, afterJobs },
  });
  print(`job ${job} goes on after them; its log is ${log}`);
  throw new RungSubmitted();
}

/** @throws UserError naming runs that were submitted and are neither recorded nor queued */
async function refuseLost(missing: ReadonlyMap<string, RunConfig>, runsDir: string): Promise<void> {
  const state = await clusterState(() => new Set(missing.keys()), runsDir);
  const [first] = state?.failed ?? [];
  if (!state || !first) return;
  throw new UserError(
    `${state.failed.length} runs of this rung were lost, the first one because ${first.reason} (${first.log}): ` +
      "the same command, on a login node, submits them again",
    { exitCode: 1 },
  );
}
