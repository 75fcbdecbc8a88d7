// A Jupyter client: starts a kernel and talks to it on all five channels.
import { randomUUID } from "node:crypto";
import { Dealer, Request, Subscriber } from "zeromq";
import {
  type Content,
  createHeader,
  decodeMessage,
  encodeMessage,
  type Header,
  type Message,
  Signer,
  WireError,
} from "../kernel/wire.ts";
import {
  awaitedOf,
  deadError,
  type Exchange,
  type ExecuteOptions,
  executeContent,
  KernelDeadError,
  KernelTimeoutError,
  type Pending,
  type RequestOptions,
  seconds,
} from "./exchange.ts";
import { type Exit, KernelProcess, type KernelSpec, type ProcessOptions } from "./launch.ts";

export type { Content, Header, Message } from "../kernel/wire.ts";
export {
  type Exchange,
  type ExecuteOptions,
  KernelDeadError,
  KernelTimeoutError,
  type RequestOptions,
} from "./exchange.ts";
export type { Connection, Exit, KernelSpec, ProcessOptions, Transport } from "./launch.ts";

/** The channels that a client sends requests on. */
export type Channel = "shell" | "control" | "stdin";

export interface StartOptions extends ProcessOptions {
  /** How long the kernel may take to answer on shell and iopub, in milliseconds. */
  readonly startTimeout?: number;
}

/** Called with each message that arrives. */
export type Listener = (channel: Channel | "iopub", message: Message) => void;

const REQUEST_MILLISECONDS = 60_000;
const START_MILLISECONDS = 60_000;
/** The wait before asking again whether iopub is connected: its subscription travels separately. */
const IOPUB_MILLISECONDS = 100;
/** The wait after the process has ended, for what it sent before. */
const LAST_WORDS_MILLISECONDS = 300;
const SHUTDOWN_MILLISECONDS = 5_000;
const START_ATTEMPTS = 3;

/** Starts a kernel, from its kernelspec or from argv alone, and waits until it answers. */
export async function startKernel(
  kernel: KernelSpec | readonly string[],
  options: StartOptions = {},
): Promise<KernelClient> {
  const spec: KernelSpec = "argv" in kernel ? kernel : { argv: kernel, interrupt_mode: "message" };
  for (let attempt = 1; ; attempt++) {
    const client = new KernelClient(await KernelProcess.start(spec, options), spec);
    try {
      await client.ready(options.startTimeout);
      client.process.starting = false;
      return client;
    } catch (error) {
      await client.kill();
      // Another process took one of the ports between our check and the kernel's start.
      const taken = error instanceof KernelDeadError && client.process.portTaken;
      if (!taken || attempt === START_ATTEMPTS) throw error;
    }
  }
}

/** A running kernel. Close it with shutdown() or kill(), or with `await using`. */
export class KernelClient implements AsyncDisposable {
  readonly session = randomUUID();
  readonly process: KernelProcess;
  readonly #spec: KernelSpec;
  readonly #signer: Signer;
  readonly #sockets: { shell: Dealer; control: Dealer; stdin: Dealer; iopub: Subscriber };
  readonly #sending = new Map<Channel, Promise<void>>();
  readonly #pending = new Map<string, Pending>();
  readonly #listeners = new Set<Listener>();
  readonly #rejected: string[] = [];
  #info: Content = {};
  #closed = false;

  constructor(process: KernelProcess, spec: KernelSpec) {
    this.process = process;
    this.#spec = spec;
    this.#signer = new Signer(process.connection.key);
    // Queues are unlimited so that nothing is lost. Shell and stdin need the same identity, or no input comes.
    const unlimited = { linger: 0, reconnectInterval: 10, receiveHighWaterMark: 0 };
    const shared = { ...this.#curve(), ...unlimited };
    const dealer = { ...shared, sendHighWaterMark: 0, routingId: this.session };
    this.#sockets = {
      shell: new Dealer(dealer),
      control: new Dealer(dealer),
      stdin: new Dealer(dealer),
      iopub: new Subscriber(shared),
    };
    this.#sockets.iopub.subscribe();
    for (const channel of ["iopub", "shell", "control", "stdin"] as const) {
      this.#sockets[channel].connect(this.#address(channel));
      void this.#read(channel);
    }
    this.#watch();
  }

  /** The content of the kernel's kernel_info_reply. */
  get info(): Content {
    return this.#info;
  }

