// The queue of execute_requests: one cell at a time, and what its front ends hear of it.
import { setTimeout as delay } from "node:timers/promises";
import type { CellId, Command, Failure, Outcome } from "./channel.ts";
import { flagOf, textOf, textsOf } from "./contents.ts";
import { log } from "./log.ts";
import type { Request, Sender, Sockets } from "./sockets.ts";
import type { Streams } from "./streams.ts";

/** An execute_request, from its arrival on. */
export interface Cell {
  readonly id: CellId;
  readonly sender: Sender;
  readonly code: string;
  readonly silent: boolean;
  readonly storeHistory: boolean;
  readonly stopOnError: boolean;
  readonly allowInput: boolean;
  readonly userExpressions: Readonly<Record<string, string>>;
  /** On the clock of performance.now(). */
  readonly arrival: number;
  /** The n of In[n]; 0 until it runs. */
  count: number;
}

export interface ExecutionsOptions {
  readonly sockets: Sockets;
  readonly streams: Streams;
  readonly send: (command: Command) => void;
  /** After the reply and idle, before the next cell. */
  readonly finished: (cell: Cell, outcome: Outcome) => void;
}

/** What is in the queue: a cell, or something to do in its order. */
type Waiting = Cell | (() => void);

/** Cells whose late output still finds its way; of older ones it goes to the last cell. */
const REMEMBERED = 4_096;
/** After a cell's request, those that its front end sent together with it have arrived as well. */
const ARRIVAL_MILLISECONDS = 20;
/** Between the two ends of a cell: its outcome, and the mark on standard error. */
const MARK_MILLISECONDS = 1_000;

const ABORTED: Failure = {
  status: "error",
  ename: "Aborted",
  evalue: "a cell before this one failed",
  traceback: [],
};

export class Executions {
  readonly #options: ExecutionsOptions;
  readonly #cells = new Map<CellId, Cell>();
  #queue: Waiting[] = [];
  #working: Promise<void> | undefined;
  #running: Cell | undefined;
  #last: Cell | undefined;
  #done: PromiseWithResolvers<Outcome> | undefined;
  #marked: PromiseWithResolvers<void> | undefined;
  #death: Failure | undefined;
  #ids = 0;
  #count = 0;

  constructor(options: ExecutionsOptions) {
    this.#options = options;
  }

  get running(): Cell | undefined {
    return this.#running;
  }

  /** Whether no cell runs or waits. */
  get idle(): boolean {
    return this.#working === undefined;
  }

