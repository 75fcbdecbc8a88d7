// Debug requests as the supervisor handles them: each gets an answer in time, whatever the runner is doing.
import { setTimeout as delay } from "node:timers/promises";
import type { Event } from "../channel.ts";
import type { RunnerProcess } from "../runner-process.ts";
import type { Parent, Request, Sockets } from "../sockets.ts";
import type { Content } from "../wire.ts";
import { HASH_SEED, prefixOf, SUFFIX } from "./cell-paths.ts";
import { type DebugReply, type DebugRequest, failed, succeeded } from "./dap.ts";

/** How long the variable pane waits for a runner that may be in the middle of a loop. */
const VIEW_MILLISECONDS = 500;
/** How long other requests wait; an expression may compute for a while. */
const MILLISECONDS = 10_000;
const EVALUATE_MILLISECONDS = 60_000;

const VIEWS: ReadonlySet<string> = new Set([
  "inspectVariables",
  "richInspectVariables",
  "variables",
]);

export class DebugFront {
  readonly #sockets: Sockets;
  readonly #runner: RunnerProcess;
  readonly #isIdle: () => boolean;
  readonly #waiting = new Map<number, (reply: DebugReply) => void>();
  #requests = 0;
  /** The last debug request: events belong to it. */
  #parent: Parent = {};
  /** Whether a debugger has been started: before that, the runner knows nothing of debugging. */
  #isStarted = false;
  /** The view of all variables that the runner was asked for and has not sent. */
  #listing: Promise<DebugReply> | undefined;
  #isLate = false;
  /** Whether no cell ran when it was asked for: otherwise it may come before what the cell does last. */
  #isWhole = false;
  /** Resolves when a cell is stopped: what the runner has not answered by then, it cannot. */
  #halted = Promise.withResolvers<undefined>();
  /** The view that it sent last: what is shown while it is busy. */
  #listed: unknown = { variables: [] };

  /** @param isIdle whether no cell runs */
  constructor(sockets: Sockets, runner: RunnerProcess, isIdle: () => boolean) {
    this.#sockets = sockets;
    this.#runner = runner;
    this.#isIdle = isIdle;
  }

  /** Answers a debug_request; never rejects. */
  async answer({ header, content }: Request): Promise<Content> {
    this.#parent = header;
    return { ...(await this.#reply(content)) };
  }

  async #reply(content: Content): Promise<DebugReply> {
    const request = requestOf(content);
    const { command } = request;
    if (content["type"] !== "request" || command === "")
      return failed(request, "not a DAP request");
    if (command === "debugInfo" && !this.#isStarted) return succeeded(request, this.#info());
    if (command === "inspectVariables") return this.#list(request);
    if (command === "initialize") this.#isStarted = true;
    const limit = VIEWS.has(command)
      ? VIEW_MILLISECONDS
      : command === "evaluate"
        ? EVALUATE_MILLISECONDS
        : MILLISECONDS;
    const reply = await Promise.race([this.#ask(request), delay(limit, undefined)]);
    return reply ?? failed(request, "the kernel is busy: try again when the cell has ended");
  }

  /** Takes the runner's answer. */
  hear({ request, reply }: Extract<Event, { type: "debug" }>): void {
    this.#waiting.get(request)?.(reply);
    this.#waiting.delete(request);
  }

  /** Publishes an event of the runner's debugger. */
  tell({ event, body }: Pick<Extract<Event, { type: "debugEvent" }>, "event" | "body">): void {
    if (event === "terminated") this.#isStarted = false;
    const publish = (): void =>
      this.#sockets.publish("debug_event", this.#parent, { seq: 0, type: "event", event, body });
    if (event !== "stopped") {
      publish();
      return;
    }
    this.#listing = undefined;
    this.#halted.resolve(undefined);
    this.#halted = Promise.withResolvers();
    // After the answers: a front end would show them in place of the locals that it asks for at a stop.
    setImmediate(publish);
  }

  /** Ends a running session, because the runner ends. */
  end(): void {
    if (this.#isStarted) this.tell({ event: "terminated", body: {} });
  }

  #ask(request: DebugRequest): Promise<DebugReply> {
    const number = ++this.#requests;
    const { promise, resolve } = Promise.withResolvers<DebugReply>();
    this.#waiting.set(number, resolve);
    this.#runner.send({ type: "debug", request: number, message: request });
    return promise;
  }

  /** JupyterLab asks for all variables at each message of a running cell, so there is one question at a time. */
  async #list(request: DebugRequest): Promise<DebugReply> {
    const isIdle = this.#isIdle();
    if (!this.#listing || (isIdle && !this.#isWhole)) {
      this.#isLate = false;
      this.#isWhole = isIdle;
      const asked = this.#ask(request).then((reply) => {
        if (this.#listing === asked) this.#listing = undefined;
        if (reply.success) this.#listed = reply.body;
        return reply;
      });
      this.#listing = asked;
    }
    // After a cell's end nobody asks again.
    const wait = isIdle ? MILLISECONDS : this.#isLate ? 0 : VIEW_MILLISECONDS;
    const late = [delay(wait, undefined), this.#halted.promise];
    const reply = await Promise.race([this.#listing, ...late]);
    if (!reply) this.#isLate = true;
    if (reply && !reply.success) return failed(request, reply.message ?? "");
    return succeeded(request, reply?.body ?? this.#listed);
  }

  #info(): object {
    return debugInfo(this.#runner.pid ?? 0, {
      isStarted: false,
      breakpoints: [],
      stoppedThreads: [],
    });
  }
}

/** Returns the body of the reply to debugInfo. */
export function debugInfo(
  runnerPid: number,
  state: {
    readonly isStarted: boolean;
    readonly breakpoints: readonly object[];
    readonly stoppedThreads: readonly number[];
  },
): object {
  return {
    ...state,
    hashMethod: "Murmur2",
    hashSeed: HASH_SEED,
    tmpFilePrefix: prefixOf(runnerPid),
    tmpFileSuffix: SUFFIX,
    richRendering: true,
    copyToGlobals: false,
    exceptionPaths: [],
  };
}

function requestOf({ seq, command, arguments: fields }: Content): DebugRequest {
  return {
    seq: Number.isSafeInteger(seq) ? (seq as number) : 0,
    command: typeof command === "string" ? command.slice(0, 80) : "",
    arguments: typeof fields === "object" && fields !== null ? (fields as Content) : {},
  };
}
