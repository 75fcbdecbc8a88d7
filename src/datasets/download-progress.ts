// Download progress for the user: one live line on a terminal, plain lines elsewhere.
import path from "node:path";
import { printable } from "../base/printable.ts";
import { type LineStream, terminalLine } from "../display/terminal-line.ts";
import type { DownloadProgress } from "./download.ts";

export interface ProgressPrinter {
  readonly show: (progress: DownloadProgress) => void;
  /** Clears the live line. */
  readonly clear: () => void;
}

/** Shortest time between two updates of the line, in milliseconds. */
const LIVE_PAUSE = 100;
const PLAIN_PAUSE = 5_000;

/** @param stream usually stderr. */
export function progressPrinter(stream: LineStream): ProgressPrinter {
  const live = terminalLine(stream);
  let last = performance.now() - LIVE_PAUSE;
  const pause = stream.isTTY ? LIVE_PAUSE : PLAIN_PAUSE;
  return {
    show: ({ url, received, total }) => {
      const now = performance.now();
      if (now - last < pause) return;
      last = now;
      const percent = Math.floor((100 * received) / total);
      const line = `${printable(path.posix.basename(url))}: ${percent} % of ${Math.ceil(total / 1024)} KB`;
      if (stream.isTTY) live.draw(line);
      else live.say(line);
    },
    clear: live.wipe,
  };
}
