// The kernel's five ZeroMQ sockets: honest messages in, ordered messages out.
import { Reply, Router, type Socket, XPublisher } from "zeromq";
import type { Connection } from "./connection.ts";
import { LimitedLog, log } from "./log.ts";
import {
  type Content,
  createHeader,
  decodeMessage,
  encodeMessage,
  type Header,
  type Message,
  Signer,
  WireError,
} from "./wire.ts";

/** The channels that messages come in on. */
export type Channel = "shell" | "control" | "stdin";

/** Who sent a request, and how: where a reply goes. */
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

export type Parent = Header | Record<string, never>;

export interface Extras {
  readonly metadata?: Content;
  readonly buffers?: readonly Uint8Array[];
}

/** How many messages back one is recognised that was seen before; jupyter_client's number. */
const REMEMBERED = 65_536;
/** How long what was sent may still leave after close(). */
const LINGER_MILLISECONDS = 1_000;
const SUBSCRIBE = 1;

/** A port or a file that cannot be listened on. */
export class BindError extends Error {
  override readonly name = "BindError";
}

export class Sockets {
  readonly #signer: Signer;
  readonly #session = crypto.randomUUID();
  readonly #routers: Readonly<Record<Channel, Router>>;
  readonly #iopub: XPublisher;
  readonly #heartbeat = new Reply({ linger: 0 });
  readonly #outboxes: Readonly<Record<Channel | "iopub", Outbox>>;
  readonly #seen = new Set<string>();
  readonly #dropped = new LimitedLog();
  #closed = false;

  private constructor(key: string) {
    this.#signer = new Signer(key);
    // Without a limit: a cell that prints a lot must lose nothing.
    const options = { sendHighWaterMark: 0, receiveHighWaterMark: 0, linger: LINGER_MILLISECONDS };
    // A front end that comes back under its name takes over from its dead connection.
    const router = { ...options, handover: true };
    this.#routers = {
      shell: new Router(router),
      control: new Router(router),
      stdin: new Router(router),
    };
    this.#iopub = new XPublisher(options);
    this.#iopub.verbosity = "allSubs"; // each subscriber is welcomed, not the first alone
    this.#outboxes = {
      shell: new Outbox(this.#routers.shell),
      control: new Outbox(this.#routers.control),
      stdin: new Outbox(this.#routers.stdin),
      iopub: new Outbox(this.#iopub),
    };
  }

  /** @throws BindError that names the address */
  static async bind({ address, key }: Connection): Promise<Sockets> {
    const sockets = new Sockets(key);
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

  /** Starts to read; `receive` gets what is signed, whole and new. */
  listen(receive: (request: Request) => void): void {
    for (const channel of ["shell", "control", "stdin"] as const) {
      this.#read(this.#routers[channel], (frames) => {
        const message = this.#check(channel, frames);
        if (message) receive({ ...message, channel });
      });
    }
    this.#read(this.#iopub, ([event]) => {
      if (event?.[0] === SUBSCRIBE) this.#welcome(event.subarray(1));
    });
    this.#read(this.#heartbeat, (frames) => this.#heartbeat.send(frames));
  }

  reply({ channel, identities, header }: Sender, type: string, content: Content): void {
    this.#send(channel, identities, createHeader(type, this.#session), header, content, {});
  }

  /** Asks the front end that sent a request, over the stdin channel. */
  ask({ identities, header }: Sender, type: string, content: Content): void {
    this.#send("stdin", identities, createHeader(type, this.#session), header, content, {});
  }

  publish(type: string, parent: Parent, content: Content, extras: Extras = {}): void {
    const header = createHeader(type, this.#session);
    this.#send("iopub", [Buffer.from(type)], header, parent, content, extras);
  }

  /** Drops a message that must not be acted on, and says so. */
  drop(channel: Channel, reason: string): void {
    this.#dropped.log(`dropped a message on ${channel}: ${reason}`);
  }

  /** Resolves when all that was sent is with ZeroMQ; it still leaves while the process ends. */
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

  /** Undefined, and a line in the log, for what must not be acted on. */
  #check(channel: Channel, frames: readonly Uint8Array[]): Message | undefined {
    try {
      const message = decodeMessage(this.#signer, frames);
      // msg_id alone does not tell: jupyter_client's manager and its clients count the same numbers.
      const { session, msg_id, msg_type, date } = message.header;
      const id = `${session} ${msg_id} ${msg_type} ${date}`;
      if (this.#seen.has(id)) throw new WireError("seen before");
      this.#seen.add(id);
      if (this.#seen.size > REMEMBERED) this.#seen.delete(this.#seen.values().next().value ?? "");
      return message;
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      this.drop(channel, error.message);
      return undefined;
    }
  }

  /** JEP 65: whoever subscribes learns when messages begin to reach him. */
  #welcome(topic: Uint8Array): void {
    const subscription = Buffer.from(topic).toString();
    const header = createHeader("iopub_welcome", this.#session);
    // Under the subscriber's own topic, or the message would not reach him.
    const identities = topic.length > 0 ? [topic] : [Buffer.from("iopub_welcome")];
    this.#send("iopub", identities, header, {}, { subscription }, {});
  }

  async #read<T extends AsyncIterable<Buffer[]>>(
    socket: T,
    receive: (frames: Buffer[]) => unknown,
  ): Promise<void> {
    try {
      for await (const frames of socket) {
        try {
          await receive(frames);
        } catch (error) {
          log((error as Error).stack ?? String(error));
        }
      }
    } catch (error) {
      if (!this.#closed) throw error;
    }
  }
}

/** Sends one after the other: a socket refuses a second send before the first is done. */
class Outbox {
  readonly #socket: Socket & { send(frames: Uint8Array[]): Promise<void> };
  #waiting: Uint8Array[][] = [];
  #sending: Promise<void> | undefined;

  constructor(socket: Socket & { send(frames: Uint8Array[]): Promise<void> }) {
    this.#socket = socket;
  }

  send(frames: Uint8Array[]): void {
    this.#waiting.push(frames);
    this.#sending ??= this.#empty();
  }

  async emptied(): Promise<void> {
    await this.#sending;
  }

  async #empty(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#waiting;
      this.#waiting = [];
      for (const frames of batch) {
        try {
          await this.#socket.send(frames);
        } catch (error) {
          log(`a message could not be sent: ${(error as Error).message}`);
        }
      }
    }
    this.#sending = undefined;
  }
}
