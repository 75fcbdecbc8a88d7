// Whether a cell shows what its notebook says: texts match with near numbers, pictures are present.
import { isWarningNote } from "../kernel/display/warnings.ts";
import { isJsonMime, type Json, type Output } from "./nbformat.ts";
import { VIEW } from "./widgets.ts";

const NUMBER = /[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?/gi;
/** Two numbers below this both count as zero: they differ by rounding, not in results. */
const ZERO = 1e-12;

/**
 * Returns the first difference between committed and fresh outputs; null if there is none. Whole numbers
 * are compared exactly, others within the relative tolerance; white space and pictures only by presence;
 * plots by structure.
 */
export function compareOutputs(
  committed: readonly Output[],
  fresh: readonly Output[],
  tolerance: number,
): string | null {
  const [before, now] = [merge(committed), merge(fresh)];
  for (let i = 0; i < Math.max(before.length, now.length); i++) {
    const [a, b] = [before[i], now[i]];
    if (!a) return `a new output, ${nameOf(b!)}`;
    if (!b) return `no output ${nameOf(a)} any more`;
    const difference = compareOutput(a, b, tolerance);
    if (difference) return difference;
  }
  return null;
}

/** Joins streams by name and puts them first: they may interleave differently in each run. */
function merge(outputs: readonly Output[]): Output[] {
  const streams = new Map<string, Output & { output_type: "stream" }>();
  const others: Output[] = [];
  for (const output of outputs) {
    if (output.output_type !== "stream") {
      // A saved notebook may have type warnings; this run shows none.
      if (!isWarningNote(output)) others.push(output);
      continue;
    }
    const stream = streams.get(output.name);
    if (stream) stream.text += output.text;
    else streams.set(output.name, { ...output });
  }
  const names = [...streams.keys()].sort();
  return [...names.map((name) => streams.get(name)!), ...others];
}

function compareOutput(a: Output, b: Output, tolerance: number): string | null {
  if (a.output_type === "stream" && b.output_type === "stream" && a.name === b.name) {
    return compareText(a.text, b.text, tolerance);
  }
  if (a.output_type === "error" && b.output_type === "error") {
    const line = (error: typeof a): string => `${error.ename}: ${error.evalue}`;
    return compareText(line(a), line(b), tolerance);
  }
  if ("data" in a && "data" in b && a.output_type === b.output_type) {
    for (const mime of Object.keys(b.data)) {
      if (!(mime in a.data)) return `a new ${mime}`;
    }
    for (const [mime, value] of Object.entries(a.data)) {
      const other = b.data[mime];
      if (other === undefined) return `no ${mime} any more`;
      const difference = compareValue(mime, value, other, tolerance);
      if (difference) return `${mime}: ${difference}`;
    }
    return null;
  }
  return `${nameOf(b)} instead of ${nameOf(a)}`;
}

function compareValue(mime: string, a: Json, b: Json, tolerance: number): string | null {
  if (mime.startsWith("image/") || mime === "application/pdf") return null;
  if (mime === VIEW) return null; // it only names a widget of that run
  if (isPlot(mime)) return compareStructure(a, b, "");
  if (isJsonMime(mime)) return compareJson(a, b, tolerance, "");
  return compareText(String(a), String(b), tolerance);
}

function isPlot(mime: string): boolean {
  return /^application\/vnd\.plotly\./.test(mime);
}

function compareText(a: string, b: string, tolerance: number): string | null {
  const [wordsA, wordsB] = [withoutNumbers(a), withoutNumbers(b)];
  const [numbersA, numbersB] = [a.match(NUMBER) ?? [], b.match(NUMBER) ?? []];
  const same =
    wordsA === wordsB && numbersA.every((number, i) => isNear(number, numbersB[i]!, tolerance));
  if (same) return null;
  return `${excerpt(b, firstDifference(a, b))} instead of ${excerpt(a, firstDifference(a, b))}`;
}

/** Replaces numbers, and evens out white space: columns shift with the numbers' digits. */
function withoutNumbers(text: string): string {
  return text.replace(NUMBER, "#").replace(/\s+/g, " ").trim();
}

function isNear(a: string, b: string, tolerance: number): boolean {
  const [x, y] = [Number(a), Number(b)];
  if (x === y) return true;
  if (/^[-+]?\d+$/.test(a) && /^[-+]?\d+$/.test(b)) return false;
  return Math.abs(x - y) <= Math.max(tolerance * Math.max(Math.abs(x), Math.abs(y)), ZERO);
}

function compareJson(a: Json, b: Json, tolerance: number, at: string): string | null {
  return compareTrees(a, b, at, (x, y) => {
    if (typeof x === "number" && typeof y === "number") {
      return isNear(String(x), String(y), tolerance);
    }
    return x === y;
  });
}

/** Compares traces, fields and lengths; of the values, only those that name a trace's kind. */
function compareStructure(a: Json, b: Json, at: string): string | null {
  return compareTrees(a, b, at, (x, y, place) =>
    /\.(?:type|name|mode)$/.test(place) ? x === y : typeof x === typeof y,
  );
}

function compareTrees(
  a: Json,
  b: Json,
  at: string,
  leaves: (x: Json, y: Json, at: string) => boolean,
): string | null {
  const [array, object] = [Array.isArray(a), typeof a === "object" && a !== null];
  if (array !== Array.isArray(b) || object !== (typeof b === "object" && b !== null)) {
    return `${at || "the value"} has another type`;
  }
  if (!object) {
    if (leaves(a, b, at)) return null;
    return `${at || "the value"} is ${JSON.stringify(b)} instead of ${JSON.stringify(a)}`;
  }
  const [before, now] = [Object.entries(a as object), Object.entries(b as object)];
  if (array && before.length !== now.length) {
    return `${at || "the value"} has ${now.length} entries instead of ${before.length}`;
  }
  const fields = new Map<string, Json>(now);
  for (const [key, value] of before as [string, Json][]) {
    const other = fields.get(key);
    if (other === undefined) return `no ${at}.${key} any more`;
    fields.delete(key);
    const difference = compareTrees(value, other, array ? at : `${at}.${key}`, leaves);
    if (difference) return difference;
  }
  const [added] = fields.keys();
  return added === undefined ? null : `a new ${at}.${added}`;
}

function nameOf(output: Output): string {
  if (output.output_type === "stream") return output.name;
  if (output.output_type === "error") return `error ${output.ename}`;
  return `${output.output_type} (${Object.keys(output.data).join(", ")})`;
}

function firstDifference(a: string, b: string): number {
  let at = 0;
  while (at < Math.min(a.length, b.length) && a[at] === b[at]) at++;
  return at;
}

function excerpt(text: string, at: number): string {
  const begin = Math.max(0, at - 20);
  const part = text.slice(begin, at + 30);
  return `${begin > 0 ? "…" : ""}${JSON.stringify(part)}${at + 30 < text.length ? "…" : ""}`;
}
