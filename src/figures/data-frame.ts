// Notebook tables as danfojs data frames that show all of their rows.
import { inspect } from "node:util";
import type { DataFrame } from "danfojs-node";
import { needObject } from "../base/arguments.ts";
import { UserError } from "../base/errors.ts";
import { plain } from "../base/markup.ts";
import { formatTable, htmlTable, type Table } from "../base/table.ts";
import { displayHook } from "../display/host.ts";

/** A text column's title, or a numeric column's title with its digits after the point. */
export type FrameColumn = string | readonly [title: string, digits: number];

/** The content of a data frame: numbers stay numbers, so that it can be sorted and averaged. */
export interface FrameContent {
  readonly columns: readonly FrameColumn[];
  /** A missing number is undefined here and NaN in the frame. */
  readonly rows: readonly (readonly (string | number | undefined)[])[];
  /** What a reader of the table must know; shown below it. */
  readonly caption?: string;
}

/**
 * Makes a danfojs frame. Notebooks show it whole, as HTML; tslab and scripts print it as text. Frames derived
 * from it (`sortValues`, `query`) are ordinary danfojs frames.
 * @throws UserError if danfojs-node is not installed; OptionError without columns and rows
 */
export async function dataFrame(content: FrameContent): Promise<DataFrame> {
  needObject(content, "dataFrame: content", "{ columns, rows }", "columns", "rows");
  const { DataFrame: Frame } = await danfojs();
  const { columns, rows, caption } = content;
  const values = rows.map((row) =>
    columns.map((column, i) =>
      typeof column === "string" ? String(row[i] ?? "") : rounded(row[i], column[1]),
    ),
  );
  const frame = new Frame(values, { columns: columns.map(titleOf) });
  const table = asText(content);
  const below = caption === undefined ? "" : `\n<p>${plain(caption)}</p>`;
  const text = [formatTable(table), ...(caption === undefined ? [] : [caption])].join("\n");
  Object.defineProperty(frame, displayHook, {
    value: () => ({ "text/html": `${htmlTable(table)}${below}`, "text/plain": text }),
  });
  Object.defineProperty(frame, inspect.custom, { value: () => text });
  return frame;
}

const titleOf = (column: FrameColumn): string => (typeof column === "string" ? column : column[0]);

const rounded = (value: string | number | undefined, digits: number): number =>
  typeof value === "number" ? Number(value.toFixed(digits)) : Number.NaN;

function asText({ columns, rows }: FrameContent): Table {
  return {
    columns: columns.map((column) => ({
      title: titleOf(column),
      numeric: typeof column !== "string",
    })),
    rows: rows.map((row) =>
      columns.map((column, i) => {
        const value = row[i];
        if (typeof value !== "number") return value ?? "";
        return typeof column === "string" ? String(value) : value.toFixed(column[1]);
      }),
    ),
  };
}

/** Replaces danfojs's own error, "Not supported in NodeJS". */
function refusePlot(): never {
  throw new UserError(
    "danfojs draws in browsers only; use plot() of abkd: " +
      'plot({ data: [{ x: df["a"].values, y: df["b"].values }] })',
  );
}

/** Replaces `plot` in the base class that defines it, so that derived frames are covered too. */
function hintAtPlot(prototype: object): void {
  let owner: object | null = prototype;
  while (owner && !Object.hasOwn(owner, "plot"))
    owner = Object.getPrototypeOf(owner) as object | null;
  if (owner) Object.defineProperty(owner, "plot", { value: refusePlot, configurable: true });
}

type Danfo = typeof import("danfojs-node");

/** Loads danfojs when the first frame is made: commands and Jupyter kernels start a second earlier. */
async function danfojs(): Promise<Danfo> {
  try {
    const danfo = await import("danfojs-node");
    for (const { prototype } of [danfo.DataFrame, danfo.Series]) hintAtPlot(prototype);
    return danfo;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== "ERR_MODULE_NOT_FOUND") throw cause;
    throw new UserError(
      "tables are frames of danfojs-node, which is not installed here; a checkout of abkd has it " +
        "(npm ci), and docs/notebooks.md says how another folder gets it",
      { cause },
    );
  }
}
