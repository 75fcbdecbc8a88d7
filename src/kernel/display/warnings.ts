// Type warnings under a cell: a note in muted letters, for front ends paint standard error in red.
import type { Content } from "../wire.ts";
import { escapeHtml } from "./escape.ts";

/** In an output's metadata: it came beside the cell's own, and a run without a person has none. */
const MARK = "abkd.types";

/** The content of a display_data message. */
export function warningNote(text: string): Content {
  const shown = text.trimEnd();
  const style = "margin: 0; white-space: pre-wrap; opacity: 0.7";
  return {
    data: {
      "text/plain": shown,
      "text/html": `<pre style="${style}">${escapeHtml(shown)}</pre>`,
    },
    metadata: { [MARK]: true },
    transient: {},
  };
}

/** Whether an output of a notebook is such a note. */
export function isWarningNote(output: object): boolean {
  if (!("metadata" in output)) return false;
  const { metadata } = output;
  return typeof metadata === "object" && metadata !== null && MARK in metadata;
}
