// Runs a study: what the store does not have yet, each result kept the moment it is there.
import { UserError } from "../errors.ts";
import type { Observer, TrainingEvent } from "../training/observer.ts";
import type { RunConfig } from "../training/run.ts";
import type { TrialsOptions } from "../training/trials.ts";
import type { ResultsStore } from "./results-store.ts";
import type { StudyPlan } from "./study.ts";
import { recordOf } from "./trial-record.ts";

export interface StudyOptions extends Omit<TrialsOptions, "resume" | "engine"> {
  readonly store: ResultsStore;
}

/** What a study's trials are run by: runTrials (src/training/trials.ts). */
export type TrialRunner = (
  configs: readonly RunConfig[],
  options: TrialsOptions,
) => Promise<unknown>;

/** The plan's trials by id: equal ones, such as a control that is also an arm, once. */
export function distinctTrials(plan: StudyPlan): Map<string, RunConfig> {
  return new Map(plan.trials.map(({ id, config }) => [id, config]));
}

/**
 * Runs the trials that the store has no sound record of. Unsound records are said, renamed and done
 * again. A process that is killed loses nothing that was finished: the next call goes on.
 *
 * @returns how many trials were recorded now
 * @throws FileError at once where the store cannot be written; InterruptedError after `signal`;
 *   TrialsError where trials failed, once the others are done
 */
export async function runStudy(
  plan: StudyPlan,
  options: StudyOptions,
  run: TrialRunner,
): Promise<number> {
  const { store, observer = () => {}, ...rest } = options;
  const trials = distinctTrials(plan);
  const { records, problems } = store.read(trials.keys());
  const missing = [...trials].filter(([id]) => !records.has(id));
  if (missing.length === 0) return 0;
  store.prepare();
  for (const { id, message } of problems) {
    observer({ type: "note", message: `${message}; kept as ${store.setAside(id)} and done again` });
  }
  const full = new AbortController();
  let failure: UserError | undefined;
  let recorded = 0;
  const record = (event: Extract<TrainingEvent, { type: "finish" }>): void => {
    if (failure || !trials.has(event.id) || records.has(event.id)) return;
    try {
      store.write(recordOf(event.result));
      recorded++;
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      // What cannot be kept need not be computed; the trials that were kept stay.
      failure = error;
      full.abort();
    }
  };
  const recording: Observer = (event) => {
    if (event.type === "finish") record(event);
    observer(event);
  };
  const signal = options.signal ? AbortSignal.any([options.signal, full.signal]) : full.signal;
  try {
    const configs = missing.map(([, config]) => config);
    // On one engine wherever it runs: `auto` would go by what is built on the machine.
    const fixed = { engine: "wasm", resume: "repair" } as const;
    await run(configs, { ...rest, ...fixed, signal, observer: recording });
  } catch (error) {
    throw failure ?? error;
  }
  if (failure) throw failure;
  return recorded;
}
