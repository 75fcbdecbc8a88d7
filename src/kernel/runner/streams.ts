// process.stdout, process.stderr and the console: they write frames before the call returns.
import { Console } from "node:console";
import { Writable } from "node:stream";
import { StringDecoder } from "node:string_decoder";
import { teachInspection } from "../display/inspectable.ts";
import type { FrameWriter } from "../frames.ts";
import { apply } from "../originals.ts";
import { critical } from "./critical.ts";
import { cellOf, sinkOf } from "./run.ts";
import { isExtended, sheltered } from "./shelter.ts";

type Name = "stdout" | "stderr";

type Done = (error?: Error | null) => void;

const { nextTick } = process;

/**
 * A stream that is never full and never ends, as suits a kernel's output. It avoids Writable's own
 * bookkeeping, which an interrupt could leave waiting for ever.
 */
class OutputStream extends Writable {
  readonly fd: number;
  readonly isTTY = false;
  readonly #name: Name;
  readonly #frames: FrameWriter;
  readonly #decoder = new StringDecoder("utf8");

  constructor(name: Name, frames: FrameWriter) {
    super({ autoDestroy: false, emitClose: false });
    this.#name = name;
    this.#frames = frames;
    this.fd = name === "stdout" ? 1 : 2;
  }

  override write(chunk: unknown, encoding?: BufferEncoding | Done, done?: Done): boolean {
    const after = typeof encoding === "function" ? encoding : done;
    const code = typeof encoding === "string" ? encoding : "utf8";
    const isPlain = typeof chunk === "string" && (code === "utf8" || code === "utf-8");
    const text = isPlain ? chunk : sheltered(() => this.#text(chunk, code));
    const write = (): void =>
      critical(() => {
        const sink = sinkOf();
        if (sink) sink.stream(this.#name, text);
        else this.#frames.stream(cellOf(), this.#name, text);
      });
    if (text !== "") isExtended() ? sheltered(write) : write();
    if (after) nextTick(after);
    return true;
  }

  /** Writes but stays open: whoever pipes into it must not end it for everyone else. */
  override end(...args: unknown[]): this {
    const [chunk, encoding] = args;
    if (typeof chunk === "string" || chunk instanceof Uint8Array) {
      this.write(chunk, typeof encoding === "string" ? (encoding as BufferEncoding) : "utf8");
    }
    const done = args.find((arg) => typeof arg === "function");
    if (done) nextTick(done as Done);
    return this;
  }

  override destroy(): this {
    return this;
  }

  #text(chunk: unknown, encoding: BufferEncoding): string {
    if (typeof chunk === "string") {
      if (/^utf-?8$/i.test(encoding)) return chunk;
      return this.#decoder.write(Buffer.from(chunk, encoding));
    }
    if (ArrayBuffer.isView(chunk)) {
      return this.#decoder.write(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength));
    }
    throw new TypeError(`process.${this.#name}.write takes a string or bytes`);
  }
}

/** Replaces the two streams, and the console's methods with ones that V8's inspector does not record. */
export function installStreams(frames: FrameWriter): void {
  const stdout = new OutputStream("stdout", frames);
  const stderr = new OutputStream("stderr", frames);
  for (const [name, stream] of Object.entries({ stdout, stderr })) {
    Object.defineProperty(process, name, { value: stream, configurable: true, enumerable: true });
  }
  const own = new Console({ stdout, stderr, ignoreErrors: false });
  for (const [name, method] of Object.entries(own)) {
    if (typeof method !== "function") continue;
    // trace() looks for its own frame on the stack.
    Reflect.set(console, name, name === "trace" ? method : printing(method));
  }
}

/** Makes a console method show the kernel's own views. */
function printing(method: (...args: unknown[]) => unknown): (...args: unknown[]) => unknown {
  const print = (...args: unknown[]): unknown => {
    for (let i = 0; i < args.length; i++) teachInspection(args[i]);
    return apply(method, undefined, args);
  };
  return Object.defineProperty(print, "name", { value: method.name.replace(/^bound /, "") });
}
