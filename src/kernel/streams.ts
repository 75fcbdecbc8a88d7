// Text of cells on its way to iopub: batches many small writes into few messages, in order.
import type { CellId } from "./channel.ts";

export type StreamName = "stdout" | "stderr";

const BATCH_MILLISECONDS = 20;
/** A batch of more characters than this is sent at once. */
const BATCH_CHARACTERS = 1 << 20;

interface Batch {
  readonly cell: CellId;
  readonly name: StreamName;
  readonly parts: string[];
}

export class Streams {
  readonly #publish: (cell: CellId, name: StreamName, text: string) => void;
  #batches: Batch[] = [];
  #characters = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(publish: (cell: CellId, name: StreamName, text: string) => void) {
    this.#publish = publish;
  }

  add(cell: CellId, name: StreamName, text: string): void {
    const last = this.#batches.at(-1);
    if (last && last.cell === cell && last.name === name) last.parts.push(text);
    else this.#batches.push({ cell, name, parts: [text] });
    this.#characters += text.length;
    if (this.#characters > BATCH_CHARACTERS) this.flush();
    else this.#timer ??= setTimeout(() => this.flush(), BATCH_MILLISECONDS);
  }

  /** Publishes what waits. Called before anything else of a cell is sent, and before its idle status. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const batches = this.#batches;
    this.#batches = [];
    this.#characters = 0;
    for (const { cell, name, parts } of batches) this.#publish(cell, name, parts.join(""));
  }
}
