// A notebook as one web page that needs no network and runs nothing: code, outputs, pictures, mathematics.
import { readFileSync, statSync } from "node:fs";
import path from "node:path";
import { stripVTControlCharacters } from "node:util";
import { htmlPage, plain } from "../base/markup.ts";
import { highlighted } from "./highlight.ts";
import { inert } from "./inert.ts";
import { markdownHtml } from "./markdown.ts";
import {
  type Cell,
  isJsonMime,
  type MimeBundle,
  type Notebook,
  type Output,
  tagsOf,
} from "./nbformat.ts";

export interface PageOptions {
  /** The notebook's file: pictures that its text names are read from beside it. */
  readonly file: string;
  /** Whether code is shown; by default it is. */
  readonly input?: boolean;
}

/** A page, and what a reader of it should know. */
export interface Page {
  readonly html: string;
  /** The number of plots that the file holds without a picture: the page shows their text. */
  readonly plain: number;
}

/** The largest picture that is taken into a page. */
const LARGEST_PICTURE = 20 * 1024 ** 2;
const PICTURES: Readonly<Record<string, string>> = {
  ".png": "image/png",
  ".jpg": "image/jpeg",
  ".jpeg": "image/jpeg",
  ".gif": "image/gif",
  ".webp": "image/webp",
  ".svg": "image/svg+xml",
};
/** What a page shows of an output that has several forms: the first of these. */
const PICTURE_FORMS = ["image/svg+xml", "image/png", "image/jpeg", "image/gif", "image/webp"];

const STYLE = `
@page { size: A4; margin: 18mm 16mm; }
body { font: 15px/1.5 system-ui, sans-serif; color: #222; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h1, h2, h3 { line-height: 1.25; break-after: avoid; }
pre { font: 12.5px/1.45 ui-monospace, monospace; white-space: pre-wrap; overflow-wrap: anywhere; margin: 0.4rem 0; }
pre.in { background: #f6f7f9; border-left: 3px solid #c9d2dc; padding: 0.5rem 0.7rem; }
pre.error { background: #fdf1f0; border-left: 3px solid #d9534f; padding: 0.5rem 0.7rem; }
code { font-family: ui-monospace, monospace; font-size: 0.92em; }
.k { color: #7a3e9d; } .c { color: #6a737d; } .s { color: #22663b; } .n { color: #9a5b00; }
figure { margin: 0.6rem 0; } img { max-width: 100%; height: auto; }
figure, table, pre.in { break-inside: avoid; }
table { border-collapse: collapse; font-size: 13px; } th, td { padding: 0.15rem 0.6rem; text-align: right; }
thead { border-bottom: 1px solid #999; } tbody tr:nth-child(even) { background: #f6f7f9; }
.text { overflow-x: auto; } blockquote { border-left: 3px solid #ddd; margin-left: 0; padding-left: 1rem; }
@media print { body { max-width: none; margin: 0; padding: 0; font-size: 10.5pt; } pre { font-size: 8.5pt; } a { color: inherit; } }
`;
/** The browser's own wall behind inert(): nothing runs, nothing is fetched. */
const POLICY =
  "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/**
 * Draws a notebook as a page: what its cells hold now, which are not run. HTML of the outputs is shown without
 * scripts, and addresses on the network are not fetched.
 */
export function notebookPage(notebook: Notebook, { file, input = true }: PageOptions): Page {
  let missing = 0;
  const folder = path.dirname(file);
  const code = /^(?:type|java)script$/i.test(languageOf(notebook)) ? highlighted : plain;
  const body = notebook.cells.flatMap((cell): string[] => {
    if (cell.cell_type !== "code") {
      if (cell.cell_type === "raw") return [];
      return [`<div class="text">${safe(markdownHtml(cell.source), folder, cell)}</div>`];
    }
    const tags = tagsOf(cell);
    const hidden = tags.includes("remove-input") || tags.includes("remove-cell");
    const shown = input && !hidden && cell.source.trim() !== "";
    const outputs =
      tags.includes("remove-cell") || tags.includes("remove-output") ? [] : cell.outputs;
    missing += outputs.filter(isPlainPlot).length;
    return [
      ...(shown ? [`<pre class="in"><code>${code(cell.source)}</code></pre>`] : []),
      ...outputs.map((output) => outputHtml(output, folder, cell)),
    ];
  });
  const policy = `<meta http-equiv="Content-Security-Policy" content="${POLICY}">`;
  const page = htmlPage(titleOf(notebook, file), STYLE, body.join("\n"), {
    head: policy,
    heading: false,
  });
  return { html: page, plain: missing };
}

