// Training in words, and the line that shows it in notebooks by itself.
import { performance } from "node:perf_hooks";
import { duration, percent } from "../display/format.ts";
import { notebookDisplay } from "../display/host.ts";
import { LiveLine } from "../display/line.ts";
import type { EndEvent, EpochEvent, Observer } from "./observer.ts";
import type { RunConfig } from "./run.ts";
import { describeRun } from "./run-id.ts";

export function runName(config: RunConfig, asTeacher: boolean): string {
  return asTeacher ? `teacher ${describeRun(config)}` : describeRun(config);
}

/** All runs of a command share dataset and split, and a line is short. */
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

function describeEnd({ epoch, bestEpoch, valAccuracy, seconds, interrupted }: EndEvent): string {
  const how = `${interrupted ? "stopped after" : "trained for"} ${duration(seconds)}`;
  if (bestEpoch === 0) return `${how}: no epoch was done`;
  return `${how}: best epoch ${bestEpoch} of ${epoch}, val ${percent(valAccuracy)}`;
}

/** One training's line; undefined outside of notebooks. */
export function notebookTrainingLine(config: RunConfig): Observer | undefined {
  if (!notebookDisplay()) return undefined;
  const line = new LiveLine();
  const name = shortRunName(config, false);
  return (event) => {
    if (event.type === "epoch") line.update(() => `${name}: ${describeEpoch(event)}`);
    else if (event.type === "end") line.end(`${name}: ${describeEnd(event)}`);
  };
}

/** The line of many runs: the one that will take longest, and how many are done, running, left. */
export interface TrialsLine {
  readonly observer: Observer;
  /** Shows the final state. */
  close(stopped: boolean): void;
}

/**
 * Counts the runs that were asked for; those that these need first are shown while they run.
 * @param asked ids of the runs that were asked for. Undefined outside of notebooks.
 */
export function notebookTrialsLine(asked: ReadonlySet<string>): TrialsLine | undefined {
  if (!notebookDisplay()) return undefined;
  const line = new LiveLine();
  const began = performance.now();
  const names = new Map<string, string>();
  const running = new Map<string, EpochEvent | undefined>();
  const failures: string[] = [];
  const notes: string[] = [];
  const total = asked.size;
  let [done, failedOfAsked] = [0, 0];

  const counts = (): string => {
    const begun = [...running.keys()].filter((id) => asked.has(id)).length;
    const left = Math.max(0, total - done - failedOfAsked - begun);
    const failed = failures.length > 0 ? `, ${failures.length} failed` : "";
    return `${done}/${total} runs done${failed}, ${running.size} running, ${left} left`;
  };
  const text = (): string => {
    const events = [...running.values()].filter((event) => event !== undefined);
    const last = events.sort((a, b) => b.secondsLeft - a.secondsLeft)[0];
    return last ? `${counts()}; ${names.get(last.id)}: ${describeEpoch(last)}` : counts();
  };
  const observer: Observer = (event) => {
    switch (event.type) {
      case "start":
        names.set(event.id, shortRunName(event.config, event.asTeacher));
        running.set(event.id, undefined);
        break;
      case "epoch":
        running.set(event.id, event);
        break;
      case "finish":
        running.delete(event.id);
        if (asked.has(event.id)) done++;
        break;
      case "fail":
        running.delete(event.id);
        if (asked.has(event.id)) failedOfAsked++;
        failures.push(event.message);
        break;
      case "note":
        notes.push(event.message);
        break;
    }
    line.update(text);
  };
  const close = (stopped: boolean): void => {
    const failed = failures.length > 0 ? `, ${failures.length} failed: ${failures[0]}` : "";
    const seconds = (performance.now() - began) / 1000;
    const how = `${stopped ? ", stopped" : failed}, ${duration(seconds)}`;
    line.end([`${done}/${total} runs done${how}`, ...notes].join("; "));
  };
  return { observer, close };
}
