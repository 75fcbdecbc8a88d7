// Strict reading of JSON that is not trusted. Imports nothing, like printable.ts.

/** Deeper than any of our files or any notebook nests, and far from overflowing the stack. */
const MOST_DEPTH = 500;

/** A text that is not valid JSON, or JSON that is ambiguous; the message fits into a sentence. */
export class JsonError extends Error {
  override readonly name = "JsonError";
  /** Whether the text is not valid JSON at all. */
  readonly isSyntax: boolean;

  constructor(message: string, isSyntax = false) {
    super(message);
    this.isSyntax = isSyntax;
  }
}

/**
 * Parses a JSON text (RFC 8259).
 * @throws JsonError for text that is not valid JSON, is nested deeper than 500, holds a number too large
 *   for a double (1e999), or names a member of an object twice
 */
export function parseJson(text: string): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    const place = /\(line \d+ column \d+\)/.exec((error as Error).message)?.[0];
    throw new JsonError(`is not valid JSON${place === undefined ? "" : ` ${place}`}`, true);
  }
  check(text);
  return value;
}

/** Makes one pass over a text that is known to be JSON, looking at strings, numbers and brackets. */
function check(text: string): void {
  /** For each open bracket: the names met so far in an object, or null for an array. */
  const open: (Set<string> | null)[] = [];
  for (let at = 0; at < text.length; at++) {
    const c = text[at]!;
    if (c === '"') {
      const end = endOfString(text, at);
      if (isName(text, end)) meet(open.at(-1), text.slice(at, end));
      at = end - 1;
    } else if (c === "{" || c === "[") {
      if (open.length === MOST_DEPTH) {
        throw new JsonError(`is JSON nested deeper than ${MOST_DEPTH}`);
      }
      open.push(c === "{" ? new Set() : null);
    } else if (c === "}" || c === "]") {
      open.pop();
    } else if (c === "-" || (c >= "0" && c <= "9")) {
      at = endOfNumber(text, at) - 1;
    }
  }
}

/** Returns the place after the closing quote. */
function endOfString(text: string, start: number): number {
  let at = start + 1;
  while (text[at] !== '"') at += text[at] === "\\" ? 2 : 1;
  return at + 1;
}

/** Whether a string that ends here is a member's name. */
function isName(text: string, end: number): boolean {
  let at = end;
  while (at < text.length && " \n\r\t".includes(text[at]!)) at++;
  return text[at] === ":";
}

function meet(names: Set<string> | null | undefined, quoted: string): void {
  if (!names) return;
  const name = quoted.includes("\\") ? (JSON.parse(quoted) as string) : quoted.slice(1, -1);
  if (names.has(name)) throw new JsonError(`is JSON that names ${quoted.slice(0, 60)} twice`);
  names.add(name);
}

/** Returns the place after a number. @throws JsonError if the number is too large */
function endOfNumber(text: string, start: number): number {
  let end = start + 1;
  while (end < text.length && "0123456789+-.eE".includes(text[end]!)) end++;
  if (!Number.isFinite(Number(text.slice(start, end)))) {
    throw new JsonError(
      `holds the number ${text.slice(start, Math.min(end, start + 20))}, too large`,
    );
  }
  return end;
}

/** Whether a value is a JSON object: neither an array nor null. */
export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
