// Tables: one form of them, and how it is written as aligned text, as Markdown and as HTML.
import { needObject } from "./arguments.ts";
import { escaped, plain } from "./markup.ts";

/** Text cells, one array per row; `numeric` columns stand to the right. */
export interface Table {
  readonly columns: readonly { readonly title: string; readonly numeric: boolean }[];
  readonly rows: readonly (readonly string[])[];
}

/**
 * Columns by their titles, in groups: first those of text, then numeric ones, then again of text, and
 * so on. A group in one text has ` | ` between its titles.
 */
export function columnsOf(...groups: readonly (string | readonly string[])[]): Table["columns"] {
  return groups.flatMap((group, k) => {
    const titles = typeof group === "string" ? group.split(" | ") : group;
    return titles.map((title) => ({ title, numeric: k % 2 === 1 }));
  });
}

/** A table as lines of text, columns aligned, a rule under the titles. */
export function formatTable(table: Table): string {
  needObject(table, "formatTable: table", "{ columns, rows }", "columns", "rows");
  const { columns, rows } = table;
  const widths = columns.map(({ title }, i) =>
    Math.max(title.length, ...rows.map((row) => row[i]?.length ?? 0)),
  );
  const line = (cells: readonly string[]) =>
    columns
      .map(({ numeric }, i) => {
        const cell = cells[i] ?? "";
        return numeric ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!);
      })
      .join("  ")
      .trimEnd();
  const titles = line(columns.map(({ title }) => title));
  return [titles, "-".repeat(titles.length), ...rows.map(line)].join("\n");
}

/** A table in Markdown; its cells are escaped. */
export function markdownTable({ columns, rows }: Table): string {
  const line = (cells: readonly string[]): string => `| ${cells.map(escaped).join(" | ")} |`;
  const rule = columns.map(({ numeric }) => (numeric ? "--:" : "---")).join("|");
  return [line(columns.map(({ title }) => title)), `|${rule}|`, ...rows.map(line)].join("\n");
}

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
