// Saves a figure as SVG, PNG or PDF, by the file's name.
import path from "node:path";
import { checkValues, needObject, needText } from "../base/arguments.ts";
import { OptionError, UserError } from "../base/errors.ts";
import { writeAtomic } from "../base/files.ts";
import { noBrowserAdvice } from "../display/chromium.ts";
import type { FigureExporter } from "./export.ts";
import type { Size } from "./figure.ts";
import { type PlotlyFigure, type SizedFigure, sized, titleOf } from "./plot.ts";
import { forPrint, PRINT_LOOK, type PrintLook } from "./print-look.ts";
import { withBrowser } from "./shared-browser.ts";

export interface SaveOptions extends Partial<Size> {
  /** The alt text of an SVG or PDF, which says what the figure shows; by default its title. */
  readonly description?: string;
  /** Draws it at a printed column's width, with its text in points; `width` is the screen's then, and left out. */
  readonly print?: PrintLook;
}

type Drawing = (
  exporter: FigureExporter,
  figure: SizedFigure,
  description: string,
) => Promise<Uint8Array | string>;

const formats: Readonly<Record<string, Drawing>> = {
  ".svg": (exporter, figure, description) => exporter.svg(figure, sizeOf(figure), description),
  ".png": (exporter, figure) => exporter.png(figure, sizeOf(figure)),
  ".pdf": (exporter, figure, description) => exporter.pdf(figure, sizeOf(figure), description),
};

function sizeOf({ layout: { width, height } }: SizedFigure): Size {
  return { width, height };
}

/**
 * Draws a figure into a file: `.svg` or `.pdf` (vectors and text, for papers) or `.png` (two pixels per CSS
 * pixel). Equal figures give equal bytes, given the same version of Chromium and the same fonts.
 * @throws OptionError for another kind of file; UserError if there is no Chromium
 */
export async function saveFigure(
  figure: PlotlyFigure,
  file: string,
  options: SaveOptions = {},
): Promise<void> {
  needObject(figure, "saveFigure: figure", "a Plotly figure, { data, layout }", "data");
  needText(file, "saveFigure: file", "a path that ends in .svg, .png or .pdf");
  const draw = formats[path.extname(file).toLowerCase()];
  if (!draw) {
    throw new OptionError(`cannot draw ${file}: its name must end in .svg, .png or .pdf`);
  }
  const { print, ...size } = options;
  const onScreen = sized(figure, size);
  const whole = print === undefined ? onScreen : printed(onScreen, print);
  const description = options.description ?? titleOf(onScreen);
  const drawn = await withBrowser((exporter) => draw(exporter, whole, description));
  if (drawn === undefined) throw new UserError(`cannot draw ${file}: ${noBrowserAdvice()}`);
  writeAtomic(file, drawn);
}

function printed(figure: SizedFigure, look: PrintLook): SizedFigure {
  const legal = 'an object, such as { width: "8.5cm" }';
  needObject(look, "saveFigure: print", legal, "width");
  checkValues(look, PRINT_LOOK, "saveFigure: print");
  const { data, layout, size } = forPrint(figure, sizeOf(figure), look);
  return { data, layout: { ...layout, ...size } };
}
