// Checks of what a public function is given, made before it is used.
import { OptionError } from "./errors.ts";

/** What many functions take, and where to get it; for messages. */
export const CONFIG = "a run's configuration, as returned by teacherConfig()";
export const RESULT = "a run's result, as returned by runTrials()";
export const RESULTS = "an array of runs' results, as returned by runTrials()";

/**
 * @param what the function and its argument: "runId: config"
 * @param legal what it should be, and where one gets it
 * @throws OptionError if the value is not an object or lacks one of the fields
 */
export function needObject(
  value: unknown,
  what: string,
  legal: string,
  ...fields: readonly string[]
): void {
  if (typeof value !== "object" || value === null) refuse(value, what, legal);
  const lacks = fields.find((field) => Reflect.get(value, field) === undefined);
  if (lacks !== undefined) throw new OptionError(`${what} has no ${lacks}; expected: ${legal}`);
}

/** @throws OptionError if the value is not an array, or an entry is not an object with the fields */
export function needArray(
  value: unknown,
  what: string,
  legal: string,
  ...fields: readonly string[]
): void {
  if (!Array.isArray(value)) refuse(value, what, legal);
  if (fields.length === 0) return;
  for (const [k, entry] of value.entries()) needObject(entry, `${what}[${k}]`, legal, ...fields);
}

/** @throws OptionError if the value is not a string, or is empty */
export function needText(value: unknown, what: string, legal: string): void {
  if (typeof value !== "string" || value === "") refuse(value, what, legal);
}

/** @throws OptionError if the value cannot be called */
export function needFunction(value: unknown, what: string, legal: string): void {
  if (typeof value !== "function") refuse(value, what, legal);
}

/** What an option may be, in words and as a test. */
export interface Legal {
  readonly words: string;
  is(value: unknown): boolean;
}

export const isText = (value: unknown): boolean => typeof value === "string" && value !== "";

const text = (words: string): Legal => ({ words, is: isText });

/** Kinds of options that several functions take. */
export const LEGAL = {
  address: {
    words: "an address, such as http://127.0.0.1:8080",
    is: (value) => typeof value === "string" && URL.canParse(value),
  },
  folder: text("the path of a folder"),
  name: text("a name"),
  functions: { words: "a function", is: (value) => typeof value === "function" },
  milliseconds: {
    words: "milliseconds, more than 0",
    is: (value) => typeof value === "number" && value > 0,
  },
  object: {
    words: "an object",
    is: (value) => typeof value === "object" && value !== null && !Array.isArray(value),
  },
  signal: { words: "an AbortSignal", is: (value) => value instanceof AbortSignal },
  switch: { words: "true or false", is: (value) => typeof value === "boolean" },
} as const satisfies Readonly<Record<string, Legal>>;

/**
 * @param options undefined means left out
 * @param owner the function whose options they are
 * @throws OptionError naming the first option that has a wrong value, and what is legal
 */
export function checkValues(
  options: object,
  table: Readonly<Record<string, Legal>>,
  owner: string,
): void {
  for (const [name, { words, is }] of Object.entries(table)) {
    const value: unknown = Reflect.get(options, name);
    if (value === undefined || is(value)) continue;
    throw new OptionError(`${owner}: option "${name}" is ${shown(value)}; legal: ${words}`);
  }
}

/** @throws OptionError always; its message says what was expected instead of `value` */
export function refuse(value: unknown, what: string, legal: string): never {
  throw new OptionError(`${what} is ${shown(value)}; expected: ${legal}`);
}

/** Describes a wrong value in a few words. */
export function shown(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value.slice(0, 60));
  if (typeof value === "object" && value !== null)
    return Array.isArray(value) ? "an array" : "an object";
  if (typeof value === "function") return "a function";
  return value === undefined ? "missing" : String(value);
}
