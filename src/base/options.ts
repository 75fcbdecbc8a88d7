// How the options of a method or a model are described, completed and checked.

import { needObject, shown } from "./arguments.ts";
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

/** What an option may be. */
export type OptionInfo = NumberInfo | ChoiceInfo | SwitchInfo;

/** One entry per option. */
export type OptionTable<Options> = { readonly [K in keyof Options]-?: OptionInfo };

/** The parts of a method that resolveOptions needs. */
interface Configurable<Options> {
  readonly name: string;
  readonly defaults: Options;
  readonly options: OptionTable<Options>;
  readonly presets: Readonly<Record<string, Partial<Options>>>;
}

/**
 * Returns all options of a method: the given ones override the preset's, which override the defaults.
 *
 * @throws {OptionError} for an unknown preset, an unknown option or a value out of range
 */
export function resolveOptions<Options extends object>(
  method: Configurable<Options>,
  given: Readonly<Record<string, unknown>> = {},
  preset?: string,
): Options {
  needObject(
    method,
    "resolveOptions: method",
    "a method, as findMethod() gives it",
    "defaults",
    "options",
  );
  let chosen: Partial<Options> = {};
  if (preset !== undefined) {
    const found = Object.hasOwn(method.presets, preset) ? method.presets[preset] : undefined;
    if (!found) {
      const names = Object.keys(method.presets);
      const known = names.length > 0 ? `known: ${names.join(", ")}` : "it has none";
      const meant = didYouMean(preset, names);
      throw new OptionError(`${method.name}: no preset "${printable(preset)}"; ${known}${meant}`);
    }
    chosen = found;
  }
  const options = { ...method.defaults, ...chosen, ...given };
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
  const infos: Readonly<Record<string, OptionInfo>> = table;
  if (typeof options !== "object" || options === null || Array.isArray(options)) {
    throw new OptionError(`${owner}: its options are ${shown(options)}, not an object`);
  }
  for (const name of Object.keys(options)) {
    if (!Object.hasOwn(infos, name)) {
      const known = Object.keys(infos);
      const legal = known.length > 0 ? `its options are ${known.join(", ")}` : "it has no options";
      const meant = suggestOption(name, infos);
      const hint = meant === undefined ? "" : `; did you mean "${meant}"?`;
      throw new OptionError(`${owner}: unknown option "${printable(name)}"; ${legal}${hint}`);
    }
  }
  const values = options as Readonly<Record<string, unknown>>;
  for (const [name, info] of Object.entries(infos)) {
    if (!isLegal(info, values[name])) {
      const value = values[name];
      // JSON has no NaN.
      const text = typeof value === "number" ? String(value) : JSON.stringify(value);
      const shown = text ?? "missing";
      throw new OptionError(`${owner}: option "${name}" is ${shown}; legal: ${legalValues(info)}`);
    }
  }
}

/** Suggests the option meant by the paper's symbol for it, `d_a`, or by a typo. */
export function suggestOption(
  name: string,
  infos: Readonly<Record<string, OptionInfo>>,
): string | undefined {
  const symbol = (text: string): string => text.toLowerCase().replaceAll(/[^a-z0-9]/g, "");
  // "W^pt, W^ps" is two symbols; "softmax (eq. 3)" is one, with its place in the paper.
  const symbolsOf = (info: OptionInfo): string[] =>
    (info.symbol ?? "")
      .replace(/\(.*\)/, "")
      .split(",")
      .map(symbol);
  const byCase = Object.entries(infos).find(([, info]) => info.symbol === name);
  const bySymbol = Object.entries(infos).find(
    ([, info]) => symbol(name) !== "" && symbolsOf(info).includes(symbol(name)),
  );
  return (byCase ?? bySymbol)?.[0] ?? nearest(name, Object.keys(infos));
}

/** Whether a value is in the option's range. */
export function isLegal(info: OptionInfo, value: unknown): boolean {
  if (info.kind === "switch") return typeof value === "boolean";
  if (info.kind === "choice") return info.choices.some((choice) => choice === value);
  if (value === null) return info.none !== undefined;
  if (typeof value !== "number" || !Number.isFinite(value)) return false;
  if (info.whole && !Number.isSafeInteger(value)) return false;
  const { min, max = Number.POSITIVE_INFINITY, above, below } = info;
  return (above ? value > min : value >= min) && (below ? value < max : value <= max);
}

/** Describes an option's legal values, for messages and `--help`. */
export function legalValues(info: OptionInfo): string {
  if (info.kind === "switch") return "true, false";
  if (info.kind === "choice") return info.choices.join(", ");
  const kind = info.whole ? "a whole number" : "a number";
  const least = info.above ? `above ${info.min}` : `of at least ${info.min}`;
  const most = info.below ? ` and below ${info.max}` : ` and at most ${info.max}`;
  const range = info.max === undefined ? least : least + most;
  return `${kind} ${range}${info.none === undefined ? "" : `, or null (${info.none})`}`;
}
