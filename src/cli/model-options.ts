// The kinds of models and their options as command-line flags, made from the kinds' own tables.
import { type Command, Option } from "commander";
import { OptionError } from "../base/errors.ts";
import type { OptionInfo, OptionValue } from "../base/options.ts";
import { findModel, models } from "../models/registry.ts";
import type { Changes } from "../training/recipes.ts";
import { camel, describeOption, kebab, tableOption } from "./flags.ts";

/** Groups options by name: options of one name in several kinds share a flag. */
function byName(): Map<string, Map<string, OptionInfo>> {
  const all = new Map<string, Map<string, OptionInfo>>();
  for (const { name: kind, options } of models) {
    for (const [name, info] of Object.entries(options)) {
      all.set(name, (all.get(name) ?? new Map()).set(kind, info));
    }
  }
  return all;
}

/** Returns a description such as `gcnii: convolutions (...); gcn, mlp: layers, ... (...)`. */
function describe(infos: ReadonlyMap<string, OptionInfo>): string {
  const kinds = new Map<string, string[]>();
  for (const [kind, info] of infos) {
    const text = describeOption(info);
    kinds.set(text, [...(kinds.get(text) ?? []), kind]);
  }
  return [...kinds].map(([text, of]) => `${of.join(", ")}: ${text}`).join("; ");
}

/** Adds `--model` and a flag for each option of any kind. @param prefix `` or `teacher-` */
export function addModelOptions(command: Command, prefix: string): void {
  const names = models.map(({ name }) => name);
  command.addOption(
    new Option(`--${prefix}model <kind>`, "see abkd models").choices(names).default("gcnii"),
  );
  for (const [name, infos] of byName()) {
    const [kinds, all] = [[...infos.keys()], [...infos.values()]];
    command.addOption(tableOption(`--${prefix}${kebab(name)}`, describe(infos), all, kinds));
  }
}

/**
 * Returns the chosen kind and the options that the user gave for it.
 * @throws OptionError for an option of another kind, which would be ignored silently
 */
export function givenModel(
  given: Readonly<Record<string, unknown>>,
  prefix: string,
): NonNullable<Changes["model"]> {
  const kind = findModel(String(given[camel(`${prefix}model`)]));
  const options: Record<string, OptionValue> = {};
  for (const [name, infos] of byName()) {
    const flag = `${prefix}${kebab(name)}`;
    const value = given[camel(flag)];
    if (value === undefined) continue;
    if (!infos.has(kind.name)) {
      const owners = [...infos.keys()].join(", ");
      throw new OptionError(`--${flag} is an option of ${owners}, not of ${kind.name}`);
    }
    options[name] = value as OptionValue;
  }
  return { kind: kind.name, ...options } as NonNullable<Changes["model"]>;
}
