// Text inside HTML and Markdown, and the frame of a page.

/** Text for HTML, Plotly's small kind too: `<`, `>` and `&` stand for themselves. */
export function plain(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

/**
 * Returns a whole page.
 * @param more `head`: further elements of its head; `heading`: whether the title is its heading too, as by default
 */
export function htmlPage(
  title: string,
  style: string,
  body: string,
  { head = "", heading = true }: { readonly head?: string; readonly heading?: boolean } = {},
): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">${head === "" ? "" : `\n${head}`}
<title>${plain(title)}</title>
<style>${style}</style>
</head>
<body>${heading ? `\n<h1>${plain(title)}</h1>` : ""}
${body}
</body>
</html>
`;
}

/** Text for Markdown: signs that it would take for its own stand for themselves. */
export function escaped(text: string): string {
  return text.replace(/[\\|*_<>[\]`]/g, "\\$&");
}
