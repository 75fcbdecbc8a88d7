// The kernel as its front ends see it: takes requests, and publishes the runner's events as messages.
import { setTimeout as delay } from "node:timers/promises";
import type { CellId, Event, Failure, Outcome } from "./channel.ts";
import { Comms } from "./comms.ts";
import type { Connection } from "./connection.ts";
import { flagOf, integerOf, textOf } from "./contents.ts";
import { type Death, deathFailure, describeDeath } from "./death.ts";
import { DebugFront } from "./debug/front.ts";
import { warningNote } from "./display/warnings.ts";
import { type Cell, Executions } from "./executions.ts";
import { History, type HistoryEntry, historyFile } from "./history.ts";
import { kernelInfo } from "./info.ts";
import { Language } from "./language.ts";
import { log } from "./log.ts";
import type { RunnerProcess } from "./runner-process.ts";
import { type Request, type Sender, Sockets } from "./sockets.ts";
import { Streams } from "./streams.ts";
import { UsageMeter } from "./usage.ts";
import { type Content, WireError } from "./wire.ts";

type Answer = Content | undefined | Promise<Content | undefined>;
type Handler = (request: Request) => Answer;

/** How long to wait for names from a runner that may be in the middle of a loop. */
const MEMBERS_MILLISECONDS = 300;
/** How long a runner may take to end by itself. */
const EXIT_MILLISECONDS = 700;
const PARENT_MILLISECONDS = 1_000;
/** How long an interrupted cell may take to end before its child processes are interrupted too. */
const CHILDREN_MILLISECONDS = 1_000;

/** Binds the sockets and answers until the kernel is shut down or its runner dies. */
export async function supervise(connection: Connection, runner: RunnerProcess): Promise<void> {
  process.umask(0o077); // only the owner may use socket files and the history
  const sockets = await Sockets.bind(connection);
  new Supervisor(sockets, runner).start();
}

class Supervisor {
  readonly #sockets: Sockets;
  readonly #runner: RunnerProcess;
  readonly #streams: Streams;
  readonly #executions: Executions;
  readonly #language: Language;
  readonly #history = new History(historyFile(), log);
  readonly #usage = new UsageMeter();
  readonly #comms: Comms;
  readonly #debug: DebugFront;
  readonly #members = new Map<number, (names: readonly string[]) => void>();
  /** What cells could name when the runner last told: the answer while it is busy. At first, this process's globals. */
  #names: readonly string[] = Object.getOwnPropertyNames(globalThis);
  readonly #handlers: Readonly<Record<"shell" | "control", ReadonlyMap<string, Handler>>>;
  #questions = 0;
  /** The question to the user that waits for an answer. */
  #question: Extract<Event, { type: "input" }> | undefined;
  #ending = false;