  /** Does something when all cells that wait now have begun; at once where none waits. */
  inOrder(work: () => void): void {
    if (this.#queue.length > 0) this.#queue.push(work);
    else work();
  }

  /** The cell that output of `id` belongs to; of an unknown one, the last that ran. */
  cell(id: CellId): Cell | undefined {
    return this.#cells.get(id) ?? this.#last;
  }

  /** @throws WireError where the request is not one */
  add({ channel, identities, header, content }: Request): void {
    const silent = flagOf(content, "silent", false);
    const cell: Cell = {
      id: ++this.#ids,
      sender: { channel, identities, header },
      code: textOf(content, "code"),
      silent,
      storeHistory: !silent && flagOf(content, "store_history", true),
      stopOnError: flagOf(content, "stop_on_error", true),
      allowInput: flagOf(content, "allow_stdin", true),
      userExpressions: textsOf(content, "user_expressions"),
      arrival: performance.now(),
      count: 0,
    };
    this.#queue.push(cell);
    this.#working ??= this.#work();
  }

  /** Answers a request that cannot be run. */
  refuse(sender: Sender, failure: Failure): void {
    const { sockets } = this.#options;
    const { ename, evalue, traceback } = failure;
    const reply = { ...failure, execution_count: this.#count };
    sockets.publish("status", sender.header, { execution_state: "busy" });
    sockets.publish("error", sender.header, { ename, evalue, traceback });
    sockets.reply(sender, "execute_reply", reply);
    sockets.publish("status", sender.header, { execution_state: "idle" });
    this.showRunning();
  }

  /** Front ends show the last status that they heard, whatever it was about. */
  showRunning(): void {
    const running = this.#running?.sender.header;
    if (running) this.#options.sockets.publish("status", running, { execution_state: "busy" });
  }

  /** The cell's outcome, which the runner sends after all of its output. */
  done(id: CellId, outcome: Outcome): void {
    if (id === this.#running?.id) this.#done?.resolve(outcome);
  }

  /** All that the cell wrote to standard error has arrived. */
  marked(id: CellId): void {
    if (id === this.#running?.id) this.#marked?.resolve();
  }

  /** Ends the running cell and all that wait; resolves when they are answered. */
  async die(failure: Failure): Promise<void> {
    this.#death = failure;
    this.#marked?.resolve();
    this.#done?.resolve(failure);
    await this.#working;
  }

  async #work(): Promise<void> {
    await null; // it must not end before it is known as `#working`
    for (let next = this.#queue.shift(); next; next = this.#queue.shift()) {
      if (typeof next === "function") guarded(next);
      else if (this.#death) this.#abort(next);
      else await this.#runGuarded(next);
    }
    this.#working = undefined;
  }

  /** Whatever one cell meets with, it is answered, and those after it run. */
  async #runGuarded(cell: Cell): Promise<void> {
    try {
      await this.#run(cell);
    } catch (error) {
      log((error as Error).stack ?? String(error));
      this.#running = undefined;
      const evalue = `the cell's outcome could not be sent: ${(error as Error).message}`;
      const traceback = [`KernelError: ${evalue}`];
      this.refuse(cell.sender, { status: "error", ename: "KernelError", evalue, traceback });
    }
  }

  async #run(cell: Cell): Promise<void> {
    const { sockets, streams, send, finished } = this.#options;
    const { id, sender, code, silent, storeHistory, allowInput, userExpressions } = cell;
    const { header } = sender;
    if (storeHistory) this.#count++;
    const count = this.#count;
    cell.count = count;
    this.#remember(cell);
    this.#running = cell;
    this.#last = cell;
    this.#done = Promise.withResolvers();
    this.#marked = Promise.withResolvers();
    sockets.publish("status", header, { execution_state: "busy" });
    if (!silent) sockets.publish("execute_input", header, { code, execution_count: count });
    // In traces, a cell that does not count must not be taken for the one whose number it shares.
    const named = storeHistory ? count : 0;
    send({ type: "execute", cell: id, count: named, code, silent, allowInput, userExpressions });
    const outcome = await this.#done.promise;
    await Promise.race([this.#marked.promise, delay(MARK_MILLISECONDS, null, { ref: false })]);
    streams.flush();

    let aborted: Waiting[] = [];
    if (outcome.status === "ok") {
      if (outcome.result && !silent) {
        const { data, metadata } = outcome.result;
        const content = { execution_count: count, data, metadata };
        sockets.publish("execute_result", header, content);
      }
      const { userExpressions: user_expressions } = outcome;
      const reply = { status: "ok", execution_count: count, user_expressions, payload: [] };
      sockets.reply(sender, "execute_reply", reply);
    } else {
      const { ename, evalue, traceback } = outcome;
      if (!silent) sockets.publish("error", header, { ename, evalue, traceback });
      if (cell.stopOnError) {
        await delay(Math.max(0, cell.arrival + ARRIVAL_MILLISECONDS - performance.now()));
        aborted = this.#queue.splice(0);
      }
      const failed = { status: "error", execution_count: count, ename, evalue, traceback };
      sockets.reply(sender, "execute_reply", failed);
    }
    this.#running = undefined;
    sockets.publish("status", header, { execution_state: "idle" });
    guarded(() => finished(cell, outcome));
    for (const next of aborted) {
      if (typeof next === "function") guarded(next);
      else this.#abort(next);
    }
  }

  /**
   * Status "error", as the specification asks for since 5.1: with "aborted" nbclient takes a cell for
   * a success. Without a count: JupyterLab would show it as that of a run.
   */
  #abort({ sender }: Cell): void {
    const { sockets } = this.#options;
    sockets.publish("status", sender.header, { execution_state: "busy" });
    sockets.reply(sender, "execute_reply", { ...ABORTED });
    sockets.publish("status", sender.header, { execution_state: "idle" });
  }

  #remember(cell: Cell): void {
    this.#cells.set(cell.id, cell);
    const [oldest] = this.#cells.keys();
    if (this.#cells.size > REMEMBERED && oldest !== undefined) this.#cells.delete(oldest);
  }
}

/** Does something for others that must not end what it is part of. */
function guarded(work: () => void): void {
  try {
    work();
  } catch (error) {
    log((error as Error).stack ?? String(error));
  }
}
