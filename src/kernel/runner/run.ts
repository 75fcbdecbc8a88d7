// One cell's run: what belongs to it, from its first statement to the last of its timers.
import { AsyncLocalStorage } from "node:async_hooks";
import type { CellId, Command } from "../channel.ts";
import { uncurry } from "../originals.ts";
import type { Evaluated } from "./inspect.ts";

export type ExecuteCommand = Extract<Command, { type: "execute" }>;

/** A Node timer, with the mark that it will not fire again. */
export type Timer = (NodeJS.Timeout | NodeJS.Immediate) & { readonly _destroyed?: boolean };

const { add, delete: drop, forEach } = Set.prototype as Set<Timer>;
const addTo = uncurry(add);
const dropFrom = uncurry(drop);
const forEachOf = uncurry(forEach as (this: Set<Timer>, work: (timer: Timer) => void) => void);

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
  /** Whether it was interrupted: it can start no more timers. */
  cancelled = false;
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

  readonly #timers = new Set<Timer>();
  /** How many timers there are, and at how many of them those that have fired are forgotten. */
  #tracked = 0;
  #sweepAt = 64;

  constructor(command: ExecuteCommand, number: number, stops: number) {
    this.number = number;
    this.stops = stops;
    this.cell = command.cell;
    this.count = command.count;
    this.command = command;
  }

  /** Remembers a timer that its code started. */
  track(timer: Timer): void {
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

/** Makes a run the current one; whatever has no context of its own belongs to it. */
export function setCurrent(run: Run | undefined): void {
  current = run;
  last = run ?? last;
}

export const currentRun = (): Run | undefined => current;

/** Returns the run that executing code belongs to: its own, or else the current or the last one. */
export const runOf = (): Run | undefined => ownRun() ?? current ?? last;

/** Whether executing code belongs to an interrupted run, whose loops must not live on. */
export const isCancelled = (): boolean => ownRun()?.cancelled ?? false;

export const cellOf = (): CellId => runOf()?.cell ?? 0;
