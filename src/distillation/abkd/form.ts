// Says which form of ABKD ran: the paper leaves much open, so a number needs its form beside it.
import { type AbkdOptions, defaults, presets } from "./options.ts";

/** The options under which ABKD is the paper's equations 3 to 6 as written. */
const paper: Readonly<Record<string, unknown>> = { ...defaults, ...presets.literal };

const text = (value: unknown): string => (value === null ? "the student's" : String(value));

/**
 * Returns the two options that matter most, e.g. `mse, fixed-teacher`, and each option that differs from the
 * paper's equations, with the paper's value in brackets.
 */
export function formOf(options: Partial<AbkdOptions>) {
  const { form, projections } = options;
  return {
    short: [form, projections].filter((part) => part !== undefined).join(", "),
    differences: Object.entries(options)
      .filter(([option, value]) => value !== paper[option])
      .map(([option, value]) => `${option} ${text(value)} (${text(paper[option])})`),
  };
}
