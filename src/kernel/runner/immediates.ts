// setImmediate, built on one Node immediate at a time.
//
// Node walks its list of immediates in JavaScript, which V8 may stop anywhere. A stop at the start of
// the second immediate of a turn leaves Node at an entry that it can neither call nor pass: its event
// loop then repeats the walk for ever and handles nothing else. A list of one leaves no such entry. If
// a stop tears the code here, the next message from the link resumes it.
//
// One order differs: after an immediate that throws, its ticks come before the next immediate.
import { AsyncLocalStorage } from "node:async_hooks";
import { critical } from "./critical.ts";

type AnyFunction = (...args: never[]) => unknown;

const { nextTick } = process;
const nodeImmediate = setImmediate;
const clearNodeImmediate = clearImmediate;
/** Runs all waiting ticks and promises. Node's walk calls it between two immediates. */
const runTicks = (process as unknown as { _tickCallback: () => void })._tickCallback;

/** The immediates of the next turn. */
let waiting = new Set<Immediate>();
/** Those of the current turn, and how many of them have begun; cleared ones are passed over. */
let turn: readonly Immediate[] = [];
let begun = 0;
/** The Node immediate that begins the next turn. */
let armed: NodeJS.Immediate | undefined;

/** What setImmediate returns, like Node's own class. */
class Immediate {
  /** Set when it has been called or cleared. Run.track() reads it, as it does with Node's timers. */
  _destroyed = false;
  /** Calls the callback in a tick of its own, in the asynchronous context that set it. */
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

  /** Only marks: the runner stays alive for commands either way. */
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

/** Does the work of setImmediate. Must be called inside a critical section. */
export function startImmediate(callback: unknown, ...args: unknown[]): unknown {
  // Node's function throws the error that names the argument.
  if (typeof callback !== "function") return nodeImmediate(callback as () => void);
  const immediate = new Immediate(callback as AnyFunction, args);
  waiting.add(immediate);
  armed ??= arm();
  return immediate;
}

/** Does the work of clearImmediate. Must be called inside a critical section. */
export function stopImmediate(immediate: unknown): void {
  if (!(immediate instanceof Immediate)) return;
  immediate._destroyed = true;
  waiting.delete(immediate);
}

/** Resumes what a stop has torn. The event loop must call it, inside a critical section. */
export function resumeImmediates(): void {
  clearNodeImmediate(armed);
  armed = waiting.size > 0 || begun < turn.length ? arm() : undefined;
}

/** Starts the next turn in a tick, because an immediate of Node's own libraries may precede this one. */
function arm(): NodeJS.Immediate {
  return nodeImmediate(() => critical(() => nextTick(runTurn)));
}

function runTurn(): void {
  critical(() => {
    armed = undefined;
    // The rest of a torn turn comes first.
    turn = [...turn.slice(begun), ...waiting];
    begun = 0;
    waiting = new Set();
  });
  try {
    while (critical(beginNext)) runTicks();
  } finally {
    // A callback that throws must not keep the others from being called.
    critical(() => {
      if (begun < turn.length) armed ??= arm();
    });
  }
}

/** Begins the turn's next immediate; returns whether there was one. */
function beginNext(): boolean {
  while (begun < turn.length) {
    const immediate = turn[begun++]!;
    if (immediate._destroyed) continue;
    immediate._destroyed = true;
    immediate.begin();
    return true;
  }
  turn = [];
  begun = 0;
  return false;
}
