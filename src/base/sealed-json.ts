// JSON files that can tell whether they are whole: the content and its digest determine every byte.

import { canonicalJson } from "./canonical.ts";
import { isObject, JsonError, parseJson } from "./json.ts";
import type { Form } from "./json-form.ts";
import { printable } from "./printable.ts";
import { sha256 } from "./sha256.ts";

/** JSON with a digest: 16 hex digits of the sha256 of all the rest. */
export interface Sealed {
  readonly digest: string;
}

export function sealed<T extends object>(content: T): T & Sealed {
  return { ...content, digest: digestOf(content) };
}

function digestOf(content: object): string {
  // Goes through JSON once: what is read back (-0, undefined) must give the digest that was written.
  return digestOfText(canonicalJson(JSON.parse(JSON.stringify(content))));
}

function digestOfText(text: string): string {
  return sha256(text).slice(0, 16);
}

/** Returns indented JSON, each array of numbers on one line. */
export function jsonText(value: object): string {
  const text = JSON.stringify(value, null, 2);
  return `${text.replace(/\[[^[\]{}"]*\]/g, (array) => array.replace(/\n\s*/g, " "))}\n`;
}

/** Returns canonical JSON on one line, so that its digest can be checked without parsing it. */
export function lineText(value: Sealed): string {
  return canonicalJson(value);
}

/** Whether a line is as `lineText` wrote it, judged by its digest alone. */
export function isWholeLine(line: string): boolean {
  // Members are sorted: `format` comes after the digest, so a comma follows it.
  return [...line.matchAll(/"digest":"([0-9a-f]{16})",/g)].some(
    ({ 0: member, 1: digest, index }) =>
      digestOfText(line.slice(0, index) + line.slice(index + member.length)) === digest,
  );
}

/** Reads a text that `jsonText` wrote (openSealed) or a line that `lineText` wrote (openLine). */
export type Opener = <T extends Sealed>(text: string, format: string, form: Form) => T | string;

/**
 * @param form what the whole value must look like, `format` and digest included
 * @returns the value with its digest, or what is wrong with the text: `is cut off or damaged ...`
 */
export const openSealed: Opener = (text, format, form) =>
  open(text, format, form, (value) => {
    const { digest, ...content } = value;
    if (digest === undefined) {
      return "has no digest: it was altered, or written before abkd kept digests";
    }
    if (digest !== digestOf(content)) return "was altered: its digest does not match";
    // A text that parses to the same value, by rounding or an extra blank, is damaged all the same.
    return jsonText(value) === text ? undefined : "was altered: its text is not as it was written";
  });

/** Reads a line that `lineText` wrote. */
export const openLine: Opener = (text, format, form) =>
  open(text, format, form, () =>
    isWholeLine(text) ? undefined : "was cut or altered: its digest does not match",
  );

function open<T extends Sealed>(
  text: string,
  format: string,
  form: Form,
  misfitOf: (value: Readonly<Record<string, unknown>>) => string | undefined,
): T | string {
  let value: unknown;
  try {
    value = parseJson(text);
  } catch (error) {
    if (!(error instanceof JsonError)) throw error;
    return `is cut off or damaged: its text of ${text.length} characters ${error.message}`;
  }
  if (!isObject(value)) return "is damaged: it does not hold an object";
  if (value["format"] !== format) {
    const found = value["format"];
    const name = typeof found === "string" ? `format "${printable(found)}"` : "no format";
    return `is from another version (${name}, not "${format}")`;
  }
  const altered = misfitOf(value);
  if (altered !== undefined) return altered;
  const misfit = form(value, "");
  if (misfit !== undefined) return `is damaged: its ${printable(misfit)} is not what it should be`;
  return value as unknown as T;
}
