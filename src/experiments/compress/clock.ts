// Runs the stages of a search within their time, and remembers what was done, so that a killed search goes on.
import { existsSync, rmSync } from "node:fs";
import { availableParallelism } from "node:os";
import path from "node:path";
import { canonicalJson } from "../../base/canonical.ts";
import { UserError } from "../../base/errors.ts";
import { readText, writeAtomic } from "../../base/files.ts";
import { anything, dictionary, list, object, optional, real, text } from "../../base/json-form.ts";
import { jsonText, openSealed, type Sealed, sealed } from "../../base/sealed-json.ts";
import type { TrainingEvent } from "../../training/observer.ts";
import type { RunConfig } from "../../training/run.ts";
import { runFiles } from "../../training/run-store.ts";
import { InterruptedError } from "../../training/train.ts";
import { runTrials, type TrialsOptions } from "../../training/trials.ts";
import { KeptThreads } from "../../training/worker-threads.ts";
import type { ResultsStore } from "../results-store.ts";
import { missingTrials, runRecorded } from "../run-study.ts";
import type { TrialRecord } from "../trial-record.ts";
import type { MeasuredSize } from "./sizes.ts";
import { sizeKey, type TriedStudent, triedOf } from "./tried.ts";

const FORMAT = "abkd-compress/1";

/** Runs are begun in chunks that double until one takes as long as this. */
const CHUNK_SECONDS = 8;
/** Runs per worker in the first chunk. */
const FIRST_CHUNK = 4;

/** What a stage has taken, over all processes that worked on it; with `left`, it is over. */
interface StageState {
  readonly seconds: number;
  readonly left?: readonly string[];
}

interface SearchState {
  readonly format: typeof FORMAT;
  /** What is searched: a folder holds one search. */
  readonly request: unknown;
  /** The students to choose from, as measured when the search began; absent before. */
  readonly students?: readonly MeasuredSize[];
  readonly stages: Readonly<Record<string, StageState>>;
}

const stateForm = object({
  format: text,
  digest: text,
  request: anything,
  students: optional(list(object({ size: anything, microseconds: real }))),
  stages: dictionary(object({ seconds: real, left: optional(list(text)) })),
});

/** A stage of the search: runs in the order in which they are to begin. */
export interface Stage {
  readonly name: string;
  readonly trials: ReadonlyMap<string, RunConfig>;
  /** Runs that are done whatever the time. */
  readonly needed: ReadonlySet<string>;
  /** The id of the contender that each run is of. */
  readonly owners: ReadonlyMap<string, string>;
  readonly seconds: number;
  /** What the stages after it may take. */
  readonly secondsAfter: number;
  /** Whether the models are wanted afterwards; the records stay in any case. */
  readonly keepsModels?: boolean;
}

type Ended = Pick<TrialRecord, "id" | "config" | "parameters" | "accuracy" | "dead">;

/** What is known once a stage is over. */
export interface StageOutcome {
  /** Of all that ended; a run that diverged has none. */
  readonly records: ReadonlyMap<string, TrialRecord>;
  /** The runs for which there was no time. */
  readonly left: ReadonlySet<string>;
}

/** How far a search is. */
export interface StageProgress {
  readonly stage: string;
  /** Runs of this stage that ended; the time decides how many there will be. */
  readonly done: number;
  /** Until the whole search is over, but for runs that are done whatever the time. */
  readonly secondsLeft: number;
  /** The students that ended since the last call. */
  readonly finished: readonly TriedStudent[];
}

export interface ClockOptions extends Omit<TrialsOptions, "resume" | "engine" | "recorded"> {
  readonly store: ResultsStore;
  readonly runsDir: string;
  readonly onStage?: (progress: StageProgress) => void;
}

/** Runs stages; its file in the folder of records says what they took. */
export class Clock {
  readonly #file: string;
  readonly #options: ClockOptions;
  /** Chunks are many and small runs short: the threads stay. */
  readonly #threads: KeptThreads;
  #state: SearchState;

