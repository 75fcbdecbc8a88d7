// Any value as text: at most a screenful, nothing of the value run, never a failure.
import { inspect, types } from "node:util";
import { abridge } from "./abridge.ts";
import { shortStacks } from "./errors.ts";
import { frameLine, isFrame } from "./frame.ts";
import { signatureOf } from "./functions.ts";
import { isNumbers, typedArrayLine, typedArrayText } from "./numbers.ts";
import { fits, screenful } from "./screenful.ts";
import { isTensor, tensorLine, tensorText } from "./tensor.ts";

/** A value as text. */
export function textOf(value: unknown): string {
  for (const view of [viewOf, plainView]) {
    try {
      return screenful(view(value));
    } catch {
      // an object that makes even this fail gets the next view
    }
  }
  return failure(value);
}

function viewOf(value: unknown): string {
  if (typeof value === "function" && !types.isProxy(value)) return functionText(value);
  if (isNumbers(value)) return typedArrayText(value);
  if (hasOwnView(value)) return inspect(value, OPTIONS);
  if (isTensor(value)) return tensorText(value);
  return inspectShort(value);
}

const OPTIONS = { depth: 4, maxArrayLength: 100, maxStringLength: 4000, breakLength: 88 };
/** Tried in turn until a value fits on a screen. */
const BOUNDS = [
  { depth: 4, items: 100 },
  { depth: 4, items: 36 },
  { depth: 3, items: 36 },
  { depth: 2, items: 36 },
  { depth: 1, items: 36 },
  { depth: 3, items: 10 },
  { depth: 0, items: 36 },
];
const PARTS = 2000;

function inspectShort(value: unknown): string {
  let text = "";
  for (const bounds of BOUNDS) {
    const abridged = abridge(value, bounds, PARTS, shortView);
    if (!abridged) continue;
    const { depth, items } = bounds;
    text = shortStacks(inspect(abridged.copy, { ...OPTIONS, depth, maxArrayLength: items }));
    if (fits(text)) break;
  }
  return text;
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

function hasOwnView(value: unknown): boolean {
  if (typeof value !== "object" || value === null || types.isProxy(value)) return false;
  return inspect.custom in value;
}

function functionText(value: object): string {
  const properties = Object.entries(Object.getOwnPropertyDescriptors(value));
  const own = Object.fromEntries(properties.filter(([, property]) => property.enumerable));
  if (Object.keys(own).length === 0) return signatureOf(value);
  return `${signatureOf(value)} ${inspectShort(Object.defineProperties({}, own))}`;
}

/** Without the value's own ways of being printed. */
function plainView(value: unknown): string {
  return inspect(value, { ...OPTIONS, depth: 1, customInspect: false });
}

function failure(value: unknown): string {
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
