// Theorem 1's check as a table, a figure and words.

import type { Data, Layout } from "plotly.js-dist";
import { needArray, needObject } from "../base/arguments.ts";
import { inPercent, percent } from "../display/format.ts";
import { REACH_NOISE, type TermCheck } from "../experiments/theorem1.ts";
import type { FrameContent } from "./data-frame.ts";
import { baseAxis, baseLayout, type Figure, ink, note } from "./figure.ts";

/** Tabulates one row per pair of layers; errors as powers of ten, shares in percent. */
export function termTable(checks: readonly TermCheck[]): FrameContent {
  needArray(checks, "termTable: checks", "the result of checkTerms()");
  const power = (x: number): string => x.toExponential(1);
  return {
    columns: [
      ["teacher layer", 0],
      ["student layer", 0],
      ["A", 4],
      "D",
      "eq. 7",
      "eq. 8",
      "second term",
      ["left out by ~ (%)", 1],
      ["attention's share (%)", 2],
    ],
    rows: checks.map((check) => [
      check.teacherLayer,
      check.studentLayer,
      check.attention,
      power(check.dissimilarity),
      power(check.productRule),
      power(check.equation8),
      power(check.dissimilarityTerm),
      100 * check.leftOut,
      100 * check.attentionShare,
    ]),
    caption:
      "eq. 7, eq. 8, second term: relative difference between autograd and the formula, in float32.",
  };
}

/** Draws one strip per loss: how its gradients change with a teacher layer's weights, coloured by power of ten. */
export function reachFigure(
  layers: readonly number[],
  losses: readonly { readonly name: string; readonly reach: readonly (readonly number[])[] }[],
): Figure {
  needArray(layers, "reachFigure: layers", "the teacher's layers, from 1");
  needArray(losses, "reachFigure: losses", "an array of { name, reach }", "name", "reach");
  const share = 1 / losses.length;
  const layout: Partial<Layout> & Record<string, unknown> = {
    ...baseLayout("Whose weights arrive: |change of the gradient| / |gradient|"),
    coloraxis: {
      colorscale: "Cividis",
      cmin: -6,
      cmax: -1,
      colorbar: {
        thickness: 10,
        tickvals: [-6, -5, -4, -3, -2, -1],
        ticktext: ["none", "1e-5", "1e-4", "0.001", "0.01", "0.1"],
      },
    },
    annotations: losses.map(({ name }, k) =>
      note(k * share, 1, name, { color: ink, yanchor: "bottom" }),
    ),
  };
  const data = losses.map(({ reach }, k): Partial<Data> => {
    const suffix = k === 0 ? "" : String(k + 1);
    layout[`xaxis${suffix}`] = {
      ...baseAxis("student W<sub>j</sub>"),
      anchor: `y${suffix}`,
      showgrid: false,
      dtick: 1,
      domain: [k * share, (k + 1) * share - 0.05],
    };
    layout[`yaxis${suffix}`] = {
      ...baseAxis(k === 0 ? "teacher W<sub>k</sub>" : ""),
      anchor: `x${suffix}`,
      showgrid: false,
      type: "category",
      autorange: "reversed",
    };
    return {
      type: "heatmap",
      uid: `reach-${k}`,
      coloraxis: "coloraxis",
      xgap: 2,
      ygap: 2,
      xaxis: `x${suffix}`,
      yaxis: `y${suffix}`,
      x: reach[0]!.map((_, j) => j + 1),
      y: layers.map(String),
      z: reach.map((row) => row.map((x) => Math.log10(Math.max(x, REACH_NOISE)))),
      text: reach.map((row) => row.map((x) => (x < REACH_NOISE ? "0" : x.toExponential(0)))),
      texttemplate: "%{text}",
      hovertemplate: "teacher W %{y}, student W %{x}: %{text}<extra></extra>",
    } as unknown as Partial<Data>;
  });
  return { data, layout };
}

/** Says what the numbers show about theorem 1, one sentence each. */
export function theoremWords(
  checks: readonly TermCheck[],
  layers: readonly number[],
  reach: {
    readonly abkd: readonly (readonly number[])[];
    readonly softkd: readonly (readonly number[])[];
  },
): string[] {
  needArray(checks, "theoremWords: checks", "the result of checkTerms()");
  needArray(layers, "theoremWords: layers", "the teacher's layers, from 1");
  needObject(
    reach,
    "theoremWords: reach",
    "{ abkd, softkd }, each of teacherReach()",
    "abkd",
    "softkd",
  );
  const worst = (of: (check: TermCheck) => number): string =>
    Math.max(...checks.map(of)).toExponential(1);
  const arrives = (matrix: readonly (readonly number[])[]): string => {
    const found = layers.filter((_, k) => matrix[k]!.some((x) => x > REACH_NOISE));
    return found.length === 0 ? "none" : found.join(", ");
  };
  const range = (of: (check: TermCheck) => number): string => {
    const all = checks.map(of);
    return `${inPercent(Math.min(...all), 2)} to ${percent(Math.max(...all), 2)}`;
  };
  const holds =
    Math.max(...checks.map(({ productRule, equation8 }) => Math.max(productRule, equation8))) <
    1e-4;
  return [
    `**${holds ? "The equations hold" : "The equations do not hold"}**: over ${checks.length} pairs ` +
      `of layers eq. 7 differs from autograd by at most ${worst((c) => c.productRule)}, eq. 8 from ` +
      `the derivative of the score before softmax by ${worst((c) => c.equation8)}.`,
    `What "~" in eq. 8 leaves out (softmax over the other layers, and the later student layers that ` +
      `W_j feeds) is ${range((c) => c.leftOut)} of the attention's derivative.`,
    `The term that the theorem is about, the attention's, is ${range((c) => c.attentionShare)} of ` +
      "the gradient; the rest comes from D, which contains the teacher's map as well.",
    `Teacher layers whose weights arrive at the student's, of ${layers.join(", ")}: with ABKD ` +
      `${arrives(reach.abkd)}; with SoftKD, which sees the logits alone, ${arrives(reach.softkd)}.`,
  ];
}
