// setImmediate, over one immediate of Node's at a time.
//
// Node walks its list of immediates in JavaScript, which V8 may stop anywhere. A stop at the start of
// a turn's second one leaves Node at an entry that it can neither call nor pass: its event loop then
// calls the walk again and again, and hears nothing any more. Of a list of one, nothing is left. What
// a stop has torn here, the next message from the link starts again.
import { AsyncLocalStorage } from "node:async_hooks";
import { critical } from "./critical.ts";

type AnyFunction = (...args: never[]) => unknown;

const { nextTick } = process;
const nodeImmediate = setImmediate;
const clearNodeImmediate = clearImmediate;
/** Runs all ticks and promises that wait. Node's walk calls it between two immediates. */
const runTicks = (process as unknown as { _tickCallback: () => void })._tickCallback;

/** Those of the next turn, and what is left of the turn that runs. */
let waiting = new Set<Immediate>();
const turn = new Set<Immediate>();
/** Node's, which begins the next turn. */
let armed: NodeJS.Immediate | undefined;

/** What Node's setImmediate gives back. */
class Immediate {
  /** It has been called or cleared: what remembers timers reads it, as with Node's. */
  _destroyed = false;
  /** Calls the callback in a tick of its own, as part of what was running when it was set. */
  readonly begin: () => void;
  #isRefed = true;

  constructor(callback: AnyFunction, args: unknown[]) {
    const within = AsyncLocalStorage.snapshot();
    this.begin = () => {
      within(nextTick, () => Reflect.apply(callback, this, args) as unknown);
    };
  }

  ref(): this {
    this.#isRefed = true;
    return this;
  }

  /** The runner waits for commands either way. */
  unref(): this {
    this.#isRefed = false;
    return this;
  }

  hasRef(): boolean {
    return !this._destroyed && this.#isRefed;
  }

  [Symbol.dispose](): void {
    stopImmediate(this);
  }
}

/** Node's setImmediate. To be called within a critical section. */
export function startImmediate(callback: unknown, ...args: unknown[]): unknown {
  // Its error names the argument.
  if (typeof callback !== "function") return nodeImmediate(callback as () => void);
  const immediate = new Immediate(callback as AnyFunction, args);
  waiting.add(immediate);
  armed ??= arm();
  return immediate;
}

/** Node's clearImmediate. To be called within a critical section. */
export function stopImmediate(immediate: unknown): void {
  if (!(immediate instanceof Immediate)) return;
  immediate._destroyed = true;
  waiting.delete(immediate);
  turn.delete(immediate);
}

/** Goes on with what a stop has torn. To be called by the event loop, within a critical section. */
export function resumeImmediates(): void {
  clearNodeImmediate(armed);
  armed = waiting.size + turn.size > 0 ? arm() : undefined;
}

/** In a tick, because an immediate of Node's own libraries may come before this one. */
function arm(): NodeJS.Immediate {
  return nodeImmediate(() => critical(() => nextTick(runTurn)));
}

function runTurn(): void {
  critical(() => {
    armed = undefined;
    // What is left of a torn turn comes first.
    for (const immediate of waiting) turn.add(immediate);
    waiting = new Set();
  });
  try {
    while (critical(beginNext)) runTicks();
  } finally {
    // A callback that throws is no reason that the others are not called.
    critical(() => {
      if (turn.size > 0) armed ??= arm();
    });
  }
}

/** Takes the turn's next one; whether there was one. */
function beginNext(): boolean {
  for (const immediate of turn) {
    turn.delete(immediate);
    immediate._destroyed = true;
    immediate.begin();
    return true;
  }
  return false;
}
