// The executor of this machine: worker threads, each with an engine of its own.
import { MessageChannel } from "node:worker_threads";
import { Piscina } from "piscina";
import { shown } from "../base/arguments.ts";
import { UserError } from "../base/errors.ts";
import { hiddenWidth } from "../models/registry.ts";
import { chooseEngine, wantedThreads } from "../tensor/index.ts";
import { Cores, type Share } from "./cores.ts";
import type { Executor, Resources, Setting, StartExecutor } from "./executor.ts";
import { type Reply, resultOf } from "./job.ts";
import type { Observer, TrainingEvent } from "./observer.ts";
import type { RunConfig, RunResult } from "./run.ts";
import { describeRun } from "./run-id.ts";
import type { WorkerTask } from "./trial-worker.ts";

export interface ThreadOptions {
  /** Runs at a time; by default one per thread. The results do not depend on it. */
  readonly workers?: number;
  /**
   * How many threads compute in all; by default ABKD_THREADS, or one per core. Runs at the same time
   * share them, and share them anew whenever one begins or ends; a run that is alone has them all.
   */
  readonly threads?: number;
}

export function workerThreads(options: ThreadOptions): StartExecutor {
  return async (setting, resources) => {
    const pool = new Pool(options, resources.jobs);
    return session(pool, setting, resources, () => pool.close());
  };
}

/** Threads that stay for one runTrials() after the other: to start them takes longer than a small run. */
export class KeptThreads {
  readonly #options: ThreadOptions;
  #pool: Pool | undefined;

  constructor(options: ThreadOptions) {
    this.#options = options;
  }

  /** The executor of each runTrials(), one at a time. */
  readonly start: StartExecutor = async (setting, resources) => {
    if (!this.#pool || this.#pool.isBroken) {
      await this.close();
      this.#pool = new Pool(this.#options, Number.POSITIVE_INFINITY);
    }
    return session(this.#pool, setting, resources, async () => {});
  };

  async close(): Promise<void> {
    await this.#pool?.close();
    this.#pool = undefined;
  }
}

/** Makes the executor of one runTrials(). @param end what its end does with the threads */
async function session(
  pool: Pool,
  setting: Setting,
  resources: Resources,
  end: () => Promise<void>,
): Promise<Executor> {
  try {
    await pool.prepare(setting);
  } catch (error) {
    await pool.close();
    throw error;
  }
  return {
    slots: Math.min(pool.slots, resources.jobs),
    run: (job, hear, stop) => pool.run({ job, setting, data: resources.dataOf(job) }, hear, stop),
    close: end,
  };
}

type Work = Pick<WorkerTask, "job" | "setting" | "data">;

class Pool {
  readonly slots: number;
  readonly #piscina: Piscina;
  readonly #cores: Cores;
  /** The end of the last native run so far: TensorFlow splits its work over all cores by itself. */
  #native: Promise<unknown> = Promise.resolve();
  /** Rejects when workers die before they take a task: piscina's queue would wait for ever. */
  readonly #broken: Promise<never>;
  /** Whether threads died. */
  isBroken = false;

  /** @param jobs more threads than these are not started */
  constructor({ workers, threads = wantedThreads() }: ThreadOptions, jobs: number) {
    this.slots = Math.min(workers ?? threads, jobs);
    this.#cores = new Cores(threads);
    // Beside this file: .ts in the sources, .js in the built package.
    const extension = import.meta.url.slice(import.meta.url.lastIndexOf("."));
    this.#piscina = new Piscina({
      filename: new URL(`./trial-worker${extension}`, import.meta.url).href,
      minThreads: this.slots,
      maxThreads: this.slots,
    });
    this.#broken = new Promise((_, reject) => {
      this.#piscina.on("error", reject);
    });
    this.#broken.catch(() => {
      this.isBroken = true;
    });
  }

  /** @throws UserError if the modules do not add what the runs need in a worker */
  async prepare(setting: Setting): Promise<void> {
    if (setting.modules.length === 0) return;
    const trouble: string | undefined = await Promise.race([
      this.#piscina.run(setting, { name: "check" }),
      this.#broken,
    ]);
    if (trouble !== undefined) throw new UserError(trouble);
  }

  run(work: Work, hear: Observer, stop: AbortSignal): Promise<RunResult> {
    const send = (): Promise<RunResult> => this.#place(work, hear, stop);
    const { engine } = work.setting;
    if (chooseEngine(engine, hiddenWidth(work.job.config.model)) === "wasm") return send();
    const result = this.#native.then(send, send);
    this.#native = result;
    return result;
  }

  async #place(work: Work, hear: Observer, stop: AbortSignal): Promise<RunResult> {
    const share = await this.#cores.take();
    const flag = new Int32Array(new SharedArrayBuffer(4));
    const onAbort = (): void => {
      Atomics.store(flag, 0, 1);
    };
    if (stop.aborted) onAbort();
    stop.addEventListener("abort", onAbort, { once: true });
    try {
      return resultOf(await this.#send(work, share, hear, flag), work.job);
    } finally {
      stop.removeEventListener("abort", onAbort);
      this.#cores.give(share);
    }
  }

  async #send(work: Work, { threads }: Share, hear: Observer, stop: Int32Array): Promise<Reply> {
    const { port1, port2 } = new MessageChannel();
    const eventsEnd = new Promise<void>((resolve) => {
      port1.on("message", (event: TrainingEvent | null) => {
        if (event) hear(event);
        else resolve();
      });
    });
    const task: WorkerTask = { ...work, threads, events: port2, stop };
    try {
      const sent = this.#piscina.run(task, { transferList: [port2] });
      const reply: Reply = await Promise.race([sent, this.#broken]);
      // Replies and events come through different ports: the last events may still be on their way.
      await eventsEnd;
      return reply;
    } catch (cause) {
      throw crash(work.job.config, cause);
    } finally {
      port1.close();
    }
  }

  async close(): Promise<void> {
    await this.#piscina.destroy();
  }
}

/** Makes the error for a worker that died, or a bug of ours in it; its message names the run. */
function crash(config: RunConfig, cause: unknown): UserError {
  const { code, message }: Partial<NodeJS.ErrnoException> =
    cause instanceof Error ? cause : { message: `it threw ${shown(cause)}, not an Error` };
  const why =
    code === "ERR_WORKER_OUT_OF_MEMORY"
      ? "out of memory; use fewer --workers or a smaller model"
      : `its worker failed: ${message}`;
  return new UserError(`${describeRun(config)}: ${why}`, { exitCode: 1, cause });
}
