// Counts the hidden layers that methods compare, and refuses models with too few.
import { OptionError } from "../base/errors.ts";
import { hiddenLayers, type Outline } from "../models/model.ts";

/**
 * Returns how many hidden layers a model has.
 * @throws OptionError if a method needs more, saying how many layers have them
 */
export function comparedLayers(method: string, student: Outline, least: number): number {
  const count = hiddenLayers(student);
  if (count >= least) return count;
  const layers = student.widths.length + least - count;
  throw new OptionError(
    `${method} compares ${least > 1 ? `${least} hidden layers or more` : "hidden layers"}, and this ${student.kind} ` +
      `has ${count}: give the student ${layers} layers or more (--layers ${layers})`,
  );
}
