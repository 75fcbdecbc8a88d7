// Makes text from outside (files, arguments, other programs) safe to print: it cannot control the
// terminal, hide in it or flood it. Imports nothing, so every part may use it.

/** Control, escape, bidi and other invisible format characters, separators, lone surrogates. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}]/gu;
/** The same, without the characters that lay out a text of several lines. */
const UNPRINTABLE_IN_TEXT = /[^\P{Cc}\n\t]|[\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}]/gu;

/** Longest name, key or part of a path in a message. */
const MOST_NAME = 60;
/** Longest error, note or line of progress. */
const MOST_LINE = 2000;

/** Makes a name from outside fit for a message: at most `most` characters, all visible. */
export function printable(text: string, most = MOST_NAME): string {
  return shortened(shortened(text, most).replace(UNPRINTABLE, escaped), most);
}

/** Puts a message on one line; one that is too long keeps its beginning and its end. */
export function printableLine(text: string): string {
  // Cut first: the text may be a file of any size.
  const flat = shortened(text, 2 * MOST_LINE)
    .trim()
    .replace(/\s*\n\s*/g, " ");
  return printable(flat, MOST_LINE);
}

/** Makes a text of several lines printable without cutting it: a report, a table. */
export function printableText(text: string): string {
  return text.replace(UNPRINTABLE_IN_TEXT, escaped);
}

/** Returns JSON text that parses to the same value and holds no character that a terminal acts on. */
export function printableJson(json: string): string {
  return json.replace(UNPRINTABLE_IN_TEXT, (character) =>
    character
      .split("")
      .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)
      .join(""),
  );
}

function escaped(character: string): string {
  const code = character.codePointAt(0)!;
  const hex = code.toString(16);
  if (code < 0x100) return `\\x${hex.padStart(2, "0")}`;
  return code < 0x10000 ? `\\u${hex.padStart(4, "0")}` : `\\u{${hex}}`;
}

function shortened(text: string, most: number): string {
  if (text.length <= most) return text;
  const mark = ` ... (${text.length} characters) ... `;
  if (most <= 2 * mark.length) return `${text.slice(0, most - 3)}...`;
  const head = Math.ceil((2 * (most - mark.length)) / 3);
  return text.slice(0, head) + mark + text.slice(text.length - (most - mark.length - head));
}
