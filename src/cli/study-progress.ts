// A study shown on a terminal: done, running, time left.
import { duration, percent } from "../display/format.ts";
import { LiveLine } from "../display/line.ts";
import type { LineStream } from "../display/terminal-line.ts";
import type { TrialRecord } from "../experiments/trial-record.ts";
import type { Observer } from "../training/observer.ts";
import { runName } from "../training/progress.ts";
import type { RunConfig } from "../training/run.ts";
import { showTally, Tally } from "../training/tally.ts";
import type { Progress } from "./progress.ts";

export interface StudyProgressOptions {
  /** Trials that are to be run, by id. */
  readonly trials: ReadonlyMap<string, RunConfig>;
  /** Done earlier: how long a trial takes is learned from them. */
  readonly earlier: Iterable<TrialRecord>;
  readonly workers: number;
  readonly stream?: LineStream;
}

/** Trials that take about as long as each other. */
function kindOf({ dataset, model, method, training }: RunConfig): string {
  const { attention, kernel } = method?.options ?? {};
  const { layers, width } = model;
  return [dataset, layers, width, training.epochs, method?.name, attention, kernel].join(" ");
}

/** Seconds that trials took, by kind. */
class Durations {
  readonly #seconds = new Map<string, number[]>();

  add(config: RunConfig, seconds: number): void {
    const kind = kindOf(config);
    this.#seconds.set(kind, [...(this.#seconds.get(kind) ?? []), seconds]);
  }

  /** Of its kind, or of all; undefined before any is known. */
  expected(config: RunConfig): number | undefined {
    const known = this.#seconds.get(kindOf(config)) ?? [...this.#seconds.values()].flat();
    return known.length === 0 ? undefined : known.reduce((a, b) => a + b, 0) / known.length;
  }
}

/** One line that says how far the study is; failures and notes are printed as they come. */
export function showStudyProgress(options: StudyProgressOptions): Progress {
  const { trials, earlier, workers, stream = process.stderr } = options;
  const line = new LiveLine(stream);
  const durations = new Durations();
  for (const { config, timing } of earlier) durations.add(config, timing.seconds);
  const tally = new Tally(trials.keys());

  /** Seconds; early stopping makes it less, kinds not met yet make it a guess. */
  const left = (): number | undefined => {
    const running = [...tally.running.values()];
    /** By a run of the kind that is going on, until one has ended. */
    const byRunning = (config: RunConfig): number | undefined => {
      const kind = kindOf(config);
      const one = running.find((run) => run.epoch && kindOf(run.config) === kind);
      if (!one?.epoch) return undefined;
      const { epoch, epochs, secondsLeft } = one.epoch;
      return secondsLeft / Math.max(0.01, 1 - epoch / epochs);
    };
    const ahead = tally.waiting.map((id) => {
      const config = trials.get(id)!;
      return durations.expected(config) ?? byRunning(config);
    });
    const now = running.map(({ config, epoch }) => {
      const whole = durations.expected(config);
      if (!epoch) return whole;
      const share = 1 - epoch.epoch / epoch.epochs;
      return Math.min(epoch.secondsLeft, whole === undefined ? Infinity : whole * share);
    });
    const all = [...ahead, ...now];
    if (all.some((seconds) => seconds === undefined)) return undefined;
    const sum = (all as number[]).reduce((a, b) => a + b, 0);
    return Math.max(sum / workers, ...(now as number[]));
  };
  const show = showTally(line, tally, () => {
    const { done, failures, running } = tally;
    const seconds = left();
    const time = seconds === undefined ? "time left not known yet" : `${duration(seconds)} left`;
    const bad = failures.length > 0 ? `, ${failures.length} failed` : "";
    const names = [...running.values()].map(({ config, epoch }) => {
      const name = runName(config, false);
      return epoch ? `${name} (epoch ${epoch.epoch}, val ${percent(epoch.valAccuracy)})` : name;
    });
    const counts = `${done}/${trials.size} done${bad}, ${running.size} running, ${time}`;
    return [counts, ...names].join("; ");
  });
  const observer: Observer = (event) => {
    if (event.type === "finish") {
      durations.add(event.result.config, event.result.timing.seconds);
    }
    show(event);
  };
  return { observer, close: () => line.wipe() };
}
