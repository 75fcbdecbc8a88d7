// One line of text that changes in place, in a notebook or on a terminal; in a pipe, it prints now and then.
import { randomUUID } from "node:crypto";
import { performance } from "node:perf_hooks";
import { type Display, notebookDisplay } from "./host.ts";
import { type LineStream, terminalLine } from "./terminal-line.ts";

/** The time between two drawings: where a line changes in place, and where each is a line of its own. */
const LIVE_MILLISECONDS = 100;
const PLAIN_MILLISECONDS = 10_000;

/** A line that is drawn at most ten times a second, and once more at its end. */
export class LiveLine {
  readonly #surface: Surface;
  #drawn = Number.NEGATIVE_INFINITY;

  /** @param stream where it is shown; by default the notebook, or else stderr, so that stdout holds only results */
  constructor(stream?: LineStream) {
    const display = stream ? undefined : notebookDisplay();
    this.#surface = display ? notebookLine(display) : streamLine(stream ?? usualStream());
  }

  /** Whether it changes in place; in a pipe it is printed again every ten seconds. */
  get inPlace(): boolean {
    return this.#surface.milliseconds === LIVE_MILLISECONDS;
  }

  /** Draws what `text` returns if it is time to draw; nothing if that is undefined. */
  update(text: () => string | undefined): void {
    const now = performance.now();
    if (now - this.#drawn < this.#surface.milliseconds) return;
    const drawn = text();
    if (drawn === undefined) return;
    this.#drawn = now;
    this.#surface.draw(drawn);
  }

  /** A line that stays: at once above this one, in a notebook at this one's end. */
  say(text: string): void {
    this.#surface.say(text);
  }

  /** Takes the line away. */
  wipe(): void {
    this.#surface.wipe();
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
  say(text: string): void;
  wipe(): void;
  end(text: string): void;
}

/** Shows each text at once, so that the line of a synchronous loop moves as well. */
function notebookLine(display: Display): Surface {
  const id = `abkd-line-${randomUUID()}`;
  const said: string[] = [];
  let shown = "";
  let begun = false;
  const draw = (text: string): void => {
    if (text === shown) return;
    shown = text;
    // A broken front end must not break the loop that the line describes.
    display({ "text/plain": text }, { raw: true, id, update: begun }).catch(() => {});
    begun = true;
  };
  return {
    milliseconds: LIVE_MILLISECONDS,
    draw,
    say: (text) => said.push(text),
    wipe: () => draw(""),
    end: (text) => draw([text, ...said].join("; ")),
  };
}

function streamLine(stream: LineStream): Surface {
  const { draw, say, wipe } = terminalLine(stream);
  if (!stream.isTTY && !insideTslab()) {
    // The first line comes after ten seconds, so a short loop prints only its last line.
    const began = performance.now();
    const print = (text: string): void => {
      if (performance.now() - began >= PLAIN_MILLISECONDS) say(text);
    };
    return { milliseconds: PLAIN_MILLISECONDS, draw: print, say, wipe, end: say };
  }
  const end = (text: string): void => {
    draw(text);
    stream.write("\n");
  };
  return { milliseconds: LIVE_MILLISECONDS, draw, say, wipe, end };
}

/** Returns stdout in tslab: its notebooks obey carriage returns but show stderr in red. */
function usualStream(): LineStream {
  return insideTslab() ? process.stdout : process.stderr;
}

function insideTslab(): boolean {
  return /[\\/]tslab(?:$|[\\/.])/.test(process.argv[1] ?? "");
}
