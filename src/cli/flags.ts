// Turns a table of options into command-line flags: names, help and values.
import { InvalidArgumentError, Option } from "commander";
import { isLegal, legalValues, type OptionInfo, type OptionValue } from "../base/options.ts";

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

/** @param flag with its dashes @param infos its possible meanings: several if kinds of models differ */
export function tableOption(
  flag: string,
  description: string,
  infos: readonly OptionInfo[],
): Option {
  const [{ kind }] = infos as [OptionInfo];
  const placeholder = kind === "number" ? "x" : kind === "choice" ? "which" : "bool";
  return new Option(`${flag} <${placeholder}>`, description).argParser((text) => {
    const value = infos.map((info) => valueIn(info, text)).find((found) => found !== undefined);
    if (value !== undefined) return value;
    throw new InvalidArgumentError(`Legal: ${[...new Set(infos.map(legalValues))].join("; ")}.`);
  });
}

/** Returns the value that a text stands for; undefined if the option does not allow it. */
function valueIn(info: OptionInfo, text: string): OptionValue | undefined {
  const written: Readonly<Record<string, OptionValue>> = { true: true, false: false, null: null };
  let value: OptionValue | undefined = text;
  if (info.kind === "switch" || text === "null") value = written[text];
  else if (info.kind === "number") value = text.trim() === "" ? Number.NaN : Number(text);
  return isLegal(info, value) ? value : undefined;
}
