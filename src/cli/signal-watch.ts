// Turns signals into a request to stop, and a second one, or a late end, into an end at once.

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
