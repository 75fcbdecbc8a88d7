// Objects of libraries, recognised by their members: tensors, data frames, tables, elements.
import type { Bundle } from "../channel.ts";
import { isColumnar } from "./columnar.ts";
import { columnarBundle, frameBundle } from "./data-tables.ts";
import { elementBundle, elementOf } from "./elements.ts";
import { isFrame } from "./frame.ts";
import { normaliseBundle } from "./hook.ts";
import { shortView } from "./leaves.ts";
import { isTensor, tensorText } from "./tensor.ts";

/** Returns the views of such an object; undefined for anything else. */
export function kindBundle(value: unknown): Bundle | undefined {
  if (isTensor(value)) return normaliseBundle({ "text/plain": tensorText(value) });
  if (isFrame(value)) return frameBundle(value);
  if (isColumnar(value)) return columnarBundle(value);
  const element = elementOf(value);
  return element && elementBundle(element);
}

/** Returns how such an object prints itself: as a cell's result, or in one line inside other values. */
export function kindText(value: object, isWithin: boolean): string | undefined {
  if (isWithin) return shortView(value);
  try {
    const text = kindBundle(value)?.["text/plain"];
    return typeof text === "string" ? text : undefined;
  } catch {
    return undefined;
  }
}
