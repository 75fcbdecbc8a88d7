// Training shown on a terminal: one live line; where piped, plain lines now and then.
import { percent } from "../display/format.ts";
import { terminalLine } from "../display/terminal-line.ts";
import type { EpochEvent, Observer } from "../training/observer.ts";
import { describeEpoch, runName, shortRunName } from "../training/progress.ts";

export interface ProgressOptions {
  /** Runs that will be shown, for the count. */
  readonly total: number;
  readonly stream?: NodeJS.WriteStream;
}

export interface Progress {
  readonly observer: Observer;
  /** Wipes the live line. */
  close(): void;
}

/** Between two drawings of the live line, and between two plain lines of a run. */
const LIVE_MILLISECONDS = 100;
const PLAIN_MILLISECONDS = 10_000;

/** A progress display on stderr, so that stdout holds results only. */
export function showProgress({ total, stream = process.stderr }: ProgressOptions): Progress {
  const live = stream.isTTY === true;
  const { draw: redraw, say, wipe } = terminalLine(stream);
  const names = new Map<string, string>();
  const shortNames = new Map<string, string>();
  const current = new Map<string, EpochEvent>();
  const shown = new Map<string, number>();
  let drawn = Number.NEGATIVE_INFINITY;
  let done = 0;

  const draw = (): void => {
    // The run that will end last: its time left is the time left.
    const [event, ...others] = [...current.values()].sort((a, b) => b.secondsLeft - a.secondsLeft);
    if (!event) return;
    const more = others.length > 0 ? `, ${others.length} more running` : "";
    const count = total > 1 ? ` [${done}/${total} done${more}]` : "";
    redraw(`${shortNames.get(event.id)}: ${describeEpoch(event)}${count}`);
  };

  const observer: Observer = (event) => {
    switch (event.type) {
      case "start": {
        const name = runName(event.config, event.asTeacher);
        names.set(event.id, name);
        shortNames.set(event.id, shortRunName(event.config, event.asTeacher));
        if (event.epoch > 0) say(`${name}: going on after epoch ${event.epoch}`);
        else if (!live) say(`${name}: begins`);
        break;
      }
      case "epoch": {
        current.set(event.id, event);
        const now = performance.now();
        if (live) {
          if (now - drawn < LIVE_MILLISECONDS) break;
          drawn = now;
          draw();
        } else if (now - (shown.get(event.id) ?? now) >= PLAIN_MILLISECONDS) {
          shown.set(event.id, now);
          say(`${names.get(event.id)}: ${describeEpoch(event)}`);
        } else if (!shown.has(event.id)) {
          shown.set(event.id, now);
        }
        break;
      }
      case "finish": {
        current.delete(event.id);
        done++;
        const { config, accuracy, bestEpoch, curve, timing } = event.result;
        const name = names.get(event.id) ?? runName(config, false);
        const how = event.cached
          ? "trained earlier"
          : `best epoch ${bestEpoch} of ${curve.loss.length}, ${timing.seconds.toFixed(1)} s`;
        say(`${name}: test ${percent(accuracy.test)}, val ${percent(accuracy.val)}, ${how}`);
        break;
      }
      case "fail":
        current.delete(event.id);
        done++;
        break;
      case "note":
        say(event.message);
        break;
    }
  };
  return { observer, close: wipe };
}
