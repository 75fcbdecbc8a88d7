// A job that runs a whole command: what it does is a file in its submission folder, written before it is submitted.
import path from "node:path";
import { UserError } from "../base/errors.ts";
import { readText, writeAtomic } from "../base/files.ts";
import { count, list, object, text } from "../base/json-form.ts";
import { lineText, openLine, type Sealed, sealed } from "../base/sealed-json.ts";
import type { SiteOptions } from "./site.ts";
import { queuedTasks } from "./slurm.ts";
import {
  type LiveTask,
  liveTasks,
  submissions,
  submitArray,
  writeSubmission,
} from "./submission.ts";
import { logPath } from "./task-file.ts";

const FORMAT = "abkd-slurm-command/1";

export interface CommandLine {
  /** For Node: a script and its arguments. */
  readonly argv: readonly string[];
  /** The folder that relative paths are in. */
  readonly cwd: string;
  /** Cores of the job. */
  readonly cpus: number;
}

const form = object({ argv: list(text), cwd: text, cpus: count });

const commandPath = (folder: string): string => path.join(folder, "command.json");

/** @throws UserError for a file that is missing or damaged */
export function readCommand(folder: string): CommandLine {
  const file = commandPath(folder);
  const found = openLine<CommandLine & Sealed>(readText(file), FORMAT, form);
  if (typeof found !== "string") return found;
  throw new UserError(`${file} ${found}; the same command submits it again`, { exitCode: 1 });
}

/** The only job of such a submission, which has no trials of its own. */
const ONLY = { name: "a1", tasks: [[]], seconds: 0, after: [] } as const;

export interface CommandRequest extends CommandLine {
  readonly runsDir: string;
  /** What is submitted, for people. */
  readonly title: string;
  readonly site: SiteOptions;
  /** The jobs that must have ended before. */
  readonly afterJobs: readonly string[];
}

/**
 * Submits a command as one job.
 * @returns the job's number and its log
 * @throws UserError if sbatch refuses it; FileError
 */
export async function submitCommand(
  request: CommandRequest,
): Promise<{ readonly job: string; readonly log: string }> {
  const { argv, cwd, cpus, runsDir, title, site, afterJobs } = request;
  const array = { ...ONLY, afterJobs };
  const content = sealed({ format: FORMAT, argv, cwd, cpus });
  const submission = writeSubmission(runsDir, title, [array], site, "command", (folder) =>
    writeAtomic(commandPath(folder), lineText(content)),
  );
  const job = await submitArray(submission, array, site, new Map());
  return { job, log: logPath(submission.folder, ONLY.name, 0) };
}

/** Lists the jobs of this title that are queued or running. @throws UserError if Slurm does not answer */
export async function liveJobs(runsDir: string, title: string): Promise<LiveTask[]> {
  const mine = submissions(runsDir).filter((submission) => submission.title === title);
  return liveTasks(mine.length > 0 ? await queuedTasks() : [], mine);
}

/** Whether a job runs a command: it has no trials of its own. */
export const isCommand = ({ runs }: LiveTask): boolean => runs.length === 0;
