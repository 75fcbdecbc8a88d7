// A table as a value that a notebook displays.
import { inspect } from "node:util";
import { needObject } from "../base/arguments.ts";
import { formatTable, htmlTable, type Table } from "../base/table.ts";

/** Returns a value that, at the end of a notebook's cell, is HTML in JupyterLab and text elsewhere. */
export function showTable(table: Table): object {
  needObject(
    table,
    "showTable: table",
    "{ columns, rows }, as returned by resultsTable()",
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
