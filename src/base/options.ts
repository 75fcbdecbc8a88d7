// How the options of a method, a model or a training are described, completed and checked.

import { needObject, needText, shown } from "./arguments.ts";
import { OptionError } from "./errors.ts";
import { printable } from "./printable.ts";
import { didYouMean, nearest } from "./suggested.ts";

/** An option's value, as stored in a configuration's JSON. */
export type OptionValue = string | number | boolean | null;

interface Described {
  /** What it does; for `--help`. */
  readonly description: string;
  /** The paper's symbol for it, if it has one: beta, d_a, P. */
  readonly symbol?: string;
  /**
   * What readers call it, where configurations have it by an older key: a run's id hangs on the key. Flags and
   * resolveOptions() take the name.
   */
  readonly name?: string;
  /** Where it may be left out: what people call that, `adam` for an optimiser. */
  readonly absent?: string;
}

interface NumberInfo extends Described {
  readonly kind: "number";
  readonly min: number;
  /** Whether `min` itself is excluded. */
  readonly above?: boolean;
  readonly max?: number;
  /** Whether `max` itself is excluded. */
  readonly below?: boolean;
  readonly whole?: boolean;
  /** What null means, if null is legal. */
  readonly none?: string;
}

interface ChoiceInfo extends Described {
  readonly kind: "choice";
  readonly choices: readonly string[];
}

interface SwitchInfo extends Described {
  readonly kind: "switch";
}

/** Several whole numbers from 1, as text: "15,10". */
interface CountsInfo extends Described {
  readonly kind: "counts";
}

/** An object: `{ name: "step", every: 50, factor: 0.5 }`. */
interface VariantInfo extends Described {
  readonly kind: "variant";
  /** By name, each with options of its own. */
  readonly variants: Readonly<Record<string, Infos>>;
}

/** What an option may be. */
export type OptionInfo = NumberInfo | ChoiceInfo | SwitchInfo | CountsInfo | VariantInfo;

type Infos = Readonly<Record<string, OptionInfo>>;

/** One entry per option. */
export type OptionTable<Options> = { readonly [K in keyof Options]-?: OptionInfo };

/** Returns an option's key in configurations, given the name that readers know; an unknown name as it is. */
export function optionKey(table: Infos, name: string): string {
  return Object.entries(table).find(([, info]) => info.name === name)?.[0] ?? name;
}

/** Returns the name that readers know, given an option's key in configurations. */
export function optionName(table: Infos, key: string): string {
  return table[key]?.name ?? key;
}

/** The parts of a method that resolveOptions needs. */
interface Configurable<Options> {
  readonly name: string;
  readonly defaults: Options;
  readonly options: OptionTable<Options>;
  readonly presets: Readonly<Record<string, Partial<Options>>>;
}

/**
 * Returns all options of a method, by their keys: the given ones override the preset's, which override the
 * defaults. Given ones may have the names that readers know.
 *
 * @throws {OptionError} for an unknown preset, an unknown option, one given by both its names or a value out
 *   of range
 */
export function resolveOptions<Options extends object>(
  method: Configurable<Options>,
  given: Readonly<Record<string, unknown>> = {},
  preset?: string,
): Options {
  needObject(
    method,
    "resolveOptions: method",
    "a method, as returned by findMethod()",
    "defaults",
    "options",
  );
  needOptions(given, method.name);
  let chosen: Partial<Options> = {};
  if (preset !== undefined) {
    needText(preset, `${method.name}: preset`, "the name of a preset");
    const found = Object.hasOwn(method.presets, preset) ? method.presets[preset] : undefined;
    if (!found) {
      const names = Object.keys(method.presets);
      const known = names.length > 0 ? `known: ${names.join(", ")}` : "it has none";
      const meant = didYouMean(preset, names);
      throw new OptionError(`${method.name}: no preset "${printable(preset)}"; ${known}${meant}`);
    }
    chosen = found;
  }
  const options: Record<string, unknown> = { ...method.defaults, ...chosen };
  for (const [name, value] of Object.entries(given)) {
    const key = optionKey(method.options, name);
    if (key !== name && Object.hasOwn(given, key)) {
      throw new OptionError(
        `${method.name}: "${name}" and "${key}" are one option; give one of them`,
      );
    }
    options[key] = value;
  }
  checkOptions(method.name, method.options, options);
  return options;
}

/**
 * Checks that `options` has every option of the table, each in range, and no other.
 *
 * @param owner whose options they are, for messages
 * @throws {OptionError} naming the owner, the option and its legal values
 */
