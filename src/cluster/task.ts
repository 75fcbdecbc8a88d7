// A task of an array, as Slurm starts it: has its trials done by a process of their own, starts that one again
// if it dies, passes Slurm's signals on, and asks for another turn when time runs out.
//     node task.ts FOLDER ARRAY
import { fork } from "node:child_process";
import { hostname } from "node:os";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { UserError } from "../base/errors.ts";
import { writeFailed } from "./failed.ts";
import { askForAnotherTurn, say } from "./requeue.ts";
import { logPath, readTask, type Task } from "./task-file.ts";

/** What the process that trains reports. */
export type Report =
  | { readonly type: "begin" | "done"; readonly id: string }
  | { readonly type: "epoch" }
  | { readonly type: "failed"; readonly id: string; readonly message: string }
  /** It could not do any trial, or not store what it did. */
  | { readonly type: "refused"; readonly message: string };

/** A trial that has failed so often is given up; between tries a full disk may be cleared. */
const MOST_TRIES = 3;
const PAUSES_MILLISECONDS = [1_000, 10_000];

class TaskRunner {
  readonly #left: Set<string>;
  readonly #tries = new Map<string, { readonly count: number; readonly message: string }>();
  #signal: NodeJS.Signals | undefined;
  #stop: (() => void) | undefined;
  /** Whether anything was done that another turn would not have to do again. */
  #progress = false;

  constructor(task: Task) {
    this.#left = new Set(task.trials.map(({ id }) => id));
    for (const signal of ["SIGTERM", "SIGUSR1"] as const) {
      process.on(signal, () => {
        say(`${signal}: stopping, with a checkpoint of what runs`);
        this.#signal ??= signal;
        this.#stop?.();
      });
    }
  }

  /** @returns the exit code */
  async run(folder: string, array: string, index: number): Promise<number> {
    while (!this.#signal) {
      const wanted = [...this.#left].filter((id) => this.#count(id) < MOST_TRIES);
      if (wanted.length === 0) break;
      await this.#turn(folder, array, index, wanted);
      const again = Math.max(0, ...[...this.#left].map((id) => this.#count(id)));
      if (again > 0 && again < MOST_TRIES && !this.#signal) {
        await setTimeout(PAUSES_MILLISECONDS[again - 1]);
      }
    }
    const log = logPath(folder, array, index);
    const lost = [...this.#left].filter((id) => this.#count(id) >= MOST_TRIES);
    for (const id of lost) {
      const { message } = this.#tries.get(id)!;
      say(`trial ${id} failed ${MOST_TRIES} times and is given up: ${message}`);
      writeFailed(folder, { id, reason: message, log });
    }
    if (this.#signal === "SIGUSR1" && this.#left.size > lost.length) return this.#requeue();
    if (this.#signal) return 143;
    say(lost.length === 0 ? "all trials are done" : `${lost.length} trials failed`);
    return lost.length === 0 ? 0 : 1;
  }

  #count(id: string): number {
    return this.#tries.get(id)?.count ?? 0;
  }

  #fail(id: string, message: string): void {
    this.#tries.set(id, { count: this.#count(id) + 1, message });
  }

  /** Starts the process once, and notes what became of its trials. */
  async #turn(folder: string, array: string, index: number, wanted: string[]): Promise<void> {
    const extension = import.meta.url.slice(import.meta.url.lastIndexOf("."));
    const script = fileURLToPath(new URL(`./task-trials${extension}`, import.meta.url));
    const child = fork(script, [folder, array, String(index)], { stdio: "inherit" });
    const running = new Set<string>();
    let refused: string | undefined;
    const failed = new Set<string>();
    child.on("message", (report: Report) => {
      if (report.type === "refused") refused = report.message;
      if (report.type === "epoch" || report.type === "done") this.#progress = true;
      if (report.type === "begin") running.add(report.id);
      if (report.type === "done") this.#left.delete(report.id);
      if (report.type === "done" || report.type === "failed") running.delete(report.id);
      if (report.type !== "failed" || failed.has(report.id)) return;
      failed.add(report.id);
      this.#fail(report.id, report.message);
    });
    this.#stop = () => void (child.connected && child.send({ type: "stop" }));
    child.send({ type: "do", ids: wanted });
    if (this.#signal) this.#stop();
    const [code, signal] = await new Promise<[number | null, string | null]>((resolve, reject) => {
      child.once("error", reject);
      child.once("exit", (...end) => resolve(end));
    });
    this.#stop = undefined;
    if (code === 0) for (const id of wanted) this.#left.delete(id);
    if (code === 0 || this.#signal) return;
    const how = signal === null ? `with exit code ${code}` : `by ${signal}`;
    // One that was running when its process died may have killed it; if none was, all may.
    const guilty = running.size > 0 ? running : failed.size > 0 ? [] : wanted;
    for (const id of guilty) this.#fail(id, refused ?? `its process ended ${how}`);
    say(refused ?? `the trials' process ended ${how}`);
  }

  async #requeue(): Promise<number> {
    if (!this.#progress) {
      say("the time limit is too short for one epoch: ask for more with --time");
      return 1;
    }
    return askForAnotherTurn("abkd study run submits what is left");
  }
}

async function main(folder: string, array: string): Promise<number> {
  const index = Number(process.env["SLURM_ARRAY_TASK_ID"]);
  const { SLURM_ARRAY_JOB_ID: job, SLURM_RESTART_COUNT: restarts = "0" } = process.env;
  try {
    const task = readTask(folder, array, index);
    const size = task.trials.length;
    say(
      `task ${array}-${index}, ${size} trials, job ${job}_${index} on ${hostname()}, restart ${restarts}`,
    );
    return await new TaskRunner(task).run(folder, array, index);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    say(error.message);
    return error.exitCode;
  }
}

process.exitCode = await main(process.argv[2]!, process.argv[3]!);
// A handler of signals or a lingering pipe must not keep a finished job alive.
process.exit();
