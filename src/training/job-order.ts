// The order of jobs: what a run needs is done before it, once for all that need it.
import { OptionError } from "../base/errors.ts";
import { prerequisites } from "./beforehand.ts";
import type { Executor, Job } from "./executor.ts";
import type { Observer } from "./observer.ts";
import { hasDiverged, TeacherFailure } from "./outcomes.ts";
import type { RunConfig, RunResult } from "./run.ts";
import { runId } from "./run-id.ts";
import { InterruptedError } from "./train.ts";

export interface OrderOptions {
  readonly jobOf: (config: RunConfig) => Job;
  readonly observer: Observer;
  readonly stop: AbortSignal;
  /** Called before a run begins, with the results of prerequisites() in their order. */
  readonly onReady: (config: RunConfig, needed: readonly RunResult[]) => void;
}

/**
 * Gives every run to the executor as soon as what it needs is done and a slot is free.
 * @returns what became of each, in the order of the configurations; equal ones share one run
 * @throws OptionError for an executor without a slot
 */
export function runInOrder(
  configs: readonly RunConfig[],
  executor: Executor,
  { jobOf, observer, stop, onReady }: OrderOptions,
): Promise<PromiseSettledResult<RunResult>[]> {
  if (!(executor.slots >= 1)) {
    throw new OptionError(`the executor has ${executor.slots} slots; legal: 1 or more`);
  }
  const inSlot = slots(executor.slots);
  const running = new Map<string, Promise<RunResult>>();
  const begin = (config: RunConfig): Promise<RunResult> =>
    inSlot(() => executor.run(jobOf(config), observer, stop));
  const run = (config: RunConfig): Promise<RunResult> => {
    const id = runId(config);
    const already = running.get(id);
    if (already) return already;
    // Requested now, so that teachers are queued before the students that wait for them.
    const before = prerequisites(config).map(run);
    const result =
      before.length === 0
        ? begin(config)
        : Promise.all(before).then(
            (needed) => {
              onReady(config, needed);
              return begin(config);
            },
            (cause) => {
              throw cause instanceof InterruptedError ? cause : new TeacherFailure(config, cause);
            },
          );
    running.set(id, result);
    // A failure is reported at once, and thrown once the other runs are done.
    result.catch((error: Error) => {
      if (error instanceof InterruptedError) return;
      observer({ type: "fail", id, message: error.message, diverged: hasDiverged(error) });
    });
    return result;
  };
  const order = [...configs].sort((a, b) => Number(!!b.teacher) - Number(!!a.teacher));
  for (const config of order) run(config);
  return Promise.allSettled(configs.map(run));
}

/** Limits how many things are done at a time; the others wait in the order in which they came. */
function slots(free: number): <T>(work: () => Promise<T>) => Promise<T> {
  const waiting: (() => void)[] = [];
  return async (work) => {
    if (free > 0) free--;
    else await new Promise<void>((go) => waiting.push(go));
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next) next();
      else free++;
    }
  };
}
