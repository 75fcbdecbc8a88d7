// Runs the trials of a study that the store lacks, and stores each result as soon as it is there.
import { needFunction, needObject } from "../base/arguments.ts";
import { UserError } from "../base/errors.ts";
import { dataName } from "../training/beforehand.ts";
import type { Observer, TrainingEvent } from "../training/observer.ts";
import type { RunConfig } from "../training/run.ts";
import { InterruptedError } from "../training/train.ts";
import type { RecordedData, TrialsOptions } from "../training/trials.ts";
import { DifferentResult, type ResultsStore } from "./results-store.ts";
import type { StudyPlan } from "./study.ts";
import { failureOf, recordOf } from "./trial-record.ts";

export interface StudyOptions extends Omit<TrialsOptions, "resume" | "engine" | "recorded"> {
  readonly store: ResultsStore;
  /** Whether to run trials again whose loss became non-finite; by default their records stand. */
  readonly retryFailed?: boolean;
}

function interrupted(recorded: number, all: number): InterruptedError {
  return new InterruptedError(
    `stopped: ${recorded} of ${all} trials are recorded, and the same call continues with the others`,
  );
}

/** The function that runs a study's trials: runTrials (src/training/trials.ts). */
export type TrialRunner = (
  configs: readonly RunConfig[],
  options: TrialsOptions,
) => Promise<unknown>;

/** Returns the plan's trials by id; equal ones, such as a control that is also an arm, occur once. */
export function distinctTrials(plan: StudyPlan): Map<string, RunConfig> {
  return new Map(plan.trials.map(({ id, config }) => [id, config]));
}

/** Returns the trials that running the study would start. */
export function missingTrials(
  trials: ReadonlyMap<string, RunConfig>,
  { records, failures }: ReturnType<ResultsStore["read"]>,
  retryFailed = false,
): Map<string, RunConfig> {
  const settled = (id: string): boolean => records.has(id) || (!retryFailed && failures.has(id));
  return new Map([...trials].filter(([id]) => !settled(id)));
}

/** Returns the data that finished trials were trained on; the others must not be trained on anything else. */
function recordedData(
  { records }: ReturnType<ResultsStore["read"]>,
  store: ResultsStore,
): ReadonlyMap<string, RecordedData> {
  const found = new Map<string, RecordedData>();
  for (const { id, config, data } of records.values()) {
    const { fingerprint } = data;
    const name = dataName(config);
    if (fingerprint !== undefined && !found.has(name))
      found.set(name, { fingerprint, path: store.place(id) });
  }
  return found;
}

/**
 * Runs the trials that have no sound record in the store. Unsound records are reported and renamed, and their
 * trials run again. A trial whose loss becomes non-finite is recorded as such, and the study goes on. A process
 * that is killed loses no finished trial: the next call runs the others.
 *
 * @returns how many trials this call recorded, failures included
 * @throws FileError at once if the store cannot be written; UserError before anything is trained
 *   if a record comes from other data of the same name; InterruptedError after `signal`;
 *   TrialsError if trials failed otherwise, and DifferentResult if a record of another process differs from
 *   this one's, once the others are done
 */
export async function runStudy(
  plan: StudyPlan,
  options: StudyOptions,
  run: TrialRunner,
): Promise<number> {
  needObject(
    plan,
    "runStudy: plan",
    "a plan, as returned by planStudy()",
    "study",
    "trials",
    "datasets",
  );
  needObject(options, "runStudy: options", "{ store }", "store");
  needFunction(run, "runStudy: run", "runTrials, or a function like it");
  return runRecorded(distinctTrials(plan), options, run);
}

const keptAs = (aside: string | undefined): string =>
  aside === undefined ? "set aside by another process" : `kept as ${aside}`;

/**
 * Does the same for any configurations by id, such as those of a search.
 * @returns how many this call recorded
 */
export async function runRecorded(
  trials: ReadonlyMap<string, RunConfig>,
  options: StudyOptions,
  run: TrialRunner,
): Promise<number> {
  const { store, observer = () => {}, retryFailed, ...rest } = options;
  const earlier = store.read(trials.keys());
  const missing = missingTrials(trials, earlier, retryFailed);
  if (missing.size === 0) return 0;
  store.prepare();
  for (const { id, path, message } of earlier.problems) {
    const isMissing = id !== undefined && missing.has(id);
    // A damaged line stays where it is until `abkd study pack` sets it aside.
    const then =
      path === undefined
        ? isMissing
          ? ["its trial counts as not done"]
          : []
        : [`${keptAs(store.setAside(path))}${isMissing ? " and run again" : ""}`];
    observer({ type: "note", message: [message, ...then].join("; ") });
  }
  const full = new AbortController();
  let failure: UserError | undefined;
  let different: DifferentResult | undefined;
  const recorded = new Set<string>();
  const keep = (id: string, write: () => void): void => {
    if (failure || !missing.has(id) || recorded.has(id)) return;
    try {
      write();
      recorded.add(id);
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      if (error instanceof DifferentResult) {
        different = error;
        observer({ type: "note", message: error.message });
        return;
      }
      // A result that cannot be stored need not be computed; those that were stored stay.
      failure = error;
      full.abort();
    }
  };
  const recording: Observer = (event: TrainingEvent) => {
    if (event.type === "finish") keep(event.id, () => store.write(recordOf(event.result)));
    if (event.type === "fail" && event.diverged) {
      keep(event.id, () => store.writeFailure(failureOf(trials.get(event.id)!, event.message)));
    }
    observer(event);
  };
  const signal = options.signal ? AbortSignal.any([options.signal, full.signal]) : full.signal;
  try {
    // One engine on every machine: `auto` would depend on what is built there.
    const fixed = {
      engine: "wasm",
      resume: "repair",
      recorded: recordedData(earlier, store),
    } as const;
    await run([...missing.values()], { ...rest, ...fixed, signal, observer: recording });
    // When a notebook is interrupted, runTrials() resolves with some runs unfinished.
    if (!(failure ?? different) && recorded.size < missing.size)
      throw interrupted(recorded.size, missing.size);
  } catch (error) {
    if (failure ?? different) throw failure ?? different;
    // If every trial that failed has a record, there is nothing left to report.
    if ([...missing.keys()].some((id) => !recorded.has(id))) throw error;
  }
  if (failure ?? different) throw failure ?? different;
  return recorded.size;
}
