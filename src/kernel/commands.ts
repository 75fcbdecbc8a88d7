// The encoding of commands to the runner, and of what its debugger says: a length, then that many bytes of JSON, whatever the text.
import type { Command, Event } from "./channel.ts";

const LENGTH_BYTES = 4;
/** Far more than a message can hold (limits.ts), so a greater length means corrupt bytes. */
const MOST_BYTES = 2 ** 29;

/** Encodes a command or an event. No character of its text marks an end, so no text can fake one. */
export function encodeCommand(command: Command | Event): Buffer {
  const json = JSON.stringify(command);
  const length = Buffer.byteLength(json);
  const bytes = Buffer.allocUnsafe(LENGTH_BYTES + length);
  bytes.writeUInt32BE(length);
  bytes.write(json, LENGTH_BYTES);
  return bytes;
}

/** Takes bytes as they arrive and returns commands, or events, in order. */
export class CommandDecoder<Decoded = Command> {
  #chunks: Buffer[] = [];
  #size = 0;
  /** The length of the command that is arriving, once it is known. */
  #length: number | undefined;

  /**
   * Returns the commands that these bytes complete.
   * @throws Error if the bytes are not commands; nothing after them can be understood either
   */
  push(bytes: Buffer): Decoded[] {
    this.#chunks.push(bytes);
    this.#size += bytes.length;
    const commands: Decoded[] = [];
    for (;;) {
      if (this.#length === undefined) {
        if (this.#size < LENGTH_BYTES) return commands;
        this.#length = this.#take(LENGTH_BYTES).readUInt32BE();
        if (this.#length > MOST_BYTES) throw new Error(`a command of ${this.#length} bytes`);
      }
      if (this.#size < this.#length) return commands;
      commands.push(JSON.parse(this.#take(this.#length).toString()) as Decoded);
      this.#length = undefined;
    }
  }

  #take(length: number): Buffer {
    const [first = Buffer.alloc(0)] = this.#chunks;
    const all = this.#chunks.length > 1 ? Buffer.concat(this.#chunks) : first;
    this.#chunks = [all.subarray(length)];
    this.#size -= length;
    return all.subarray(0, length);
  }
}