  constructor(sockets: Sockets, runner: RunnerProcess) {
    this.#sockets = sockets;
    this.#runner = runner;
    this.#streams = new Streams((cell, name, text) => this.#show(cell, "stream", { name, text }));
    this.#executions = new Executions({
      sockets,
      streams: this.#streams,
      send: (command) => {
        this.#language.busy();
        runner.send(command);
      },
      finished: (cell, outcome) => this.#finished(cell, outcome),
    });
    this.#comms = new Comms({
      sockets,
      streams: this.#streams,
      executions: this.#executions,
      send: (command) => runner.send(command),
    });
    this.#language = new Language({
      members: (expression) => this.#askMembers(expression),
      warn: ({ id }, text) => this.#show(id, "display_data", warningNote(text)),
    });
    this.#debug = new DebugFront(sockets, runner, () => this.#executions.idle);
    const both: [string, Handler][] = [
      ["kernel_info_request", () => this.#introduce()],
      ["usage_request", () => this.#usage.measure(runner.pid ?? process.pid)],
      ["interrupt_request", () => this.interrupt()],
      ["shutdown_request", (request) => this.#shutdown(request)],
      ["debug_request", (request) => this.#debug.answer(request)],
    ];
    this.#handlers = {
      control: new Map(both),
      shell: new Map([
        ...both,
        ["complete_request", ({ content }) => this.#language.complete(content)],
        ["inspect_request", ({ content }) => this.#language.inspect(content)],
        ["is_complete_request", ({ content }) => this.#language.isComplete(content)],
        ["history_request", ({ content }) => this.#readHistory(content)],
        ["comm_info_request", ({ content }) => this.#comms.info(content)],
        ["comm_open", (request) => this.#comms.take("open", request)],
        ["comm_msg", (request) => this.#comms.take("msg", request)],
        ["comm_close", (request) => this.#comms.take("close", request)],
      ]),
    };
  }

  start(): void {
    this.#sockets.listen({
      receive: (request) => this.#receive(request),
      refuse: (sender, reason) => this.#refuse(sender, reason),
    });
    this.#sockets.publish("status", {}, { execution_state: "starting" });
    this.#runner.listen({
      event: (event) => this.#hear(event),
      text: (name, text) => this.#text(name, text),
      died: (death) => void this.#died(death),
    });
    process.on("SIGINT", () => this.interrupt());
    // No error over one message may end the process: the cells' variables are worth more.
    for (const event of ["uncaughtException", "unhandledRejection"]) {
      process.on(event, (error: Error) => log(error.stack ?? String(error)));
    }
    if (process.env["JPY_PARENT_PID"]) this.#followParent();
  }

  /** Ends the kernel when the server that started it disappears. */
  #followParent(): void {
    const parent = process.ppid;
    setInterval(() => {
      if (process.ppid === parent || this.#ending) return;
      this.#ending = true;
      log("the process that started this kernel has gone");
      void this.#end();
    }, PARENT_MILLISECONDS).unref();
  }

  /** Whoever asks is about to work, so the language service may start once nothing runs. */
  #introduce(): Content {
    if (this.#executions.idle) this.#language.idle();
    return kernelInfo();
  }

  interrupt(): Content {
    this.#runner.send({ type: "interrupt" });
    const cell = this.#executions.running;
    // The cell may wait for a child process without running any JavaScript (spawnSync): end the child.
    setTimeout(() => {
      if (cell && cell === this.#executions.running) this.#runner.signal("SIGINT");
    }, CHILDREN_MILLISECONDS);
    return { status: "ok" };
  }

  #receive(request: Request): void {
    const { channel, header } = request;
    const type = header.msg_type;
    if (channel === "stdin") this.#input(request);
    else if (channel === "shell" && type === "execute_request") this.#execute(request);
    else {
      const handler = this.#handlers[channel].get(type);
      if (!handler) throw unknown(type);
      void this.#handle(request, () => handler(request));
    }
  }

  #execute(request: Request): void {
    try {
      this.#executions.add(request);
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      this.#executions.refuse(request, failureOf(error));
    }
  }

  async #handle(sender: Sender, answer: () => Answer): Promise<void> {
    const { header } = sender;
    this.#sockets.publish("status", header, { execution_state: "busy" });
    try {
      const content = await answer();
      const type = header.msg_type.replace(/_request$/, "_reply");
      if (content) this.#sockets.reply(sender, type, content);
    } catch (error) {
      this.#fail(sender, error as Error);
    }
    this.#sockets.publish("status", header, { execution_state: "idle" });
    // JupyterLab's debugger asks for all variables at each message of a cell, so this one must be of no cell.
    this.#executions.showRunning(header.msg_type === "debug_request" ? {} : undefined);
  }

  /** Answers a request with the error. Messages of other types have no answer. */
  #fail(sender: Sender, error: Error): void {
    const { msg_type } = sender.header;
    log(`${msg_type.slice(0, 80)}: ${error.message}`);
    if (!msg_type.endsWith("_request")) return;
    this.#sockets.reply(sender, msg_type.replace(/_request$/, "_reply"), { ...failureOf(error) });
  }

  /** Reports a message beyond the limits where its sender will see it. */
  #refuse(sender: Sender, reason: string): void {
    const type = sender.header.msg_type;
    const error = Object.assign(new Error(reason), { name: "MessageError" });
    if (sender.channel === "stdin") this.#askAgain(reason);
    else if (type === "execute_request") this.#executions.refuse(sender, failureOf(error));
    else if (type.endsWith("_request")) void this.#handle(sender, () => Promise.reject(error));
    else this.#text("stderr", `${type.slice(0, 80)}: ${reason}\n`);
  }

  /** Handles an event. One that cannot be sent must not lose the events after it. */
  #hear(event: Event): void {
    try {
      this.#event(event);
    } catch (error) {
      const { message } = error as Error;
      log(`${event.type}: ${message}`);
      this.#text("stderr", `this cell's ${event.type} could not be sent: ${message}\n`);
    }
  }

  #event(event: Event): void {
    if (event.type === "stream") {
      if (!this.#isSilent(event.cell)) this.#streams.add(event.cell, event.name, event.text);
      return;
    }
    switch (event.type) {
      case "ready":
        this.#names = event.names;
        if (!this.#executions.running) {
          this.#sockets.publish("status", {}, { execution_state: "idle" });
        }
        break;
      case "display": {
        const { cell, data, metadata, id, update } = event;
        const transient = id === undefined ? {} : { display_id: id };
        const type = update ? "update_display_data" : "display_data";
        this.#show(cell, type, { data, metadata, transient });
        break;
      }
      case "clear":
        this.#show(event.cell, "clear_output", { wait: event.wait });
        break;
      case "input":
        this.#ask(event);
        break;
      case "comm":
        this.#comms.publish(event.cell, event);
        break;
      case "members":
        this.#members.get(event.request)?.(event.names);
        this.#members.delete(event.request);
        break;
      case "debug":
        this.#debug.hear(event);
        break;
      case "debugEvent":
        this.#debug.tell(event);
        break;
      case "done":
        this.#executions.done(event.cell, event.outcome);
        break;
      case "mark":
        this.#executions.marked(event.cell);
        break;
    }
  }

  /** Shows output that names no cell under the cell that runs, or ran last. */
  #text(name: "stdout" | "stderr", text: string): void {
    const cell = this.#executions.cell(0);
    if (!cell) log(`${name} before the first cell: ${text.trimEnd()}`);
    else if (!cell.silent) this.#streams.add(cell.id, name, text);
  }

  #show(id: CellId, type: string, content: Content): void {
    const cell = this.#executions.cell(id);
    if (!cell || cell.silent) return;
    if (type !== "stream") this.#streams.flush();
    this.#sockets.publish(type, cell.sender.header, content);
  }

  #isSilent(id: CellId): boolean {
    return this.#executions.cell(id)?.silent ?? true;
  }

  #ask(question: Extract<Event, { type: "input" }>, prompt = question.prompt): void {
    const { cell: id, password } = question;
    const cell = this.#executions.cell(id);
    if (!cell) return;
    this.#streams.flush();
    this.#question = question;
    this.#sockets.ask(cell.sender, "input_request", { prompt, password });
  }

  /** Repeats the question, because a rejected answer must not leave its cell waiting. */
  #askAgain(reason: string): void {
    const question = this.#question;
    if (question) this.#ask(question, `(${reason}) ${question.prompt}`);
  }

  #input({ header, content }: Request): void {
    const type = header.msg_type;
    if (type !== "input_reply") throw unknown(type);
    if (!this.#question) throw new WireError("an input_reply that nobody asked for");
    const value = textOf(content, "value");
    this.#question = undefined;
    this.#runner.send({ type: "input", value });
  }

  #finished(cell: Cell, outcome: Outcome): void {
    this.#question = undefined;
    this.#language.idle();
    if (!cell.storeHistory) return;
    this.#language.record(cell);
    const plain = outcome.status === "ok" ? outcome.result?.data["text/plain"] : undefined;
    const output = typeof plain === "string" ? plain : null;
    this.#history
      .add({ count: cell.count, source: cell.code, output })
      .catch((error: Error) => log(`history: ${error.message}`));
  }

  async #readHistory(content: Content): Promise<Content> {
    const output = flagOf(content, "output", false);
    const n = integerOf(content, "n", 1_000);
    let history: HistoryEntry[];
    switch (content["hist_access_type"]) {
      case "range": {
        const session = integerOf(content, "session", 0);
        const start = integerOf(content, "start", 0);
        const stop = integerOf(content, "stop", undefined);
        history = await this.#history.range({ session, start, stop }, output);
        break;
      }
      case "search": {
        const pattern = typeof content["pattern"] === "string" ? content["pattern"] : "*";
        history = await this.#history.search(pattern, n, flagOf(content, "unique", false), output);
        break;
      }
      default:
        history = await this.#history.tail(n, output);
    }
    return { status: "ok", history };
  }

  async #askMembers(expression: string): Promise<readonly string[]> {
    const request = ++this.#questions;
    const { promise, resolve } = Promise.withResolvers<readonly string[]>();
    const isAll = expression.trim() === "";
    this.#members.set(request, (names) => {
      if (isAll) this.#names = names;
      resolve(names);
    });
    this.#runner.send({ type: "members", request, expression });
    const late = delay(MEMBERS_MILLISECONDS, undefined);
    return (await Promise.race([promise, late])) ?? (isAll ? this.#names : []);
  }

  /** Replies to all front ends, then ends everything; the runner by force if need be. */
  async #shutdown(request: Request): Promise<undefined> {
    const content = { status: "ok", restart: flagOf(request.content, "restart", false) };
    this.#ending = true;
    this.#debug.end();
    this.#sockets.reply(request, "shutdown_reply", content);
    this.#sockets.publish("shutdown_reply", request.header, content);
    this.#runner.send({ type: "exit" });
    setImmediate(() => void this.#end());
  }

  async #end(): Promise<void> {
    await Promise.race([this.#runner.ended, delay(EXIT_MILLISECONDS)]);
    this.#runner.signal("SIGKILL");
    await this.#close(0);
  }

  async #died(death: Death): Promise<void> {
    if (this.#ending) return;
    this.#ending = true;
    log(describeDeath(death));
    this.#debug.end();
    const failure = deathFailure(death);
    if (this.#executions.idle) this.#text("stderr", `${failure.evalue}\n`);
    this.#streams.flush();
    await this.#executions.die(failure);
    this.#runner.signal("SIGKILL"); // ends its children
    await this.#close(1);
  }

  async #close(code: number): Promise<void> {
    await Promise.race([this.#history.close(), delay(EXIT_MILLISECONDS)]);
    await this.#sockets.close();
    process.exit(code);
  }
}

function failureOf({ name, message }: Error): Failure {
  return { status: "error", ename: name, evalue: message, traceback: [`${name}: ${message}`] };
}

const unknown = (type: string): WireError =>
  new WireError(`its type is ${JSON.stringify(type.slice(0, 80))}`);
