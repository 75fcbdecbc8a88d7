// A submission: a folder with the plan, the scripts, the tasks and their logs, beside the runs. It is complete
// before anything is submitted, and jobs carry its name, so that a submission that was cut off is found again.
import { randomBytes } from "node:crypto";
import { readdirSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { FileError, fileError, readText, writeAtomic, writeOnce } from "../base/files.ts";
import { makeFolders } from "../base/folders.ts";
import { list, object, text } from "../base/json-form.ts";
import { lineText, openLine, type Sealed, sealed } from "../base/sealed-json.ts";
import { shellWord } from "../base/shell-word.ts";
import type { PlannedArray } from "./plan.ts";
import { requestOf, type SiteOptions } from "./site.ts";
import { type QueuedTask, submitScript } from "./slurm.ts";
import { logPath } from "./task-file.ts";

const FORMAT = "abkd-slurm/1";

/** What is known of a submission. */
export interface Submission {
  readonly folder: string;
  readonly id: string;
  /** What was submitted: a study's name. */
  readonly title: string;
  readonly arrays: readonly {
    readonly name: string;
    /** The ids of each task's runs. */
    readonly tasks: readonly (readonly string[])[];
  }[];
}

const form = object({
  title: text,
  arrays: list(object({ name: text, tasks: list(list(text)) })),
});

const submissionsFolder = (runsDir: string): string => path.join(runsDir, "slurm");
const planPath = (folder: string): string => path.join(folder, "plan.json");
const jobPath = (folder: string, array: string): string => path.join(folder, `${array}.job`);
const scriptPath = (folder: string, array: string): string => path.join(folder, `${array}.sh`);
const jobName = (id: string, array: string): string => `abkd-${id}-${array}`;

/** The program that a job runs: src/cluster/task.ts or command.ts. */
export type Entry = "task" | "command";

/**
 * Writes everything that the jobs need.
 * @param write writes what the entry reads into the submission's folder
 * @throws FileError
 */
export function writeSubmission(
  runsDir: string,
  title: string,
  arrays: readonly PlannedArray[],
  site: SiteOptions,
  entry: Entry,
  write: (folder: string) => void,
): Submission {
  const id = randomBytes(4).toString("hex");
  const folder = path.join(path.resolve(submissionsFolder(runsDir)), id);
  makeFolders(path.join(folder, "logs"));
  write(folder);
  for (const { name } of arrays) {
    writeAtomic(scriptPath(folder, name), scriptOf(folder, name, site, entry));
  }
  const known = arrays.map(({ name, tasks }) => ({
    name,
    tasks: tasks.map((runs) => runs.map((run) => run.id)),
  }));
  // The last file: a folder without it was never submitted.
  const content = { format: FORMAT, title, arrays: known };
  writeAtomic(planPath(folder), lineText(sealed(content)));
  return { folder, id, title, arrays: known };
}

/** Returns an array's script; what a node lacks is one line in the task's log. */
export function scriptOf(
  folder: string,
  array: string,
  { setup }: SiteOptions,
  entry: Entry,
): string {
  const extension = import.meta.url.slice(import.meta.url.lastIndexOf("."));
  const program = fileURLToPath(new URL(`./${entry}${extension}`, import.meta.url));
  return `#!/bin/bash
${setup === undefined ? "" : `${setup}\n`}node=${shellWord(process.execPath)}
[ -x "$node" ] || node=$(command -v node)
if [ -z "$node" ]; then
  echo "abkd: $HOSTNAME has no Node.js: put it on the shared file system, or load it by --setup" >&2
  exit 1
fi
for needed in ${shellWord(program)} ${shellWord(planPath(folder))}; do
  [ -r "$needed" ] && continue
  echo "abkd: $HOSTNAME does not see $needed: abkd and its runs must be on the shared file system" >&2
  exit 1
done
# The signals that Slurm sends to the script are for the program.
exec "$node" ${shellWord(program)} ${shellWord(folder)} ${array}
`;
}

/** Seconds between the warning and the end of a job's time; Slurm may warn a minute early. */
const WARNING_SECONDS = 60;

/**
 * Submits an array. What it needs may fail: its own tasks then find out, and say so, so it waits for the end
 * of those jobs and not for their success.
 * @param jobs the numbers of the arrays that were submitted, by name
 */
export async function submitArray(
  { folder, id }: Submission,
  { name, tasks, after, afterJobs }: PlannedArray,
  site: SiteOptions,
  jobs: ReadonlyMap<string, string>,
): Promise<string> {
  const before = [...afterJobs, ...after.map((array) => jobs.get(array)!)];
  const job = await submitScript(scriptPath(folder, name), [
    `--job-name=${jobName(id, name)}`,
    `--array=0-${tasks.length - 1}`,
    `--output=${logPath(folder, name, "%a")}`,
    ...["--open-mode=append", "--requeue", `--signal=B:USR1@${WARNING_SECONDS}`],
    ...(before.length > 0 ? [`--dependency=afterany:${before.join(":")}`] : []),
    ...requestOf(site),
  ]);
  writeOnce(jobPath(folder, name), `${job}\n`);
  return job;
}

/** Lists the submissions of a folder of runs; folders without a sound plan were never submitted. */
export function submissions(runsDir: string): Submission[] {
  const all = submissionsFolder(runsDir);
  let names: string[];
  try {
    names = readdirSync(all).sort();
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw fileError("read", all, cause);
  }
  return names.flatMap((id) => {
    const folder = path.resolve(all, id);
    const found = textOf(planPath(folder));
    if (found === undefined) return [];
    const plan = openLine<Submission & Sealed>(found, FORMAT, form);
    return typeof plan === "string" ? [] : [{ ...plan, folder, id }];
  });
}

/** Returns the number of an array's job, if this program lived to write it down. */
export function jobOf({ folder }: Submission, array: string): string | undefined {
  return textOf(jobPath(folder, array))?.trim();
}

function textOf(file: string): string | undefined {
  try {
    return readText(file);
  } catch (error) {
    if (error instanceof FileError) return undefined;
    throw error;
  }
}

/** A queued or running task, with its place in the submission. */
export interface LiveTask extends QueuedTask {
  readonly submission: Submission;
  readonly array: string;
  readonly runs: readonly string[];
}

/** Returns those of the queue's tasks that belong to these submissions. */
export function liveTasks(queue: readonly QueuedTask[], all: readonly Submission[]): LiveTask[] {
  const byName = new Map(
    all.flatMap((submission) =>
      submission.arrays.map(
        (array) => [jobName(submission.id, array.name), { submission, array }] as const,
      ),
    ),
  );
  return queue.flatMap((task) => {
    const found = byName.get(task.name);
    const runs = found?.array.tasks[task.index];
    return found && runs
      ? [{ ...task, submission: found.submission, array: found.array.name, runs }]
      : [];
  });
}
