// Timers that know the cell that started them, so that an interrupt ends the cell's loops for good.
import { createRequire, syncBuiltinESMExports } from "node:module";
import { critical } from "./critical.ts";
import { startImmediate, stopImmediate } from "./immediates.ts";
import { type Run, runOf, type Timer } from "./run.ts";

type Timers = typeof import("node:timers");
type PromisedTimers = typeof import("node:timers/promises");
type AnyFunction = (...args: never[]) => unknown;

const CUSTOM = Symbol.for("nodejs.util.promisify.custom");

/** Makes a call uninterruptible: a torn list of timers would lose all later ones of the same delay. */
function whole(work: AnyFunction): AnyFunction {
  return function (this: unknown, ...args) {
    return critical(() => Reflect.apply(work, this, args) as unknown);
  };
}

/** Timers of the runner itself, which belong to no run. */
export const own = {
  setTimeout: whole(setTimeout) as (callback: () => void, delay: number) => unknown,
  setImmediate: whole(startImmediate as AnyFunction) as (callback: () => void) => unknown,
};

/** Replaces the global timers and those of node:timers and node:timers/promises. */
export function installTimers(): void {
  const require = createRequire(import.meta.url);
  const timers = require("node:timers") as Timers;
  const promised = require("node:timers/promises") as PromisedTimers;
  for (const name of ["setTimeout", "setInterval", "setImmediate"] as const) {
    const tracked = track((name === "setImmediate" ? startImmediate : timers[name]) as AnyFunction);
    Object.defineProperty(tracked, "name", { value: name });
    Object.assign(timers, { [name]: tracked });
    Object.assign(globalThis, { [name]: tracked });
  }
  for (const name of ["clearTimeout", "clearInterval", "clearImmediate"] as const) {
    const clear = name === "clearImmediate" ? stopImmediate : timers[name];
    const cleared = whole(clear as AnyFunction);
    Object.defineProperty(cleared, "name", { value: name });
    Object.assign(timers, { [name]: cleared });
    Object.assign(globalThis, { [name]: cleared });
  }
  const { setTimeout: wait, setImmediate: turn } = promisedTimers(timers);
  Object.assign(promised, { setTimeout: wait, setImmediate: turn, setInterval: promisedInterval });
  Object.assign(promised.scheduler, {
    wait: (delay: number, options?: WaitOptions) => wait(delay, undefined, options),
  });
  Object.assign(timers.setTimeout, { [CUSTOM]: wait });
  Object.assign(timers.setImmediate, { [CUSTOM]: turn });
  syncBuiltinESMExports();
}

/** Wraps a function that starts a timer, so that the calling run remembers the timer. */
function track(start: AnyFunction): AnyFunction {
  const begin = whole(start);
  return (...args) => {
    const timer = begin(...args) as Timer;
    const run = runOf();
    if (!run) return timer;
    run.track(timer);
    if (run.cancelled) run.clearTimers();
    return timer;
  };
}

interface WaitOptions {
  readonly signal?: AbortSignal;
  readonly ref?: boolean;
}

/** Replaces Node's promised timers, which nobody can clear, with ones that use the tracked timers. */
function promisedTimers(timers: Timers) {
  const promise = <T>(
    start: (resolve: () => void) => Timer,
    clear: (timer: never) => void,
    value: T,
    { signal, ref = true }: WaitOptions = {},
  ): Promise<T> => {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const abort = (): void => {
      clear(timer as never);
      const reason: unknown = signal?.reason;
      const error = new Error("The operation was aborted", { cause: reason });
      reject(Object.assign(error, { name: "AbortError", code: "ABORT_ERR" }));
    };
    const timer = start(() => {
      signal?.removeEventListener("abort", abort);
      resolve(value);
    });
    if (!ref) timer.unref();
    if (signal?.aborted) abort();
    else signal?.addEventListener("abort", abort, { once: true });
    return promise;
  };
  return {
    setTimeout: <T = undefined>(delay?: number, value?: T, options?: WaitOptions) =>
      promise((done) => timers.setTimeout(done, delay), timers.clearTimeout, value, options),
    setImmediate: <T = undefined>(value?: T, options?: WaitOptions) =>
      promise((done) => timers.setImmediate(done), timers.clearImmediate, value, options),
  };
}

async function* promisedInterval<T>(delay?: number, value?: T, options: WaitOptions = {}) {
  const { signal, ref = true } = options;
  let fired = 0;
  let wake: (() => void) | undefined;
  const interval = setInterval(() => {
    fired++;
    wake?.();
  }, delay);
  if (!ref) interval.unref();
  const abort = (): void => wake?.();
  signal?.addEventListener("abort", abort, { once: true });
  try {
    for (;;) {
      if (fired === 0 && !signal?.aborted) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      if (signal?.aborted) {
        const error = new Error("The operation was aborted", { cause: signal.reason });
        throw Object.assign(error, { name: "AbortError", code: "ABORT_ERR" });
      }
      for (; fired > 0; fired--) yield value;
    }
  } finally {
    clearInterval(interval);
    signal?.removeEventListener("abort", abort);
  }
}

/** Ends all timers of a run: those that exist, and those that it still tries to start. */
export function endTimers(run: Run): void {
  run.cancelled = true;
  run.clearTimers();
}
