// No text longer than a screenful.

const LINES = 40;
const CHARACTERS = 4500;

/** A text cut to a screenful, with a last line that says how much is left out. */
export function screenful(text: string): string {
  let end = text.length;
  if (end > CHARACTERS) end = CHARACTERS;
  let lines = 1;
  for (let at = text.indexOf("\n"); at >= 0 && at < end; at = text.indexOf("\n", at + 1)) {
    if (++lines > LINES) end = at;
  }
  if (end === text.length) return text;
  // not between the halves of a pair
  if (/[\ud800-\udbff]/.test(text[end - 1] ?? "")) end--;
  const left = (text.length - end).toLocaleString("en-US");
  return `${text.slice(0, end)}\n... ${left} more characters`;
}
