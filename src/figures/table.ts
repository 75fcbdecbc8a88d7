// A table as a value that a notebook shows.
import { inspect } from "node:util";
import { needObject } from "../base/arguments.ts";
import { formatTable, htmlTable, type Table } from "../base/table.ts";

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
