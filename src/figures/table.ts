// A table of results as HTML, and as a value that a notebook shows.
import { inspect } from "node:util";
import { needObject } from "../base/arguments.ts";
import { formatTable, type Table } from "../experiments/results-table.ts";
import { plain } from "./figure.ts";

/** Characters of a cell that stay on one line: an interval, a number with its exponent. */
const MOST_UNBROKEN = 16;

/** A table element; its cells are escaped. */
export function htmlTable({ columns, rows }: Table): string {
  // Front ends drop style sheets; GitHub drops `style` too, nbconvert's own overrules `align`.
  const cell = (tag: string, text: string, i: number) => {
    const side = columns[i]?.numeric ? "right" : "left";
    const short = tag === "td" && text.length <= MOST_UNBROKEN ? "; white-space: nowrap" : "";
    return `<${tag} align="${side}" style="text-align: ${side}${short}">${plain(text)}</${tag}>`;
  };
  const head = columns.map(({ title }, i) => cell("th", title, i)).join("");
  const body = rows.map((row) => `<tr>${row.map((text, i) => cell("td", text, i)).join("")}</tr>`);
  return `<table>\n<thead><tr>${head}</tr></thead>\n<tbody>\n${body.join("\n")}\n</tbody>\n</table>`;
}

/** As the last expression of a notebook's cell: HTML in JupyterLab, text elsewhere. */
export function showTable(table: Table): object {
  needObject(
    table,
    "showTable: table",
    "{ columns, rows }, as resultsTable() gives it",
    "columns",
    "rows",
  );
  return {
    [Symbol.for("Jupyter.display")]: () => ({
      "text/html": htmlTable(table),
      "text/plain": formatTable(table),
    }),
    [inspect.custom]: () => formatTable(table),
  };
}
