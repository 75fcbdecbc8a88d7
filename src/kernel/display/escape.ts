// Escapes text for HTML.

/** Escapes a text so that nothing in it is HTML. */
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
