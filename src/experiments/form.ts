// Which form of ABKD ran, in words: the paper leaves much open, so a number needs its form beside it.
import { defaults, presets } from "../distillation/abkd/options.ts";
import type { MethodSummary } from "./summary.ts";

/** The options under which ABKD is the paper's equations 3 to 6 as written. */
const paper: Readonly<Record<string, unknown>> = { ...defaults, ...presets["literal"] };

/** The two options that matter most, e.g. `mse, fixed-teacher`; undefined for other methods. */
export function shortForm({ name, runs }: MethodSummary): string | undefined {
  const options = runs[0]!.config.method?.options;
  if (name !== "abkd" || options === undefined) return undefined;
  const parts = [options["form"], options["projections"]].filter((part) => part !== undefined);
  return parts.length > 0 ? parts.join(", ") : undefined;
}

/**
 * One sentence that names every option in which ABKD as it ran differs from the paper's equations,
 * with the paper's value in brackets; undefined for other methods.
 */
export function describeForm({ name, label, runs }: MethodSummary): string | undefined {
  if (name !== "abkd") return undefined;
  const text = (value: unknown) => (value === null ? "the student's" : String(value));
  const differing = Object.entries(runs[0]!.config.method?.options ?? {})
    .filter(([option, value]) => value !== paper[option])
    .map(([option, value]) => `${option} ${text(value)} (${text(paper[option])})`);
  if (differing.length === 0) return asWritten(label);
  return `${label} differs from eqs. 3 to 6 as written in: ${differing.join(", ")}.`;
}

/** The same in plain words, for a first look: that it differs, and where to read how and why. */
export function formInShort(summary: MethodSummary): string | undefined {
  const { label } = summary;
  const whole = describeForm(summary);
  if (whole === undefined || whole === asWritten(label)) return whole;
  return (
    `${label} ran in another form than the paper's equations: as written, they do not train ` +
    "(docs/recipes.md). The page below names each difference."
  );
}

const asWritten = (label: string): string => `${label} ran as the paper writes it (eqs. 3 to 6).`;
