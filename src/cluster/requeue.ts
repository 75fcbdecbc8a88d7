// A job's request for another turn, when its time limit is near.
import { execFile } from "node:child_process";
import { promisify } from "node:util";

/** Says something in the job's log. */
export const say = (text: string): void => void process.stderr.write(`abkd: ${text}\n`);

/** Slurm's own number of this process's job, or of the array that it is a task of. */
export const ownJob = (): string | undefined => process.env["SLURM_JOB_ID"];
export const ownArray = (): string | undefined => process.env["SLURM_ARRAY_JOB_ID"];

/**
 * Asks Slurm for another turn of this job.
 * @param otherwise what to do where it is refused
 * @returns the exit code
 */
export async function askForAnotherTurn(otherwise: string): Promise<number> {
  try {
    say("the time limit is near: asking for another turn");
    await promisify(execFile)("scontrol", ["requeue", ownJob() ?? ""]);
    return 0;
  } catch (error) {
    const why = (error as Error).message.split("\n").filter(Boolean).at(-1);
    say(`no other turn (${why}): ${otherwise}`);
    return 1;
  }
}
