// Critical sections: the runner's own bookkeeping, which an interrupt must not tear.
//
// V8 stops JavaScript at any point, without running `finally`. So a lock in shared memory belongs either
// to a section or to the link. The link asks V8 for a stop only while it holds the lock, and releases
// it once that stop has been delivered or undone (link.ts).

import { getCallSites } from "node:util";
import { compareExchange, store } from "../originals.ts";
import { HOLD, PROBE, WORD } from "./shared.ts";

let words = new Int32Array(new SharedArrayBuffer(4));
let depth = 0;
/** Node's own function; cells may replace the exported one. */
const callSites = getCallSites;

/** Runs work that is never interrupted. It must be short and must not run user code. */
export function critical<T>(work: () => T): T {
  if (depth === 0) {
    // The link stops the thread here.
    while (compareExchange(words, WORD.hold, HOLD.free, HOLD.critical) !== HOLD.free);
  }
  depth++;
  try {
    return work();
  } finally {
    if (--depth === 0) store(words, WORD.hold, HOLD.free);
  }
}

/** Whether a section is open: V8 may run a debugger's question in the middle of one. */
export const isCritical = (): boolean => depth > 0;

/** Closes a section that a stack overflow left open: when the event loop calls, none can be open. */
export function forgetSections(): void {
  depth = 0;
  compareExchange(words, WORD.hold, HOLD.critical, HOLD.free);
}

/** Lets the link stop this thread and see whether it is idle. */
export function installProbe(shared: Int32Array<SharedArrayBuffer>): void {
  words = shared;
  // If only this function and the expression that calls it are on the stack, the thread is handling
  // messages, or V8 is between two promises.
  const isIdle = (): boolean => callSites(5).length <= 2;
  Object.defineProperty(globalThis, PROBE, { value: isIdle });
}
