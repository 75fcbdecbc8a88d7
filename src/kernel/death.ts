// Describes how the process that ran the cells ended, in a sentence for the notebook's author.
import { getHeapStatistics } from "node:v8";
import type { Event, Failure } from "./channel.ts";

export interface Death {
  /** Whether the process had begun to accept cells. */
  readonly ready: boolean;
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** The last call that asked for an end. The process may have ended in another way. */
  readonly exit?: Omit<Extract<Event, { type: "exit" }>, "type"> | undefined;
  /** The last part of what was written to standard error outside frames. */
  readonly stderr: string;
}

/** What V8 prints first when its heap is full; the native stack trace that follows helps nobody. */
export const LAST_WORDS = "\n<--- Last few GCs --->";

/** What the runner writes to standard error when its link ends before it does. */
export const LINK_LOST = "the connection between the kernel's two processes was lost";

const OUT_OF_MEMORY = /heap out of memory|allocation failed|out of memory/i;

/** Returns the failure that answers the running cell. */
export function deathFailure(death: Death): Failure {
  const evalue = `${describeDeath(death)} All variables are lost.`;
  return { status: "error", ename: "KernelDied", evalue, traceback: [`KernelDied: ${evalue}`] };
}

/** Signals that the system sends to a process whose native code has crashed. */
const CRASHES = /^SIG(ABRT|BUS|FPE|ILL|SEGV|SYS|TRAP)$/;

export function describeDeath({ ready, code, signal, stderr, exit }: Death): string {
  if (exit && (exit.code ?? null) === code && (exit.signal ?? null) === signal) {
    return `The kernel was ended by ${exit.call}${exit.place ? ` at ${exit.place}` : ""}.`;
  }
  if (isHeapFull(stderr)) {
    // The supervisor and the runner start with the same flags, so the supervisor's limit is the runner's.
    const limit = Math.round(getHeapStatistics().heap_size_limit / 2 ** 20);
    return (
      `The kernel ran out of memory: its JavaScript heap reached the limit of ${limit} MB. ` +
      "The environment variable NODE_OPTIONS=--max-old-space-size=8192 allows 8 GB."
    );
  }
  const lost = stderr.lastIndexOf(LINK_LOST);
  if (signal === "SIGKILL" && lost >= 0) {
    const why = /^: (.*)/.exec(stderr.slice(lost + LINK_LOST.length))?.[1] ?? "it was closed";
    return `The kernel was ended, because ${LINK_LOST}: ${why}.`;
  }
  if (signal === "SIGKILL") {
    return "The kernel was ended by SIGKILL: somebody sent it, or the system ran out of memory.";
  }
  if (signal) {
    const why = CRASHES.test(signal)
      ? "native code crashed, or somebody sent it"
      : "somebody sent it";
    return `The kernel was ended by ${signal}: ${why}.`;
  }
  if (!ready) return `The kernel's process did not start: it ended with code ${code ?? "none"}.`;
  return `The kernel's process ended with code ${code ?? "none"}, which no cell asked for.`;
}

function isHeapFull(stderr: string): boolean {
  const fatal = stderr.lastIndexOf("FATAL ERROR:");
  return fatal >= 0 && OUT_OF_MEMORY.test(stderr.slice(fatal));
}
