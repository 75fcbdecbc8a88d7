// The plain student: cross-entropy alone, the baseline of every comparison.
import type { Method } from "./method.ts";

/** The plain student has no options. */
export type StudentOptions = Readonly<Record<never, never>>;

export const student: Method<StudentOptions, never> = {
  name: "student",
  label: "Student",
  role: "baseline",
  look: { colour: "#767676", symbol: "circle" },
  summary: "the student alone: cross-entropy on the training labels, no teacher",
  version: 1,
  needsTeacher: false,
  labelSets: true,
  byBatch: true,
  defaults: {},
  options: {},
  presets: {},
  create: () => ({
    parameters: [],
    reads: "logits",
    loss: (_outputs, crossEntropy) => crossEntropy,
    inspect: () => ({ scalars: {}, matrices: {}, warnings: [] }),
    dispose() {},
  }),
};
