// Runs `abkd` as a user does, in a process of its own.
import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

const CLI = fileURLToPath(new URL("../../src/cli.ts", import.meta.url));

export interface Outcome {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Running {
  readonly process: ChildProcess;
  readonly outcome: Promise<Outcome>;
  /** Resolves once stderr contains the text. */
  seen(text: string): Promise<void>;
}

/** Starts `abkd` with these arguments. */
export function start(args: readonly string[], env: NodeJS.ProcessEnv = {}): Running {
  return follow(
    spawn(process.execPath, [CLI, ...args], { env: { ...process.env, NODE_OPTIONS: "", ...env } }),
  );
}

/** Starts `abkd` after a shell command, such as `ulimit`. */
export function startUnder(shell: string, args: readonly string[]): Running {
  const command = ["-c", `${shell}; exec "$0" "$@"`, process.execPath, CLI, ...args];
  return follow(spawn("bash", command, { env: { ...process.env, NODE_OPTIONS: "" } }));
}

/** Runs `abkd` to its end. */
export function abkd(...args: string[]): Promise<Outcome> {
  return start(args).outcome;
}

/** The last command that runs in this process: the next one waits for it, since both write to one stdout. */
let last: Promise<unknown> = Promise.resolve();

/**
 * Runs `abkd` in this process, for what is not about the process itself: a start takes up to a second.
 * What a command registers, such as a graph of one's own, stays known to those after it.
 */
export function abkdHere(...args: string[]): Promise<Omit<Outcome, "signal">> {
  const outcome = last.then(() => runHere(args));
  last = outcome.catch(() => {});
  return outcome;
}

async function runHere(args: readonly string[]): Promise<Omit<Outcome, "signal">> {
  const { main } = await import("../../src/cli/program.ts");
  const written = { stdout: "", stderr: "" };
  const restore = (["stdout", "stderr"] as const).map((name) => {
    const stream = process[name];
    const write = stream.write;
    const pass = write.bind(stream);
    stream.write = (text: string | Uint8Array) => {
      // The test runner's own messages are bytes.
      if (typeof text !== "string") return pass(text);
      written[name] += text;
      return true;
    };
    return () => {
      stream.write = write;
    };
  });
  try {
    return { code: await main(args), ...written };
  } finally {
    for (const undo of restore) undo();
    process.exitCode = undefined;
  }
}

function follow(child: ChildProcess): Running {
  let stdout = "";
  let stderr = "";
  const waiting: { text: string; resolve: () => void; reject: (error: Error) => void }[] = [];
  const check = (): void => {
    for (const { text, resolve } of waiting) if (stderr.includes(text)) resolve();
  };
  child.stdout?.on("data", (bytes: Buffer) => {
    stdout += bytes.toString();
  });
  child.stderr?.on("data", (bytes: Buffer) => {
    stderr += bytes.toString();
    check();
  });
  const outcome = new Promise<Outcome>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => {
      for (const { text, reject: fail } of waiting) {
        fail(new Error(`ended without saying "${text}": ${stderr}`));
      }
      resolve({ code, signal, stdout, stderr });
    });
  });
  return {
    process: child,
    outcome,
    seen: (text) =>
      new Promise((resolve, reject) => {
        waiting.push({ text, resolve, reject });
        check();
      }),
  };
}