function languageOf({ metadata }: Notebook): string {
  const { language_info: info, kernelspec: spec } = metadata as Record<
    string,
    Record<string, unknown> | undefined
  >;
  return String(info?.["name"] ?? spec?.["language"] ?? "");
}

/** The first heading, else the file's name. */
function titleOf({ cells }: Notebook, file: string): string {
  const texts = cells.filter(({ cell_type }) => cell_type === "markdown");
  const heading = texts.map(({ source }) => /^#{1,6}\s+(.+)$/m.exec(source)?.[1]).find(Boolean);
  return heading?.replaceAll(/[*_`$]/g, "") ?? path.basename(file, ".ipynb");
}

function safe(text: string, folder: string, cell: Cell): string {
  return inert(text, (address) => attached(address, cell) ?? pictureFile(address, folder));
}

/** A picture that the cell itself carries. */
function attached(address: string, cell: Cell): string | undefined {
  const name = /^attachment:(.+)$/.exec(address)?.[1];
  const { attachments } = cell as { attachments?: Record<string, Record<string, unknown>> };
  const bundle = name === undefined ? undefined : attachments?.[decoded(name)];
  const [mime, data] =
    Object.entries(bundle ?? {}).find(([key]) => PICTURE_FORMS.includes(key)) ?? [];
  return typeof data === "string" ? `data:${mime};base64,${data.replaceAll(/\s/g, "")}` : undefined;
}

/** A picture in a file beside the notebook; undefined for an address elsewhere, or no picture. */
function pictureFile(address: string, folder: string): string | undefined {
  const mime = PICTURES[path.extname(address).toLowerCase()];
  if (mime === undefined || /^[a-z][a-z0-9+.-]*:|^\//i.test(address)) return undefined;
  try {
    const file = path.join(folder, decoded(address));
    const about = statSync(file);
    if (!about.isFile() || about.size > LARGEST_PICTURE) return undefined;
    return `data:${mime};base64,${readFileSync(file).toString("base64")}`;
  } catch {
    return undefined;
  }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

const pictureOf = (data: MimeBundle): string | undefined =>
  PICTURE_FORMS.find((mime) => typeof data[mime] === "string");

function isPlainPlot(output: Output): boolean {
  if (output.output_type !== "display_data" && output.output_type !== "execute_result")
    return false;
  const isPlot = Object.keys(output.data).some((mime) => /plotly|vega/.test(mime));
  return isPlot && pictureOf(output.data) === undefined;
}

function outputHtml(output: Output, folder: string, cell: Cell): string {
  if (output.output_type === "stream") return preformatted(output.text);
  if (output.output_type === "error") {
    const { ename, evalue, traceback } = output;
    const text = traceback.length > 0 ? traceback.join("\n") : `${ename}: ${evalue}`;
    return preformatted(text, "error");
  }
  const { data } = output;
  const picture = pictureOf(data);
  const text = (mime: string): string | undefined => {
    const value = data[mime];
    return typeof value === "string" ? value : undefined;
  };
  if (picture !== undefined) {
    const bytes = text(picture)!;
    const base64 =
      picture === "image/svg+xml"
        ? Buffer.from(bytes).toString("base64")
        : bytes.replaceAll(/\s/g, "");
    // The picture's own text says what it shows.
    const about = plain(text("text/plain") ?? "").replaceAll('"', "&quot;");
    return `<figure>${inert(`<img src="data:${picture};base64,${base64}" alt="${about}">`, () => undefined)}</figure>`;
  }
  const html = text("text/html");
  if (html !== undefined) return `<div class="text">${safe(html, folder, cell)}</div>`;
  const markdown = text("text/markdown") ?? text("text/latex");
  if (markdown !== undefined) {
    return `<div class="text">${safe(markdownHtml(markdown), folder, cell)}</div>`;
  }
  const words = text("text/plain");
  if (words !== undefined) return preformatted(words);
  const [, json] = Object.entries(data).find(([mime]) => isJsonMime(mime)) ?? [];
  return json === undefined ? "" : preformatted(JSON.stringify(json, null, 2));
}

function preformatted(text: string, name?: string): string {
  const words = plain(stripVTControlCharacters(text)).trimEnd();
  return `<pre${name === undefined ? "" : ` class="${name}"`}>${words}</pre>`;
}
