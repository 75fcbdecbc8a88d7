// A study shown on a terminal: done, running, time left.
import { duration, percent } from "../display/format.ts";
import { terminalLine } from "../display/terminal-line.ts";
import type { TrialRecord } from "../experiments/trial-record.ts";
import type { EpochEvent, Observer } from "../training/observer.ts";
import { runName } from "../training/progress.ts";
import type { RunConfig } from "../training/run.ts";

export interface StudyProgressOptions {
  /** Trials that are to be run, by id. */
  readonly trials: ReadonlyMap<string, RunConfig>;
  /** Done earlier: how long a trial takes is learned from them. */
  readonly earlier: Iterable<TrialRecord>;
  readonly workers: number;
  readonly stream?: NodeJS.WriteStream;
}

const LIVE_MILLISECONDS = 200;
/** Where stderr is no terminal, a line this often. */
const PLAIN_MILLISECONDS = 15_000;

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
export function showStudyProgress(options: StudyProgressOptions): {
  readonly observer: Observer;
  close(): void;
} {
  const { trials, earlier, workers, stream = process.stderr } = options;
  const live = stream.isTTY === true;
  const { draw: redraw, say, wipe } = terminalLine(stream);
  const durations = new Durations();
  for (const { config, timing } of earlier) durations.add(config, timing.seconds);
  const waiting = new Map(trials);
  const running = new Map<string, { config: RunConfig; epoch?: EpochEvent }>();
  let done = 0;
  let failed = 0;
  let drawn = live ? Number.NEGATIVE_INFINITY : performance.now();

  /** Seconds; early stopping makes it less, kinds not met yet make it a guess. */
  const left = (): number | undefined => {
    /** By a run of the kind that is going on, until one has ended. */
    const byRunning = (config: RunConfig): number | undefined => {
      const kind = kindOf(config);
      const one = [...running.values()].find((run) => run.epoch && kindOf(run.config) === kind);
      if (!one?.epoch) return undefined;
      const { epoch, epochs, secondsLeft } = one.epoch;
      return secondsLeft / Math.max(0.01, 1 - epoch / epochs);
    };
    const ahead = [...waiting.values()].map(
      (config) => durations.expected(config) ?? byRunning(config),
    );
    const now = [...running.values()].map(({ config, epoch }) => {
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
  const text = (): string => {
    const seconds = left();
    const time = seconds === undefined ? "time left not known yet" : `${duration(seconds)} left`;
    const bad = failed > 0 ? `, ${failed} failed` : "";
    const names = [...running.values()].map(({ config, epoch }) => {
      const name = runName(config, false);
      return epoch ? `${name} (epoch ${epoch.epoch}, val ${percent(epoch.valAccuracy)})` : name;
    });
    const counts = `${done}/${trials.size} done${bad}, ${running.size} running, ${time}`;
    return [counts, ...names].join("; ");
  };
  const draw = (): void => {
    const now = performance.now();
    if (now - drawn < (live ? LIVE_MILLISECONDS : PLAIN_MILLISECONDS)) return;
    drawn = now;
    if (!live) {
      say(text());
      return;
    }
    redraw(text());
  };

  const observer: Observer = (event) => {
    switch (event.type) {
      case "start":
        waiting.delete(event.id);
        running.set(event.id, { config: event.config });
        break;
      case "epoch": {
        const run = running.get(event.id);
        if (run) run.epoch = event;
        break;
      }
      case "finish":
        waiting.delete(event.id);
        running.delete(event.id);
        durations.add(event.result.config, event.result.timing.seconds);
        if (trials.has(event.id)) done++;
        break;
      case "fail":
        waiting.delete(event.id);
        running.delete(event.id);
        failed++;
        break;
      case "note":
        say(event.message);
        break;
    }
    draw();
  };
  return { observer, close: wipe };
}
