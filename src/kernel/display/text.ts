// Any value as text: Node's own inspection, bounded, and never throwing.
import { inspect } from "node:util";
import { screenful } from "./screenful.ts";

/** A value as text, at most a screenful. */
export function textOf(value: unknown): string {
  try {
    return screenful(inspect(value, { depth: 4, maxStringLength: 4000 }));
  } catch (error) {
    return screenful(`[no text view: ${messageOf(error)}]`);
  }
}

/** What went wrong, whatever was thrown. */
export function messageOf(error: unknown): string {
  try {
    return error instanceof Error ? String(error.message) : String(error);
  } catch {
    return "unknown error";
  }
}
