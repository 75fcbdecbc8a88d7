// Many runs at once, on worker threads, each teacher trained once.
import { MessageChannel } from "node:worker_threads";
import { Piscina } from "piscina";
import { UserError } from "../base/errors.ts";
import { type DataOptions, loadDataset, loadSplit } from "../datasets/index.ts";
import { orInterrupted } from "../display/host.ts";
import type { Graph } from "../graph/graph.ts";
import { localityOrder } from "../graph/order.ts";
import { hiddenWidth } from "../models/registry.ts";
import { chooseEngine, type EngineChoice, wantedThreads } from "../tensor/index.ts";
import {
  checkPlan,
  checkRequest,
  type Planned,
  prerequisites,
  withPrerequisites,
} from "./beforehand.ts";
import { Cores, type Share } from "./cores.ts";
import { prerequisiteTrouble } from "./dead.ts";
import { addedNeeds, moduleUrls, type Needs, refuseInWorker } from "./modules.ts";
import type { Observer, TrainingEvent } from "./observer.ts";
import { notebookTrialsLine } from "./progress.ts";
import type { RunConfig, RunResult } from "./run.ts";
import { describeRun, runId } from "./run-id.ts";
import { RUNS_FOLDER } from "./run-store.ts";
import { stoppedResults } from "./stopped.ts";
import { DivergedError, InterruptedError } from "./train.ts";
import type { Trial } from "./trial.ts";
import type { WorkerCheck, WorkerReply, WorkerTask } from "./trial-worker.ts";

export interface TrialsOptions extends DataOptions {
  /** Runs at a time; every thread has one by default. The results do not depend on it. */
  readonly workers?: number;
  /**
   * Threads that compute, in all; by default ABKD_THREADS, or one a core. Runs at the same time
   * share them out, anew whenever one begins or ends; one that is alone has them all.
   */
  readonly threads?: number;
  /** Folder of results and cached teachers; `runs` by default. */
  readonly runsDir?: string;
  /**
   * Take finished runs as they are and go on from checkpoints; a damaged file is an error, or with
   * `repair` reported and retrained. Runs that others need are always taken, with repair.
   */
  readonly resume?: boolean | "repair";
  /** Seconds between a run's checkpoints; 30 by default. */
  readonly checkpointSeconds?: number;
  readonly observer?: Observer;
  /** `auto` by default: see src/tensor/engine/choice.ts. Native runs go one at a time, on all cores. */
  readonly engine?: EngineChoice;
  /** Record where time goes in the first run that is asked for; the observer is told of it. */
  readonly profile?: boolean;
  /** What earlier results were trained on, by dataName() in beforehand.ts: other data of the same name is refused. */
  readonly recorded?: ReadonlyMap<string, RecordedData>;
  /**
   * Files that call registerMethod() or registerModel(), by path (from the working directory) or URL:
   * each worker thread imports them before its first run. Nothing else is ever imported: no name in a
   * configuration or a file is taken for a module's.
   */
  readonly modules?: readonly (string | URL)[];
  /** Stops every run at the end of its step, with a checkpoint. */
  readonly signal?: AbortSignal;
}

/** A result that is to be compared with those to come. */
export interface RecordedData {
  /** See fingerprint() in inputs.ts. */
  readonly fingerprint: string;
  /** Where it stands. */
  readonly path: string;
}

/** Some runs failed; those that did not are in `results`. Exit code 1. */
export class TrialsError extends UserError {
  /** In the order of the configurations; undefined for a run that failed. */
  readonly results: readonly (RunResult | undefined)[];

  constructor(message: string, results: readonly (RunResult | undefined)[], cause: unknown) {
    super(message, { exitCode: 1, cause });
    this.results = results;
  }
}

