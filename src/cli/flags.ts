// Turns a table of options into command-line flags: names, help and values.
import { InvalidArgumentError, Option } from "commander";
import { isLegal, legalValues, type OptionInfo } from "../base/options.ts";

/** Turns learningRate into learning-rate. */
export function kebab(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** Turns teacher-learning-rate into teacherLearningRate, as commander names its options. */
export function camel(name: string): string {
  return name.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());
}

/** Returns what an option does, its symbol in the paper, and its legal values. */
export function describeOption(info: OptionInfo): string {
  const symbol = info.symbol === undefined ? "" : ` [the paper's ${info.symbol}]`;
  return `${info.description}${symbol} (${legalValues(info)})`;
}

/** Stands for an option left out on purpose: commander takes null for no value. */
export const LEFT_OUT = Symbol("left out");

/**
 * @param flag with its dashes
 * @param infos its possible meanings: several if kinds of models differ
 * @param owners the kinds, for messages
 */
export function tableOption(
  flag: string,
  description: string,
  infos: readonly OptionInfo[],
  owners: readonly string[] = [],
): Option {
  const [{ kind }] = infos as [OptionInfo];
  const placeholder = {
    number: "x",
    choice: "which",
    variant: "which",
    switch: "bool",
    counts: "x,x",
  }[kind];
  return new Option(`${flag} <${placeholder}>`, description).argParser((text) => {
    const value = infos.map((info) => valueIn(info, text)).find((found) => found !== undefined);
    if (value !== undefined) return value;
    throw new InvalidArgumentError(`Legal: ${textsByOwner(infos.map(legalValues), owners)}.`);
  });
}

/** Joins different texts, each after its owners: `gcnii: ...; gcn, mlp: ...`; without these if all are the same. */
export function textsByOwner(texts: readonly string[], owners: readonly string[]): string {
  const distinct = [...new Set(texts)];
  if (distinct.length === 1) return distinct[0]!;
  const named = (text: string): string => owners.filter((_, k) => texts[k] === text).join(", ");
  return distinct.map((text) => `${named(text)}: ${text}`).join("; ");
}

/** Returns the value that a text stands for; undefined if the option does not allow it. */
function valueIn(info: OptionInfo, text: string): unknown {
  if (text === info.absent) return LEFT_OUT;
  const written: Readonly<Record<string, unknown>> = { true: true, false: false, null: null };
  let value: unknown = text;
  if (info.kind === "variant") value = variantIn(info.variants, text);
  else if (info.kind === "switch" || text === "null") value = written[text];
  else if (info.kind === "number") value = text.trim() === "" ? Number.NaN : Number(text);
  return isLegal(info, value) ? value : undefined;
}

/** `step:50:0.5`: a name, then the values of its options in the order of their table. */
function variantIn(
  variants: (OptionInfo & { readonly kind: "variant" })["variants"],
  text: string,
): unknown {
  const [name = "", ...texts] = text.split(":");
  const infos = Object.entries(Object.hasOwn(variants, name) ? variants[name]! : {});
  if (texts.length > infos.length) return undefined;
  const options = texts.map((value, k) => [infos[k]![0], valueIn(infos[k]![1], value)] as const);
  // An option of it that may be left out is legal where it is undefined.
  if (options.some(([, value]) => value === undefined)) return undefined;
  return { name, ...Object.fromEntries(options) };
}

/** A value as it is given on the command line. */
export function valueText(value: unknown): string {
  return typeof value === "object" && value !== null
    ? Object.values(value).join(":")
    : String(value);
}
