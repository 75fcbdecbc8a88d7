// process.stdin, which has nothing to read: whoever reads it is told how cells ask.
import { Readable } from "node:stream";

const HINT = 'In this kernel: process.stdin is empty; await input("Your name? ") asks\n';

class EmptyInput extends Readable {
  readonly fd = 0;
  readonly isTTY = false;

  override _read(): void {
    process.stderr.write(HINT);
    this.push(null);
  }
}

/** A new one where the last was read to its end, so that each cell that asks in vain is told. */
export function installEmptyInput(): void {
  let current = new EmptyInput();
  Object.defineProperty(process, "stdin", {
    get() {
      if (current.readableEnded || current.destroyed) current = new EmptyInput();
      return current;
    },
    configurable: true,
    enumerable: true,
  });
}
