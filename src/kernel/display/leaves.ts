// Short texts for single values inside others: tensors, frames, typed arrays and errors.
import { inspect, types } from "node:util";
import { isContainer } from "./children.ts";
import { columnarLine, isColumnar } from "./columnar.ts";
import { elementLine, elementOf } from "./elements.ts";
import { shortStacks } from "./errors.ts";
import { frameLine, isFrame } from "./frame.ts";
import { isNumbers, typedArrayLine } from "./numbers.ts";
import { findProperty } from "./property.ts";
import { isTensor, tensorLine } from "./tensor.ts";

/** The functions through which inspectable.ts makes classes print themselves. */
const taught = new WeakSet<object>();

export function setTaught(view: object): void {
  taught.add(view);
}

/** Whether a value's own view is one that the kernel gave to its class. */
export function isTaught(value: object): boolean {
  const view: unknown = findProperty(value, inspect.custom)?.property.value;
  return typeof view === "function" && taught.has(view);
}

const LEAF = { depth: 3, maxArrayLength: 6, maxStringLength: 400, breakLength: 80 };

/** Whether an object inside another is shown by its own short text. */
export function isLeaf(value: object): boolean {
  return (
    !isContainer(value) ||
    isTensor(value) ||
    isFrame(value) ||
    isColumnar(value) ||
    elementOf(value) !== undefined
  );
}

/** Returns the text of a value inside another that is not taken apart. */
export function leafText(value: unknown): string {
  try {
    const short = typeof value === "object" && value !== null ? shortView(value) : undefined;
    return short ?? shortStacks(inspect(value, LEAF));
  } catch {
    return failure(value);
  }
}

/** Returns one line for a value that would be long inside another. */
export function shortView(value: object): string | undefined {
  if (isNumbers(value)) return typedArrayLine(value);
  if (hasOwnView(value)) return undefined;
  try {
    if (isTensor(value)) return tensorLine(value);
    if (isFrame(value)) return frameLine(value);
    if (isColumnar(value)) return columnarLine(value);
    const element = elementOf(value);
    return element && elementLine(element);
  } catch {
    return undefined;
  }
}

/** Whether a value defines its own text. */
export function hasOwnView(value: unknown): boolean {
  if (typeof value !== "object" || value === null || types.isProxy(value)) return false;
  return inspect.custom in value && !isTaught(value);
}

/** Returns the text that stands for a value that cannot be printed. */
export function failure(value: unknown): string {
  try {
    inspect(value);
    return `[${typeof value}]`;
  } catch (error) {
    return `[${typeof value} that cannot be printed: ${messageOf(error).slice(0, 400)}]`;
  }
}

/** Returns an error's message, whatever was thrown. */
export function messageOf(error: unknown): string {
  try {
    return error instanceof Error ? String(error.message) : String(error);
  } catch {
    return "unknown error";
  }
}
