// A whole command of abkd as one job: a search that stays on one node, or the rest of one whose arrays have ended.
//     node command.ts FOLDER ARRAY
import { spawn } from "node:child_process";
import { hostname } from "node:os";
import { UserError } from "../base/errors.ts";
import { readCommand } from "./command-job.ts";
import { askForAnotherTurn, ownJob, say } from "./requeue.ts";

/** A turn that was warned sooner than this kept hardly more than it had to do again. */
const SHORTEST_SECONDS = 20;

async function main(folder: string): Promise<number> {
  const { argv, cwd, cpus } = readCommand(folder);
  const { SLURM_RESTART_COUNT: restarts = "0" } = process.env;
  say(`${argv.slice(1).join(" ")}: job ${ownJob()} on ${hostname()}, restart ${restarts}`);
  const began = performance.now();
  const child = spawn(process.execPath, argv, {
    cwd,
    stdio: "inherit",
    env: { ...process.env, ABKD_THREADS: String(cpus) },
  });
  let warned = false;
  process.on("SIGUSR1", () => {
    warned = true;
    // The command stops in order on the first one. Slurm sends this warning to the script alone.
    child.kill("SIGINT");
  });
  // Slurm sends this one to every process of the job, so the command stops by itself.
  process.on("SIGTERM", () => say("SIGTERM: stopping"));
  const [code, signal] = await new Promise<[number | null, string | null]>((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (...end) => resolve(end));
  });
  if (code === 0) return 0;
  if (signal !== null) say(`the command was ended by ${signal}`);
  if (!warned) return code ?? 1;
  if (performance.now() - began < 1000 * SHORTEST_SECONDS) {
    say("the time limit is too short: ask for more with --time");
    return 1;
  }
  return askForAnotherTurn("the same command goes on");
}

try {
  process.exitCode = await main(process.argv[2]!);
} catch (error) {
  if (!(error instanceof UserError)) throw error;
  say(error.message);
  process.exitCode = error.exitCode;
}