/**
 * Trains every configuration, and first the teachers that they name, unless the folder has them.
 * The same configurations give the same files, however many workers there are; only `timing`
 * differs. Equal configurations are trained once.
 *
 * In a notebook a line shows what is done, running and left where there is no observer. Its
 * interrupt stops every run at the end of its step, with a checkpoint; the same call with `resume`
 * goes on.
 *
 * @returns the results in the order of the configurations; after a notebook's interrupt those that
 *   are done, and of those that were stopped the best epoch so far, which say `interrupted` and whose
 *   model readModel(runFiles(runsDir, config).stopped) has. Runs that had no epoch done are left out.
 * @throws before anything is trained: OptionError for a configuration or an option that makes no
 *   sense, or a method or a model that no module adds in the workers, UserError for data that cannot be had, a run that cannot fit the memory, a folder that
 *   cannot be written or holds a run of other data of the same name; then InterruptedError after
 *   `signal`, with the same results, and where there is none of them; TrialsError where runs failed,
 *   once all others are done.
 */
export async function runTrials(
  configs: readonly RunConfig[],
  options: TrialsOptions = {},
): Promise<RunResult[]> {
  refuseInWorker();
  checkRequest(configs, options);
  if (configs.length === 0) return [];
  const line = options.observer ? undefined : notebookTrialsLine(new Set(configs.map(runId)));
  const interrupt = new AbortController();
  const signal = AbortSignal.any([interrupt.signal, ...(options.signal ? [options.signal] : [])]);
  let begun = false;
  const onBegin = (): void => {
    begun = true;
  };
  const observed = { ...options, ...(line && { observer: line.observer }), signal };
  const work = trainAll(configs, observed, onBegin);
  try {
    return await orInterrupted(work, () => {
      interrupt.abort();
      // What was loading the data may have been killed, and never come to an end.
      if (!begun) throw new InterruptedError(BEFORE_TRAINING);
      return stoppedResults(work, configs.length, options.runsDir);
    });
  } finally {
    line?.close(signal.aborted);
  }
}

const BEFORE_TRAINING = "stopped before any training";

async function trainAll(
  configs: readonly RunConfig[],
  options: TrialsOptions,
  onBegin: () => void,
): Promise<RunResult[]> {
  const { signal, observer = () => {} } = options;
  const all = withPrerequisites(configs);
  const needed = new Set([...all.values()].flatMap(prerequisites).map(runId));
  const onWarning = (message: string): void => observer({ type: "note", message });
  const data = await loadData([...all.values()], { onWarning, ...options }).catch(
    (cause: unknown) => {
      throw signal?.aborted ? new InterruptedError(BEFORE_TRAINING) : cause;
    },
  );
  if (signal?.aborted) throw new InterruptedError(BEFORE_TRAINING);
  const planned = (config: RunConfig): Planned & Data => {
    const cached = needed.has(runId(config)) || options.resume === "repair";
    const start = cached ? "cache" : options.resume ? "resume" : "anew";
    return { config, ...data.get(dataKey(config))!, start };
  };
  checkPlan([...all.values()].map(planned), options);
  onBegin();
  const warned = new Set<string>();
  const warnOf = (needed: RunResult, role: "teacher" | "donor"): void => {
    if (warned.has(needed.id)) return;
    warned.add(needed.id);
    const message = prerequisiteTrouble(needed, role, data.get(dataKey(needed.config))!.graph);
    if (message !== undefined) observer({ type: "note", message });
  };
  const pool = new Pool(options, all.size);
  const running = new Map<string, Promise<RunResult>>();

  const run = (config: RunConfig): Promise<RunResult> => {
    const id = runId(config);
    const already = running.get(id);
    if (already) return already;
    // Asked for here and now, so that teachers are queued before the students that wait for them.
    const before = prerequisites(config).map(run);
    const profile = options.profile === true && id === runId(configs[0]!);
    const trial = { ...planned(config), profile };
    const result =
      before.length > 0
        ? Promise.all(before).then(
            (results) => {
              if (config.teacher) warnOf(results[0]!, "teacher");
              if (config.initial) warnOf(results.at(-1)!, "donor");
              return pool.run(trial, observer);
            },
            (cause) => {
              throw cause instanceof InterruptedError ? cause : new TeacherFailure(config, cause);
            },
          )
        : pool.run(trial, observer);
    running.set(id, result);
    // A failure is told at once; it is thrown once the other runs are done.
    result.catch((error: Error) => {
      if (error instanceof InterruptedError) return;
      observer({ type: "fail", id, message: error.message, diverged: hasDiverged(error) });
    });
    return result;
  };

  try {
    await pool.prepare(addedNeeds(all.values()));
    const order = [...configs].sort((a, b) => Number(!!b.teacher) - Number(!!a.teacher));
    for (const config of order) run(config);
    const outcomes = await Promise.allSettled(configs.map(run));
    return conclude(configs, outcomes);
  } finally {
    await pool.close();
  }
}

