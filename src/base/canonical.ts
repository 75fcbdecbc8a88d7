// Canonical JSON: one text for one value, so that its digest is the value's.
import { shown } from "./arguments.ts";
import { OptionError } from "./errors.ts";

/**
 * JSON with sorted keys and no white space: equal values give equal text. Members that are
 * undefined are left out.
 * @throws OptionError for what JSON cannot carry (NaN, a function)
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
  throw new OptionError(`no JSON for ${shown(value)}; it has text, finite numbers, lists, objects`);
}
