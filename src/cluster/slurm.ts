// Slurm's own commands: what is asked of them, and what they answer.
import { execFile } from "node:child_process";
import { userInfo } from "node:os";
import { promisify } from "node:util";
import { UserError } from "../base/errors.ts";

const run = promisify(execFile);

/** A job may be queued thousands of times. */
const MOST_OUTPUT = 2 ** 28;

/** @throws UserError with the last line that the command wrote */
async function slurm(command: string, args: readonly string[]): Promise<string> {
  try {
    return (await run(command, args, { maxBuffer: MOST_OUTPUT })).stdout;
  } catch (cause) {
    const { code, stderr = "", message } = cause as NodeJS.ErrnoException & { stderr?: string };
    if (code === "ENOENT") {
      throw new UserError(`there is no ${command} here: use a login node of the cluster`, {
        cause,
      });
    }
    const why = stderr.trim().split("\n").at(-1) || message;
    throw new UserError(`${command} failed: ${why}`, { cause, exitCode: 1 });
  }
}

/** Returns one setting of the site by its name; undefined if it is not set. */
export async function siteSetting(...names: string[]): Promise<(string | undefined)[]> {
  const text = await slurm("scontrol", ["show", "config"]);
  return names.map((name) => new RegExp(`^${name}\\s*= (.*)$`, "m").exec(text)?.[1]?.trim());
}

/** Submits a script. @returns the job's number */
export async function submitScript(script: string, options: readonly string[]): Promise<string> {
  const answer = await slurm("sbatch", ["--parsable", ...options, script]);
  return answer.trim().split("\n").at(-1)!.split(";")[0]!;
}

/** A task of an array that is queued, runs, or has just ended. */
export interface QueuedTask {
  /** The array's number, or the job's. */
  readonly job: string;
  readonly index: number;
  readonly name: string;
  /** Slurm's word: PENDING, RUNNING, NODE_FAIL. */
  readonly state: string;
  /** Why it waits, or why it ended. */
  readonly reason: string;
}

const ALIVE = ["PENDING", "RUNNING", "SUSPENDED", "COMPLETING", "CONFIGURING", "RESIZING"].concat([
  "REQUEUED",
  "REQUEUE_FED",
  "REQUEUE_HOLD",
  "SIGNALING",
  "STAGE_OUT",
  "STOPPED",
]);

/** Lists the user's tasks that are queued or running. */
export async function queuedTasks(): Promise<QueuedTask[]> {
  const text = await slurm("squeue", [
    ...["--noheader", "--array", `--user=${userInfo().username}`, `--states=${ALIVE.join()}`],
    "--format=%F|%K|%T|%j|%r",
  ]);
  return text.split("\n").flatMap((line) => {
    const [job, index, state, name, reason] = line.trim().split("|");
    if (job === undefined || reason === undefined) return [];
    return [{ job, index: Number(index), state: state!, name: name!, reason }];
  });
}

/** Whether Slurm holds a task back because a node could not start it; nobody asked for that. */
export const isHeld = ({ reason }: QueuedTask): boolean => /requeued (?:in )?held/i.test(reason);

/** Lets tasks that Slurm holds back start again. */
export async function releaseTasks(held: readonly QueuedTask[]): Promise<void> {
  for (const { job, index } of held) await slurm("scontrol", ["release", `${job}_${index}`]);
}

export async function cancelJobs(jobs: Iterable<string>): Promise<void> {
  const all = [...new Set(jobs)];
  if (all.length > 0) await slurm("scancel", all);
}

/** How a task ended, as the accounting says. */
export interface EndedTask {
  /** Slurm's word: COMPLETED, FAILED, TIMEOUT, OUT_OF_MEMORY, NODE_FAIL, CANCELLED. */
  readonly state: string;
  /** `0:9` is an exit by signal 9. */
  readonly exit: string;
}

/**
 * What the accounting says of tasks, as `<array's number>_<index>`. Those that never began have one entry
 * together: the array's number.
 */
export type Accounting = ReadonlyMap<string, EndedTask>;

export function endOf(ended: Accounting, job: string, index: number): EndedTask | undefined {
  return ended.get(`${job}_${index}`) ?? ended.get(job);
}

/** Reads what `sacct --parsable2 --format=JobID,State,ExitCode` prints. */
export function endedBySacct(text: string): Accounting {
  return new Map(
    text.split("\n").flatMap((line): [string, EndedTask][] => {
      const [id = "", state = "", exit = ""] = line.split("|");
      // `7_[0-3]` and `7_[4,6%2]` are those of job 7 that never began.
      const key = /^\d+(_\d+$)?/.exec(id)?.[0];
      // "CANCELLED by 1000"
      return key === undefined ? [] : [[key, { state: state.split(" ")[0]!, exit }]];
    }),
  );
}

/** Reads the file of the plugin jobcomp/filetxt; a task that was requeued has several lines, of which the last counts. */
export function endedByFile(text: string): Accounting {
  const ended = new Map<string, EndedTask>();
  for (const line of text.split("\n")) {
    const fields = new Map(
      [...line.matchAll(/(\w+)=(\S*)/g)].map(([, name, value]) => [name!, value!]),
    );
    const job = fields.get("ArrayJobId") ?? fields.get("JobId");
    const index = fields.get("ArrayTaskId");
    if (job === undefined) continue;
    const key = index === undefined ? job : `${job}_${index}`;
    ended.set(key, {
      state: fields.get("JobState") ?? "",
      exit: fields.get("ExitCode") ?? "",
    });
  }
  return ended;
}

/** What the accounting of a site knows of ended tasks; nothing where there is none. */
export async function endedTasks(
  jobs: readonly string[],
  readFile: (path: string) => string,
): Promise<Accounting> {
  if (jobs.length === 0) return new Map();
  const asked = ["--noheader", "--parsable2", "--allocations", `--jobs=${jobs.join()}`];
  try {
    return endedBySacct(await slurm("sacct", [...asked, "--format=JobID,State,ExitCode"]));
  } catch {
    // The site keeps no database of jobs: perhaps it writes a file.
  }
  const [type, place] = await siteSetting("JobCompType", "JobCompLoc");
  if (type !== "jobcomp/filetxt" || place === undefined) return new Map();
  try {
    return endedByFile(readFile(place));
  } catch {
    return new Map(); // for administrators only
  }
}

/** Says what a state of the accounting means for a trial, and what to do. */
export function endedWords({ state, exit }: EndedTask): string {
  const words: Readonly<Record<string, string>> = {
    OUT_OF_MEMORY: "out of memory: ask for more with --mem, or fewer --cpus",
    TIMEOUT: "its time limit ended: ask for more with --time",
    DEADLINE: "its deadline passed",
    NODE_FAIL: "its node failed",
    PREEMPTED: "it was preempted",
    CANCELLED: "it was cancelled",
    BOOT_FAIL: "its node did not start",
    LAUNCH_FAILED: "its node could not start it",
  };
  return words[state] ?? `it ended as ${state}, exit code ${exit}`;
}
