// One cell's run: what belongs to it, from its first statement to the last of its timers.
import { AsyncLocalStorage } from "node:async_hooks";
import type { CellId, Command } from "../channel.ts";
import type { DisplayEvent } from "../display/host.ts";
import { uncurry } from "../originals.ts";
import type { Evaluated } from "./inspect.ts";

export type ExecuteCommand = Extract<Command, { type: "execute" }>;

/** A Node timer, with the mark that it will not fire again. */
export type Timer = (NodeJS.Timeout | NodeJS.Immediate) & { readonly _destroyed?: boolean };

const { add, delete: drop, forEach } = Set.prototype as Set<Timer>;
const addTo = uncurry(add);
const dropFrom = uncurry(drop);
const forEachOf = uncurry(forEach as (this: Set<Timer>, work: (timer: Timer) => void) => void);

/** What a cell sends instead of its value, as cells of ijavascript do. */
export interface Answer {
  /** Settles when the cell has sent all. */
  readonly settled: Promise<unknown>;
  /** What it fails with. */
  readonly failure?: { readonly error: unknown };
}

/** Takes the output of code instead of the cell. It is called in critical sections. */
export interface Sink {
  stream(name: "stdout" | "stderr", text: string): void;
  /** Returns whether it takes the event: not if that changes what is shown elsewhere. */
  event(event: DisplayEvent): boolean;
}

export class Run {
  readonly cell: CellId;
  readonly count: number;
  readonly command: ExecuteCommand;
  /** Whether its outcome has been reported. */
  finished = false;
  /** Whether it has been handed to V8. */
  begun = false;
  /** Whether its last statement has ended. */
  evaluated = false;
  /** What it sends instead of its value, if it does. */
  answer: Answer | undefined;
  /** Where its output goes; undefined for below the cell. */
  readonly sink: Sink | undefined;
  /** The user's interrupt that ends it; 0 for none. */
  request = 0;
  /** The number of the command that started it. */
  readonly number: number;
  /** How often V8 had been asked to stop the thread when the run started. */
  readonly stops: number;
  /** Called when its evaluation ends while an interrupt waits for that end. */
  onEvaluated: ((evaluated?: Evaluated) => void) | undefined;
  /** The resources that `using` declared at its top level. */
  readonly resources = new AsyncDisposableStack();
  hasResources = false;

  readonly #within: Run | undefined;
  #cancelled = false;
  readonly #timers = new Set<Timer>();
  /** How many timers there are, and at how many of them those that have fired are forgotten. */
  #tracked = 0;
  #sweepAt = 64;

  /** @param part if it is a part of another run: that run, and where the part's output goes */
  constructor(
    command: ExecuteCommand,
    number: number,
    stops: number,
    part?: { readonly of: Run; readonly sink: Sink },
  ) {
    this.number = number;
    this.stops = stops;
    this.cell = command.cell;
    this.count = command.count;
    this.command = command;
    this.#within = part?.of;
    this.sink = part?.sink;
  }

  /** Whether it was interrupted: it can start no more timers. */
  get cancelled(): boolean {
    return this.#cancelled || (this.#within?.cancelled ?? false);
  }

  cancel(): void {
    this.#cancelled = true;
  }

  /** Remembers a timer that its code started. */
  track(timer: Timer): void {
    if (this.#within) {
      this.#within.track(timer);
      return;
    }
    addTo(this.#timers, timer);
    if (++this.#tracked < this.#sweepAt) return;
    this.#tracked = 0;
    forEachOf(this.#timers, (one) => {
      if (one._destroyed) dropFrom(this.#timers, one);
      else this.#tracked++;
    });
    this.#sweepAt = this.#tracked < 32 ? 64 : 2 * this.#tracked;
  }

  clearTimers(): void {
    this.#within?.clearTimers();
    for (const timer of this.#timers) {
      // clearTimeout does not know immediates.
      clearImmediate(timer as NodeJS.Immediate);
      clearTimeout(timer as NodeJS.Timeout);
    }
    this.#timers.clear();
  }
}

/** The run whose code, timer or promise is executing. */
const context = new AsyncLocalStorage<Run>();
const ownRun = context.getStore.bind(context);
/** Runs code so that it, its timers and its promises belong to a run. */
export const within: <T>(run: Run, work: () => T) => T = context.run.bind(context);

let current: Run | undefined;
let last: Run | undefined;

const listeners: ((run: Run) => void)[] = [];

/** Calls a listener in the critical section in which a run begins. */
export const whenBegun = (listener: (run: Run) => void): void => void listeners.push(listener);

/** Makes a run the current one; whatever has no context of its own belongs to it. */
export function setCurrent(run: Run | undefined): void {
  if (run) for (let i = 0; i < listeners.length; i++) listeners[i]!(run);
  current = run;
  last = run ?? last;
}

export const currentRun = (): Run | undefined => current;

/** Returns the run that executing code belongs to: its own, or else the current or the last one. */
export const runOf = (): Run | undefined => ownRun() ?? current ?? last;

/** Returns the run in which what a cell has made lives on: itself, or another one of its cell if it was interrupted. */
export const afterlifeOf = (run: Run): Run =>
  run.cancelled ? new Run(run.command, run.number, run.stops) : run;

/** Runs code as a part of the executing run whose output goes elsewhere. */
export function captured<T>(sink: Sink, work: () => T): T {
  const of = runOf();
  return of ? within(new Run(of.command, of.number, of.stops, { of, sink }), work) : work();
}

/** Returns where executing code's output goes, unless that is below the cell. */
export const sinkOf = (): Sink | undefined => ownRun()?.sink;

/** Whether executing code belongs to an interrupted run, whose loops must not live on. */
export const isCancelled = (): boolean => ownRun()?.cancelled ?? false;

export const cellOf = (): CellId => runOf()?.cell ?? 0;
