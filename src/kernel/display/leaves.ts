// How single values look within others: tensors, frames, typed arrays and errors, each by a short text.
import { inspect, types } from "node:util";
import { isContainer } from "./children.ts";
import { shortStacks } from "./errors.ts";
import { frameLine, isFrame } from "./frame.ts";
import { isNumbers, typedArrayLine } from "./numbers.ts";
import { isTensor, tensorLine } from "./tensor.ts";

const LEAF = { depth: 3, maxArrayLength: 6, maxStringLength: 400, breakLength: 80 };

/** Whether an object within another is shown by a text of its own. */
export function isLeaf(value: object): boolean {
  return !isContainer(value) || isTensor(value) || isFrame(value);
}

/** The text of a value that is not taken apart, within another. */
export function leafText(value: unknown): string {
  try {
    const short = typeof value === "object" && value !== null ? shortView(value) : undefined;
    return short ?? shortStacks(inspect(value, LEAF));
  } catch {
    return failure(value);
  }
}

function shortView(value: object): string | undefined {
  if (isNumbers(value)) return typedArrayLine(value);
  if (hasOwnView(value)) return undefined;
  try {
    if (isTensor(value)) return tensorLine(value);
    return isFrame(value) ? frameLine(value) : undefined;
  } catch {
    return undefined;
  }
}

/** Whether a value says itself what it looks like as text. */
export function hasOwnView(value: unknown): boolean {
  if (typeof value !== "object" || value === null || types.isProxy(value)) return false;
  return inspect.custom in value;
}

/** What stands for a value that cannot be printed. */
export function failure(value: unknown): string {
  try {
    inspect(value);
    return `[${typeof value}]`;
  } catch (error) {
    return `[${typeof value} that cannot be printed: ${messageOf(error).slice(0, 400)}]`;
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
