// Limits text to a screenful.
import { count } from "./numbers.ts";

const LINES = 40;
const CHARACTERS = 4500;

/** Cuts a text to a screenful, with a last line that says how much is left out. */
export function screenful(text: string): string {
  let end = Math.min(text.length, CHARACTERS);
  let lines = 1;
  for (let at = text.indexOf("\n"); at >= 0 && at < end; at = text.indexOf("\n", at + 1)) {
    if (++lines > LINES) end = at;
  }
  // Python front ends cannot write half of a surrogate pair to a file.
  if (end === text.length) return text.toWellFormed();
  if (/[\ud800-\udbff]/.test(text[end - 1] ?? "")) end--;
  return `${text.slice(0, end)}\n... ${leftOut(text.slice(end))}`.toWellFormed();
}

/** Whether a text is shown in full. */
export function fits(text: string): boolean {
  return text.length <= CHARACTERS && text.split("\n").length <= LINES;
}

function leftOut(rest: string): string {
  const lines = rest.split("\n").length - 1;
  const characters = `${count(rest.length)} more characters`;
  return lines > 0 ? `${count(lines)} more lines, ${characters}` : characters;
}
