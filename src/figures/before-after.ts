// Maps as in figure 4: attention and dissimilarity before and after training, and pair by pair.
import type { Data, Layout } from "plotly.js-dist";
import { mean, sampleRankCorrelation } from "simple-statistics";
import { needObject, RESULT } from "../base/arguments.ts";
import { plain } from "../base/markup.ts";
import { compose } from "./compose.ts";
import { baseAxis, baseLayout, colourway, faint } from "./figure.ts";
import { attentionMatrix, dissimilarityMatrix, type Inspected, matrixOf } from "./matrices.ts";
import type { SizedRows } from "./study-figures.ts";

function mapOf(run: Inspected, name: string, moment: "first" | "last") {
  const matrix = matrixOf(run, name, moment);
  if (!matrix) throw new Error(`run ${run.id} has no ${name} to show`);
  return matrix;
}

/**
 * Draws four strips, one below another: A and D, before and after training, teacher layers from left to right. A's
 * colours span 0 to 1, D's the values of both moments.
 */
export function mapsBeforeAfter(run: Inspected): SizedRows {
  needObject(run, "mapsBeforeAfter: run", RESULT, "config", "inspection");
  const { dataset, split, seed } = run.config;
  const moments = ["first", "last"] as const;
  const strips = [
    ...moments.map((moment) => attentionMatrix(run, moment)),
    ...moments.map((moment) => dissimilarityMatrix(run, moment, moments)),
  ];
  const places = strips.map((_, k) => {
    const top = 1 - k / strips.length - 0.04;
    return { x: [0, 0.97], y: [top - 0.14, top] } as const;
  });
  const cells = strips.map((figure, k) => {
    if (!figure) throw new Error(`run ${run.id} has no attention or no dissimilarity to show`);
    const text = ["A before", "A after", "D before", "D after"][k]!;
    const log = /logarithmic/.test(String(figure.layout.title?.text)) ? " (log colours)" : "";
    return {
      figure: { ...figure, layout: { ...figure.layout, title: { text: text + log } } },
      ...places[k]!,
    };
  });
  const title = `ABKD on ${plain(dataset)} ${plain(split)}, seed ${seed}: maps before and after training`;
  const sheet = compose(title, cells, `run ${run.id}`);
  return { figure: sheet, height: 700 };
}

/**
 * Draws one teacher layer at a time: its dissimilarity to each student layer and its attention, before and after
 * training.
 * @param layer the teacher layer, from 1; if left out, the figure has a slider for it
 * @throws RangeError if the teacher has no such layer
 */
export function layerPairs(run: Inspected, layer?: number): SizedRows {
  needObject(run, "layerPairs: run", RESULT, "config", "inspection");
  const [A0, D0] = [mapOf(run, "attention", "first"), mapOf(run, "dissimilarity", "first")];
  const [A1, D1] = [mapOf(run, "attention", "last"), mapOf(run, "dissimilarity", "last")];
  if (layer !== undefined && !(Number.isInteger(layer) && layer >= 1 && layer <= A1.length))
    throw new RangeError(
      `layerPairs: layer is a whole number from 1 to ${A1.length}, not ${layer}`,
    );
  const shown = (layer ?? 1) - 1;
  const students = A1[0]!.map((_, j) => `student ${j + 1}`);
  const bars = (i: number): (readonly number[])[] => [D0[i]!, D1[i]!, A0[i]!, A1[i]!];
  const names = ["D before", "D after", "A before", "A after"];
  const colours = [faint, colourway[0]!, faint, colourway[1]!];
  const digits = (row: readonly number[]): number[] => row.map((x) => Number(x.toPrecision(4)));
  const data = bars(shown).map(
    (row, k): Partial<Data> =>
      ({
        type: "bar",
        uid: `bars-${k}`,
        name: names[k]!,
        x: students,
        y: digits(row),
        marker: { color: colours[k]!, pattern: { shape: k % 2 === 0 ? "/" : "" } },
        ...(k >= 2 && { xaxis: "x2", yaxis: "y2" }),
      }) as Partial<Data>,
  );
  const heading = (i: number): string => {
    const nearest = D1[i]!.indexOf(Math.min(...D1[i]!)) + 1;
    const attended = A1[i]!.indexOf(Math.max(...A1[i]!)) + 1;
    return `<b>Teacher layer ${i + 1}: nearest student layer ${nearest}, most attended ${attended}</b>`;
  };
  const steps = A1.map((_, i) => ({
    label: String(i + 1),
    method: "update" as const,
    args: [{ y: bars(i).map(digits) }, { "title.text": heading(i) }],
  }));
  const base = baseLayout("");
  const largest = Math.max(...D0.flat(), ...D1.flat());
  const layout: Partial<Layout> & Record<string, unknown> = {
    ...base,
    title: { ...base.title, text: heading(shown) },
    barmode: "group",
    xaxis: { ...baseAxis(""), domain: [0, 0.44] },
    yaxis: { ...baseAxis("dissimilarity D<sub>ij</sub>"), range: [0, 1.05 * largest] },
    xaxis2: { ...baseAxis(""), domain: [0.56, 1], anchor: "y2" },
    yaxis2: { ...baseAxis("attention A<sub>ij</sub>"), range: [0, 1], anchor: "x2" },
    legend: { orientation: "h", x: 0, y: 1.12 },
    margin: { l: 64, r: 24, t: 88, b: layer === undefined ? 110 : 40 },
    ...(layer === undefined && {
      sliders: [{ active: 0, steps, pad: { t: 40 }, currentvalue: { prefix: "teacher layer " } }],
    }),
  };
  return { figure: { data, layout }, height: layer === undefined ? 460 : 390 };
}

/** How attention relates to dissimilarity over all pairs of layers. */
export interface MapAgreement {
  /** Spearman's rank correlation of A_ij and D_ij; below 0, attention lies where layers are similar. */
  readonly before: number;
  readonly after: number;
  /** The mean of D over all pairs after training; `attendedDissimilarity` weights it by A. */
  readonly meanDissimilarity: number;
  readonly attendedDissimilarity: number;
}

/** Measures figure 4's claim: "dissimilarity scores are low where the attention scores are high". */
export function mapAgreement(run: Inspected): MapAgreement {
  needObject(run, "mapAgreement: run", RESULT, "config", "inspection");
  const flat = (name: string, moment: "first" | "last"): number[] =>
    mapOf(run, name, moment).flat();
  const correlation = (moment: "first" | "last"): number =>
    sampleRankCorrelation(flat("attention", moment), flat("dissimilarity", moment));
  const [a, d] = [flat("attention", "last"), flat("dissimilarity", "last")];
  const total = a.reduce((sum, x) => sum + x, 0);
  return {
    before: correlation("first"),
    after: correlation("last"),
    meanDissimilarity: mean(d),
    attendedDissimilarity: d.reduce((sum, x, k) => sum + x * a[k]!, 0) / total,
  };
}
