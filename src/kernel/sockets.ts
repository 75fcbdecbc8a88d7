// The kernel's five ZeroMQ sockets: they pass on honest messages and send messages in order.
import { createHash } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { Router, type Socket, XPublisher } from "zeromq";
import type { Connection } from "./connection.ts";
import { FRAME_BYTES, SHORT_BYTES } from "./limits.ts";
import { LimitedLog, log } from "./log.ts";
import {
  type Content,
  createHeader,
  decodeMessage,
  encodeMessage,
  type Header,
  LimitError,
  type Message,
  Signer,
  WireError,
} from "./wire.ts";

/** The channels that messages arrive on. */
export type Channel = "shell" | "control" | "stdin";

/** Who sent a request and on which channel, so that a reply finds its way. */
export interface Sender {
  readonly channel: Channel;
  readonly identities: readonly Uint8Array[];
  readonly header: Header;
}

export interface Request extends Sender {
  readonly content: Content;
  readonly metadata: Content;
  readonly buffers: readonly Uint8Array[];
}

export interface Listener {
  /** Takes a message that is signed, complete and new. */
  receive(request: Request): void;
  /** Takes the sender of such a message that is too large or nests too deep. */
  refuse(sender: Sender, reason: string): void;
}

export type Parent = Header | Record<string, never>;

export interface Extras {
  readonly metadata?: Content;
  readonly buffers?: readonly Uint8Array[];
}

/** How many messages are remembered to recognise a repeated one; jupyter_client's number. */
const REMEMBERED = 65_536;
/** How long messages may still leave after close(). */
const LINGER_MILLISECONDS = 1_000;
/** The wait before reading again from a socket that failed. */
const AGAIN_MILLISECONDS = 100;
/** The first byte of a subscription that arrives, and libzmq's options that accept it or end it. */
const SUBSCRIBE = 1;
const ZMQ_SUBSCRIBE = 6;
const ZMQ_UNSUBSCRIBE = 7;

/** Publishes to those whose subscriptions have been accepted, one by one. */
class Publisher extends XPublisher {
  /** Starts or ends what the subscription read last asks for: from then on, messages reach its sender, or do not. */
  obey(event: Uint8Array): void {
    const option = event[0] === SUBSCRIBE ? ZMQ_SUBSCRIBE : ZMQ_UNSUBSCRIBE;
    this.setStringOption(option, Buffer.from(event.subarray(1)));
  }
}

/** A port or a file that cannot be listened on. */
export class BindError extends Error {
  override readonly name = "BindError";
}

export class Sockets {
  readonly #signer: Signer;
  readonly #session = crypto.randomUUID();
  readonly #routers: Readonly<Record<Channel, Router>>;
  readonly #iopub: Publisher;
  readonly #heartbeat: Router;
  readonly #outboxes: Readonly<Record<Channel | "iopub", Outbox>>;
  readonly #seen = new Set<string>();
  readonly #dropped = new LimitedLog();
  readonly #failed = new LimitedLog();
  #closed = false;

