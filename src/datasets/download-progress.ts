// Download progress for the user: one live line on a terminal, plain lines elsewhere.
import path from "node:path";
import { LiveLine } from "../display/line.ts";
import type { LineStream } from "../display/terminal-line.ts";
import type { DownloadProgress } from "./download.ts";

export interface ProgressPrinter {
  readonly show: (progress: DownloadProgress) => void;
  /** Clears the live line. */
  readonly clear: () => void;
}

/** @param stream usually stderr. */
export function progressPrinter(stream: LineStream): ProgressPrinter {
  const line = new LiveLine(stream);
  return {
    show: ({ url, received, total }) =>
      line.update(() => {
        const percent = Math.floor((100 * received) / total);
        return `${path.posix.basename(url)}: ${percent} % of ${Math.ceil(total / 1024)} KB`;
      }),
    clear: () => line.wipe(),
  };
}
