// A real runner process for tests: takes cells, returns their output and outcomes.
import type { Command, Event, Outcome } from "../../src/kernel/channel.ts";
import { RunnerProcess } from "../../src/kernel/runner-process.ts";

export interface Ran {
  readonly cell: number;
  readonly outcome: Outcome;
  /** Everything on standard output, with and without frames, in order. */
  readonly stdout: string;
  readonly stderr: string;
  readonly events: readonly Event[];
}

interface Running {
  stdout: string;
  stderr: string;
  readonly events: Event[];
  readonly done: PromiseWithResolvers<Ran>;
  outcome?: Outcome;
  /** Whether standard error has reached the cell's end as well. */
  isMarked: boolean;
}

/** A runner, in the working folder of the test's own process. */
export class TestRunner {
  readonly process = new RunnerProcess();
  readonly ready: Promise<void>;
  readonly events: Event[] = [];
  readonly #cells = new Map<number, Running>();
  #last = 0;

  constructor() {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.ready = promise;
    this.process.listen({
      event: (event) => {
        this.events.push(event);
        if (event.type === "ready") resolve();
        else if ("cell" in event) this.#hear(event.cell, event);
      },
      text: (name, text) => {
        const cell = this.#cells.get(this.#last);
        if (cell) cell[name] += text;
      },
      died: (death) => {
        for (const { done } of this.#cells.values()) {
          done.reject(new Error(`the runner died: ${JSON.stringify(death)}`));
        }
      },
    });
  }

  /** Runs a cell; `ran` settles when it has ended and both streams have marked its end. */
  start(
    code: string,
    options: Partial<Extract<Command, { type: "execute" }>> = {},
  ): { readonly cell: number; readonly ran: Promise<Ran> } {
    const cell = ++this.#last;
    const done = Promise.withResolvers<Ran>();
    done.promise.catch(() => {});
    this.#cells.set(cell, { stdout: "", stderr: "", events: [], done, isMarked: false });
    this.process.send({
      type: "execute",
      cell,
      count: cell,
      code,
      silent: false,
      allowInput: true,
      userExpressions: {},
      ...options,
    });
    return { cell, ran: done.promise };
  }

  run(code: string, options: Partial<Extract<Command, { type: "execute" }>> = {}): Promise<Ran> {
    return this.start(code, options).ran;
  }

  /** Returns the text of a cell's result. */
  async value(code: string): Promise<unknown> {
    const { outcome } = await this.run(code);
    if (outcome.status === "error") throw new Error(outcome.traceback.join("\n"));
    return outcome.result?.data["text/plain"];
  }

  /** Returns what a cell has printed so far, including after its end. */
  output(cell: number): { readonly stdout: string; readonly stderr: string } {
    const { stdout, stderr } = this.#cells.get(cell) as Running;
    return { stdout, stderr };
  }

  interrupt(): void {
    this.process.send({ type: "interrupt" });
  }

  async close(): Promise<void> {
    this.process.signal("SIGKILL");
    await this.process.ended;
  }

  #hear(number: number, event: Event): void {
    const cell = this.#cells.get(number);
    if (!cell) return;
    cell.events.push(event);
    if (event.type === "stream") cell[event.name] += event.text;
    if (event.type === "done") cell.outcome = event.outcome;
    if (event.type === "mark") cell.isMarked = true;
    if (!cell.isMarked || !cell.outcome) return;
    const { stdout, stderr, events, outcome } = cell;
    cell.done.resolve({ cell: number, outcome, stdout, stderr, events: [...events] });
  }
}

export const sleep = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Waits until something holds, as long as a slow machine may take. */
export async function until(holds: () => boolean, what: string): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (!holds()) {
    if (performance.now() > deadline) throw new Error(`never happened: ${what}`);
    await sleep(5);
  }
}
