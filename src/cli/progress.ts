// Training shown on a terminal: one live line; where piped, plain lines now and then.
import { percent } from "../display/format.ts";
import { LiveLine } from "../display/line.ts";
import type { LineStream } from "../display/terminal-line.ts";
import type { Observer } from "../training/observer.ts";
import { describeEpoch, runName, shortRunName } from "../training/progress.ts";
import { showTally, Tally } from "../training/tally.ts";

export interface Progress {
  readonly observer: Observer;
  /** Wipes the live line. */
  close(): void;
}

/**
 * A progress display on stderr, so that stdout holds results only.
 * @param runs ids of all that will be shown, for the count
 */
export function showProgress(
  runs: Iterable<string>,
  stream: LineStream = process.stderr,
): Progress {
  const line = new LiveLine(stream);
  const tally = new Tally(runs);
  const show = showTally(line, tally, () => {
    if (!tally.slowest) return undefined;
    const { config, asTeacher, epoch } = tally.slowest;
    const name = (line.inPlace ? shortRunName : runName)(config, asTeacher);
    const more = tally.running.size > 1 ? `, ${tally.running.size - 1} more running` : "";
    const done = tally.done + tally.failures.length;
    const count = tally.total > 1 ? ` [${done}/${tally.total} done${more}]` : "";
    return `${name}: ${describeEpoch(epoch)}${count}`;
  });
  const observer: Observer = (event) => {
    if (event.type === "start") {
      const name = runName(event.config, event.asTeacher);
      if (event.epoch > 0) line.say(`${name}: going on after epoch ${event.epoch}`);
      else if (!line.inPlace) line.say(`${name}: begins`);
    } else if (event.type === "finish") {
      const { config, accuracy, bestEpoch, curve, timing } = event.result;
      const name = runName(config, tally.running.get(event.id)?.asTeacher ?? false);
      const how = event.cached
        ? "trained earlier"
        : `best epoch ${bestEpoch} of ${curve.loss.length}, ${timing.seconds.toFixed(1)} s`;
      line.say(`${name}: test ${percent(accuracy.test)}, val ${percent(accuracy.val)}, ${how}`);
    }
    show(event);
  };
  return { observer, close: () => line.wipe() };
}
