// Critical sections: the runner's own bookkeeping, which an interrupt must not tear.
//
// V8 stops whatever JavaScript runs, wherever it is, without `finally`. So a lock in shared memory is
// either a section's or the link's: the link asks V8 for a stop only while it has the lock, and gives
// it back when that stop has been delivered or undone (link.ts).
import { getCallSites } from "node:util";
import { HOLD, PROBE, WORD } from "./shared.ts";

let words = new Int32Array(new SharedArrayBuffer(4));
let depth = 0;
/** As Node made it: cells may get another. */
const callSites = getCallSites;

/** Runs something that will not be interrupted: short, and never user code. */
export function critical<T>(work: () => T): T {
  if (depth === 0) {
    // The thread is stopped in this loop.
    while (Atomics.compareExchange(words, WORD.hold, HOLD.free, HOLD.critical) !== HOLD.free);
  }
  depth++;
  try {
    return work();
  } finally {
    if (--depth === 0) Atomics.store(words, WORD.hold, HOLD.free);
  }
}

/** No section can be open where the event loop calls: an overflowing stack may have left one so. */
export function forgetSections(): void {
  depth = 0;
  Atomics.compareExchange(words, WORD.hold, HOLD.critical, HOLD.free);
}

/** Lets the link stop this thread, and look at it. */
export function installProbe(shared: Int32Array<SharedArrayBuffer>): void {
  words = shared;
  // No JavaScript but this function and the expression that calls it: messages are heard, or V8 is
  // between two promises.
  const isIdle = (): boolean => callSites(5).length <= 2;
  Object.defineProperty(globalThis, PROBE, { value: isIdle });
}
