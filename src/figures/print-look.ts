// A figure at the size of a printed column: text in points as it will be read, everything else in proportion.
import type { Data, Layout } from "plotly.js-dist";
import { isText, LEGAL, type Legal } from "../base/arguments.ts";
import { OptionError } from "../base/errors.ts";
import type { Figure, Size } from "./figure.ts";

export interface PrintLook {
  /** The figure's width in print: `8.5cm`, `85mm`, `3.3in`, `240pt`. */
  readonly width: string;
  /** `serif`, `sans-serif`, or the name of a font that is installed; by default as on the screen. */
  readonly font?: string;
  /** The size of the text, in points; by default 8. */
  readonly points?: number;
  /** Whether the title is drawn, which a caption may say already; by default it is. */
  readonly title?: boolean;
}

/** CSS pixels of each unit. */
const UNITS: Readonly<Record<string, number>> = {
  cm: 96 / 2.54,
  mm: 96 / 25.4,
  in: 96,
  pt: 96 / 72,
};
const NARROWEST = 3;
const WIDEST = 100;

const FAMILIES: Readonly<Record<string, string>> = {
  serif: '"Times New Roman", Times, "Liberation Serif", serif',
  "sans-serif": "Helvetica, Arial, sans-serif",
};

/** What each of them may be, for the functions that take them. */
export const PRINT_LOOK: Readonly<Record<keyof PrintLook, Legal>> = {
  width: { words: "a width in print, such as 8.5cm", is: (value) => isText(value) },
  font: { words: "serif, sans-serif or a font's name", is: (value) => isText(value) },
  points: {
    words: "a size of text from 4 to 24 points",
    is: (x) => Number(x) >= 4 && Number(x) <= 24,
  },
  title: LEGAL.switch,
};

/** The size of text on the screen, in CSS pixels: baseLayout()'s. */
const SCREEN_TEXT = 13;
/** The longest label beside an axis, in letters, before it is broken in two. */
const LABEL = 24;
/** How much higher rows are whose labels have two lines. */
const TWO_LINES = 1.12;
/** Below this width, in sizes of the text, labels are broken and a legend stands above the figure. */
const NARROW = 45;

/** @returns CSS pixels @throws OptionError for what is no width, or none that a page has */
export function printWidth(text: string): number {
  const [, number, unit] = /^(\d+(?:\.\d+)?)\s*(cm|mm|in|pt)$/.exec(text.trim()) ?? [];
  const pixels = Number(number) * (UNITS[unit ?? ""] ?? Number.NaN);
  if (pixels >= NARROWEST * UNITS["cm"]! && pixels <= WIDEST * UNITS["cm"]!) return pixels;
  throw new OptionError(
    `a figure's width in print is a number with a unit (8.5cm, 85mm, 3.3in, 240pt), from ${NARROWEST} to ` +
      `${WIDEST} cm, not "${text}"`,
  );
}

/**
 * Returns a figure for print, and its size.
 * @param size on the screen: rows keep their heights in proportion to the text
 * @throws OptionError for a width or a font that makes no sense
 */
export function forPrint(
  figure: Figure,
  size: Size,
  look: PrintLook,
): Figure & { readonly size: Size } {
  const width = Math.round(printWidth(look.width));
  const text = (look.points ?? 8) * UNITS["pt"]!;
  const scale = text / SCREEN_TEXT;
  const { title, ...rest } = scaled(figure.layout, scale) as Partial<Layout>;
  const { margin, font } = rest;
  const narrow = width < NARROW * text;
  const rows = narrow ? withBrokenLabels(rest) : { layout: rest, stretch: 1 };
  const legend = narrow ? legendAbove(figure, width, text) : undefined;
  const heading = look.title === false ? undefined : titleIn(title, width, text);
  // Plotly's own margin is 100 where a figure names none.
  const given = margin?.t ?? 100 * scale;
  const bare = (rest.annotations ?? []).some(({ yanchor }) => yanchor === "bottom") ? 2.5 : 1;
  const top =
    (heading ? given + heading.more : Math.min(given, bare * text)) + (legend?.height ?? 0);
  const layout: Partial<Layout> = {
    ...rows.layout,
    ...(heading && { title: heading.title }),
    ...(legend && { legend: { ...rest.legend, ...legend.place } }),
    font: { size: text, ...font, ...(look.font !== undefined && { family: family(look.font) }) },
    margin: { ...margin, t: top },
  };
  const data = figure.data.map((trace) => {
    const drawn = scaled(trace, scale) as Partial<Data> & Record<string, unknown>;
    if (trace.type !== "heatmap") return drawn;
    // A bar of colours has 30 pixels unless told otherwise.
    return { ...drawn, colorbar: { thickness: 14 * scale, ...(drawn["colorbar"] as object) } };
  });
  const height = Math.round(size.height * scale * rows.stretch + top - given);
  return { data, layout, size: { width, height } };
}

