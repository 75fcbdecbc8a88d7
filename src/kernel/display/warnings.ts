// Type warnings under a cell, as a note in muted colours: front ends paint standard error in red.
import type { Content } from "../wire.ts";
import { escapeHtml } from "./escape.ts";

/** Marks an output in its metadata as a type warning, not the cell's own; headless runs have none. */
const MARK = "abkd.types";

/** Returns the content of a display_data message. */
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

/** Whether a notebook's output is such a note. */
export function isWarningNote(output: object): boolean {
  if (!("metadata" in output)) return false;
  const { metadata } = output;
  return typeof metadata === "object" && metadata !== null && MARK in metadata;
}
