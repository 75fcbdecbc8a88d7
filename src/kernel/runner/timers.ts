// Timers that know the cell that started them, so that an interrupt ends the cell's loops for good.
import { createRequire, syncBuiltinESMExports } from "node:module";
import { apply } from "../originals.ts";
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
    return critical(() => apply(work, this, args) as unknown);
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
    const start = (name === "setImmediate" ? startImmediate : timers[name]) as AnyFunction;
    const tracked = like(timers[name], track(start));
    Object.assign(timers, { [name]: tracked });
    Object.assign(globalThis, { [name]: tracked });
  }
  for (const name of ["clearTimeout", "clearInterval", "clearImmediate"] as const) {
    const clear = name === "clearImmediate" ? stopImmediate : timers[name];
    const cleared = like(timers[name], whole(clear as AnyFunction));
    Object.assign(timers, { [name]: cleared });
    Object.assign(globalThis, { [name]: cleared });
  }
  const {
    setTimeout: wait,
    setImmediate: turn,
    setInterval: ticks,
  } = promisedTimers(timers, {
    ...promised,
  });
  Object.assign(promised, { setTimeout: wait, setImmediate: turn, setInterval: ticks });
  Object.assign(promised.scheduler, {
    wait: (delay: number, options?: WaitOptions) => wait(delay, undefined, options),
  });
  Object.assign(timers.setTimeout, { [CUSTOM]: wait });
  Object.assign(timers.setImmediate, { [CUSTOM]: turn });
  syncBuiltinESMExports();
}

/** Gives a function the name and the length of the one that it replaces. */
function like(original: Described, replacement: AnyFunction): AnyFunction {
  for (const key of ["name", "length"] as const) {
    Object.defineProperty(replacement, key, { value: original[key], configurable: true });
  }
  return replacement;
}

type Described = { readonly name: string; readonly length: number };

/** Wraps a function that starts a timer, so that the calling run remembers the timer. */
function track(start: AnyFunction): AnyFunction {
  const begin = whole(start);
  return (...args) => {
    const timer = apply(begin, undefined, args) as Timer;
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

/** Whether Node's own function would start a timer, rather than reject. */
function isStarted(delay: unknown, options: unknown): options is WaitOptions {
  if (delay !== undefined && typeof delay !== "number") return false;
  if (typeof options !== "object" || options === null || Array.isArray(options)) return false;
  const { signal, ref } = options as Readonly<Record<string, unknown>>;
  const isSignal = typeof signal === "object" && signal !== null && "aborted" in signal;
  return (signal === undefined || isSignal) && (ref === undefined || typeof ref === "boolean");
}

/**
 * Returns promised timers that use the tracked timers, because nobody can clear Node's own. `nodes` get
 * wrong arguments, to reject with the error that names the argument.
 */
function promisedTimers(timers: Timers, nodes: PromisedTimers) {
  const promise = <T>(
    start: (resolve: () => void) => Timer,
    clear: (timer: never) => void,
    value: T,
    { signal, ref = true }: WaitOptions,
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
  const wait = <T = undefined>(delay?: number, value?: T, options: WaitOptions = {}) =>
    isStarted(delay, options)
      ? promise((done) => timers.setTimeout(done, delay), timers.clearTimeout, value, options)
      : nodes.setTimeout(delay, value, options);
  const turn = <T = undefined>(value?: T, options: WaitOptions = {}) =>
    isStarted(undefined, options)
      ? promise((done) => timers.setImmediate(done), timers.clearImmediate, value, options)
      : nodes.setImmediate(value, options);
  async function* ticks<T>(delay?: number, value?: T, options: WaitOptions = {}) {
    if (isStarted(delay, options)) yield* promisedInterval(delay, value, options);
    else yield* nodes.setInterval(delay, value, options);
  }
  return {
    setTimeout: like(nodes.setTimeout, wait) as typeof wait,
    setImmediate: like(nodes.setImmediate, turn) as typeof turn,
    setInterval: like(nodes.setInterval, ticks),
  };
}

async function* promisedInterval<T>(
  delay: number | undefined,
  value: T,
  { signal, ref = true }: WaitOptions,
) {
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
  run.cancel();
  run.clearTimers();
}
