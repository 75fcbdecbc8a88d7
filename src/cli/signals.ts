// How commands end on Ctrl-C, SIGTERM and SIGHUP: in order if there is time, and with which exit code.
import { UserError } from "../base/errors.ts";
import type { TrainingEvent } from "../training/observer.ts";
import { InterruptedError } from "../training/train.ts";

/** Exit codes as shells use them: 128 plus the signal's number. */
export const EXIT_CODES = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;
type StopSignal = keyof typeof EXIT_CODES;

/**
 * The time to end after SIGTERM: SIGKILL usually follows soon, and a step of a large teacher may take longer. On a busy
 * machine the operating system takes up to 0.8 seconds more to end the threads and to free the memory.
 */
const TERM_MILLISECONDS = 1_050;

/** Turns the first signal into a request to stop; ends at the second, or a second after SIGTERM. */
export class SignalWatch {
  readonly #controller = new AbortController();
  readonly #end: (signal: StopSignal) => void;
  readonly #watched = new Set<StopSignal>();
  #stoppedBy: StopSignal | undefined;
  #late: NodeJS.Timeout | undefined;

  /** @param end ends the process at once */
  constructor(end: (signal: StopSignal) => void) {
    this.#end = end;
  }

  /** An abort signal that the first signal triggers. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** The exit code of the signal that came, if one did. */
  get exitCode(): number | undefined {
    return this.#stoppedBy && EXIT_CODES[this.#stoppedBy];
  }

  watch(signal: StopSignal): void {
    if (!this.#watched.has(signal)) process.on(signal, this.#hear);
    this.#watched.add(signal);
  }

  release(): void {
    clearTimeout(this.#late);
    for (const signal of this.#watched) process.off(signal, this.#hear);
    this.#watched.clear();
  }

  readonly #hear = (name: NodeJS.Signals): void => {
    const signal = name as StopSignal;
    if (this.#stoppedBy) {
      this.#end(signal);
      return;
    }
    this.#stoppedBy = signal;
    if (signal === "SIGTERM") this.#late = setTimeout(this.#end, TERM_MILLISECONDS, signal).unref();
    this.#controller.abort();
  };
}

export interface Stopper {
  /** An abort signal that the first signal triggers. */
  readonly signal: AbortSignal;
  /** Observes events: once the first run has started, there is something to keep. */
  readonly observe: (event: TrainingEvent) => void;
  /**
   * Returns an interrupted run's error with the signal's exit code and, if a run had begun, with advice;
   * other errors unchanged.
   */
  told(error: unknown, advice: string): unknown;
  release(): void;
}

/**
 * Stops in order on signals. The first SIGINT lets each running step end and be kept. So does SIGTERM, for
 * a second; then, as after a second signal, the signal itself ends the process, whatever its
 * threads are doing. Before the first run starts (while data is fetched and read, often without a turn of
 * the event loop), SIGTERM ends the process as it does any other.
 */
export function stopOnSignals(): Stopper {
  let hasBegun = false;
  const watch = new SignalWatch((signal) => {
    watch.release();
    process.kill(process.pid, signal);
  });
  watch.watch("SIGINT");
  watch.signal.addEventListener("abort", () => {
    const when = hasBegun ? "stopping after this step" : "stopping";
    process.stderr.write(`\n${when} (press Ctrl-C again to stop at once)\n`);
  });
  return {
    signal: watch.signal,
    observe(event) {
      if (event.type !== "start") return;
      hasBegun = true;
      watch.watch("SIGTERM");
    },
    told(error, advice) {
      const { exitCode } = watch;
      if (!(error instanceof InterruptedError) || exitCode === undefined) return error;
      const message = hasBegun ? `${error.message}; ${advice}` : error.message;
      return new UserError(message, { exitCode, cause: error });
    },
    release: () => watch.release(),
  };
}
