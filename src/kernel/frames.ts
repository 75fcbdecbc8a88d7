// Frames: the runner's events inside its standard output, between bytes that others print there.
//
// A frame is the session's random token, a kind, a length and a payload: 4096 bytes at most. Writes of
// that size to a pipe are atomic, so child processes' output falls between frames, never inside one.

import { writeSync } from "node:fs";
import { StringDecoder } from "node:string_decoder";
import { kernelVariable } from "../base/own-package.ts";
import type { CellId, Event } from "./channel.ts";
import { parse, stringify, uncurry, wait } from "./originals.ts";

const writeAll = writeSync;
const { from: toBytes } = Buffer;
const putText = uncurry(Buffer.prototype.write as (text: string, at: number) => number);
const putUInt32 = uncurry(Buffer.prototype.writeUInt32BE);
const putUInt16 = uncurry(Buffer.prototype.writeUInt16BE);
const copyTo = uncurry(
  Buffer.prototype.copy as (to: Buffer, at: number, start: number, end: number) => number,
);

/** The size up to which a write to a pipe is atomic: POSIX promises 512 bytes, Linux 4096. */
const FRAME_BYTES = process.platform === "linux" ? 4096 : 512;
const TOKEN_BYTES = 16;
const HEADER_BYTES = TOKEN_BYTES + 3;
const CELL_BYTES = 4;

/** Kinds of frames: a part of an event's JSON with more to come, its last part, text of the two streams. */
const KIND = { part: 1, event: 2, stdout: 3, stderr: 4 } as const;

/** An event, or text that somebody wrote to the descriptor without a frame. */
export type Decoded = Event | { readonly type: "raw"; readonly text: string };

/** Returns the bytes that start each frame of a session; `secret` is 30 random hex digits (newToken). */
function tokenBytes(secret: string): Buffer {
  const token = Buffer.concat([Buffer.of(0x1e), Buffer.from(secret, "hex")]);
  if (token.length !== TOKEN_BYTES) throw new Error("a frame token has 30 hex digits");
  return token;
}

/** Environment variable that gives the runner its session's token; the runner removes it at once. */
export const TOKEN_VARIABLE = kernelVariable("TOKEN");

/** Returns a new session's token: 15 random bytes in hex. */
export function newToken(): string {
  return Buffer.from(crypto.getRandomValues(new Uint8Array(TOKEN_BYTES - 1))).toString("hex");
}

/** Writes frames synchronously to a file descriptor. */
export class FrameWriter {
  readonly #fd: number;
  readonly #frame = Buffer.alloc(FRAME_BYTES);

  constructor(fd: number, token: string) {
    this.#fd = fd;
    tokenBytes(token).copy(this.#frame);
  }

  event(event: Event): void {
    const bytes = toBytes(stringify(event));
    let at = 0;
    do {
      const end = Math.min(at + FRAME_BYTES - HEADER_BYTES, bytes.length);
      copyTo(bytes, this.#frame, HEADER_BYTES, at, end);
      this.#send(end < bytes.length ? KIND.part : KIND.event, end - at);
      at = end;
    } while (at < bytes.length);
  }

  /** Writes a "stream" event in fewer bytes. */
  stream(cell: CellId, name: "stdout" | "stderr", text: string): void {
    const start = HEADER_BYTES + CELL_BYTES;
    putUInt32(this.#frame, cell, HEADER_BYTES);
    if (text.length * 3 <= FRAME_BYTES - start) {
      this.#send(KIND[name], CELL_BYTES + putText(this.#frame, text, start));
      return;
    }
    const bytes = toBytes(text);
    for (let at = 0; at < bytes.length; ) {
      let end = Math.min(at + FRAME_BYTES - start, bytes.length);
      while (end < bytes.length && isContinuation(bytes[end] as number)) end--;
      copyTo(bytes, this.#frame, start, at, end);
      this.#send(KIND[name], CELL_BYTES + end - at);
      at = end;
    }
  }

  #send(kind: number, length: number): void {
    this.#frame[TOKEN_BYTES] = kind;
    putUInt16(this.#frame, length, TOKEN_BYTES + 1);
    writeWhole(this.#fd, this.#frame, HEADER_BYTES + length);
  }
}

const isContinuation = (byte: number): boolean => (byte & 0xc0) === 0x80;

const sleeper = new Int32Array(new SharedArrayBuffer(4));

/** Waits while the pipe is full: a child process may have made the descriptor non-blocking for everyone. */
function writeWhole(fd: number, bytes: Uint8Array, length: number): void {
  for (let at = 0; at < length; ) {
    try {
      at += writeAll(fd, bytes, at, length - at);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === "EAGAIN") wait(sleeper, 0, 0, 1);
      else if (code !== "EINTR") throw error;
    }
  }
}

/** Takes bytes as they arrive and returns events and raw text in order. */
export class FrameDecoder {
  readonly #token: Buffer;
  readonly #raw = new StringDecoder("utf8");
  #rest: Buffer = Buffer.alloc(0);
  #parts: Buffer[] = [];

  constructor(token: string) {
    this.#token = tokenBytes(token);
  }

  /** Returns what these bytes complete; an unfinished frame or character waits for more. */
  push(bytes: Uint8Array): Decoded[] {
    const data = this.#rest.length > 0 ? Buffer.concat([this.#rest, bytes]) : Buffer.from(bytes);
    const decoded: Decoded[] = [];
    let at = 0;
    while (at < data.length) {
      const start = data.indexOf(this.#token, at);
      const rawEnd = start < 0 ? data.length - this.#beginning(data, at) : start;
      this.#text(decoded, data.subarray(at, rawEnd));
      at = rawEnd;
      if (start < 0 || data.length < start + HEADER_BYTES) break;
      const payload = start + HEADER_BYTES;
      const end = payload + data.readUInt16BE(start + TOKEN_BYTES + 1);
      if (data.length < end) break;
      this.#frame(decoded, data[start + TOKEN_BYTES] as number, data.subarray(payload, end));
      at = end;
    }
    this.#rest = Buffer.from(data.subarray(at));
    return decoded;
  }

  /** Returns what was held back, once the writer has closed. */
  end(): Decoded[] {
    const text = this.#raw.write(this.#rest) + this.#raw.end();
    this.#rest = Buffer.alloc(0);
    return text === "" ? [] : [{ type: "raw", text }];
  }

  /** Returns how many of the last bytes may be the beginning of a token. */
  #beginning(data: Buffer, from: number): number {
    const start = data.indexOf(this.#token[0] as number, Math.max(from, data.length - TOKEN_BYTES));
    for (let at = start; at >= 0; at = data.indexOf(this.#token[0] as number, at + 1)) {
      const length = data.length - at;
      if (data.compare(this.#token, 0, length, at) === 0) return length;
    }
    return 0;
  }

  #text(decoded: Decoded[], bytes: Buffer): void {
    const text = bytes.length > 0 ? this.#raw.write(bytes) : "";
    if (text !== "") decoded.push({ type: "raw", text });
  }

  #frame(decoded: Decoded[], kind: number, payload: Buffer): void {
    if (kind === KIND.stdout || kind === KIND.stderr) {
      const cell = payload.readUInt32BE(0);
      const name = kind === KIND.stdout ? "stdout" : "stderr";
      decoded.push({ type: "stream", cell, name, text: payload.toString("utf8", CELL_BYTES) });
      return;
    }
    this.#parts.push(Buffer.from(payload));
    if (kind !== KIND.event) return;
    const json = Buffer.concat(this.#parts).toString();
    this.#parts = [];
    decoded.push(parse(json) as Event);
  }
}
