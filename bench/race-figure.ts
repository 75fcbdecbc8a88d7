// The race as a figure: each case's ratio and target, and time and memory over the number of arcs.
import type { Data } from "plotly.js-dist";
import { plain } from "../src/base/markup.ts";
import { baseAxis, baseLayout, type Figure, faint, ink, styleOf } from "../src/figures/figure.ts";
import { SIZES } from "./cases.ts";
import type { Measured } from "./race-report.ts";

const OURS = styleOf("abkd", 0).colour;
const PEER = styleOf("softkd", 0).colour;

/** Returns the number of arcs of a generated graph's case. */
function arcsOf({ name }: Measured): number | undefined {
  const text = /^scaling-(\d+e\d+)/.exec(name)?.[1];
  return text === undefined ? undefined : SIZES.find((arcs) => arcs === Number(text));
}

function ratios(measured: readonly Measured[]): Partial<Data>[] {
  const rows = measured.filter((one) => one.ratio && arcsOf(one) === undefined).reverse();
  const titles = rows.map(({ title }) => plain(title));
  const medians = rows.map(({ ratio }) => ratio!.median);
  const aims = rows.filter(({ target }) => target !== undefined);
  return [
    {
      type: "scatter",
      mode: "text+markers",
      uid: "ratios",
      name: "ours / PyG, median and quartiles",
      x: medians,
      y: titles,
      error_x: {
        type: "data",
        symmetric: false,
        array: rows.map(({ ratio }) => ratio!.upper - ratio!.median),
        arrayminus: rows.map(({ ratio }) => ratio!.median - ratio!.lower),
        color: OURS,
        thickness: 1.2,
        width: 3,
      },
      text: medians.map((ratio) => ratio.toFixed(2)),
      textposition: "top center",
      textfont: { color: OURS, size: 11 },
      marker: { color: OURS, symbol: "circle", size: 8 },
    },
    {
      type: "scatter",
      mode: "markers",
      uid: "targets",
      name: "target",
      x: aims.map(({ target }) => target!),
      y: aims.map(({ title }) => plain(title)),
      marker: { color: ink, symbol: "line-ns-open", size: 14, line: { width: 2 } },
    },
  ];
}

/** Draws a panel over the number of arcs: ours solid, PyG dashed. */
function scaling(
  measured: readonly Measured[],
  unit: "ms" | "MB",
  panel: "2" | "3",
): Partial<Data>[] {
  const rows = measured.filter((one) => arcsOf(one) !== undefined && one.unit === unit);
  const line = (who: "ours" | "PyG", colour: string): Partial<Data> => {
    const shown = rows.filter((one) => who === "ours" || one.peer);
    return {
      type: "scatter",
      mode: "lines+markers",
      uid: `scaling-${unit}-${who}`,
      name: who,
      x: shown.map((one) => arcsOf(one)!),
      y: shown.map((one) => (who === "ours" ? one.ours : one.peer!).median),
      xaxis: `x${panel}`,
      yaxis: `y${panel}`,
      line: { color: colour, width: 2, dash: who === "ours" ? "solid" : "dash" },
      marker: { color: colour, symbol: who === "ours" ? "diamond" : "square", size: 7 },
      showlegend: unit === "ms",
    };
  };
  return [line("ours", OURS), line("PyG", PEER)];
}

/** @param measured outcomes; those without a peer are left out of the ratios */
export function raceFigure(measured: readonly Measured[]): Figure {
  const log = (title: string) => ({ ...baseAxis(title), type: "log" as const, dtick: 1 });
  return {
    data: [...ratios(measured), ...scaling(measured, "ms", "2"), ...scaling(measured, "MB", "3")],
    layout: {
      ...baseLayout("This project against PyTorch Geometric, both sides in turns"),
      width: 960,
      height: 920,
      grid: { rows: 2, columns: 2 },
      xaxis: {
        ...baseAxis("ours / PyG (less is better)"),
        type: "log",
        tickvals: [0.05, 0.1, 0.2, 0.35, 0.5, 0.7, 1, 2, 5, 10],
        domain: [0, 1],
        anchor: "y",
      },
      yaxis: { ...baseAxis(""), domain: [0.42, 1], anchor: "x" },
      xaxis2: { ...log("arcs"), domain: [0, 0.44], anchor: "y2" },
      yaxis2: { ...log("4L-4H train step (ms)"), domain: [0, 0.28], anchor: "x2" },
      xaxis3: { ...log("arcs"), domain: [0.56, 1], anchor: "y3" },
      yaxis3: { ...log("peak memory (MB)"), domain: [0, 0.28], anchor: "x3" },
      shapes: [
        {
          type: "line",
          x0: 1,
          x1: 1,
          xref: "x",
          y0: 0.42,
          y1: 1,
          yref: "paper",
          line: { color: faint, width: 1, dash: "dot" },
        },
      ],
      legend: { orientation: "h", x: 0, y: 1.0, yanchor: "bottom", xanchor: "left" },
    },
  };
}
