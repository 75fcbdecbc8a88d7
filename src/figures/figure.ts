// What all figures share: their type, and a look that works in print and for colour-blind readers.
import type { Data, Layout } from "plotly.js-dist";
import { refuse } from "../base/arguments.ts";
import type { Look } from "../distillation/method.ts";
import { methods } from "../distillation/registry.ts";

/** A Plotly figure as plain JSON data. `Trace.uid` is always set: it makes exports repeatable. */
export interface Figure {
  readonly data: readonly Partial<Data>[];
  readonly layout: Partial<Layout>;
}

/** The size of a drawn figure, in CSS pixels. */
export interface Size {
  readonly width: number;
  readonly height: number;
}

export const ink = "#222222";
export const faint = "#666666";
/** Okabe and Ito's colours, which colour-blind readers can tell apart, in turn for traces without a colour. */
export const colourway = [
  "#0072b2",
  "#d55e00",
  "#009e73",
  "#cc79a7",
  "#e69f00",
  "#56b4e9",
  "#000000",
];
const gridColour = "#e4e4e4";

const teacher: Look = { colour: "#000000", symbol: "star" };

/** Looks from Okabe and Ito's palette, like those that methods choose for themselves. */
const others: readonly Look[] = [
  { colour: "#009e73", symbol: "triangle-up" },
  { colour: "#cc79a7", symbol: "cross" },
  { colour: "#e69f00", symbol: "circle" },
  { colour: "#56b4e9", symbol: "square" },
];

/** Returns the look of the `index`-th method of a figure: its own if it has one, else the next of the palette. */
export function styleOf(name: string, index: number): Look {
  if (typeof name !== "string") refuse(name, "styleOf: name", "a method's name");
  if (!Number.isSafeInteger(index)) refuse(index, "styleOf: index", "a whole number");
  const own = name === "teacher" ? teacher : methods.find((one) => one.name === name)?.look;
  return own ?? others[index % others.length]!;
}

/** Returns `#rrggbb` with an opacity of 0 to 1, as CSS reads it. */
export function transparent(colour: string, opacity: number): string {
  const channel = (from: number) => Number.parseInt(colour.slice(from, from + 2), 16);
  return `rgba(${channel(1)},${channel(3)},${channel(5)},${opacity})`;
}

/** Returns the layout that every figure starts from: white background, plain type, a title at the left. */
export function baseLayout(title: string): Partial<Layout> {
  return {
    title: {
      text: `<b>${title}</b>`,
      font: { size: 15, color: ink },
      x: 0,
      xref: "paper",
      xanchor: "left",
    },
    font: { family: "Helvetica, Arial, sans-serif", size: 13, color: ink },
    paper_bgcolor: "#ffffff",
    plot_bgcolor: "#ffffff",
    margin: { l: 64, r: 24, t: 56, b: 56 },
    hovermode: "closest",
  };
}

/** Converts a fraction for axes in percent: 0.84 to 84. */
export const percentOf = (fraction: number): number => 100 * fraction;

type Annotation = NonNullable<Layout["annotations"]>[number];

/** Returns text that starts at (x, y) of the figure; (0, 0) is the lower left corner, (1, 1) the upper right. */
export function note(
  x: number,
  y: number,
  text: string,
  look: { readonly color: string; readonly size?: number } & Pick<
    Partial<Annotation>,
    "yanchor" | "yshift"
  >,
): Annotation {
  const { color, size = 12, ...place } = look;
  const paper = { xref: "paper", yref: "paper", xanchor: "left", showarrow: false } as const;
  return { ...paper, ...place, x, y, text, font: { size, color } } as Annotation;
}

/** Returns the gap between the columns of a heat map, in pixels: between many, a grid would drown the colours. */
export const columnGap = (columns: number): number => (columns > 16 ? 0 : 1);

/** Returns a heat map of attention, teacher x student layers, with teacher layers from left to right. */
export function attentionHeat(map: readonly (readonly number[])[]): Partial<Data> {
  const students = Array.from({ length: map[0]!.length }, (_, j) => j);
  return {
    type: "heatmap",
    xgap: columnGap(map.length),
    ygap: 1,
    x: map.map((_, i) => i + 1),
    y: students.map((j) => j + 1),
    z: students.map((j) => map.map((row) => row[j]!)),
    hovertemplate: "teacher layer %{x}, student layer %{y}: %{z:.3f}<extra></extra>",
  };
}

/** Returns an axis with its name, outward ticks and faint grid lines. */
export function baseAxis(title: string): NonNullable<Layout["xaxis"]> {
  return {
    title: { text: title, standoff: 8, font: { size: 13 } },
    ticks: "outside",
    ticklen: 4,
    tickcolor: faint,
    linecolor: faint,
    gridcolor: gridColour,
    showline: true,
    zeroline: false,
    automargin: true,
  };
}