/** A run that could not begin. Its teacher's own error is reported beside it. */
class TeacherFailure extends UserError {
  constructor(config: RunConfig, cause: unknown) {
    const why = cause instanceof Error ? cause.message : String(cause);
    super(`${describeRun(config)}: no teacher: ${why}`, { exitCode: 1, cause });
  }
}

/** Whether the loss of a run, or of one that it needs, became non-finite. */
function hasDiverged(error: unknown): boolean {
  const root = error instanceof TeacherFailure ? error.cause : error;
  return root instanceof TeacherFailure ? hasDiverged(root) : root instanceof DivergedError;
}

function conclude(
  configs: readonly RunConfig[],
  outcomes: readonly PromiseSettledResult<RunResult>[],
): RunResult[] {
  const errors = outcomes.flatMap((o) => (o.status === "rejected" ? [o.reason as Error] : []));
  if (errors.length === 0) {
    return outcomes.map((o) => (o as PromiseFulfilledResult<RunResult>).value);
  }
  const interrupted = errors.find((error) => error instanceof InterruptedError);
  if (interrupted) {
    throw new InterruptedError(interrupted.message, { results: resultsSoFar(configs, outcomes) });
  }
  const roots = errors.map((e) => (e instanceof TeacherFailure ? (e.cause as Error) : e));
  const messages = [...new Set(roots.map(({ message }) => message))];
  const results = outcomes.map((o) => (o.status === "fulfilled" ? o.value : undefined));
  const count = configs.length === 1 ? "" : `${errors.length} of ${configs.length} runs failed: `;
  throw new TrialsError(count + messages.join("; "), results, errors[0]);
}

/** Finished runs and stopped ones; a student that waited for its teacher has the teacher's error. */
function resultsSoFar(
  configs: readonly RunConfig[],
  outcomes: readonly PromiseSettledResult<RunResult>[],
): RunResult[] {
  return outcomes.flatMap((outcome, index) => {
    if (outcome.status === "fulfilled") return [outcome.value];
    const { reason } = outcome as { readonly reason: unknown };
    if (!(reason instanceof InterruptedError)) return [];
    return reason.results.filter(({ id }) => id === runId(configs[index]!));
  });
}

type Data = Pick<Trial, "graph" | "split" | "order">;

function dataKey({ dataset, split, order }: RunConfig): string {
  return `${dataset} ${split} ${order}`;
}

/** Each graph and split once, here: workers get copies, and a missing file is one clear error. */
async function loadData(
  configs: readonly RunConfig[],
  options: DataOptions,
): Promise<Map<string, Data>> {
  const graphs = new Map<string, Graph>();
  const orders = new Map<string, Int32Array>();
  const data = new Map<string, Data>();
  for (const config of configs) {
    const key = dataKey(config);
    if (data.has(key)) continue;
    const graph = graphs.get(config.dataset) ?? (await loadDataset(config.dataset, options));
    graphs.set(config.dataset, graph);
    const split = await loadSplit(graph, config.split, options);
    if (config.order !== "locality") {
      data.set(key, { graph, split });
      continue;
    }
    const order = orders.get(config.dataset) ?? localityOrder(graph.adjacency);
    orders.set(config.dataset, order);
    data.set(key, { graph, split, order });
  }
  return data;
}

/** What differs from run to run. */
type Task = Pick<Trial, "config" | "graph" | "split" | "order" | "start" | "profile">;

