// Shares the cores out among runs that compute at the same time.

/** A run's current number of threads, which its worker reads before every epoch. */
export interface Share {
  /** One number, in shared memory. */
  readonly threads: Int32Array;
}

/**
 * Gives all threads to a run that is alone, such as the teacher that others wait for; else the same number
 * to each, and the remainder to those that began first. Shares change as runs come and go. Their sum
 * never exceeds the threads, unless there are more runs than threads: then each has one.
 */
export class Cores {
  readonly #threads: number;
  readonly #starting: ((share: Share) => void)[] = [];
  /** In the order in which they began. */
  readonly #running: Share[] = [];

  /** @param threads how many may compute at a time, in all */
  constructor(threads: number) {
    this.#threads = threads;
  }

  /** @returns the share of a run that begins; give() it back */
  take(): Promise<Share> {
    return new Promise((resolve) => {
      this.#starting.push(resolve);
      this.#shareOut();
    });
  }

  /** Ends a run's use of its threads. */
  give(share: Share): void {
    this.#running.splice(this.#running.indexOf(share), 1);
    this.#shareOut();
  }

  /** Waits a moment, so that runs that come and go together are counted together. */
  #shareOut(): void {
    setImmediate(() => {
      const starting = this.#starting.splice(0).map((start) => {
        const share = { threads: new Int32Array(new SharedArrayBuffer(4)) };
        this.#running.push(share);
        return () => start(share);
      });
      const count = this.#running.length;
      const [each, left] = [Math.floor(this.#threads / count), this.#threads % count];
      this.#running.forEach(({ threads }, k) => {
        Atomics.store(threads, 0, Math.max(1, each + (k < left ? 1 : 0)));
      });
      for (const start of starting) start();
    });
  }
}
