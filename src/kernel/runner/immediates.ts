// setImmediate, built on one Node immediate at a time.
//
// Node walks its list of immediates in JavaScript, which V8 may stop anywhere. A stop at the start of
// the second immediate of a turn leaves Node at an entry that it can neither call nor pass: its event
// loop then repeats the walk for ever and handles nothing else. A list of one leaves no such entry. If
// a stop tears the code here, the next message from the link resumes it.
//
// One order differs: after an immediate that throws, its ticks come before the next immediate.
import { AsyncResource } from "node:async_hooks";
import { apply, uncurry } from "../originals.ts";
import { critical } from "./critical.ts";

type AnyFunction = (...args: never[]) => unknown;

const { nextTick } = process;
const within = uncurry(AsyncResource.prototype.runInAsyncScope);
const nodeImmediate = setImmediate;
const clearNodeImmediate = clearImmediate;
/** Runs all waiting ticks and promises. Node's walk calls it between two immediates. */
const runTicks = (process as unknown as { _tickCallback: () => void })._tickCallback;

/** A list of immediates. Cells may have changed what arrays and sets do, so it is neither. */
interface Queue {
  first?: Immediate | undefined;
  last?: Immediate | undefined;
}

/** The immediates of the next turn. */
let waiting: Queue = {};
/** Those of the current turn that have not begun; cleared ones are passed over. */
const turn: Queue = {};
/** The Node immediate that begins the next turn. */
let armed: NodeJS.Immediate | undefined;

/** What setImmediate returns, like Node's own class. */
class Immediate {
  /** Set when it has been called or cleared. Run.track() reads it, as it does with Node's timers. */
  _destroyed = false;
  /** Calls the callback in a tick of its own, in the asynchronous context that set it. */
  readonly begin: () => void;
  /** The one after it in its queue. */
  _next: Immediate | undefined;
  #isRefed = true;

  constructor(callback: AnyFunction, args: unknown[]) {
    const scope = new AsyncResource("Immediate");
    this.begin = () => {
      within(scope, nextTick, undefined, () => apply(callback, this, args) as unknown);
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
  append(waiting, { first: immediate, last: immediate });
  armed ??= arm();
  return immediate;
}

/** Does the work of clearImmediate. Must be called inside a critical section. */
export function stopImmediate(immediate: unknown): void {
  if (!(immediate instanceof Immediate)) return;
  immediate._destroyed = true;
}

/** Resumes what a stop has torn. The event loop must call it, inside a critical section. */
export function resumeImmediates(): void {
  clearNodeImmediate(armed);
  armed = waiting.first || turn.first ? arm() : undefined;
}

/** Starts the next turn in a tick, because an immediate of Node's own libraries may precede this one. */
function arm(): NodeJS.Immediate {
  return nodeImmediate(() => critical(() => nextTick(runTurn)));
}

function runTurn(): void {
  critical(() => {
    armed = undefined;
    // The rest of a torn turn comes first.
    append(turn, waiting);
    waiting = {};
  });
  try {
    while (critical(beginNext)) runTicks();
  } finally {
    // A callback that throws must not keep the others from being called.
    critical(() => {
      if (turn.first) armed ??= arm();
    });
  }
}

/** Begins the turn's next immediate; returns whether there was one. */
function beginNext(): boolean {
  for (let next = turn.first; next; next = turn.first) {
    turn.first = next._next;
    if (next._destroyed) continue;
    next._destroyed = true;
    next.begin();
    return true;
  }
  return false;
}

/** Moves what another queue holds to the end of a queue. */
function append(queue: Queue, { first, last }: Queue): void {
  if (!first) return;
  if (queue.first && queue.last) queue.last._next = first;
  else queue.first = first;
  queue.last = last;
}