/** The worker threads. */
class Pool {
  readonly #options: TrialsOptions;
  readonly #piscina: Piscina;
  readonly #modules: readonly string[];
  readonly #cores: Cores;
  readonly #stop = new SharedArrayBuffer(4);
  readonly #onAbort = (): void => {
    Atomics.store(new Int32Array(this.#stop), 0, 1);
  };
  /** The end of the last native run so far: TensorFlow splits its work over all cores by itself. */
  #native: Promise<unknown> = Promise.resolve();
  /** Rejects when workers die before they take a task: piscina's queue would wait for ever. */
  readonly #broken: Promise<never>;

  /** @param runs how many there will be: no more threads are started */
  constructor(options: TrialsOptions, runs: number) {
    this.#options = options;
    this.#modules = moduleUrls(options.modules ?? []);
    const threads = options.threads ?? wantedThreads();
    const workers = Math.min(options.workers ?? threads, runs);
    this.#cores = new Cores(threads, workers);
    // Beside this file: .ts in the sources, .js in the built package.
    const extension = import.meta.url.slice(import.meta.url.lastIndexOf("."));
    this.#piscina = new Piscina({
      filename: new URL(`./trial-worker${extension}`, import.meta.url).href,
      minThreads: workers,
      maxThreads: workers,
    });
    this.#broken = new Promise((_, reject) => {
      this.#piscina.on("error", reject);
    });
    this.#broken.catch(() => {});
    if (options.signal?.aborted) this.#onAbort();
    options.signal?.addEventListener("abort", this.#onAbort, { once: true });
  }

  /** @throws UserError where the modules do not add what the runs need in a worker */
  async prepare(needs: Needs): Promise<void> {
    if (this.#modules.length === 0) return;
    const task: WorkerCheck = { modules: this.#modules, needs };
    const fault: string | undefined = await Promise.race([
      this.#piscina.run(task, { name: "check" }),
      this.#broken,
    ]);
    if (fault !== undefined) throw new UserError(fault);
  }

  run(trial: Task, observer: Observer): Promise<RunResult> {
    const { engine = "auto" } = this.#options;
    const send = (): Promise<RunResult> => this.#place(trial, observer);
    if (chooseEngine(engine, hiddenWidth(trial.config.model)) === "wasm") return send();
    const result = this.#native.then(send, send);
    this.#native = result;
    return result;
  }

  async #place(trial: Task, observer: Observer): Promise<RunResult> {
    const share = await this.#cores.take();
    try {
      return await this.#send(trial, share, observer);
    } finally {
      this.#cores.give(share);
    }
  }

  async #send(trial: Task, { threads }: Share, observer: Observer): Promise<RunResult> {
    const { runsDir = RUNS_FOLDER, checkpointSeconds = 30, engine = "auto" } = this.#options;
    const { port1, port2 } = new MessageChannel();
    const eventsEnd = new Promise<void>((resolve) => {
      port1.on("message", (event: TrainingEvent | null) => {
        if (event) observer(event);
        else resolve();
      });
    });
    const task: WorkerTask = {
      modules: this.#modules,
      trial: { ...trial, runsDir, checkpointSeconds, threads, engine },
      events: port2,
      stop: this.#stop,
    };
    let reply: WorkerReply;
    try {
      const sent = this.#piscina.run(task, { transferList: [port2] });
      reply = await Promise.race([sent, this.#broken]);
      // Replies and events come by different ports: the last events may still be on their way.
      await eventsEnd;
    } catch (cause) {
      throw crash(trial.config, cause);
    } finally {
      port1.close();
    }
    if ("result" in reply) return reply.result;
    const { exitCode, diverged, results } = reply.error;
    const message = `${describeRun(trial.config)}: ${reply.error.message}`;
    if (exitCode === 130) throw new InterruptedError(message, { results });
    throw new (diverged ? DivergedError : UserError)(message, { exitCode });
  }

  async close(): Promise<void> {
    this.#options.signal?.removeEventListener("abort", this.#onAbort);
    await this.#piscina.destroy();
  }
}

/** A worker that died, or a fault of ours in it: the message names the run. */
function crash(config: RunConfig, cause: unknown): UserError {
  const { code, message } = cause as NodeJS.ErrnoException;
  const why =
    code === "ERR_WORKER_OUT_OF_MEMORY"
      ? "out of memory; use fewer --workers or a smaller model"
      : `its worker failed: ${message}`;
  return new UserError(`${describeRun(config)}: ${why}`, { exitCode: 1, cause });
}
