// Accuracy over epochs, per method, with the spread of its seeds.

import type { Data } from "plotly.js-dist";
import { median } from "simple-statistics";
import { needArray, RESULTS } from "../base/arguments.ts";
import { plain } from "../base/markup.ts";
import { summarise } from "../experiments/summary.ts";
import type { RunResult } from "../training/run.ts";
import { baseAxis, baseLayout, type Figure, faint, styleOf, transparent } from "./figure.ts";

/** The minimum, median and maximum over seeds at each epoch, in percent. */
interface Spread {
  readonly low: number[];
  readonly middle: number[];
  readonly high: number[];
}

function spread(curves: readonly (readonly number[])[]): Spread {
  const epochs = Math.max(0, ...curves.map((curve) => curve.length));
  const result: Spread = { low: [], middle: [], high: [] };
  for (let epoch = 0; epoch < epochs; epoch++) {
    // A run that stopped early keeps its last value, so that the lines do not jump when a run ends.
    const values = curves
      .map((curve) => curve[Math.min(epoch, curve.length - 1)])
      .filter((value) => value !== undefined)
      // A hundredth of a percent is finer than any screen and takes a fifth of the bytes.
      .map((value) => Number((100 * value).toFixed(2)));
    result.low.push(Math.min(...values));
    result.middle.push(median(values));
    result.high.push(Math.max(...values));
  }
  return result;
}

/**
 * Returns where the accuracy axis begins, in percent: low enough to show every live run's value a quarter of the
 * way in, high enough to tell the methods apart at the end.
 */
function axisStart(results: readonly RunResult[]): number {
  const early = results
    .filter((run) => !run.dead)
    .map(({ curve: { valAccuracy } }) => valAccuracy[Math.floor(valAccuracy.length / 4)] ?? 0);
  return Math.max(0, 10 * Math.floor(10 * Math.min(0.9, ...early)) - 10);
}

/**
 * Draws training and validation accuracy of each method over epochs: the line is the median over all seeds, the
 * band spans the worst to the best live seed (validation only).
 * @param results runs on one dataset and split, with any methods and seeds
 */
export function learningCurves(results: readonly RunResult[]): Figure {
  needArray(results, "learningCurves: results", RESULTS, "config", "curve");
  const data: Partial<Data>[] = [];
  const summaries = summarise(results);
  summaries.forEach(({ name, label, runs, dead }, index) => {
    const { colour } = styleOf(name, index);
    const living = runs.filter((run) => !run.dead);
    const band = spread(living.map((run) => run.curve.valAccuracy));
    const validation = spread(runs.map((run) => run.curve.valAccuracy));
    const training = spread(runs.map((run) => run.curve.trainAccuracy));
    const count = (values: readonly number[]) => values.map((_, epoch) => epoch + 1);
    const shared = { type: "scatter", mode: "lines", legendgroup: name } as const;
    const title = plain(
      dead.length > 0 ? `${label} (${dead.length} of ${runs.length} died)` : label,
    );
    data.push(
      {
        ...shared,
        uid: `curve-${index}-band`,
        x: [...count(band.high), ...count(band.low).toReversed()],
        y: [...band.high, ...band.low.toReversed()],
        fill: "toself",
        fillcolor: transparent(colour, 0.16),
        line: { width: 0 },
        hoverinfo: "skip",
        showlegend: false,
      },
      {
        ...shared,
        uid: `curve-${index}-training`,
        x: count(training.middle),
        y: training.middle,
        line: { color: transparent(colour, 0.75), width: 1.2, dash: "dot" },
        hovertemplate: `${title}, training: %{y:.1f} %<extra>epoch %{x}</extra>`,
        showlegend: false,
      },
      {
        ...shared,
        uid: `curve-${index}-validation`,
        name: title,
        x: count(validation.middle),
        y: validation.middle,
        line: { color: colour, width: 2.2 },
        hovertemplate: `${title}, validation: %{y:.1f} %<extra>epoch %{x}</extra>`,
        showlegend: true,
      },
    );
  });
  data.push({
    type: "scatter",
    mode: "lines",
    uid: "curve-training-key",
    name: "the same on training nodes",
    x: [null],
    y: [null],
    line: { color: faint, width: 1.2, dash: "dot" },
    showlegend: true,
  });
  return {
    data,
    layout: {
      ...baseLayout(
        summaries.some(({ runs }) => runs.length > 1)
          ? "Validation accuracy: median of seeds, and from worst to best"
          : "Validation accuracy",
      ),
      xaxis: { ...baseAxis("epoch"), rangemode: "tozero" },
      yaxis: { ...baseAxis("accuracy (%)"), range: [axisStart(results), 100] },
      legend: {
        x: 0.99,
        xanchor: "right",
        y: 0.03,
        yanchor: "bottom",
        tracegroupgap: 0,
        bgcolor: "rgba(255,255,255,0.8)",
      },
    },
  };
}
