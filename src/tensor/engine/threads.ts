// The engine's threads, seen from the thread that uses the engine: opened late, closed at any time.
import { MessageChannel, type MessagePort, Worker } from "node:worker_threads";
import { type AnyKernel, CommandBlock, FAILED, UNSTARTED } from "./command.ts";
import type { KeeperData } from "./keeper.ts";

/** More would only be in each other's way. */
export const MOST_THREADS = 256;
/** Between two looks at whether the keeper of a thread that is waited for lives, in milliseconds. */
const LOOK = 100;

/** A module and what it was linked to. */
export interface Linked {
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  readonly exports: Readonly<Record<string, WebAssembly.ExportValue>>;
}

/** A kernel failed, or a thread that ran it: an operator's result is lost, the engine goes on. */
export class KernelError extends Error {
  override readonly name = "KernelError";

  constructor(kernel: string, why: string, options?: ErrorOptions) {
    super(
      `the engine's kernel ${kernel} failed: ${why}; its result is lost, the engine goes on; ` +
        "please report this with what you ran",
      options,
    );
  }
}

/**
 * Threads on the engine's memory, besides the one that calls. They start with the first command,
 * and none keeps the process alive.
 *
 * A notebook's interrupt may kill run() anywhere, and no `finally` runs. So `#open` is set before a
 * command is posted, and as long as it is, settle() closes what is open and waits for all threads.
 */
export class Threads {
  readonly count: number;
  readonly #module: WebAssembly.Module;
  readonly #memory: WebAssembly.Memory;
  readonly #kernels: readonly AnyKernel[];
  readonly #names: readonly string[];
  #block: CommandBlock | undefined;
  /** Set last when the threads are opened, so that a start that was killed half-way shows. */
  #keeper: Worker | undefined;
  #open = false;
  /** To the keeper, which closes its end when it has ended, however that came. */
  #line: MessagePort | undefined;

  /**
   * @param count of threads, besides the caller's own
   * @param exports the caller's own, as link() gave them
   */
  constructor(count: number, { module, memory, exports }: Linked) {
    this.count = count;
    this.#module = module;
    this.#memory = memory;
    this.#kernels = Object.values(exports) as AnyKernel[];
    this.#names = Object.keys(exports);
  }

  /**
   * Runs a kernel over units 0 .. units - 1, `chunk` at a time, on all threads and this one.
   * @throws KernelError where a thread died or the kernel failed; the threads start anew after it
   */
  run(kernel: string, units: number, chunk: number, args: readonly number[]): void {
    this.settle();
    const block = this.#ready();
    this.#open = true;
    try {
      block.post(this.#names.indexOf(kernel), units, chunk, args);
      block.work(this.#kernels);
    } catch (error) {
      block.fail(error instanceof Error ? error.message : String(error));
    }
    const resting = this.#rest(block);
    this.#open = false;
    if (resting && block.trouble !== FAILED) return;
    this.close();
    throw new KernelError(kernel, block.reason || "the threads ended");
  }

  /** Waits for what a killed run() left at work. Until then its blocks may be written to. */
  settle(): void {
    if (!this.#open) return;
    const block = this.#block;
    // Whatever befell a command that was given up is of no interest to the next.
    if (block && (!this.#rest(block) || block.trouble)) this.close();
    this.#open = false;
  }

  /** Ends the threads; the next run() opens others. @returns when they have ended */
  close(): Promise<void> {
    const [block, keeper] = [this.#block, this.#keeper];
    this.#block = undefined;
    this.#keeper = undefined;
    block?.stop();
    if (!keeper) return Promise.resolve();
    return new Promise((resolve) => {
      keeper.once("exit", () => resolve());
    });
  }

  /** Open threads. */
  #ready(): CommandBlock {
    const block = this.#block;
    if (block && this.#keeper && !block.trouble) return block;
    // One that died at rest has lost nothing.
    this.close();
    if (block?.trouble !== UNSTARTED) return this.#start();
    throw new Error(
      `a thread of the engine could not start: ${block.reason}; ` +
        "with ABKD_THREADS=1 the engine does without",
    );
  }

  #start(): CommandBlock {
    const block = new CommandBlock(this.count);
    this.#block = block;
    const { port1: line, port2: port } = new MessageChannel();
    this.#line = line;
    const extension = import.meta.url.slice(import.meta.url.lastIndexOf("."));
    const workerData: KeeperData = {
      module: this.#module,
      memory: this.#memory,
      buffer: block.buffer,
      threads: this.count,
      line: port,
    };
    const keeper = new Worker(new URL(`./keeper${extension}`, import.meta.url), {
      workerData,
      transferList: [port],
    });
    keeper.unref();
    keeper.on("error", (error: Error) => block.fail(error.message, UNSTARTED));
    keeper.on("exit", () => {
      for (let thread = 0; thread < this.count; thread++) block.died(thread, "its keeper ended");
    });
    this.#keeper = keeper;
    return block;
  }

  /**
   * Closes the command and waits until no thread works on it, however long one takes.
   * @returns false where the keeper has ended, and with it the threads
   */
  #rest(block: CommandBlock): boolean {
    block.close();
    for (let thread = 0; thread < this.count; thread++)
      while (!block.rests(thread, LOOK)) if (this.#keeperEnded) return false;
    return true;
  }

  /**
   * Known without an event, which cannot come while an operator is waited for: Node returns false
   * for a message that has no receiver any more. A worker's ports are closed after its own workers
   * were joined, so nothing is written afterwards.
   */
  get #keeperEnded(): boolean {
    // The types follow the web's, where nothing is returned.
    const delivered: unknown = this.#line?.postMessage(undefined);
    return delivered === false;
  }
}
