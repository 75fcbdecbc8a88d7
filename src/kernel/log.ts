// What the supervisor writes to standard error: for whoever runs the kernel, not for the notebook's user.

import { NAME } from "../base/own-package.ts";
import { printableLine } from "../base/printable.ts";

/** Within this window, at most this many lines of one kind are written; further ones are counted. */
const WINDOW_MILLISECONDS = 10_000;
const LINES = 10;

// A server that has gone reads nothing; reporting that would fail again and again.
process.stderr.on("error", () => {});

export function log(line: string): void {
  process.stderr.write(`${NAME} kernel: ${printableLine(line)}\n`);
}

/** Logs what a stranger can cause as often as they like. */
export class LimitedLog {
  #start = Number.NEGATIVE_INFINITY;
  #lines = 0;

  log(line: string): void {
    const now = performance.now();
    if (now - this.#start > WINDOW_MILLISECONDS) {
      if (this.#lines > LINES) log(`${this.#lines - LINES} more lines of the last kind`);
      this.#start = now;
      this.#lines = 0;
    }
    this.#lines++;
    if (this.#lines <= LINES) log(line);
    if (this.#lines === LINES) log("further lines of this kind are counted, not shown");
  }
}
