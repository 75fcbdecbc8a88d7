// Checked access to the fields of requests: what a front end sends cannot be trusted.
import { type Content, WireError } from "./wire.ts";

/** @throws WireError if the field is missing or is not a string */
export function textOf(content: Content, field: string): string {
  const value = content[field];
  if (typeof value !== "string") throw new WireError(`${field} is not a string`);
  return value;
}

export function flagOf(content: Content, field: string, otherwise: boolean): boolean {
  const value = content[field];
  return typeof value === "boolean" ? value : otherwise;
}

/** @returns the field's integer, clamped to the safe integers; `otherwise` if it is not an integer */
export function integerOf<T>(content: Content, field: string, otherwise: T): number | T {
  const value = content[field];
  if (typeof value !== "number" || Math.trunc(value) !== value) return otherwise;
  const { MIN_SAFE_INTEGER, MAX_SAFE_INTEGER } = Number;
  return Math.min(Math.max(value, MIN_SAFE_INTEGER), MAX_SAFE_INTEGER);
}

/** Returns the entries of an object that are strings. */
export function textsOf(content: Content, field: string): Record<string, string> {
  const value = content[field];
  if (typeof value !== "object" || value === null) return {};
  return Object.fromEntries(
    Object.entries(value).filter(
      (entry): entry is [string, string] => typeof entry[1] === "string",
    ),
  );
}