export function checkOptions<Options extends object>(
  owner: string,
  table: OptionTable<Options>,
  options: object,
): asserts options is Options {
  const infos: Infos = table;
  needOptions(options, owner);
  for (const name of Object.keys(options)) {
    if (!Object.hasOwn(infos, name)) {
      const known = Object.keys(infos).map((key) => optionName(infos, key));
      const legal = known.length > 0 ? `its options are ${known.join(", ")}` : "it has no options";
      const key = optionKey(infos, name);
      if (key !== name) {
        throw new OptionError(
          `${owner}: configurations have the option "${name}" by the key "${key}"`,
        );
      }
      const meant = suggestOption(name, infos);
      const hint = meant === undefined ? "" : `; did you mean "${optionName(infos, meant)}"?`;
      throw new OptionError(`${owner}: unknown option "${printable(name)}"; ${legal}${hint}`);
    }
  }
  const values = options as Readonly<Record<string, unknown>>;
  for (const [name, info] of Object.entries(infos)) {
    const value = values[name];
    const variant = info.kind === "variant" && variantOf(info, value);
    if (variant) checkOptions(`${owner}: ${name} ${variant.name}`, variant.infos, variant.options);
    else if (!isLegal(info, value)) {
      // JSON has no NaN.
      const isPlain = typeof value === "number" || typeof value === "bigint";
      const text = isPlain ? String(value) : (JSON.stringify(value) ?? "missing");
      const called = optionName(infos, name);
      throw new OptionError(`${owner}: option "${called}" is ${text}; legal: ${legalValues(info)}`);
    }
  }
}

function needOptions(options: unknown, owner: string): void {
  if (typeof options === "object" && options !== null && !Array.isArray(options)) return;
  throw new OptionError(`${owner}: its options are ${shown(options)}, not an object`);
}

/** Suggests the option meant by the paper's symbol for it, `d_a`, or by a typo. */
export function suggestOption(name: string, infos: Infos): string | undefined {
  const symbol = (text: string): string => text.toLowerCase().replaceAll(/[^a-z0-9]/g, "");
  // "W^pt, W^ps" is two symbols; "softmax (eq. 3)" is one, with its place in the paper.
  const symbolsOf = (info: OptionInfo): string[] =>
    (info.symbol ?? "")
      .replace(/\(.*\)/, "")
      .split(",")
      .map(symbol);
  const byName = optionKey(infos, name);
  if (byName !== name) return byName;
  const byCase = Object.entries(infos).find(([, info]) => info.symbol === name);
  const bySymbol = Object.entries(infos).find(
    ([, info]) => symbol(name) !== "" && symbolsOf(info).includes(symbol(name)),
  );
  return (byCase ?? bySymbol)?.[0] ?? nearest(name, Object.keys(infos));
}

/** The variant that a value names, and what it says of that one's options; undefined where it names none. */
function variantOf({ variants }: VariantInfo, value: unknown) {
  if (typeof value !== "object" || value === null) return undefined;
  const { name, ...options } = value as { readonly name?: unknown };
  if (typeof name !== "string" || !Object.hasOwn(variants, name)) return undefined;
  return { name, infos: variants[name]!, options: options as Readonly<Record<string, unknown>> };
}

/** At most nine digits each, so that all are whole numbers of 32 bits. */
const COUNTS = /^[1-9]\d{0,8}(,[1-9]\d{0,8})*$/;

/** Returns the numbers of an option of the kind "counts". */
export const countsIn = (value: string): number[] => value.split(",").map(Number);

/** Whether a value is in the option's range. */
export function isLegal(info: OptionInfo, value: unknown): boolean {
  if (value === undefined) return info.absent !== undefined;
  if (info.kind === "variant") {
    const variant = variantOf(info, value);
    if (!variant) return false;
    const { infos, options } = variant;
    return (
      Object.keys(options).every((name) => Object.hasOwn(infos, name)) &&
      Object.entries(infos).every(([name, one]) => isLegal(one, options[name]))
    );
  }
  if (info.kind === "switch") return typeof value === "boolean";
  if (info.kind === "choice") return info.choices.some((choice) => choice === value);
  if (info.kind === "counts") return typeof value === "string" && COUNTS.test(value);
  if (value === null) return info.none !== undefined;
  if (typeof value !== "number" || !Number.isFinite(value)) return false;
  if (info.whole && !Number.isSafeInteger(value)) return false;
  const { min, max = Number.POSITIVE_INFINITY, above, below } = info;
  return (above ? value > min : value >= min) && (below ? value < max : value <= max);
}

/** Describes an option's legal values, for messages and `--help`. */
export function legalValues(info: OptionInfo): string {
  const values = presentValues(info);
  return info.absent === undefined ? values : `${values}; left out: ${info.absent}`;
}

function presentValues(info: OptionInfo): string {
  if (info.kind === "switch") return "true, false";
  if (info.kind === "choice") return info.choices.join(", ");
  if (info.kind === "counts") return "whole numbers from 1, as 15,10";
  if (info.kind === "variant") {
    const own = ([name, info]: [string, OptionInfo]) => {
      const value = info.kind === "choice" ? info.choices.join("|") : name;
      return info.absent === undefined ? `:${value}` : `[:${value}]`;
    };
    const text = ([name, infos]: [string, Infos]) => name + Object.entries(infos).map(own).join("");
    return Object.entries(info.variants).map(text).join(", ");
  }
  const kind = info.whole ? "a whole number" : "a number";
  const least = info.above ? `above ${info.min}` : `of at least ${info.min}`;
  const most = info.below ? ` and below ${info.max}` : ` and at most ${info.max}`;
  const range = info.max === undefined ? least : least + most;
  return `${kind} ${range}${info.none === undefined ? "" : `, or null (${info.none})`}`;
}