/** The height of a line of text, in sizes of the text. */
const LINE = 1.3;
/** The width of a letter, of a bold one, and of a legend's sample with the space around it. */
const LETTER = 0.5;
const BOLD = 0.58;
const SAMPLE = 4.5;

/** A narrow figure's legend, which would otherwise stand beside it; undefined if it has none there. */
function legendAbove({ data, layout }: Figure, width: number, text: number) {
  const names = data.flatMap((trace) => {
    const { name, showlegend } = trace as { readonly name?: string; readonly showlegend?: boolean };
    return name === undefined || showlegend === false ? [] : [name];
  });
  const isBeside = layout.legend?.orientation !== "h" && !("legend2" in layout);
  if (names.length < 2 || layout.showlegend === false || !isBeside) return undefined;
  const taken = names.reduce((sum, name) => sum + (LETTER * lettersIn(name) + SAMPLE) * text, 0);
  const height = Math.ceil(taken / (0.8 * width)) * LINE * text + 0.5 * text;
  const place = { orientation: "h", x: 0, xanchor: "left", y: 1, yanchor: "bottom" } as const;
  return { height, place };
}

/** A title, broken where it is wider than the figure, and the height of its further lines. */
function titleIn(title: Layout["title"] | undefined, width: number, text: number) {
  const { text: words, font } = (title ?? {}) as { text?: string; font?: { size?: number } };
  if (title === undefined || words === undefined) return undefined;
  const size = font?.size ?? text;
  const lines = broken(words, Math.floor((0.9 * width) / (BOLD * size)));
  const more = (lines.split("<br>").length - 1) * LINE * size;
  // Above the labels too, whatever their width.
  const place = { xref: "container", x: 0.02 } as const;
  return { title: { ...(title as object), ...place, text: lines } as Layout["title"], more };
}

function family(name: string): string {
  if (Object.hasOwn(FAMILIES, name)) return FAMILIES[name]!;
  if (/^[\p{L}\d][\p{L}\d -]{0,60}$/u.test(name)) return `"${name}"`;
  throw new OptionError(`a font is serif, sans-serif or an installed font's name, not "${name}"`);
}

/** Lengths in pixels, wherever they stand; and those that are pixels in these parts alone. */
const LENGTHS =
  /^(?:size|thickness|ticklen|standoff|[xy]shift|[xy]gap|[lrtb]|pad|borderwidth|tracegroupgap)$/;
const WIDTHS = /^(?:line|error_[xy])$/;

function scaled(value: unknown, scale: number, key = "", parent = ""): unknown {
  const isLength = LENGTHS.test(key) || (key === "width" && WIDTHS.test(parent));
  if (typeof value === "number") return isLength ? value * scale : value;
  if (Array.isArray(value)) {
    // A list of sizes has a length each; a list of numbers under another name is data.
    return value.map((item) =>
      typeof item === "number" && !isLength ? item : scaled(item, scale, key, parent),
    );
  }
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [name, scaled(item, scale, name, key)]),
  );
}

/** Breaks long labels of rows in two: beside a narrow figure they would take its width. */
function withBrokenLabels(layout: Partial<Layout>) {
  let stretch = 1;
  const entries = Object.entries(layout).map(([name, axis]) => {
    const { ticktext: labels } = (axis ?? {}) as { readonly ticktext?: readonly string[] };
    if (!/^yaxis\d*$/.test(name) || labels === undefined) return [name, axis];
    const ticktext = labels.map((label) =>
      broken(label, Math.max(LABEL, Math.ceil(lettersIn(label) / 2) + 4)),
    );
    if (ticktext.some((label) => label.includes("<br>"))) stretch = TWO_LINES;
    return [name, { ...(axis as object), ticktext }];
  });
  return { layout: Object.fromEntries(entries) as Partial<Layout>, stretch };
}

const lettersIn = (text: string): number => text.replaceAll(/<[^>]*>|&\w+;/g, "").length;

function broken(text: string, longest: number): string {
  let line = 0;
  return text
    .split(" ")
    .map((word) => {
      const letters = lettersIn(word);
      const fits = line === 0 || line + 1 + letters <= longest;
      const start = line === 0 ? "" : fits ? " " : "<br>";
      line = fits ? line + (line === 0 ? 0 : 1) + letters : letters;
      return start + word;
    })
    .join("");
}
