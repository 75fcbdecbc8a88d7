// Describes training in words, and shows it in the lines that notebooks show by themselves.
import { performance } from "node:perf_hooks";
import { duration, percent } from "../display/format.ts";
import { notebookDisplay } from "../display/host.ts";
import { LiveLine } from "../display/line.ts";
import type { EndEvent, EpochEvent, Observer } from "./observer.ts";
import type { RunConfig } from "./run.ts";
import { describeRun } from "./run-id.ts";
import { showTally, Tally } from "./tally.ts";

export function runName(config: RunConfig, asTeacher: boolean): string {
  return asTeacher ? `teacher ${describeRun(config)}` : describeRun(config);
}

/** Leaves out dataset and split, which all runs of a command share: a line is short. */
export function shortRunName({ method, seed }: RunConfig, asTeacher: boolean): string {
  return `${asTeacher ? "teacher" : (method?.name ?? "model")} seed ${seed}`;
}

export function describeEpoch(event: EpochEvent): string {
  const { epoch, epochs, loss, trainAccuracy, valAccuracy, secondsLeft } = event;
  return (
    `epoch ${epoch}/${epochs}, loss ${loss.toPrecision(3)}, train ${percent(trainAccuracy)}, ` +
    `val ${percent(valAccuracy)}, ≤ ${duration(secondsLeft)} left`
  );
}

/** What fits on a line that also shows a count: neither the loss nor the accuracy in training. */
export function describeEpochBriefly({
  epoch,
  epochs,
  valAccuracy,
  secondsLeft,
}: EpochEvent): string {
  return `epoch ${epoch}/${epochs}, val ${percent(valAccuracy)}, ≤ ${duration(secondsLeft)} left`;
}

function describeEnd({ epoch, bestEpoch, valAccuracy, seconds, interrupted }: EndEvent): string {
  const how = `${interrupted ? "stopped after" : "trained for"} ${duration(seconds)}`;
  if (bestEpoch === 0) return `${how}: no epoch was done`;
  return `${how}: best epoch ${bestEpoch} of ${epoch}, val ${percent(valAccuracy)}`;
}

/** Shows one training in a line. @param name put in front */
export function trainingLine(name = ""): Observer {
  const line = new LiveLine();
  const prefix = name && `${name}: `;
  return (event) => {
    if (event.type === "epoch") line.update(() => prefix + describeEpoch(event));
    else if (event.type === "end") line.end(prefix + describeEnd(event));
  };
}

/** Returns what a training shows by itself in a notebook; undefined elsewhere. */
export function notebookTrainingLine(config: RunConfig): Observer | undefined {
  return notebookDisplay() && trainingLine(shortRunName(config, false));
}

/** The line of many runs: the one that will take longest, and how many are done, running, left. */
export interface TrialsLine {
  readonly observer: Observer;
  /** Shows the final state. */
  close(stopped: boolean): void;
}

/**
 * Counts the requested runs, and shows those that they need while these run; undefined outside notebooks.
 * @param asked ids of the requested runs
 */
export function notebookTrialsLine(asked: Iterable<string>): TrialsLine | undefined {
  if (!notebookDisplay()) return undefined;
  const line = new LiveLine();
  const began = performance.now();
  const tally = new Tally(asked);
  const done = (): string => `${tally.done}/${tally.total} runs done`;
  const failed = (): string =>
    tally.failures.length > 0 ? `, ${tally.failures.length} failed` : "";
  const text = (): string => {
    const { running, waiting, slowest } = tally;
    const counts = `${done()}${failed()}, ${running.size} running, ${waiting.length} left`;
    if (!slowest) return counts;
    const { config, asTeacher, epoch } = slowest;
    return `${counts}; ${shortRunName(config, asTeacher)}: ${describeEpoch(epoch)}`;
  };
  const close = (stopped: boolean): void => {
    const why = tally.failures.length > 0 ? `${failed()}: ${tally.failures[0]}` : "";
    const seconds = (performance.now() - began) / 1000;
    line.end(`${done()}${stopped ? ", stopped" : why}, ${duration(seconds)}`);
  };
  return { observer: showTally(line, tally, text), close };
}
