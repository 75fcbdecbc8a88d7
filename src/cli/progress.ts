// Training shown on a terminal: one live line; where piped, plain lines now and then.
import { percent } from "../display/format.ts";
import { LiveLine } from "../display/line.ts";
import { columnsOf, type LineStream } from "../display/terminal-line.ts";
import type { Observer } from "../training/observer.ts";
import {
  describeEpoch,
  describeEpochBriefly,
  runName,
  shortRunName,
} from "../training/progress.ts";
import { showTally, Tally } from "../training/tally.ts";
import { tellText } from "./output.ts";

export interface Progress {
  readonly observer: Observer;
  /** Wipes the live line. */
  close(): void;
}

/** What --quiet leaves of the progress: notes that a reader of the results must know. */
export const showNotes: Observer = (event) => {
  if (event.type === "note") tellText(event.message);
};

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
    const done = `${tally.done + tally.failures.length}/${tally.total} done`;
    const [count, short] = tally.total > 1 ? [` [${done}${more}]`, ` [${done}]`] : ["", ""];
    const whole = `${name}: ${describeEpoch(epoch)}`;
    const brief = `${name}: ${describeEpochBriefly(epoch)}`;
    const texts = [whole + count, brief + count, brief + short];
    // The end of a line that is too long for the terminal would be cut.
    return line.inPlace
      ? (texts.find(({ length }) => length < columnsOf(stream)) ?? brief)
      : texts[0];
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