  private constructor({ key, curve }: Connection) {
    this.#signer = new Signer(key);
    const security = curve
      ? { curveServer: true, curvePublicKey: curve.publicKey, curveSecretKey: curve.secretKey }
      : {};
    // No limit: a cell that prints a lot must not lose anything.
    const unlimited = { sendHighWaterMark: 0, receiveHighWaterMark: 0 };
    const options = { ...security, ...unlimited, linger: LINGER_MILLISECONDS };
    // A front end that reconnects under its name takes over from its dead connection.
    const router = { ...options, handover: true, maxMessageSize: FRAME_BYTES };
    this.#routers = {
      shell: new Router(router),
      control: new Router(router),
      stdin: new Router(router),
    };
    this.#iopub = new Publisher({ ...options, maxMessageSize: SHORT_BYTES });
    this.#iopub.manual = true; // so that nothing reaches a subscriber before the welcome
    // Not a Reply socket: it waits for its partner's next step, so one strange frame would block it for good.
    this.#heartbeat = new Router({ ...security, linger: 0, maxMessageSize: SHORT_BYTES });
    this.#outboxes = {
      shell: new Outbox(this.#routers.shell),
      control: new Outbox(this.#routers.control),
      stdin: new Outbox(this.#routers.stdin),
      iopub: new Outbox(this.#iopub),
    };
  }

  /** @throws BindError that names the address */
  static async bind(connection: Connection): Promise<Sockets> {
    const { address } = connection;
    const sockets = new Sockets(connection);
    const { shell, control, stdin } = sockets.#routers;
    const all = { shell, control, stdin, iopub: sockets.#iopub, hb: sockets.#heartbeat };
    const names = Object.keys(all) as (keyof typeof all)[];
    await Promise.all(
      names.map(async (name) => {
        try {
          await all[name].bind(address[name]);
        } catch (error) {
          throw new BindError(`${address[name]} (${name}): ${(error as Error).message}`);
        }
      }),
    );
    return sockets;
  }

  /** Starts to read. */
  listen(listener: Listener): void {
    for (const channel of ["shell", "control", "stdin"] as const) {
      void this.#read(this.#routers[channel], (frames) => this.#take(channel, frames, listener));
    }
    // The next one is read once this one is settled: libzmq settles the one read last.
    void this.#read(this.#iopub, async ([event]) => {
      if (event?.[0] === SUBSCRIBE) await this.#welcome(event);
      else if (event) this.#iopub.obey(event);
    });
    void this.#read(this.#heartbeat, (frames) => this.#heartbeat.send(frames));
  }

  reply({ channel, identities, header }: Sender, type: string, content: Content): void {
    this.#send(channel, identities, createHeader(type, this.#session), header, content, {});
  }

  /** Sends a question over the stdin channel to the front end that sent the request. */
  ask({ identities, header }: Sender, type: string, content: Content): void {
    this.#send("stdin", identities, createHeader(type, this.#session), header, content, {});
  }

  publish(type: string, parent: Parent, content: Content, extras: Extras = {}): void {
    const header = createHeader(type, this.#session);
    this.#send("iopub", [Buffer.from(type)], header, parent, content, extras);
  }

  /** Drops a message that must not be acted on, and logs it. */
  drop(channel: Channel, reason: string): void {
    this.#dropped.log(`dropped a message on ${channel}: ${reason}`);
  }

  /** Resolves once ZeroMQ has every message; they still leave while the process ends. */
  async close(): Promise<void> {
    await Promise.all(Object.values(this.#outboxes).map((outbox) => outbox.emptied()));
    this.#closed = true;
    for (const socket of [...Object.values(this.#routers), this.#iopub, this.#heartbeat]) {
      socket.close();
    }
  }

  #send(
    to: Channel | "iopub",
    identities: readonly Uint8Array[],
    header: Header,
    parent: Parent,
    content: Content,
    { metadata = {}, buffers = [] }: Extras,
  ): void {
    const message = { identities, header, parent, metadata, content, buffers };
    this.#outboxes[to].send(encodeMessage(this.#signer, message));
  }

  /** Passes a message on; logs one that must not be acted on. */
  #take(channel: Channel, frames: readonly Uint8Array[], listener: Listener): void {
    try {
      const message = this.#decode(frames);
      const { identities, header } = message;
      this.#remember(header);
      if (message instanceof LimitError) {
        this.drop(channel, message.message);
        listener.refuse({ channel, identities, header }, message.message);
      } else {
        listener.receive({ ...message, channel });
      }
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      this.drop(channel, error.message);
    }
  }

  #decode(frames: readonly Uint8Array[]): Message | LimitError {
    try {
      return decodeMessage(this.#signer, frames, true);
    } catch (error) {
      if (error instanceof LimitError) return error;
      throw error;
    }
  }

  /** @throws WireError if a message with this header was seen before */
  #remember({ session, msg_id, msg_type, date }: Header): void {
    // msg_id alone is not enough: jupyter_client's manager and its clients use the same numbers.
    const id = createHash("sha256").update(JSON.stringify([session, msg_id, msg_type, date]));
    const digest = id.digest("base64");
    if (this.#seen.has(digest)) throw new WireError("seen before");
    this.#seen.add(digest);
    if (this.#seen.size > REMEMBERED) this.#seen.delete(this.#seen.values().next().value ?? "");
  }

  /** Tells a subscriber that messages begin to reach it (JEP 65): this one first. */
  async #welcome(event: Uint8Array): Promise<void> {
    const topic = event.subarray(1);
    const subscription = Buffer.from(topic).toString();
    const header = createHeader("iopub_welcome", this.#session);
    // The message must carry the subscriber's own topic, or it would not arrive.
    const identities = topic.length > 0 ? [topic] : [Buffer.from("iopub_welcome")];
    const message = {
      identities,
      header,
      parent: {},
      metadata: {},
      content: { subscription },
      buffers: [],
    };
    const frames = encodeMessage(this.#signer, message);
    const before = () => this.#iopub.obey(event);
    await new Promise<void>((sent) => this.#outboxes.iopub.send(frames, { before, sent }));
  }

  /** Reads until the sockets are closed. Neither a message nor a failing socket ends it. */
  async #read(socket: Readable, receive: (frames: Buffer[]) => unknown): Promise<void> {
    while (!this.#closed) {
      try {
        const frames = await socket.receive();
        await this.#guarded(() => receive(frames));
      } catch (error) {
        if (this.#closed) return;
        this.#failed.log(`a socket failed: ${(error as Error).message}`);
        await delay(AGAIN_MILLISECONDS);
      }
    }
  }

  async #guarded(work: () => unknown): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.#failed.log((error as Error).stack ?? String(error));
    }
  }
}

interface Readable {
  receive(): Promise<Buffer[]>;
}

/** What is called when it is a message's turn, and when it has left. */
interface Steps {
  readonly before?: () => void;
  readonly sent?: () => void;
}

interface Waiting extends Steps {
  readonly frames: Uint8Array[];
}

/** Sends messages one after another: a socket refuses a second send before the first is done. */
class Outbox {
  readonly #socket: Socket & { send(frames: Uint8Array[]): Promise<void> };
  #waiting: Waiting[] = [];
  #sending: Promise<void> | undefined;

  constructor(socket: Socket & { send(frames: Uint8Array[]): Promise<void> }) {
    this.#socket = socket;
  }

  send(frames: Uint8Array[], steps: Steps = {}): void {
    this.#waiting.push({ frames, ...steps });
    this.#sending ??= this.#empty();
  }

  async emptied(): Promise<void> {
    await this.#sending;
  }

  async #empty(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#waiting;
      this.#waiting = [];
      for (const { frames, before, sent } of batch) {
        try {
          before?.();
          await this.#socket.send(frames);
        } catch (error) {
          log(`a message could not be sent: ${(error as Error).message}`);
        }
        sent?.();
      }
    }
    this.#sending = undefined;
  }
}
