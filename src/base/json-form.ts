// Checks of a value's structure, made before the fields of a JSON file are trusted.
import { isObject } from "./json.ts";

/** @returns the path of the first part that does not fit, such as `accuracy.test`; undefined if all fits */
export type Form = (value: unknown, at: string) => string | undefined;

export const text = where((value) => typeof value === "string");
export const flag = where((value) => typeof value === "boolean");
export const real = where((value) => Number.isFinite(value));
export const count = where((value) => Number.isSafeInteger(value) && (value as number) >= 0);
export const fraction = where((value) => Number(value) === value && value >= 0 && value <= 1);
export const anything: Form = () => undefined;

/** Accepts exactly this value. */
export function just(expected: unknown): Form {
  return where((value) => value === expected);
}

export function either(...forms: readonly Form[]): Form {
  return (value, at) => (forms.some((form) => form(value, at) === undefined) ? undefined : at);
}

export function optional(form: Form): Form {
  return (value, at) => (value === undefined ? undefined : form(value, at));
}

export function list(item: Form): Form {
  return (value, at) =>
    Array.isArray(value) ? firstOf(value.entries(), (part, k) => item(part, `${at}[${k}]`)) : at;
}

/** Accepts an object with any names, each of whose values fits `item`. */
export function dictionary(item: Form): Form {
  return (value, at) =>
    isObject(value)
      ? firstOf(Object.entries(value), (part, name) => item(part, inside(at, name)))
      : at;
}

/** Accepts an object with these members; others are ignored. */
export function object(members: Readonly<Record<string, Form>>): Form {
  return (value, at) =>
    isObject(value)
      ? firstOf(Object.entries(members), (form, name) => form(value[name], inside(at, name)))
      : at;
}

/** Returns members of one form, by their names with spaces between. */
export function each(form: Form, names: string): Readonly<Record<string, Form>> {
  return Object.fromEntries(names.split(" ").map((name) => [name, form]));
}

/** Accepts whatever `fits` returns true for. */
export function where(fits: (value: unknown) => boolean): Form {
  return (value, at) => (fits(value) ? undefined : at);
}

function inside(at: string, name: string): string {
  return at === "" ? name : `${at}.${name}`;
}

function firstOf<K, V>(
  parts: Iterable<[K, V]>,
  check: (part: V, key: K) => string | undefined,
): string | undefined {
  for (const [key, part] of parts) {
    const misfit = check(part, key);
    if (misfit !== undefined) return misfit;
  }
  return undefined;
}
