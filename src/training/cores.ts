// Shares the cores out among runs that compute at the same time.

/**
 * Grants each run its threads when it begins: all of them to a run that is alone, such as the
 * teacher that others wait for; else what is free, divided by the runs that can begin now. Never
 * more in sum than there are, unless there are more places than threads: each run has one.
 */
export class Cores {
  #threads: number;
  #places: number;
  readonly #waiting: ((threads: number) => void)[] = [];

  /**
   * @param threads that may compute at a time, in all
   * @param places runs at a time
   */
  constructor(threads: number, places: number) {
    this.#threads = threads;
    this.#places = places;
  }

  /** @returns how many threads the run has, once there is a place for it; give() them back */
  take(): Promise<number> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      this.#share();
    });
  }

  /** Ends a run's use of its threads and its place. */
  give(threads: number): void {
    this.#threads += threads;
    this.#places++;
    this.#share();
  }

  /** Later, so that runs that are asked for in one go are counted together. */
  #share(): void {
    setImmediate(() => {
      while (this.#places > 0 && this.#waiting.length > 0) {
        const starting = Math.min(this.#places, this.#waiting.length);
        const threads = Math.max(1, Math.floor(this.#threads / starting));
        this.#threads -= threads;
        this.#places--;
        this.#waiting.shift()!(threads);
      }
    });
  }
}
