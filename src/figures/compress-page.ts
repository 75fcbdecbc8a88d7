// A compressed student's card as a web page: accuracy against parameters and against time, and what was tried.
import type { Data, ErrorBar, Layout } from "plotly.js-dist";
import { needObject } from "../base/arguments.ts";
import { plain } from "../base/markup.ts";
import { htmlTable } from "../base/table.ts";
import { grouped } from "../display/format.ts";
import { cardParts, sizeText } from "../experiments/compress/card.ts";
import { type Compression, sizeKey, type TriedStudent } from "../experiments/compress/compress.ts";
import type { Finalist } from "../experiments/compress/finalists.ts";
import { mean, meanInterval } from "../experiments/statistics.ts";
import { baseAxis, baseLayout, type Figure, ink, percentOf, styleOf } from "./figure.ts";
import { assemblePage, figurePlace } from "./page.ts";

const HEIGHT = 460;

/**
 * Draws validation accuracy against parameters (left) and microseconds (right): every run as a faint mark, each
 * method's best with its interval over seeds, the chosen one in a ring.
 */
export function compressFigure(found: Compression): Figure {
  needObject(found, "compressFigure: found", "as returned by compress()", "finalists", "tried");
  const { finalists, chosen, tried, times, graph, teacher } = found;
  const time = (size: TriedStudent["size"]): number => times.get(sizeKey(size))!;
  const data = finalists.flatMap((one, index): Partial<Data>[] => {
    const { contender } = one;
    const { colour, symbol } = styleOf(contender.method, index);
    const own = tried.filter((run) => run.contender === contender.id && !run.dead);
    const marks = own.map(({ validation }) => percentOf(validation));
    const names = own.map(({ size }) => sizeText(size, graph.features));
    const [low, high] = meanInterval(one.validation) ?? [
      mean(one.validation),
      mean(one.validation),
    ];
    const middle = mean(one.validation);
    const bars: ErrorBar = {
      type: "data",
      symmetric: false,
      array: [percentOf(high - middle)],
      arrayminus: [percentOf(middle - low)],
    };
    const ring = one === chosen ? { width: 3, color: ink } : { width: 0 };
    return (["x", "x2"] as const).flatMap((xaxis): Partial<Data>[] => {
      const isLeft = xaxis === "x";
      const place = { xaxis, yaxis: "y", type: "scatter", mode: "markers" } as const;
      const at = ({ parameters, microseconds }: Finalist): number =>
        isLeft ? parameters : microseconds;
      return [
        {
          ...place,
          uid: `${contender.id}-${xaxis}`,
          x: own.map(({ parameters, size }) => (isLeft ? parameters : time(size))),
          y: marks,
          text: names,
          showlegend: false,
          marker: { color: colour, symbol, size: 6, opacity: 0.35 },
          hovertemplate: `${contender.label}: %{text}, %{y:.1f} %<extra></extra>`,
        },
        {
          ...place,
          uid: `${contender.id}-best-${xaxis}`,
          x: [at(one)],
          y: [percentOf(middle)],
          error_y: bars,
          name: contender.label,
          showlegend: isLeft,
          marker: { color: colour, symbol, size: 13, line: ring },
          hovertemplate: `${contender.label}: ${sizeText(one.size, graph.features)}, %{y:.1f} %<extra></extra>`,
        },
      ];
    });
  });
  const layout: Partial<Layout> = {
    ...baseLayout(`${found.dataset}: students within the budget`),
    grid: { rows: 1, columns: 2, pattern: "coupled" },
    xaxis: { ...baseAxis("parameters"), type: "log", domain: [0, 0.48] },
    xaxis2: { ...baseAxis("\u00b5s for a pass over the graph"), type: "log", domain: [0.52, 1] },
    yaxis: baseAxis("validation accuracy (%)"),
    legend: { orientation: "h", y: -0.25 },
    ...teacherLine(teacher),
  };
  return { data, layout };
}

/** A dotted line at the teacher's accuracy, if that is known. */
function teacherLine({ accuracy, parameters }: Compression["teacher"]): Partial<Layout> {
  if (!accuracy) return {};
  const level = percentOf(accuracy.val);
  const line = { color: ink, width: 1, dash: "dot" } as const;
  const size = parameters === undefined ? "" : `, ${grouped(parameters)} parameters`;
  return {
    shapes: [{ type: "line", xref: "paper", x0: 0, x1: 1, y0: level, y1: level, line }],
    annotations: [
      {
        ...{ xref: "paper", x: 1, xanchor: "right", y: level, yanchor: "bottom" },
        ...{ showarrow: false, text: `teacher${size}` },
      },
    ],
  };
}

/** Builds the page as text, in one file that needs no network. */
export function compressPage(found: Compression): Promise<string> {
  const { title, facts, verdict, finalists, search, families, use } = cardParts(found);
  const body = `<p>${plain(verdict)}</p>
<div class="scroll">${htmlTable(facts)}</div>
<noscript><p>The figure needs JavaScript.</p></noscript>
${figurePlace(0, HEIGHT)}
<h2>Finalists</h2>
<p>Means on validation nodes with 95 % intervals over seeds that the search did not use.</p>
<div class="scroll">${htmlTable(finalists)}</div>
<h2>What was tried</h2>
<p>${plain(search)}</p>
<div class="scroll">${htmlTable(families)}</div>
<h2>Use</h2>
<pre class="scroll">${plain(use)}</pre>`;
  return assemblePage({ title, body, figures: [compressFigure(found)] });
}
