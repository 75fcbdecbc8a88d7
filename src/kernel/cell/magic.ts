// Cells that begin with %%html and the like, as in other kernels: their text is shown, and none of it runs.

const TYPES: Readonly<Record<string, string>> = {
  html: "text/html",
  markdown: "text/markdown",
  svg: "image/svg+xml",
  latex: "text/latex",
};

const FIRST_LINE = new RegExp(
  String.raw`^\s*%%(${Object.keys(TYPES).join("|")})(?:[ \t].*)?(?:\r?\n|$)`,
  "i",
);

/** The names of such cells, for a hint. */
export const MAGICS: readonly string[] = Object.keys(TYPES).map((name) => `%%${name}`);

/** Whether a cell's text is shown instead of run. */
export const isShownText = (source: string): boolean => FIRST_LINE.test(source);

/** Returns the code that shows the text of such a cell; any other cell as it is. */
export function withoutMagic(source: string): string {
  const [line, name] = FIRST_LINE.exec(source) ?? [];
  const type = name === undefined ? undefined : TYPES[name.toLowerCase()];
  if (line === undefined || type === undefined) return source;
  const bundle = JSON.stringify({ [type]: source.slice(line.length) });
  return `globalThis[Symbol.for("Jupyter.display")](${bundle}, { raw: true });`;
}
