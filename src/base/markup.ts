// Text inside HTML and Markdown.

/** Text for HTML, Plotly's small kind too: `<`, `>` and `&` stand for themselves. */
export function plain(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

/** Text for Markdown: signs that it would take for its own stand for themselves. */
export function escaped(text: string): string {
  return text.replace(/[\\|*_<>[\]`]/g, "\\$&");
}
