// How the process that ran the cells ended, in a sentence for whoever wrote them.
import { getHeapStatistics } from "node:v8";
import type { Event, Failure } from "./channel.ts";

export interface Death {
  /** Whether it had started to run cells. */
  readonly ready: boolean;
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** The last call that asked for an end, and which: it may not be the one that came. */
  readonly exit?: Omit<Extract<Event, { type: "exit" }>, "type"> | undefined;
  /** The end of what was written to standard error outside frames. */
  readonly stderr: string;
}

/** What V8 prints first when its heap is full; the native trace that follows helps nobody. */
export const LAST_WORDS = "\n<--- Last few GCs --->";

/** What is written to standard error where the runner's link ends before the runner does. */
export const LINK_LOST = "the connection between the kernel's two processes was lost";

const OUT_OF_MEMORY = /heap out of memory|allocation failed|out of memory/i;

/** What the running cell is answered. */
export function deathFailure(death: Death): Failure {
  const evalue = `${describeDeath(death)} All variables are lost.`;
  return { status: "error", ename: "KernelDied", evalue, traceback: [`KernelDied: ${evalue}`] };
}

/** Signals that the system sends to a process whose native code has failed. */
const CRASHES = /^SIG(ABRT|BUS|FPE|ILL|SEGV|SYS|TRAP)$/;

export function describeDeath({ ready, code, signal, stderr, exit }: Death): string {
  if (exit && (exit.code ?? null) === code && (exit.signal ?? null) === signal) {
    return `The kernel was ended by ${exit.call}${exit.place ? ` at ${exit.place}` : ""}.`;
  }
  if (isHeapFull(stderr)) {
    // The supervisor is started with the same flags as the runner: its limit is the runner's.
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
    return "The kernel was ended by SIGKILL: by somebody, or by the system as its memory ran out.";
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
