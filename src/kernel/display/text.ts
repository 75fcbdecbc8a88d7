// Any value as text: at most a screenful, without running the value's code, and without failing.
import { inspect, types } from "node:util";
import { abridge } from "./abridge.ts";
import { DEPTH, ITEMS, isContainer } from "./children.ts";
import { shortStacks } from "./errors.ts";
import { signatureOf } from "./functions.ts";
import { failure, hasOwnView, isLeaf, leafText } from "./leaves.ts";
import { isNumbers, typedArrayText } from "./numbers.ts";
import { outline } from "./outline.ts";
import { fits, screenful } from "./screenful.ts";
import { isTensor, tensorText } from "./tensor.ts";

/** Returns a value as text. */
export function textOf(value: unknown): string {
  for (const view of [viewOf, plainView]) {
    try {
      return screenful(view(value));
    } catch {
      // An object that makes even this fail gets the next view.
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

const OPTIONS = { depth: 4, maxArrayLength: ITEMS, maxStringLength: 4000, breakLength: 88 };
/** Array lengths tried in turn on what only Node can take apart: errors with properties, promises, proxies. */
const FEWER = [ITEMS, 20, 6, 3];

/** Prints a value as Node does if that fits on a screen, otherwise its first entries. */
function inspectShort(value: unknown): string {
  if (!isContainer(value)) return inspectOpaque(value);
  const abridged = abridge(value, (part) => (isLeaf(part) ? leafText(part) : undefined));
  const text = abridged && shortStacks(inspect(abridged.copy, { ...OPTIONS, depth: DEPTH }));
  return text !== undefined && fits(text) ? text : outline(value, { isLeaf, text: leafText });
}

function inspectOpaque(value: unknown): string {
  let text = "";
  for (const maxArrayLength of FEWER) {
    text = shortStacks(inspect(value, { ...OPTIONS, maxArrayLength }));
    if (fits(text)) break;
  }
  return text;
}

function functionText(value: object): string {
  const properties = Object.entries(Object.getOwnPropertyDescriptors(value));
  const own = Object.fromEntries(properties.filter(([, property]) => property.enumerable));
  if (Object.keys(own).length === 0) return signatureOf(value);
  return `${signatureOf(value)} ${inspectShort(Object.defineProperties({}, own))}`;
}

/** Prints a value while ignoring its own view. */
function plainView(value: unknown): string {
  return inspect(value, { ...OPTIONS, depth: 1, customInspect: false });
}
