// One line of text that changes in place: in a notebook, on a terminal, in a pipe.
import { randomUUID } from "node:crypto";
import { performance } from "node:perf_hooks";
import { type Display, notebookDisplay } from "./host.ts";
import { type LineStream, terminalLine } from "./terminal-line.ts";

/** Between two drawings where a line can change in place, and where each is a line of its own. */
const LIVE_MILLISECONDS = 100;
const PLAIN_MILLISECONDS = 10_000;

/** A line that is drawn at most ten times a second, and once more at its end. */
export class LiveLine {
  readonly #surface: Surface;
  #drawn = Number.NEGATIVE_INFINITY;

  /** @param stream where it is shown; left out: the notebook, or else stderr, so that stdout holds results */
  constructor(stream?: LineStream) {
    const display = stream ? undefined : notebookDisplay();
    this.#surface = display ? notebookLine(display) : streamLine(stream ?? usualStream());
  }

  /** Whether it changes in place; in a pipe it is printed anew every ten seconds. */
  get inPlace(): boolean {
    return this.#surface.milliseconds === LIVE_MILLISECONDS;
  }

  /** Draws what `text` returns if it is time to; nothing where there is nothing to say yet. */
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

  /** Draws the last state, whenever the one before was. */
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

/** Emitted at once, so a synchronous loop's line moves as well. */
function notebookLine(display: Display): Surface {
  const id = `abkd-line-${randomUUID()}`;
  const said: string[] = [];
  let shown = "";
  let begun = false;
  const draw = (text: string): void => {
    if (text === shown) return;
    shown = text;
    // A broken front end must not break the loop that the line tells of.
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
    // The first line comes after ten seconds: a short loop leaves its last line only.
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

/** tslab's notebooks obey carriage returns, but its streams do not say so; its stderr is red. */
function usualStream(): LineStream {
  return insideTslab() ? process.stdout : process.stderr;
}

function insideTslab(): boolean {
  return /[\\/]tslab(?:$|[\\/.])/.test(process.argv[1] ?? "");
}
