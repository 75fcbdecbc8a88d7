// Describes which form of a method ran, for methods that the paper leaves partly open.
import { methods } from "../distillation/registry.ts";
import type { MethodSummary } from "./summary.ts";

function formOf({ name, runs }: MethodSummary) {
  const options = runs[0]!.config.method?.options;
  const method = methods.find((one) => one.name === name);
  return options && method?.form?.(options as Parameters<typeof method.form>[0]);
}

/** Names the form in a few words, e.g. `mse, fixed-teacher`; undefined for other methods. */
export function shortForm(summary: MethodSummary): string | undefined {
  return formOf(summary)?.short || undefined;
}

/**
 * Names in one sentence every option in which the method as it ran differs from the paper's equations, with the
 * paper's value in brackets; undefined for other methods.
 */
export function describeForm(summary: MethodSummary): string | undefined {
  const { label } = summary;
  const form = formOf(summary);
  if (!form) return undefined;
  const { differences } = form;
  if (differences.length === 0) return asWritten(label);
  return `${label} differs from eqs. 3 to 6 as written in: ${differences.join(", ")}.`;
}

/** Says in plain words, for a first look, that the form differs and where to read how and why. */
export function formInShort(summary: MethodSummary): string | undefined {
  const { label } = summary;
  const whole = describeForm(summary);
  if (whole === undefined || whole === asWritten(label)) return whole;
  return (
    `This is a modified ${label}: the paper's equations as written rarely train (docs/recipes.md). ` +
    "The HTML page below lists each difference."
  );
}

const asWritten = (label: string): string => `${label} ran as the paper writes it (eqs. 3 to 6).`;
