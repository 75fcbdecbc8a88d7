// One line of text that changes in place, in a notebook or on a terminal; in a pipe, it prints now and then.
import { randomUUID } from "node:crypto";
import { performance } from "node:perf_hooks";
import { printableLine } from "../base/printable.ts";
import { type Display, notebookDisplay } from "./host.ts";
import { type LineStream, terminalLine } from "./terminal-line.ts";

/** The time between two drawings: where a line changes in place, and where each is a line of its own. */
const LIVE_MILLISECONDS = 100;
const PLAIN_MILLISECONDS = 10_000;

/** A line that is drawn at most ten times a second, and once more at its end. */
export class LiveLine {
  readonly #surface: Surface;
  #drawn = Number.NEGATIVE_INFINITY;

  /** @param stream used outside notebooks; stderr by default, so that stdout holds only results */
  constructor(stream?: LineStream) {
    const display = notebookDisplay();
    this.#surface = display ? notebookLine(display) : streamLine(stream ?? usualStream());
  }

  /** Draws what `text` returns if it is time to draw. */
  update(text: () => string): void {
    const now = performance.now();
    if (now - this.#drawn < this.#surface.milliseconds) return;
    this.#drawn = now;
    this.#surface.draw(text());
  }

  /** Draws the last state, however recent the previous drawing was. */
  end(text: string): void {
    this.#drawn = Number.POSITIVE_INFINITY;
    this.#surface.end(text);
  }
}

interface Surface {
  readonly milliseconds: number;
  draw(text: string): void;
  end(text: string): void;
}

/** Shows each text at once, so that the line of a synchronous loop moves as well. */
function notebookLine(display: Display): Surface {
  const id = `abkd-line-${randomUUID()}`;
  let shown = "";
  let begun = false;
  const draw = (text: string): void => {
    if (text === shown) return;
    shown = text;
    // A broken front end must not break the loop that the line describes.
    display({ "text/plain": text }, { raw: true, id, update: begun }).catch(() => {});
    begun = true;
  };
  return { milliseconds: LIVE_MILLISECONDS, draw, end: draw };
}

function streamLine(stream: LineStream): Surface {
  const say = (text: string): void => void stream.write(`${printableLine(text)}\n`);
  if (!stream.isTTY && !insideTslab()) {
    // The first line comes after ten seconds, so a short loop prints only its last line.
    const began = performance.now();
    const draw = (text: string): void => {
      if (performance.now() - began >= PLAIN_MILLISECONDS) say(text);
    };
    return { milliseconds: PLAIN_MILLISECONDS, draw, end: say };
  }
  const { draw } = terminalLine(stream);
  const end = (text: string): void => {
    draw(text);
    stream.write("\n");
  };
  return { milliseconds: LIVE_MILLISECONDS, draw, end };
}

/** Returns stdout in tslab: its notebooks obey carriage returns but show stderr in red. */
function usualStream(): LineStream {
  return insideTslab() ? process.stdout : process.stderr;
}

function insideTslab(): boolean {
  return /[\\/]tslab(?:$|[\\/.])/.test(process.argv[1] ?? "");
}
