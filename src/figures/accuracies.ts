// Test accuracy of each method: every seed, the median, and the paper's number beside them.

import type { Data } from "plotly.js-dist";
import { plain } from "../base/markup.ts";
import { inPercent, percent } from "../display/format.ts";
import { paperAccuracyOf } from "../experiments/published.ts";
import { type MethodSummary, summarise } from "../experiments/summary.ts";
import type { RunResult } from "../training/run.ts";
import { baseAxis, baseLayout, type Figure, faint, ink, styleOf } from "./figure.ts";

/** Half the length of a median's bar, in units of the method axis. */
const barHalf = 0.2;

function describeSeed({ config, accuracy, dead }: RunResult): string {
  return `seed ${config.seed}: ${percent(accuracy.test)}${dead ? ", died" : ""}`;
}

/**
 * Returns where the accuracy axis begins, in percent: below all live runs and all medians. Dead runs would
 * squeeze the rest together, so they are drawn as hollow marks on this line.
 */
function axisStart(results: readonly RunResult[], summaries: readonly MethodSummary[]): number {
  const living = results.filter((run) => !run.dead).map((run) => run.accuracy.test);
  const medians = summaries.map(({ testMedian }) => testMedian);
  const papers = summaries.map(({ runs }) => {
    const paper = paperAccuracyOf(runs[0]!.config);
    return paper ? (paper.mean - (paper.deviation ?? 0)) / 100 : 1;
  });
  return Math.max(0, 5 * Math.floor(20 * Math.min(...living, ...medians, ...papers) - 0.4));
}

/**
 * Draws one column per method: a mark per seed (hollow and at the foot if the model died), a bar at the median
 * with its value, and a cross for the paper's number in table 3, with its deviation, if it prints one.
 * @param results runs on one dataset and split, with any methods and seeds
 */
export function testAccuracies(results: readonly RunResult[]): Figure {
  const summaries = summarise(results);
  const floor = axisStart(results, summaries);
  const several = summaries.some(({ runs }) => runs.length > 1);
  const data: Partial<Data>[] = [];
  const published: { x: number; mean: number; deviation: number }[] = [];
  summaries.forEach(({ name, label, runs, testMedian }, index) => {
    const { colour, symbol } = styleOf(name, index);
    // Seeds are drawn side by side, so that equal accuracies stay apart.
    const offset = (i: number) =>
      runs.length > 1 ? (i / (runs.length - 1) - 0.5) * 1.4 * barHalf : 0;
    data.push(
      {
        type: "scatter",
        mode: "text+lines",
        uid: `accuracy-${index}-median`,
        x: [index - barHalf, index + barHalf],
        y: [100 * testMedian, 100 * testMedian],
        text: ["", `<b> ${inPercent(testMedian)}</b>`],
        textposition: "middle right",
        textfont: { color: colour, size: 13 },
        line: { color: colour, width: 2.5 },
        hoverinfo: "skip",
        showlegend: false,
      },
      {
        type: "scatter",
        mode: "text+markers",
        uid: `accuracy-${index}-seeds`,
        name: plain(label),
        x: runs.map((_, i) => index + offset(i)),
        y: runs.map((run) => (run.dead ? floor : 100 * run.accuracy.test)),
        text: runs.map((run) => (run.dead ? `${inPercent(run.accuracy.test)}, died` : "")),
        textposition: "top center",
        textfont: { color: colour, size: 11 },
        customdata: runs.map(describeSeed),
        marker: {
          color: runs.map((run) => (run.dead ? "#ffffff" : colour)),
          symbol,
          size: 9,
          line: { color: runs.map((run) => (run.dead ? colour : "#ffffff")), width: 1.2 },
        },
        hovertemplate: `${plain(label)}, %{customdata}<extra></extra>`,
        showlegend: false,
        cliponaxis: false,
      },
    );
    const paper = paperAccuracyOf(runs[0]!.config);
    if (paper)
      published.push({ x: index - 0.34, mean: paper.mean, deviation: paper.deviation ?? 0 });
  });
  if (published.length > 0) {
    data.push({
      type: "scatter",
      mode: "markers",
      uid: "accuracy-published",
      x: published.map(({ x }) => x),
      y: published.map(({ mean }) => mean),
      error_y: {
        type: "data",
        array: published.map(({ deviation }) => deviation),
        color: faint,
        thickness: 1.2,
        width: 3,
      },
      marker: { symbol: "x-thin", size: 8, line: { color: faint, width: 1.6 } },
      hovertemplate: "the paper: %{y:.2f} %<extra></extra>",
      showlegend: false,
    });
  }
  return {
    data,
    layout: {
      ...baseLayout(
        `Test accuracy${several ? ": each seed, the median" : ""}${published.length > 0 ? "; × the paper" : ""}`,
      ),
      xaxis: {
        ...baseAxis(""),
        tickmode: "array",
        tickvals: summaries.map((_, index) => index),
        ticktext: summaries.map(({ label }) => plain(label)),
        tickfont: { size: 13, color: ink },
        range: [-0.6, summaries.length - 0.35],
        showgrid: false,
      },
      yaxis: { ...baseAxis("test accuracy (%)"), autorangeoptions: { minallowed: floor } },
    },
  };
}
