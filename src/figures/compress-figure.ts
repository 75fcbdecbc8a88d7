// The figure of a search: accuracy against parameters and against time, while it runs and at its end.
import type { Data, ErrorBar, Layout } from "plotly.js-dist";
import { needObject } from "../base/arguments.ts";
import { plain } from "../base/markup.ts";
import { counted, grouped } from "../display/format.ts";
import { notebookDisplay } from "../display/host.ts";
import { methodLabel } from "../distillation/registry.ts";
import { sizeText } from "../experiments/compress/card.ts";
import {
  type Compression,
  type CompressProgress,
  SEARCH_OVER,
} from "../experiments/compress/compress.ts";
import type { TriedStudent } from "../experiments/compress/tried.ts";
import { contenders } from "../experiments/contenders.ts";
import { mean, meanInterval } from "../experiments/statistics.ts";
import { baseAxis, baseLayout, type Figure, ink, percentOf, styleOf } from "./figure.ts";
import { Plot } from "./plot.ts";

/** A contender's large mark. */
interface Best {
  readonly size: string;
  readonly parameters: number;
  readonly microseconds: number;
  /** Fractions. */
  readonly validation: number;
  readonly interval?: readonly [number, number];
  readonly isChosen?: boolean;
}

/** What a contender has in a figure. */
interface Group {
  readonly id: string;
  readonly label: string;
  readonly method: string;
  readonly tried: readonly TriedStudent[];
  readonly best: Best | undefined;
}

/**
 * Draws validation accuracy against parameters (left) and microseconds (right): every run as a faint mark, each
 * method's best with its interval over seeds, the chosen one in a ring.
 */
export function compressFigure(found: Compression): Figure {
  needObject(found, "compressFigure: found", "as returned by compress()", "finalists", "tried");
  const { finalists, chosen, tried, graph, teacher } = found;
  const groups = finalists.map((one): Group => {
    const { id, label, method } = one.contender;
    const interval = meanInterval(one.validation);
    const best = {
      size: sizeText(one.size, graph.features),
      parameters: one.parameters,
      microseconds: one.microseconds,
      validation: mean(one.validation),
      ...(interval && { interval }),
      isChosen: one === chosen,
    };
    return { id, label, method, tried: tried.filter(({ contender }) => contender === id), best };
  });
  const title = `${plain(found.dataset)}: students within the budget`;
  return figureOf(title, groups, { teacher, features: graph.features });
}

/** Draws what has been tried so far; the large marks are the best runs. */
function progressFigure(tried: readonly TriedStudent[], progress: CompressProgress): Figure {
  const labels = new Map(contenders().map(({ id, label }) => [id, label]));
  const groups = [...Map.groupBy(tried, ({ contender }) => contender)].map(([id, own]): Group => {
    const { method } = own[0]!;
    const [top] = own.filter(({ dead }) => !dead).sort((a, b) => b.validation - a.validation);
    const best = top && { ...top, size: sizeText(top.size, progress.features) };
    return { id, label: labels.get(id) ?? methodLabel(method), method, tried: own, best };
  });
  const { stage, secondsLeft } = progress;
  const left = `, at most ${Math.ceil(secondsLeft / 60)} min left (${stage})`;
  const title = `${counted(tried.length, "student")} tried${isOver(progress) ? "" : left}`;
  return figureOf(title, groups, progress);
}

const isOver = ({ stage }: CompressProgress): boolean => stage === SEARCH_OVER;

/** The time between two drawings: the front end lays out the whole figure each time. */
const MILLISECONDS = 2000;

/**
 * Returns what compress() takes as `onStage`: in a notebook it draws the students tried so far in the running cell,
 * every two seconds, with a picture at the end. Outside notebooks it does nothing.
 *
 *     const found = await compress({ dataset: "cora", budget, folder, onStage: liveCompress() });
 */
