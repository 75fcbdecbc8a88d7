// The queue of execute_requests: runs one cell at a time and tells its front ends.
import { setTimeout as delay } from "node:timers/promises";
import type { CellId, Command, Failure, Outcome } from "./channel.ts";
import { flagOf, textOf, textsOf } from "./contents.ts";
import { log } from "./log.ts";
import type { Parent, Request, Sender, Sockets } from "./sockets.ts";
import type { Streams } from "./streams.ts";
import type { Content } from "./wire.ts";

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
  /** The id of the cell in its notebook; undefined if the front end does not tell. */
  readonly place: string | undefined;
  /** Time on the clock of performance.now(). */
  readonly arrival: number;
  /** The n of In[n]; 0 until it runs. */
  count: number;
}

export interface ExecutionsOptions {
  readonly sockets: Sockets;
  readonly streams: Streams;
  readonly send: (command: Command) => void;
  /** Called after the reply and the idle status, before the next cell. */
  readonly finished: (cell: Cell, outcome: Outcome) => void;
}

/** An entry of the queue: a cell, or work to do in order with the cells. */
type Waiting = Cell | (() => void);

/** How many cells keep their late output; output of older ones goes to the last cell. */
const REMEMBERED = 4_096;
/** After this time, everything that a front end sent together with a cell has arrived as well. */
const ARRIVAL_MILLISECONDS = 20;
/** The longest wait between the two ends of a cell: its outcome, and the mark on standard error. */
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

  /** Does `work` once all cells that now wait have begun; at once if none waits. */
  inOrder(work: () => void): void {
    if (this.#queue.length > 0) this.#queue.push(work);
    else work();
  }

  /** Returns the cell that output of `id` belongs to; for an unknown id, the last cell that ran. */
  cell(id: CellId): Cell | undefined {
    return this.#cells.get(id) ?? this.#last;
  }

  /** @throws WireError if the request is malformed */
  add({ channel, identities, header, content, metadata }: Request): void {
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
      place: placeOf(metadata),
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

  /** Repeats the busy status: front ends show the last status that they received, whatever it was about. */
  showRunning(parent: Parent | undefined = this.#running?.sender.header): void {
    if (!this.#running || !parent) return;
    this.#options.sockets.publish("status", parent, { execution_state: "busy" });
  }

  /** Takes the cell's outcome, which the runner sends after all of the cell's output. */
  done(id: CellId, outcome: Outcome): void {
    if (id === this.#running?.id) this.#done?.resolve(outcome);
  }

  /** Notes that everything the cell wrote to standard error has arrived. */
  marked(id: CellId): void {
    if (id === this.#running?.id) this.#marked?.resolve();
  }

  /** Ends the running cell and all that wait; resolves once they are answered. */
  async die(failure: Failure): Promise<void> {
    this.#death = failure;
    this.#marked?.resolve();
    this.#done?.resolve(failure);
    await this.#working;
  }

  async #work(): Promise<void> {
    await null; // it must not finish before `#working` is set
    for (let next = this.#queue.shift(); next; next = this.#queue.shift()) {
      if (typeof next === "function") guarded(next);
      else if (this.#death) this.#abort(next);
      else await this.#runGuarded(next);
    }
    this.#working = undefined;
  }

  /** Answers a cell whatever goes wrong with it, so that the next ones run. */
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
    const { id, sender, code, silent, storeHistory, allowInput, userExpressions, place } = cell;
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
    // In stack traces, an uncounted cell must not be mistaken for the one whose number it shares.
    const named = storeHistory ? count : 0;
    const asked = {
      code,
      silent,
      allowInput,
      userExpressions,
      ...(place !== undefined && { place }),
    };
    send({ type: "execute", cell: id, count: named, ...asked });
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
   * The status is "error", as the specification asks since 5.1: nbclient takes "aborted" for a
   * success. There is no count, because JupyterLab would show it as if the cell had run.
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

/** Returns the cell's name beside the request: from JupyterLab nbformat's id, from VS Code an address with the path. */
function placeOf({ cellId }: Content): string | undefined {
  return typeof cellId === "string" && /^.{1,4096}$/.test(cellId) ? cellId : undefined;
}

/** Does work whose failure must not stop the caller. */
function guarded(work: () => void): void {
  try {
    work();
  } catch (error) {
    log((error as Error).stack ?? String(error));
  }
}
