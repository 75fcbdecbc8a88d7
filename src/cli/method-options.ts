// A method's options as command-line flags, made from the method's own table.
import type { Command } from "commander";
import { OptionError } from "../base/errors.ts";
import { type OptionValue, optionName, suggestOption } from "../base/options.ts";
import type { AnyMethod } from "../distillation/registry.ts";
import { camel, describeOption, kebab, tableOption } from "./flags.ts";

/**
 * Returns a flag such as `--abkd-beta`. The prefix keeps methods' option names apart.
 * @param key of the option in the method's table
 */
export function methodFlag(method: AnyMethod, key: string): string {
  return `--${method.name}-${kebab(optionName(method.options, key))}`;
}

/** Adds one flag per option, in a group of its own. */
export function addMethodOptions(command: Command, method: AnyMethod): Command {
  const options = Object.entries(method.options);
  if (options.length > 0) command.optionsGroup(`Options of --method ${method.name}:`);
  for (const [name, info] of options) {
    command.addOption(tableOption(methodFlag(method, name), describeOption(info), [info]));
  }
  return command;
}

/**
 * Extends commander's error for an unknown option with the method's option that was probably meant:
 * given by the paper's symbol (`--abkd-d_a`), without the method's name (`--beta`), or with a typo.
 */
export function withMethodFlag(
  message: string,
  chosen: AnyMethod,
  all: readonly AnyMethod[],
): string {
  const [, said, name] = /^(error: unknown option '--([^']+)')/.exec(message) ?? [];
  if (said === undefined || name === undefined) return message;
  const named = all.find((method) => name.startsWith(`${method.name}-`));
  const method = named ?? chosen;
  const option = named ? name.slice(named.name.length + 1) : name;
  const meant = suggestOption(option, method.options);
  // Without a method's name it may be anything, so only an exact name or symbol counts.
  const isSure = named || (meant !== undefined && isNamed(option, meant, method.options));
  if (meant === undefined || !isSure) return message;
  return `${said} (Did you mean ${methodFlag(method, meant)}?)`;
}

function isNamed(text: string, option: string, infos: AnyMethod["options"]): boolean {
  return [option, kebab(option), infos[option]?.symbol].includes(text);
}

/**
 * Returns the chosen method's options that the user gave, by their names in its table.
 * @throws OptionError for an option of another method, which would be ignored silently
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