export function liveCompress(): (progress: CompressProgress) => void {
  if (!notebookDisplay()) return () => {};
  let plot: Plot | undefined;
  let drawn = Number.NEGATIVE_INFINITY;
  const tried: TriedStudent[] = [];
  return (progress) => {
    tried.push(...progress.finished);
    if (tried.length === 0) return;
    const now = performance.now();
    if (now - drawn < MILLISECONDS && !isOver(progress)) return;
    drawn = now;
    const figure = progressFigure(tried, progress);
    plot ??= new Plot(figure, COMPRESS_SIZE);
    // The cell waits for the picture and shows its errors.
    if (isOver(progress)) void plot.update(figure);
    else plot.updateLive(figure);
  };
}

/** In CSS pixels: two panels beside each other. */
export const COMPRESS_SIZE = { width: 1000, height: 460 } as const;

function figureOf(
  title: string,
  groups: readonly Group[],
  { teacher, features }: Pick<CompressProgress, "teacher" | "features">,
): Figure {
  const data = groups.flatMap((group, index) => groupTraces(group, index, features));
  const layout: Partial<Layout> = {
    ...baseLayout(title),
    grid: { rows: 1, columns: 2, pattern: "coupled" },
    xaxis: { ...baseAxis("parameters"), type: "log", domain: [0, 0.48] },
    xaxis2: { ...baseAxis("\u00b5s for a pass over the graph"), type: "log", domain: [0.52, 1] },
    yaxis: baseAxis("validation accuracy (%)"),
    legend: { orientation: "h", y: -0.25 },
    // A reader's zoom survives while the figure grows.
    uirevision: "compress",
    ...teacherLine(teacher),
  };
  return { data, layout };
}

function groupTraces(
  { id, label, method, tried, best }: Group,
  index: number,
  features: number,
): Partial<Data>[] {
  const { colour, symbol } = styleOf(method, index);
  const alive = tried.filter(({ dead }) => !dead);
  return (["x", "x2"] as const).flatMap((xaxis): Partial<Data>[] => {
    const at = (one: Pick<TriedStudent, "parameters" | "microseconds">): number =>
      xaxis === "x" ? one.parameters : one.microseconds;
    const place = { xaxis, yaxis: "y", type: "scatter", mode: "markers" } as const;
    const faint: Partial<Data> = {
      ...place,
      uid: `${id}-${xaxis}`,
      x: alive.map(at),
      y: alive.map(({ validation }) => percentOf(validation)),
      text: alive.map(({ size }) => sizeText(size, features)),
      showlegend: false,
      marker: { color: colour, symbol, size: 6, opacity: 0.35 },
      hovertemplate: `${label}: %{text}, %{y:.1f} %<extra></extra>`,
    };
    if (!best) return [faint];
    const { validation, interval: [low, high] = [validation, validation], isChosen } = best;
    const bars: ErrorBar = {
      type: "data",
      symmetric: false,
      array: [percentOf(high - validation)],
      arrayminus: [percentOf(validation - low)],
    };
    const large: Partial<Data> = {
      ...place,
      uid: `${id}-best-${xaxis}`,
      x: [at(best)],
      y: [percentOf(validation)],
      error_y: bars,
      text: [`${label}: ${best.size}, ${percentOf(validation).toFixed(1)} %`],
      name: label,
      showlegend: xaxis === "x",
      marker: {
        ...{ color: colour, symbol, size: 13 },
        line: isChosen ? { width: 3, color: ink } : { width: 0 },
      },
      hovertemplate: "%{text}<extra></extra>",
    };
    return [faint, large];
  });
}

/** A dotted line at the teacher's accuracy, if that is known. */
function teacherLine({ accuracy, parameters }: CompressProgress["teacher"]): Partial<Layout> {
  if (!accuracy) return {};
  const level = percentOf(accuracy.val);
  const line = { color: ink, width: 1, dash: "dot" } as const;
  const size = parameters === undefined ? "" : `, ${grouped(parameters)} parameters`;
  return {
    shapes: [{ type: "line", xref: "paper", x0: 0, x1: 1, y0: level, y1: level, line }],
    annotations: [
      {
        ...{ xref: "paper", x: 0, xanchor: "left", y: level, yanchor: "bottom" },
        ...{ showarrow: false, text: `teacher${size}` },
      },
    ],
  };
}
