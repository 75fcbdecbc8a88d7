// Canonical JSON: equal values give the same text, so the text's digest identifies the value.
import { shown } from "./arguments.ts";
import { OptionError } from "./errors.ts";

/**
 * Returns JSON with sorted keys and no white space: equal values give equal text. Members that are
 * undefined are left out.
 * @throws OptionError for a value that JSON cannot represent (NaN, a function)
 */
export function canonicalJson(value: unknown): string {
  if (value === null || typeof value === "string" || typeof value === "boolean") {
    return JSON.stringify(value);
  }
  if (typeof value === "number" && Number.isFinite(value)) return String(value);
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  if (typeof value === "object") {
    const all = value as Readonly<Record<string, unknown>>;
    const members = Object.keys(all)
      .sort()
      .filter((name) => all[name] !== undefined)
      .map((name) => `${JSON.stringify(name)}:${canonicalJson(all[name])}`);
    return `{${members.join(",")}}`;
  }
  throw new OptionError(`JSON holds text, finite numbers, lists and objects, not ${shown(value)}`);
}
