// A study shown on a terminal: done, running, time left.
import { sum } from "simple-statistics";
import { duration, percent } from "../display/format.ts";
import { LiveLine } from "../display/line.ts";
import type { LineStream } from "../display/terminal-line.ts";
import type { TrialRecord } from "../experiments/trial-record.ts";
import { kindOf, TrialTimes } from "../experiments/trial-times.ts";
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

/** One line that says how far the study is; failures and notes are printed as they come. */
export function showStudyProgress(options: StudyProgressOptions): Progress {
  const { trials, earlier, workers, stream = process.stderr } = options;
  const line = new LiveLine(stream);
  const times = new TrialTimes(earlier);
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
      return times.expected(config) ?? byRunning(config);
    });
    const now = running.map(({ config, epoch }) => {
      const whole = times.expected(config);
      if (!epoch) return whole;
      const share = 1 - epoch.epoch / epoch.epochs;
      return Math.min(epoch.secondsLeft, whole === undefined ? Infinity : whole * share);
    });
    const all = [...ahead, ...now];
    if (all.some((seconds) => seconds === undefined)) return undefined;
    return Math.max(sum(all as number[]) / workers, ...(now as number[]));
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
    if (event.type === "finish") times.learn(event.result);
    show(event);
  };
  return { observer, close: () => line.wipe() };
}
