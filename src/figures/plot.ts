// Figures in notebooks: interactive where Plotly is available, a picture elsewhere, a line of text always.

import { randomUUID } from "node:crypto";
import { inspect } from "node:util";
import type { Config, Data, Layout } from "plotly.js-dist";
import { UserError } from "../base/errors.ts";
import { noBrowserAdvice } from "../display/chromium.ts";
import { counted } from "../display/format.ts";
import { type Bundle, displayHook, notebookDisplay } from "../display/host.ts";
import { colourway, type Figure, type Size } from "./figure.ts";
import { warmBrowser, withBrowser } from "./shared-browser.ts";

/** A Plotly figure: data, and what else Plotly.newPlot takes. Typed arrays may replace arrays. */
export interface PlotlyFigure {
  readonly data: readonly (Partial<Data> | Readonly<Record<string, unknown>>)[];
  readonly layout?: Partial<Layout>;
  readonly config?: Partial<Config>;
}

/** Numbers that are drawn as one line over 0, 1, 2, ... */
export type PlotNumbers = readonly number[] | Float32Array | Float64Array | Int32Array;

/** The default size in CSS pixels; the figure's layout takes precedence. */
export const plotSize: Size = { width: 700, height: 450 };

/**
 * Shows a figure in a notebook: as a cell's last expression, by `display`, or by show().
 * JupyterLab draws it interactively (with the labextension of the pip package `plotly`); GitHub and
 * nbconvert show a picture drawn by a headless Chromium, if there is one.
 *
 *     plot({ data: [{ y: [1, 3, 2] }], layout: { title: { text: "A line" } } })
 *     plot([1, 3, 2]) // the same without a title
 *
 * @param figure a Plotly figure, or the numbers of one line
 * @param size used if the figure's layout has none
 * @throws UserError for anything else, such as traces without `{ data }` around them
 */
export function plot(figure: PlotlyFigure | PlotNumbers, size: Partial<Size> = {}): Plot {
  return new Plot(figureOf(figure), size);
}

function figureOf(value: PlotlyFigure | PlotNumbers): PlotlyFigure {
  const y = numbersOf(value);
  if (y) return { data: [{ y }] };
  const data: unknown = isObject(value) ? Reflect.get(value, "data") : undefined;
  if (isObject(value) && Array.isArray(data) && data.every(isObject)) return value as PlotlyFigure;
  throw new UserError(
    `plot() draws a Plotly figure, { data: [{ y: [1, 3, 2] }] }, or an array of numbers; ${fault(value, data)}`,
  );
}

const isObject = (value: unknown): value is object => typeof value === "object" && value !== null;

/** Reads an array or typed array of numbers (null leaves a gap, as in Plotly); undefined for anything else. */
function numbersOf(value: unknown): (number | null)[] | undefined {
  const list: unknown = ArrayBuffer.isView(value) ? plainJson(value) : value;
  const isNumber = (item: unknown): item is number | null =>
    typeof item === "number" || item === null;
  return Array.isArray(list) && list.length > 0 && list.every(isNumber) ? list : undefined;
}

/** Says what is wrong with an argument that is no figure. */
function fault(value: unknown, data: unknown): string {
  if (Array.isArray(value)) {
    return value.length > 0 && value.every(isObject)
      ? "this is an array of objects: put traces into { data: [...] }"
      : `this is an array ${value.length === 0 ? "without numbers" : "of other things"}`;
  }
  if (!isObject(value)) return `this is ${value === null ? "null" : typeof value}`;
  return data === undefined ? "this object has no `data`" : "its `data` is not an array of traces";
}

/** A figure that shows itself, by the display symbols alone. */
export class Plot {
  readonly #id = `abkd-plot-${randomUUID()}`;
  readonly #size: Partial<Size>;
  #figure: SizedFigure;
  #shown = false;

  constructor(figure: PlotlyFigure, size: Partial<Size>) {
    this.#size = size;
    this.#figure = sized(figure, size);
    if (notebookDisplay()) warmBrowser();
  }

