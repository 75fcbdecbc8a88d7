// Counts what many runs have reported so far, for a progress line in notebooks or on a terminal.
import type { LiveLine } from "../display/line.ts";
import type { EpochEvent, Observer, TrainingEvent } from "./observer.ts";
import type { RunConfig } from "./run.ts";

/** A run in progress, and its last epoch. */
export interface RunningRun {
  readonly config: RunConfig;
  readonly asTeacher: boolean;
  readonly epoch?: EpochEvent;
}

/** Counts what many runs have reported so far. */
export class Tally {
  readonly #asked: ReadonlySet<string>;
  readonly #ended = new Set<string>();
  readonly running = new Map<string, RunningRun>();
  /** How many of the requested runs have finished. */
  done = 0;
  /** Why runs failed, including runs that others needed. */
  readonly failures: string[] = [];

  /** @param asked ids of the requested runs; the runs that these need may be running, too */
  constructor(asked: Iterable<string>) {
    this.#asked = new Set(asked);
  }

  hear(event: TrainingEvent): void {
    switch (event.type) {
      case "start":
        this.running.set(event.id, { config: event.config, asTeacher: event.asTeacher });
        break;
      case "epoch": {
        const run = this.running.get(event.id);
        if (run) this.running.set(event.id, { ...run, epoch: event });
        break;
      }
      case "finish":
      case "fail":
        this.running.delete(event.id);
        this.#ended.add(event.id);
        if (event.type === "fail") this.failures.push(event.message);
        else if (this.#asked.has(event.id)) this.done++;
        break;
    }
  }

  get total(): number {
    return this.#asked.size;
  }

  /** Ids of the requested runs that have not begun. */
  get waiting(): string[] {
    return [...this.#asked].filter((id) => !this.#ended.has(id) && !this.running.has(id));
  }

  /** The run that will end last, whose remaining time is that of all. */
  get slowest(): (RunningRun & { readonly epoch: EpochEvent }) | undefined {
    const begun = [...this.running.values()].flatMap(({ epoch, ...run }) =>
      epoch ? [{ ...run, epoch }] : [],
    );
    return begun.sort((a, b) => b.epoch.secondsLeft - a.epoch.secondsLeft)[0];
  }
}

/** Returns an observer that counts events and shows the text in the line. */
export function showTally(line: LiveLine, tally: Tally, text: () => string | undefined): Observer {
  return (event) => {
    tally.hear(event);
    if (event.type === "note") line.say(event.message);
    line.update(text);
  };
}
