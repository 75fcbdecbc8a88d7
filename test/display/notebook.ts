// A notebook's host in miniature, as the kernel is one: cells run in V8's REPL mode on this thread,
// another thread terminates them, and the interrupt event follows.
import { type Runtime, Session } from "node:inspector";
import { Worker } from "node:worker_threads";

/** What one call of display showed. */
export interface Shown {
  readonly value: unknown;
  readonly options: { readonly id?: string; readonly update?: boolean; readonly raw?: boolean };
  readonly at: number;
}

/**
 * Waits, and on until the main thread is in a function that may be killed (Node's own bookkeeping is
 * the kernel's business), terminates it, then asks it to settle until it answers.
 */
const killer = `
  const { parentPort, workerData } = require("node:worker_threads");
  const { Session } = require("node:inspector");
  const words = new Int32Array(workerData);
  const idle = new Int32Array(new SharedArrayBuffer(4));
  const session = new Session();
  session.connectToMainThread();
  const kill = (number) => session.post("Runtime.terminateExecution", () => {
    const before = Atomics.load(words, 0);
    do parentPort.postMessage(number);
    while (Atomics.wait(words, 0, before, 40) === "timed-out");
  });
  const probe = (number) => session.post("Runtime.evaluate", { expression: "probe()" }, (_, reply) => {
    if (reply.result.value) kill(number);
    else setTimeout(probe, 0, number);
  });
  parentPort.on("message", ({ milliseconds, number }) => {
    const until = performance.now() + milliseconds;
    // Sleeping is not exact, so the end of the wait spins.
    Atomics.wait(idle, 0, 0, Math.max(0, milliseconds - 2));
    while (performance.now() < until);
    probe(number);
  });
`;

/** Which word of the shared memory says what. */
const ANSWERED = 0;
const DOOMED = 1;

export class Notebook {
  readonly shown: Shown[] = [];
  readonly #interrupts = new EventTarget();
  readonly #session = new Session();
  readonly #words = new Int32Array(new SharedArrayBuffer(8));
  readonly #killer: Worker;
  /** Of the cell. */
  #number = 0;
  #settle: ((how: "interrupted") => void) | undefined;

  /** @param killable functions by name, as stack traces show them */
  constructor(killable: RegExp) {
    const probe = (): boolean => {
      Error.stackTraceLimit = 200;
      const may = killable.test(new Error().stack ?? "");
      if (may) Atomics.store(this.#words, DOOMED, 1);
      return may;
    };
    Reflect.set(globalThis, "probe", probe);
    const display = async (value: unknown, options: Shown["options"] = {}): Promise<void> => {
      this.shown.push({ value, options, at: performance.now() });
    };
    Reflect.set(globalThis, Symbol.for("Jupyter.display"), display);
    Reflect.set(globalThis, Symbol.for("Jupyter.interrupt"), this.#interrupts);
    this.#session.connect();
    this.#killer = new Worker(killer, { eval: true, workerData: this.#words.buffer });
    this.#killer.on("message", (number: number) => {
      // Asked again before it was answered.
      if (number !== this.#number) return;
      Atomics.store(this.#words, DOOMED, 0);
      Atomics.add(this.#words, ANSWERED, 1);
      Atomics.notify(this.#words, ANSWERED);
      const settle = this.#settle;
      if (!settle) return;
      this.#settle = undefined;
      const event = new Event("interrupt", { cancelable: true });
      this.#interrupts.dispatchEvent(event);
      settle("interrupted");
    });
  }

  /** To be called at the end of what may be killed: holds it there if it is to be. */
  hold(): void {
    while (Atomics.load(this.#words, DOOMED) === 1);
  }

  close(): Promise<number> {
    return this.#killer.terminate();
  }

  /**
   * Runs a cell; its variables stay on globalThis.
   * @param interruptAfter milliseconds; the cell must come to a killable function then
   */
  async cell(code: string, interruptAfter?: number): Promise<"done" | "interrupted"> {
    const settled = new Promise<"interrupted">((resolve) => {
      this.#settle = resolve;
    });
    const number = ++this.#number;
    if (interruptAfter !== undefined) {
      this.#killer.postMessage({ milliseconds: interruptAfter, number });
    }
    const evaluated = new Promise<"done">((resolve, reject) => {
      const params = { expression: code, replMode: true, awaitPromise: true };
      this.#session.post(
        "Runtime.evaluate",
        params,
        (error, reply?: Runtime.EvaluateReturnType) => {
          // Terminated: the cell is settled by the thread that did it.
          if (error) return;
          const { exceptionDetails } = reply ?? {};
          if (exceptionDetails) reject(new Error(exceptionDetails.exception?.description));
          else resolve("done");
        },
      );
    });
    const how = await Promise.race([evaluated, settled]);
    this.#settle = undefined;
    return how;
  }
}
