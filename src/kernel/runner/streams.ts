// process.stdout, process.stderr and the console: frames, written before the call returns.
import { Console } from "node:console";
import { Writable } from "node:stream";
import { StringDecoder } from "node:string_decoder";
import type { FrameWriter } from "../frames.ts";
import { critical } from "./critical.ts";
import { cellOf } from "./run.ts";

type Name = "stdout" | "stderr";

/** A stream that is never full and never ends, as a kernel's output. */
class OutputStream extends Writable {
  readonly fd: number;
  readonly isTTY = false;
  readonly #name: Name;
  readonly #frames: FrameWriter;
  readonly #decoder = new StringDecoder("utf8");

  constructor(name: Name, frames: FrameWriter) {
    super({ decodeStrings: false, autoDestroy: false, emitClose: false });
    this.#name = name;
    this.#frames = frames;
    this.fd = name === "stdout" ? 1 : 2;
  }

  override _write(
    chunk: string | Uint8Array,
    encoding: BufferEncoding,
    done: (error?: Error | null) => void,
  ): void {
    const isText = typeof chunk === "string" && /^utf-?8$/i.test(encoding);
    const text = isText ? chunk : this.#decoder.write(toBuffer(chunk, encoding));
    if (text !== "") critical(() => this.#frames.stream(cellOf(), this.#name, text));
    done();
  }

  /** Whoever pipes into it must not end it for all others. */
  override end(...args: unknown[]): this {
    const [chunk, encoding] = args;
    if (typeof chunk === "string") this.write(chunk, encoding as BufferEncoding);
    else if (chunk instanceof Uint8Array) this.write(chunk);
    return this;
  }

  override _destroy(_: Error | null, done: (error?: Error | null) => void): void {
    done();
  }
}

function toBuffer(chunk: string | Uint8Array, encoding: BufferEncoding): Buffer {
  return typeof chunk === "string" ? Buffer.from(chunk, encoding) : Buffer.from(chunk);
}

/** Replaces the two streams, and the console's methods by ones that V8's inspector does not record. */
export function installStreams(frames: FrameWriter): void {
  const stdout = new OutputStream("stdout", frames);
  const stderr = new OutputStream("stderr", frames);
  for (const [name, stream] of Object.entries({ stdout, stderr })) {
    Object.defineProperty(process, name, { value: stream, configurable: true, enumerable: true });
  }
  const own = new Console({ stdout, stderr });
  for (const [name, method] of Object.entries(own)) {
    if (typeof method === "function") Reflect.set(console, name, method);
  }
}
