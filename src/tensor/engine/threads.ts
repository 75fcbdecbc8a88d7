// The engine's threads, as seen by the thread that uses the engine: started late, ended at any time.
import { MessageChannel, type MessagePort, Worker } from "node:worker_threads";
import { type AnyKernel, CommandBlock, FAILED, UNSTARTED } from "./command.ts";
import type { KeeperData } from "./keeper.ts";

/** More threads would only get in each other's way. */
export const MOST_THREADS = 256;
/** How often, in milliseconds, a wait for a thread checks whether its keeper is alive. */
const LOOK = 100;

/** A module, and what it was linked to. */
export interface Linked {
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  readonly exports: Readonly<Record<string, WebAssembly.ExportValue>>;
}

/** A kernel, or a thread that ran it, failed: the operator's result is lost, and the engine continues. */
export class KernelError extends Error {
  override readonly name = "KernelError";

  constructor(kernel: string, why: string, options?: ErrorOptions) {
    super(
      `the engine's kernel ${kernel} failed: ${why}; its result is lost, but the engine continues; ` +
        "please report this with what you ran",
      options,
    );
  }
}

/**
 * Threads on the engine's memory, besides the calling one. They start with the first command,
 * and none keeps the process alive.
 *
 * A notebook's interrupt may kill run() anywhere, and no `finally` runs. So `#open` is set before a
 * command is posted, and while it is set, settle() closes what is open and waits for all threads.
 */
export class Threads {
  readonly count: number;
  readonly #module: WebAssembly.Module;
  readonly #memory: WebAssembly.Memory;
  readonly #kernels: readonly AnyKernel[];
  readonly #names: readonly string[];
  #block: CommandBlock | undefined;
  /** Set last when the threads are started, so that a start that was killed half-way is noticed. */
  #keeper: Worker | undefined;
  #open = false;
  /** The port to the keeper, whose end closes when the keeper ends for any reason. */
  #line: MessagePort | undefined;

  /**
   * @param count how many threads, besides the caller's own
   * @param exports the caller's own, from link()
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
   * @throws KernelError if a thread died or the kernel failed; the next call starts new threads
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

  /** Waits for the work that a killed run() left behind. Until then its blocks may be written to. */
  settle(): void {
    if (!this.#open) return;
    const block = this.#block;
    // Trouble with an abandoned command does not concern the next one.
    if (block && (!this.#rest(block) || block.trouble)) this.close();
    this.#open = false;
  }

  /** Ends the threads; the next run() starts new ones. @returns when they have ended */
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

  /** Returns the block of running threads, and starts them if necessary. */
  #ready(): CommandBlock {
    const block = this.#block;
    if (block && this.#keeper && !block.trouble) return block;
    // A thread that died at rest has lost nothing.
    this.close();
    if (block?.trouble !== UNSTARTED) return this.#start();
    throw new Error(
      `a thread of the engine could not start: ${block.reason}; ` +
        "set ABKD_THREADS=1 to do without threads",
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
   * Closes the command and waits, however long, until no thread works on it.
   * @returns false if the keeper has ended, and with it the threads
   */
  #rest(block: CommandBlock): boolean {
    block.close();
    for (let thread = 0; thread < this.count; thread++)
      while (!block.rests(thread, LOOK)) if (this.#keeperEnded) return false;
    return true;
  }

  /**
   * Tells without an event, which cannot arrive while this thread waits for an operator: Node returns
   * false for a message whose receiver is gone. A worker's ports are closed after its own workers
   * were joined, so nothing is written afterwards.
   */
  get #keeperEnded(): boolean {
    // The types follow the web platform, where nothing is returned.
    const delivered: unknown = this.#line?.postMessage(undefined);
    return delivered === false;
  }
}
