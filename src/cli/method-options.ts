// A method's options on the command line, made from the method's own table.
import { type Command, InvalidArgumentError, Option } from "commander";
import { legalValues, type OptionInfo, type OptionValue } from "../distillation/options.ts";
import type { AnyMethod } from "../distillation/registry.ts";
import { OptionError } from "../errors.ts";
import { camel, kebab } from "./options.ts";

/** `--abkd-beta`: prefixed, since methods may share names with the model and one another. */
export function methodFlag(method: AnyMethod, option: string): string {
  return `--${method.name}-${kebab(option)}`;
}

/** One flag an option, in a group of its own. */
export function addMethodOptions(command: Command, method: AnyMethod): Command {
  const options = Object.entries(method.options);
  if (options.length > 0) command.optionsGroup(`Options of --method ${method.name}:`);
  for (const [name, info] of options) {
    const placeholder = info.kind === "number" ? "x" : info.kind === "choice" ? "which" : "bool";
    command.addOption(
      new Option(`${methodFlag(method, name)} <${placeholder}>`, describeOption(info)).argParser(
        (text) => parseOption(info, text),
      ),
    );
  }
  return command;
}

/** What it does, its symbol in the paper, and its legal values. */
export function describeOption(info: OptionInfo): string {
  const symbol = info.symbol === undefined ? "" : ` [the paper's ${info.symbol}]`;
  return `${info.description}${symbol} (${legalValues(info)})`;
}

/**
 * The chosen method's options that the user gave, by the names of its table.
 * @throws OptionError for an option of another method: it would be ignored silently.
 */
export function givenMethodOptions(
  given: Readonly<Record<string, unknown>>,
  chosen: AnyMethod,
  all: readonly AnyMethod[],
): Record<string, OptionValue> {
  const options: Record<string, OptionValue> = {};
  for (const method of all) {
    for (const name of Object.keys(method.options)) {
      const flag = methodFlag(method, name);
      const value = given[camel(flag.slice(2))];
      if (value === undefined) continue;
      if (method !== chosen) {
        throw new OptionError(`${flag} is an option of ${method.name}, not of ${chosen.name}`);
      }
      options[name] = value as OptionValue;
    }
  }
  return options;
}

function parseOption(info: OptionInfo, text: string): OptionValue {
  if (info.kind === "choice" && info.choices.includes(text)) return text;
  if (info.kind === "switch" && (text === "true" || text === "false")) return text === "true";
  if (info.kind === "number") {
    if (text === "null" && info.none !== undefined) return null;
    const value = Number(text);
    const inRange = info.above ? value > info.min : value >= info.min;
    const whole = !info.whole || Number.isSafeInteger(value);
    if (text.trim() !== "" && Number.isFinite(value) && inRange && whole) return value;
  }
  throw new InvalidArgumentError(`Legal: ${legalValues(info)}.`);
}