  /**
   * @param request all that decides what is searched, and within which time
   * @throws UserError if the folder holds another search, or its file is damaged
   */
  constructor(request: unknown, options: ClockOptions) {
    this.#options = options;
    const { workers } = options;
    this.#threads = new KeptThreads(workers === undefined ? {} : { workers });
    const { folder } = options.store;
    this.#file = path.join(folder, "search.json");
    this.#state = { format: FORMAT, request, stages: {} };
    if (!existsSync(this.#file)) return;
    const found = openSealed<SearchState & Sealed>(readText(this.#file), FORMAT, stateForm);
    if (typeof found === "string") {
      throw new UserError(`${this.#file} ${found}; remove it to search again with the runs kept`);
    }
    if (canonicalJson(found.request) !== canonicalJson(JSON.parse(JSON.stringify(request)))) {
      throw new UserError(
        `${folder} holds another search: of other data, for another budget or with another time; choose another folder`,
      );
    }
    const { digest: _, ...state } = found;
    this.#state = state;
  }

  /**
   * Returns the students to choose from. They are measured once: a second measurement may admit others, from which
   * other runs would be drawn.
   */
  students(measure: () => readonly MeasuredSize[]): readonly MeasuredSize[] {
    const students = this.#state.students ?? measure();
    if (!this.#state.students) this.#write({ ...this.#state, students });
    return students;
  }

  /** What all stages took so far. */
  get seconds(): number {
    return Object.values(this.#state.stages).reduce((sum, { seconds }) => sum + seconds, 0);
  }

  /**
   * Runs what is missing of a stage until its time is up; a stage that is over is read again.
   * @throws InterruptedError after the caller's signal; what runTrials() throws
   */
  async run(stage: Stage): Promise<StageOutcome> {
    const { name, trials, needed, owners, seconds, secondsAfter, keepsModels } = stage;
    const { store, runsDir, onStage, workers = availableParallelism() } = this.#options;
    const before = this.#state.stages[name];
    const isOver = before?.left !== undefined;
    const left = new Set(before?.left ?? []);
    const wanted = new Map([...trials].filter(([id]) => !left.has(id)));
    const earlier = store.read(wanted.keys());
    const missing = missingTrials(wanted, earlier);
    let spent = before?.seconds ?? 0;
    let done = wanted.size - missing.size;
    const times = new Map(
      this.#state.students?.map(({ size, microseconds }) => [sizeKey(size), microseconds]),
    );
    const show = (taken: number, ended: readonly Ended[]): void =>
      onStage?.({
        stage: name,
        done,
        secondsLeft: Math.max(0, seconds - taken) + secondsAfter,
        finished: ended.map((one) => triedOf(one, owners.get(one.id)!, times)),
      });
    show(spent, [...earlier.records.values()]);
    // Runs that another command left in the folder stay there.
    const ours = [...missing.values()].filter(
      ({ ...config }) => !existsSync(runFiles(runsDir, config).folder),
    );
    const first = [...missing].filter(([id]) => needed.has(id));
    const rest = [...missing].filter(([id]) => !needed.has(id));
    const queue = isOver ? [] : rest;
    let size = FIRST_CHUNK * workers;
    for (let chunk = first; chunk.length > 0 || queue.length > 0; chunk = queue.splice(0, size)) {
      const optional = chunk !== first;
      if (optional && spent >= seconds) break;
      if (chunk.length === 0) continue;
      const began = performance.now();
      const taken = (): number => spent + (performance.now() - began) / 1000;
      const observer = (event: TrainingEvent): void => {
        const ended = event.type === "finish" && wanted.has(event.id) ? [event.result] : [];
        done += ended.length;
        show(taken(), ended);
        this.#options.observer?.(event);
      };
      try {
        await this.#train(new Map(chunk), optional ? seconds - spent : undefined, observer);
      } finally {
        // To begin a chunk takes a while, and between two of them the contenders take turns.
        if (taken() - spent < CHUNK_SECONDS) size *= 2;
        spent = taken();
        this.#save(name, { seconds: spent });
      }
    }
    const { records, failures } = store.read(wanted.keys());
    for (const id of wanted.keys()) if (!records.has(id) && !failures.has(id)) left.add(id);
    this.#save(name, { seconds: spent, left: [...left].sort() });
    if (!keepsModels) {
      for (const config of ours)
        rmSync(runFiles(runsDir, config).folder, { recursive: true, force: true });
    }
    return { records, left };
  }

  /** Trains until all is done or the time is up, whatever comes first. */
  async #train(
    trials: ReadonlyMap<string, RunConfig>,
    seconds: number | undefined,
    observer: (event: TrainingEvent) => void,
  ): Promise<void> {
    const { onStage: _, signal, workers: __, ...options } = this.#options;
    const late = new AbortController();
    const timer =
      seconds === undefined ? undefined : setTimeout(() => late.abort(), 1000 * seconds);
    const either = AbortSignal.any([late.signal, ...(signal ? [signal] : [])]);
    try {
      const executor = this.#threads.start;
      await runRecorded(trials, { ...options, observer, executor, signal: either }, runTrials);
    } catch (error) {
      const isLate = late.signal.aborted && !signal?.aborted;
      if (!(isLate && error instanceof InterruptedError)) throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Ends the threads. */
  close(): Promise<void> {
    return this.#threads.close();
  }

  #save(name: string, stage: StageState): void {
    this.#write({ ...this.#state, stages: { ...this.#state.stages, [name]: stage } });
  }

  #write(state: SearchState): void {
    this.#state = state;
    writeAtomic(this.#file, jsonText(sealed(state)));
  }
}
