// Critical sections: the runner's own bookkeeping, which an interrupt must not tear.
//
// V8 stops whatever JavaScript runs, wherever it is, without `finally`. So the link asks first, by a
// function that V8 runs on the main thread between two instructions (Runtime.evaluate), and a section
// is not entered once the link has been told that it may stop the thread.
import { getCallSites } from "node:util";
import { PROBE, type Probed, WORD } from "./shared.ts";

let words = new Int32Array(new SharedArrayBuffer(4));
let depth = 0;
/** As Node made it: cells may get another. */
const callSites = getCallSites;

/** Runs something that will not be interrupted: short, and never user code. */
export function critical<T>(work: () => T): T {
  // The thread is stopped in this loop.
  while (depth === 0 && Atomics.load(words, WORD.stopping) === 1);
  depth++;
  try {
    return work();
  } finally {
    depth--;
  }
}

/** No section can be open where the event loop calls: an overflowing stack may have left one so. */
export function forgetSections(): void {
  depth = 0;
}

/** Lets the link probe this thread. */
export function installProbe(shared: Int32Array<SharedArrayBuffer>): void {
  words = shared;
  const probe = (isForced: boolean): Probed => {
    if (depth > 0) return "critical";
    // this function, the expression that calls it, and what they interrupt
    if (!isForced && callSites(5).length <= 2) return "idle";
    Atomics.store(words, WORD.stopping, 1);
    return "busy";
  };
  Object.defineProperty(globalThis, PROBE, { value: probe });
}
