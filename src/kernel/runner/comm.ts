// Comms: channels between cells and the front end's views, as widgets need them.

import { randomUUID } from "node:crypto";
import type { CommMessage } from "../channel.ts";
import type { FrameWriter } from "../frames.ts";
import { parse, stringify } from "../originals.ts";
import { critical } from "./critical.ts";
import { cellOf } from "./run.ts";
import { outside, sheltered } from "./shelter.ts";
import { own } from "./timers.ts";

/** A message from the front end. */
interface Received {
  readonly data: unknown;
  readonly metadata: unknown;
  readonly buffers: readonly Uint8Array[];
}

interface Sent {
  readonly metadata?: unknown;
  readonly buffers?: readonly Uint8Array[];
}

/** One open channel. */
export interface Comm {
  readonly id: string;
  readonly target: string;
  send(data: unknown, options?: Sent): void;
  close(data?: unknown, options?: Sent): void;
  onMessage(listener: (message: Received) => void): void;
  onClose(listener: (message: Received) => void): void;
}

/** `comm` in cells; libraries find it as `globalThis[Symbol.for("Jupyter.comm")]`. */
export interface CommHost {
  /** Opens a channel to a target that the front end has registered. */
  open(target: string, data?: unknown, options?: Sent & { readonly id?: string }): Comm;
  /** Accepts channels that the front end opens, until the returned function is called. */
  registerTarget(target: string, opened: (comm: Comm, message: Received) => void): () => void;
}

interface Channel {
  readonly comm: Comm;
  readonly messages: ((message: Received) => void)[];
  readonly closes: ((message: Received) => void)[];
}

export class Comms {
  readonly #frames: FrameWriter;
  readonly #channels = new Map<string, Channel>();
  readonly #targets = new Map<string, (comm: Comm, message: Received) => void>();

  constructor(frames: FrameWriter) {
    this.#frames = frames;
  }

  install(): void {
    const host: CommHost = {
      open: (target, data = {}, { id = randomUUID(), ...options } = {}) => {
        if (this.#channels.has(id)) throw new Error(`comm ${id} is open already`);
        const { comm } = this.#create(id, target);
        this.#send({ kind: "open", commId: id, target, data }, options);
        return comm;
      },
      registerTarget: (target, opened) => {
        this.#targets.set(target, opened);
        return () => this.#targets.delete(target);
      },
    };
    Object.defineProperty(globalThis, Symbol.for("Jupyter.comm"), { value: host });
    Object.defineProperty(globalThis, "comm", { value: host, configurable: true, writable: true });
  }

  /** Handles a message from the front end. */
  receive({ kind, commId, target = "", data, metadata = {}, buffers = [] }: CommMessage): void {
    const bytes = buffers.map((text) => new Uint8Array(Buffer.from(text, "base64")));
    const message = { data, metadata, buffers: bytes };
    if (kind === "open") {
      // A stranger must not take over a channel that is in use.
      if (this.#channels.has(commId)) return;
      const opened = this.#targets.get(target);
      if (opened) {
        const { comm } = this.#create(commId, target);
        outside(() => opened(comm, message));
      }
      // The protocol asks to close a comm whose target is unknown.
      else this.#send({ kind: "close", commId, data: {} });
      return;
    }
    const channel = this.#channels.get(commId);
    if (!channel) return;
    if (kind === "close") this.#channels.delete(commId);
    for (const listen of kind === "close" ? channel.closes : channel.messages) {
      try {
        outside(() => listen(message));
      } catch (error) {
        // One listener's error must not keep the others from hearing the message.
        own.setImmediate(() => {
          throw error;
        });
      }
    }
  }

  #create(id: string, target: string): Channel {
    const messages: Channel["messages"] = [];
    const closes: Channel["closes"] = [];
    const comm: Comm = {
      id,
      target,
      send: (data, options) => {
        if (!this.#channels.has(id)) throw new Error(`comm ${id} is closed`);
        this.#send({ kind: "msg", commId: id, data }, options);
      },
      close: (data = {}, options) => {
        if (!this.#channels.delete(id)) return;
        this.#send({ kind: "close", commId: id, data }, options);
      },
      onMessage: (listener) => void messages.push(listener),
      onClose: (listener) => void closes.push(listener),
    };
    const channel = { comm, messages, closes };
    this.#channels.set(id, channel);
    return channel;
  }

  #send(message: CommMessage, options?: Sent): void {
    sheltered(() => this.#tell(message, options));
  }

  #tell(message: CommMessage, { metadata = {}, buffers = [] }: Sent = {}): void {
    const encoded = buffers.map((bytes) =>
      Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64"),
    );
    // User data may have a toJSON, which must not run inside the section.
    const json = parse(stringify({ ...message, metadata })) as CommMessage;
    critical(() => this.#frames.event({ type: "comm", cell: cellOf(), ...json, buffers: encoded }));
  }
}