  /** The reasons why arriving messages were discarded; there should be none. */
  get rejected(): readonly string[] {
    return this.#rejected;
  }

  /** Waits until the kernel answers on shell and publishes on iopub. */
  async ready(timeout = START_MILLISECONDS): Promise<void> {
    const end = performance.now() + timeout;
    let published = false;
    let seen = (): void => {};
    const stop = this.onMessage((channel, { header, parent }) => {
      if (channel !== "iopub") return;
      if (header.msg_type !== "iopub_welcome" && parent.session !== this.session) return;
      published = true;
      seen();
    });
    try {
      while (true) {
        const left = Math.max(1, end - performance.now());
        const waits = this.#open("shell", "kernel_info_request", {}, { timeout: left }, published);
        this.#info = (await waits).reply.content;
        if (published) return;
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, IOPUB_MILLISECONDS);
          seen = () => {
            clearTimeout(timer);
            resolve();
          };
        });
        if (published) return;
        if (performance.now() > end) {
          throw new KernelTimeoutError(`nothing came on iopub within ${seconds(timeout)}`);
        }
      }
    } finally {
      stop();
    }
  }

  /** Calls the listener with every message that arrives. @returns a function that ends this */
  onMessage(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Sends a request; resolves when both its reply and its idle status have arrived. */
  request(
    channel: "shell" | "control",
    type: string,
    content: Content = {},
    options: RequestOptions = {},
  ): Promise<Exchange> {
    return this.#open(channel, type, content, options, true);
  }

  /** Executes code. If the code fails, the reply has the status "error"; nothing is thrown. */
  execute(code: string, options: ExecuteOptions = {}): Promise<Exchange> {
    const silent = options.silent ?? false;
    return this.request("shell", "execute_request", executeContent(code, options, silent), options);
  }

  /** Answers the input_request whose header is `parent`. */
  answerInput(parent: Header, value: string): Header {
    return this.send("stdin", "input_reply", { status: "ok", value }, { parent });
  }

  /** Sends a message that expects no reply, such as comm_msg. */
  send(
    channel: Channel,
    type: string,
    content: Content,
    options: Pick<RequestOptions, "metadata" | "buffers"> & { parent?: Header } = {},
  ): Header {
    const header = createHeader(type, this.session);
    const { metadata = {}, buffers = [], parent = {} } = options;
    const message = { identities: [], header, parent, metadata, content, buffers };
    this.sendRaw(channel, encodeMessage(this.#signer, message));
    return header;
  }

  /** Sends frames as they are; they need not form a message. */
  sendRaw(channel: Channel, frames: readonly (Uint8Array | string)[]): void {
    const before = this.#sending.get(channel) ?? Promise.resolve();
    const sent = before.then(async () => {
      if (!this.#closed) await this.#sockets[channel].send([...frames]);
    });
    // A failed send shows as a missing reply; on a closed socket it is expected.
    this.#sending.set(
      channel,
      sent.catch(() => {}),
    );
  }

  /** Interrupts what the kernel executes, by a message or a signal as its kernelspec demands. */
  async interrupt(timeout = SHUTDOWN_MILLISECONDS): Promise<void> {
    if (this.#spec.interrupt_mode === "message") {
      await this.#open("control", "interrupt_request", {}, { timeout }, false);
    } else {
      this.process.signal("SIGINT");
    }
  }

  /** Asks the heartbeat channel for an echo. */
  async heartbeat(timeout = 5_000): Promise<void> {
    const times = { linger: 0, sendTimeout: timeout, receiveTimeout: timeout };
    const socket = new Request({ ...this.#curve(), ...times });
    try {
      socket.connect(this.#address("hb"));
      await socket.send("ping");
      const [echo] = await socket.receive();
      if (echo?.toString() !== "ping") throw new Error("the heartbeat echoed something else");
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== "EAGAIN") throw cause;
      throw new KernelTimeoutError(`no heartbeat within ${seconds(timeout)}`, { cause });
    } finally {
      socket.close();
    }
  }

  /** Asks the kernel to end, kills it if it does not, and closes everything. */
  async shutdown(timeout = SHUTDOWN_MILLISECONDS): Promise<Exit> {
    await this.#stop(false, timeout);
    return await this.kill();
  }

  /** Ends the kernel's process and starts it again, with the same ports and without state. */
  async restart(timeout = START_MILLISECONDS): Promise<void> {
    await this.#stop(true, SHUTDOWN_MILLISECONDS);
    await this.process.kill();
    this.process.spawn();
    this.#watch();
    await this.ready(timeout);
  }

  /** Kills the kernel's process at once and closes everything. */
  async kill(): Promise<Exit> {
    const exit = await this.process.kill();
    if (!this.#closed) {
      this.#closed = true;
      for (const pending of [...this.#pending.values()]) pending.reject(deadError(pending, exit));
      for (const socket of Object.values(this.#sockets)) socket.close();
      this.process.dispose();
    }
    return exit;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.shutdown();
  }

  /** @param published whether to wait for the idle status as well */
  #open(
    channel: "shell" | "control",
    type: string,
    content: Content,
    options: RequestOptions,
    published: boolean,
  ): Promise<Exchange> {
    const { timeout = REQUEST_MILLISECONDS, onIopub } = options;
    return new Promise((resolve, reject) => {
      if (this.#closed || this.process.exit) {
        const exit = this.process.exit ?? { code: null, signal: null, stderr: "" };
        reject(new KernelDeadError(`the ${type} was sent`, exit));
        return;
      }
      const request = this.send(channel, type, content, options);
      options.onRequest?.(request);
      let timer: NodeJS.Timeout | undefined;
      const settle = (): void => {
        clearTimeout(timer);
        this.#pending.delete(request.msg_id);
      };
      const pending: Pending = {
        request,
        iopub: [],
        onIopub,
        reply: null,
        idle: !published,
        resolve: (exchange) => {
          settle();
          resolve(exchange);
        },
        reject: (error) => {
          settle();
          reject(error);
        },
      };
      this.#pending.set(request.msg_id, pending);
      if (timeout < 2 ** 31) {
        timer = setTimeout(() => {
          const awaited = awaitedOf(pending);
          pending.reject(new KernelTimeoutError(`no ${awaited} within ${seconds(timeout)}`));
        }, timeout);
      }
    });
  }

  async #stop(restart: boolean, timeout: number): Promise<void> {
    if (this.#closed || this.process.exit) return;
    try {
      await this.#open("control", "shutdown_request", { restart }, { timeout }, false);
    } catch {
      return; // dead or not answering: kill() handles it
    }
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, timeout);
    });
    await Promise.race([this.process.exited, late]);
    clearTimeout(timer);
  }

  async #read(channel: Channel | "iopub"): Promise<void> {
    try {
      for await (const frames of this.#sockets[channel]) this.#receive(channel, frames);
    } catch (error) {
      if (!this.#closed) throw error;
    }
  }

  #receive(channel: Channel | "iopub", frames: readonly Uint8Array[]): void {
    let message: Message;
    try {
      message = decodeMessage(this.#signer, frames);
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      this.#rejected.push(`${channel}: ${error.message}`);
      return;
    }
    const pending = this.#pending.get(message.parent.msg_id ?? "");
    if (pending && channel === "iopub") {
      pending.iopub.push(message);
      pending.onIopub?.(message);
      const { header, content } = message;
      if (header.msg_type === "status" && content["execution_state"] === "idle") {
        pending.idle = true;
      }
    } else if (pending && channel !== "stdin") {
      pending.reply ??= message;
    }
    for (const listener of [...this.#listeners]) listener(channel, message);
    if (pending?.reply && pending.idle) {
      const { request, reply, iopub } = pending;
      pending.resolve({ request, reply, iopub });
    }
  }

  /** Rejects what still waits for a process that has ended, once its last messages had time to arrive. */
  #watch(): void {
    void this.process.exited.then((exit) => {
      const orphans = [...this.#pending.values()];
      if (orphans.length === 0) return;
      setTimeout(() => {
        for (const pending of orphans) pending.reject(deadError(pending, exit));
      }, LAST_WORDS_MILLISECONDS);
    });
  }

  /** Returns the one pair of keys that both sides use, as in Jupyter: the connection file is the secret. */
  #curve(): Record<string, string> {
    const { curve_publickey: key, curve_secretkey: secret } = this.process.connection;
    if (key === undefined || secret === undefined) return {};
    return { curveServerKey: key, curvePublicKey: key, curveSecretKey: secret };
  }

  #address(channel: Channel | "iopub" | "hb"): string {
    const { transport, ip, ...rest } = this.process.connection;
    const port = rest[`${channel}_port`];
    return transport === "ipc" ? `ipc://${ip}-${port}` : `tcp://${ip}:${port}`;
  }
}
