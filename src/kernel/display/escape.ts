// Text as HTML.

/** Text in which nothing is HTML. */
export function escapeHtml(text: string): string {
  const names: Record<string, string> = {
    "&": "amp",
    "<": "lt",
    ">": "gt",
    '"': "quot",
    "'": "#39",
  };
  return text.toWellFormed().replace(/[&<>"']/g, (char) => `&${names[char]};`);
}
