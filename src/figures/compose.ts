// Several figures on one sheet, each in its own cell.
import type { Data, Layout } from "plotly.js-dist";
import { baseLayout, type Figure, faint, ink } from "./figure.ts";

/** A figure and the part of the sheet that its axes fill, as fractions from the lower left. */
export interface Cell {
  readonly figure: Figure;
  readonly x: readonly [number, number];
  readonly y: readonly [number, number];
}

type Annotation = NonNullable<Layout["annotations"]>[number];

/** Returns Plotly's name for an axis or legend: `x` in the first cell, `x2` in the second. */
function numbered(name: string, index: number): string {
  return index === 0 ? name : `${name}${index + 1}`;
}

function within([from, to]: readonly [number, number], fraction: number): number {
  return from + fraction * (to - from);
}

function placeTrace(trace: Partial<Data>, { x, y }: Cell, index: number): Partial<Data> {
  const placed: Partial<Data> & Record<string, unknown> = {
    ...trace,
    uid: `${String(trace.uid)}-${index}`,
    xaxis: numbered("x", index),
    yaxis: numbered("y", index),
  };
  if (trace.type === "heatmap") {
    const gap = 0.008;
    placed["colorbar"] = {
      ...(trace.colorbar ?? {}),
      x: x[1] + gap,
      xanchor: "left",
      y: (y[0] + y[1]) / 2,
      len: y[1] - y[0],
    };
  } else placed["legend"] = numbered("legend", index);
  return placed;
}

function heading({ figure, x, y }: Cell, index: number): Annotation {
  const letter = String.fromCharCode("a".charCodeAt(0) + index);
  return {
    text: `<b>${letter}</b>  ${figure.layout.title?.text ?? ""}`,
    font: { size: 14, color: ink },
    xref: "paper",
    yref: "paper",
    x: x[0],
    y: y[1],
    xanchor: "left",
    yanchor: "bottom",
    yshift: 8,
    showarrow: false,
  };
}

/**
 * Puts figures on one sheet under a common title, lettered a, b, c, with a line of small print.
 * @param cells one figure each; their axes must be named `xaxis` and `yaxis`
 */
export function compose(title: string, cells: readonly Cell[], smallPrint: string): Figure {
  const data: Partial<Data>[] = [];
  const base = baseLayout(title);
  const layout: Partial<Layout> & Record<string, unknown> = {
    ...base,
    title: { ...base.title, font: { size: 18, color: ink }, yref: "container", y: 0.965 },
    margin: { l: 64, r: 76, t: 96, b: 100 },
  };
  const annotations: Annotation[] = [
    {
      text: smallPrint,
      font: { size: 10, color: faint },
      align: "left",
      xref: "paper",
      yref: "paper",
      x: 0,
      y: 0,
      xanchor: "left",
      yanchor: "top",
      yshift: -52,
      showarrow: false,
    },
  ];
  cells.forEach((cell, index) => {
    const { xaxis, yaxis, legend } = cell.figure.layout;
    const mutableX = [...cell.x];
    const mutableY = [...cell.y];
    layout[numbered("xaxis", index)] = { ...xaxis, domain: mutableX, anchor: numbered("y", index) };
    layout[numbered("yaxis", index)] = { ...yaxis, domain: mutableY, anchor: numbered("x", index) };
    if (legend)
      layout[numbered("legend", index)] = {
        ...legend,
        x: within(cell.x, Number(legend.x ?? 1)),
        y: within(cell.y, Number(legend.y ?? 1)),
        font: { size: 12 },
      };
    for (const trace of cell.figure.data) data.push(placeTrace(trace, cell, index));
    annotations.push(heading(cell, index));
  });
  layout.annotations = annotations;
  return { data, layout };
}
