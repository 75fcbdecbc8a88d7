// Text from outside (files, arguments, other programs) made fit for a terminal: it cannot steer it,
// hide in it or fill it. Imports nothing, so that every part may use it.

/** Controls, escapes, bidi and other invisible format characters, separators, lone surrogates. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}]/gu;
/** The same but for what lays out a text of several lines. */
const UNPRINTABLE_IN_TEXT = /[^\P{Cc}\n\t]|[\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}]/gu;

/** A name, a key, a path's part in a message. */
const MOST_NAME = 60;
/** An error, a note, a line of progress. */
const MOST_LINE = 2000;

/** A name from outside as it may stand in a message: at most `most` characters, all of them visible. */
export function printable(text: string, most = MOST_NAME): string {
  return shortened(shortened(text, most).replace(UNPRINTABLE, escaped), most);
}

/** A message on one line, its beginning and its end where it is too long to be read. */
export function printableLine(text: string): string {
  // Cut first: what is to be replaced may be a file of any size.
  const flat = shortened(text, 2 * MOST_LINE)
    .trim()
    .replace(/\s*\n\s*/g, " ");
  return printable(flat, MOST_LINE);
}

/** A text of several lines, whole: a report, a table. */
export function printableText(text: string): string {
  return text.replace(UNPRINTABLE_IN_TEXT, escaped);
}

/** JSON text that reads back the same and holds no character that a terminal could obey. */
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
