// process.stdin, which is always empty: tells whoever reads it how cells ask for input.
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

/** Installs an empty stdin. Each one that is read to its end is replaced, so that every cell gets the hint. */
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
