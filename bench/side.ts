// Programs of either side of the race: a process that answers lines of JSON, or one that just runs.
import { type ChildProcess, spawn } from "node:child_process";
import path from "node:path";
import { createInterface } from "node:readline";
import { UserError } from "../src/base/errors.ts";
import type { EngineName } from "../src/tensor/engine/backend.ts";
import type { Answer, Request } from "./protocol.ts";

export const ROOT = path.join(import.meta.dirname, "..");
export const PEERS = path.join(import.meta.dirname, "peers");
export const PEER_PYTHON = path.join(ROOT, ".venv-bench/bin/python");

/** Tells glibc to keep its memory rather than fetch fresh pages for every buffer. Other systems ignore it. */
export const KEEPING_PAGES: Readonly<Record<string, string>> = {
  MALLOC_MMAP_MAX_: "0",
  MALLOC_TRIM_THRESHOLD_: String(2 ** 36),
  MALLOC_TOP_PAD_: String(2 ** 26),
};

/** How a side's programs are started. */
export interface Command {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

export function ours(threads: number, engine: EngineName = "wasm"): Command {
  const args = ["--expose-gc", path.join(import.meta.dirname, "ours.ts"), engine];
  return { command: process.execPath, args, env: { ABKD_THREADS: String(threads) } };
}

export function peer(threads: number, allocator: "default" | "keeping pages"): Command {
  return {
    command: PEER_PYTHON,
    args: ["-W", "ignore", path.join(PEERS, "worker.py")],
    env: {
      OMP_NUM_THREADS: String(threads),
      ...(allocator === "default" ? {} : KEEPING_PAGES),
    },
  };
}

/** A side's process, which is started by the first request. */
export class Side {
  readonly #command: Command;
  #child: ChildProcess | undefined;
  #answered: ((answer: Answer) => void) | undefined;
  #errors = "";

  constructor(command: Command) {
    this.#command = command;
  }

  /**
   * Sends one request at a time. A side that does not answer in time is ended; the next request starts
   * another.
   * @param seconds the time limit
   * @throws UserError if the process ended instead of answering
   */
  async ask(request: Request, seconds = 600): Promise<Answer> {
    const child = this.#child ?? this.#start();
    const answer = new Promise<Answer>((resolve) => {
      this.#answered = resolve;
    });
    const timer = setTimeout(() => {
      this.#answered?.({ error: `no answer within ${seconds} s` });
      this.close();
    }, seconds * 1000);
    child.stdin!.write(`${JSON.stringify(request)}\n`);
    try {
      return await answer;
    } finally {
      clearTimeout(timer);
      this.#answered = undefined;
    }
  }

  /** Does the same, but an error ends the benchmark. @throws UserError */
  async demand(request: Request, seconds?: number): Promise<Answer> {
    const answer = await this.ask(request, seconds);
    if (answer.error === undefined) return answer;
    const { command, args } = this.#command;
    const program = path.basename(args.find((each) => /\.(ts|py)$/.test(each)) ?? command);
    throw new UserError(`${program} failed at "${request.operation}": ${answer.error}`, {
      exitCode: 1,
    });
  }

  close(): void {
    this.#child?.kill("SIGKILL");
    this.#child = undefined;
  }

  #start(): ChildProcess {
    const { command, args, env } = this.#command;
    const child = spawn(command, args, {
      env: { ...process.env, ...env },
      stdio: ["pipe", "pipe", "pipe"],
    });
    this.#child = child;
    this.#errors = "";
    child.stderr.on("data", (data: Buffer) => {
      this.#errors = (this.#errors + data.toString()).slice(-2000);
    });
    createInterface({ input: child.stdout }).on("line", (line) => {
      // Only JSON lines are answers: torch's compiler may print lines of its own.
      if (line.startsWith("{")) this.#answered?.(JSON.parse(line) as Answer);
    });
    const ended = (why: string): void => {
      // It was closed, and another process is asked now.
      if (this.#child !== child) return;
      this.#child = undefined;
      this.#answered?.({ error: `${why}; ${this.#errors.trim().split("\n").at(-1) ?? ""}` });
    };
    child.on("error", (error) => ended(error.message));
    child.on("exit", (code, signal) => ended(`the process ended (${signal ?? code})`));
    // A write to a process that has just ended fails; its exit is reported above.
    child.stdin.on("error", () => {});
    return child;
  }
}

/** Returns the milliseconds until the program has ended. @throws UserError if it failed */
export function wallTime({ command, args, env }: Command): Promise<number> {
  const began = performance.now();
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      env: { ...process.env, ...env },
      stdio: ["ignore", "ignore", "pipe"],
    });
    let errors = "";
    child.stderr.on("data", (data: Buffer) => {
      errors = (errors + data.toString()).slice(-2000);
    });
    child.on("error", reject);
    child.on("close", (code) => {
      if (code === 0) return resolve(performance.now() - began);
      const program = args.find((each) => /\.(ts|py)$/.test(each)) ?? command;
      reject(
        new UserError(`${program} ended with code ${code}:\n${errors.trim()}`, { exitCode: 1 }),
      );
    });
  });
}
