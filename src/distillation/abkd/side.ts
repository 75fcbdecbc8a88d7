// The layers of a teacher or a student that take part.
import type { Outline } from "../../models/model.ts";
import type { AbkdOptions } from "./options.ts";

export interface Side {
  /** Their indices, in order. */
  readonly layers: readonly number[];
  /** The width of the widest layer, to which narrower ones are padded. */
  readonly width: number;
}

/** Returns how many layers a model has, with the logits if they count as one or are its own last. */
export function layerCount(
  { widths, endsInLogits }: Outline,
  { logits }: Pick<AbkdOptions, "logits">,
): number {
  return widths.length + (logits && !endsInLogits ? 1 : 0);
}

/** Returns the last hidden layer; with `logits`, the logits. */
function lastLayer(outline: Outline, options: Pick<AbkdOptions, "logits">): number {
  const last = layerCount(outline, options) - 1;
  return outline.endsInLogits && !options.logits ? Math.max(0, last - 1) : last;
}

export function sideOf(outline: Outline, options: Pick<AbkdOptions, "logits" | "attention">): Side {
  const count = layerCount(outline, options);
  const { widths, classes } = outline;
  return {
    layers:
      options.attention === "last"
        ? [lastLayer(outline, options)]
        : Array.from({ length: count }, (_, i) => i),
    width: Math.max(...widths, ...(options.logits ? [classes] : [])),
  };
}

/** Returns what a report must say of learned attention over a student with one hidden map, if it is one. */
export function oneMapNote(
  student: Outline,
  { attention }: Pick<AbkdOptions, "attention">,
): string | undefined {
  if (attention !== "learned" || !student.endsInLogits || student.widths.length > 2)
    return undefined;
  return (
    "the student has one hidden map: its logits count as its second layer, because attention over " +
    "one layer is 1 whatever it learns"
  );
}