  /** Shows the figure now, in the running cell; update() changes it there. */
  async show(): Promise<void> {
    const display = notebookDisplay();
    if (!display) {
      process.stdout.write(`${describe(this.#figure)}\n`);
      return;
    }
    const update = this.#shown;
    this.#shown = true;
    await display(this, { id: this.#id, update });
  }

  /** Shows another figure in place of this one. */
  async update(figure: PlotlyFigure): Promise<void> {
    this.#figure = sized(figure, this.#size);
    await this.show();
  }

  /** Does the same at once, without a picture: for a figure that changes often. */
  updateLive(figure: PlotlyFigure): void {
    this.#figure = sized(figure, this.#size);
    const update = this.#shown;
    this.#shown = true;
    notebookDisplay()?.(liveBundle(this.#figure), { raw: true, id: this.#id, update });
  }

  /** Returns the bundle of MIME types that Jupyter asks for. */
  async [displayHook](): Promise<Bundle> {
    const figure = this.#figure;
    const bundle = await pictureBundle(figure);
    // If the figure changed while it was drawn, the old picture must not replace the new figure.
    return figure === this.#figure ? bundle : liveBundle(this.#figure);
  }

  [inspect.custom](): string {
    return describe(this.#figure);
  }
}

/** A figure as plain JSON, with its size in the layout and a name for every trace. */
export interface SizedFigure extends Figure {
  readonly layout: Partial<Layout> & Size;
  readonly config?: Partial<Config>;
}

/** Normalises every figure that leaves this process, so that equal ones become equal bytes. */
export function sized(figure: PlotlyFigure, size: Partial<Size> = {}): SizedFigure {
  const plainFigure = plainJson({ layout: {}, ...figure }) as Figure & Pick<PlotlyFigure, "config">;
  const { data, layout, config } = plainFigure;
  const width = layout.width ?? size.width ?? plotSize.width;
  const height = layout.height ?? size.height ?? plotSize.height;
  return {
    // Plotly would make up a random uid.
    data: data.map((trace, i) => ({ ...trace, uid: trace.uid ?? `trace-${i}` })),
    layout: { colorway: colourway, ...layout, width, height },
    ...(config && { config }),
  };
}

/** Converts typed arrays to arrays, at any depth. */
function plainJson(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plainJson);
  if (ArrayBuffer.isView(value) && !(value instanceof DataView)) {
    return Array.from(value as unknown as ArrayLike<number | bigint>, Number);
  }
  if (typeof value !== "object" || value === null || value instanceof Date) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plainJson(item)]));
}

/** Returns the interactive figure and the line of text; without a picture, it is ready at once. */
function liveBundle(figure: SizedFigure): Bundle {
  return {
    "application/vnd.plotly.v1+json": { ...figure, config: figure.config ?? {} },
    "text/plain": describe(figure),
  };
}

async function pictureBundle(figure: SizedFigure): Promise<Bundle> {
  const { "text/plain": text, ...live } = liveBundle(figure);
  const without = (why: string): Bundle => ({
    ...live,
    "text/plain": `${text}\n(no picture: ${why})`,
  });
  try {
    const { width, height } = figure.layout;
    const { data, layout } = figure;
    const png = await withBrowser((browser) => browser.png({ data, layout }, { width, height }, 1));
    if (!png) return without(noBrowserAdvice());
    return { ...live, "image/png": Buffer.from(png).toString("base64"), "text/plain": text };
  } catch (error) {
    return without((error as Error).message);
  }
}

/** Returns a figure's title without its markup; empty if it has none. */
export function titleOf({ layout }: SizedFigure): string {
  const { title } = layout as { readonly title?: string | { readonly text?: string } };
  const text = typeof title === "string" ? title : (title?.text ?? "");
  return text
    .replaceAll(/<[^>]*>/g, "")
    .replaceAll(/\s+/g, " ")
    .trim();
}

/** Describes a figure in a line: `[plot: scatter, 3 traces, "Title"]`. */
function describe(figure: SizedFigure): string {
  const { data } = figure;
  const kinds = [...new Set(data.map(({ type }) => type ?? "scatter"))].join(", ") || "empty";
  const traces = counted(data.length, "trace");
  const title = titleOf(figure);
  return `[plot: ${kinds}, ${traces}${title && `, "${title}"`}]`;
}
