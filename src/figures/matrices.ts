// Layer-by-layer matrices of a distillation: attention A and dissimilarity D, teacher x student.
import type { Data } from "plotly.js-dist";
import { needObject, RESULT } from "../base/arguments.ts";
import { plain } from "../base/markup.ts";
import { runLabel } from "../experiments/summary.ts";
import type { RunResult } from "../training/run.ts";
import { baseAxis, baseLayout, columnGap, type Figure } from "./figure.ts";

/** A spread beyond this factor is shown on a logarithmic colour scale. */
const logarithmicFrom = 30;

interface Shades {
  readonly z: number[][];
  readonly zmin: number;
  readonly zmax: number;
  readonly ticks?: { readonly at: number[]; readonly text: string[] };
}

/** Makes colours proportional to the values, from 0. */
function linear(matrix: readonly (readonly number[])[], zmax: number): Shades {
  return { z: matrix.map((row) => [...row]), zmin: 0, zmax };
}

/** Makes colours by order of magnitude, with ticks at 1, 2 and 5 times powers of ten. */
function logarithmic(matrix: readonly (readonly number[])[], low: number, high: number): Shades {
  const at: number[] = [];
  const text: string[] = [];
  const decades = Math.log10(high / low);
  const steps = decades > 3 ? [1] : decades > 1.5 ? [1, 3] : [1, 2, 5];
  for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power++) {
    for (const step of steps) {
      const value = step * 10 ** power;
      if (value < low || value > high) continue;
      at.push(Math.log10(value));
      text.push(String(Number(value.toPrecision(1))));
    }
  }
  const z = matrix.map((row) => row.map((value) => Math.log10(Math.max(value, low))));
  return { z, zmin: Math.log10(low), zmax: Math.log10(high), ticks: { at, text } };
}

/**
 * Draws a heat map with teacher layers from left to right and student layers from top to bottom:
 * a strip, since teachers are deep and students shallow.
 */
function heatmap(
  matrix: readonly (readonly number[])[],
  { z, zmin, zmax, ticks }: Shades,
  uid: string,
  symbol: string,
  colorscale: string,
): Partial<Data> {
  const students = matrix[0]?.length ?? 0;
  const byStudent = <T>(rows: readonly (readonly T[])[]) =>
    Array.from({ length: students }, (_, j) => rows.map((row) => row[j]!));
  return {
    type: "heatmap",
    uid,
    x: matrix.map((_, i) => i + 1),
    y: Array.from({ length: students }, (_, j) => j + 1),
    z: byStudent(z),
    customdata: byStudent(matrix),
    zmin,
    zmax,
    colorscale,
    xgap: columnGap(matrix.length),
    ygap: 1,
    hovertemplate: `teacher layer %{x}, student layer %{y}: ${symbol} = %{customdata:.4g}<extra></extra>`,
    colorbar: {
      thickness: 10,
      outlinewidth: 0,
      ticks: "outside",
      ticklen: 3,
      ...(ticks ? { tickmode: "array", tickvals: ticks.at, ticktext: ticks.text } : {}),
    },
  };
}

function figure(title: string, trace: Partial<Data>, teachers: number, students: number): Figure {
  const axis = { showgrid: false, showline: false, zeroline: false };
  return {
    data: [trace],
    layout: {
      ...baseLayout(title),
      xaxis: {
        ...baseAxis("teacher layer i"),
        ...axis,
        range: [0.5, teachers + 0.5],
        tick0: teachers > 16 ? 0 : 1,
        dtick: teachers > 16 ? 8 : 1,
      },
      yaxis: { ...baseAxis("student layer j"), ...axis, range: [students + 0.5, 0.5], dtick: 1 },
    },
  };
}

/** `first`: before the first training step; `last`: after training. */
export type Moment = "first" | "last";

/** What maps are drawn from: of a run's result, or of `{ id: runId(config), config, ...await train(task) }`. */
export type Inspected = Pick<RunResult, "id" | "config" | "inspection">;

function subject({ config }: Inspected, moment: Moment): string {
  const before = moment === "first" ? ", before training" : "";
  return plain(`${runLabel(config.method?.name ?? "teacher")}, seed ${config.seed}${before}`);
}

/** Returns a matrix that a run's method exposes; undefined if it has none of that name. */
export function matrixOf(
  run: Inspected,
  name: string,
  moment: Moment = "last",
): readonly (readonly number[])[] | undefined {
  const matrix = run.inspection?.[moment].matrices[name];
  return matrix !== undefined && matrix.length > 0 && matrix[0]!.length > 0 ? matrix : undefined;
}

/**
 * Draws the attention A (eq. 3) of a run, teacher layers x student layers, on a scale of 0 to 1.
 * @returns undefined for a method without attention
 */
export function attentionMatrix(run: Inspected, moment: Moment = "last"): Figure | undefined {
  needObject(run, "attentionMatrix: run", RESULT, "config");
  const matrix = matrixOf(run, "attention", moment);
  if (!matrix) return undefined;
  const trace = heatmap(matrix, linear(matrix, 1), "attention", "A<sub>ij</sub>", "Cividis");
  return figure(
    `Attention A<sub>ij</sub>, ${subject(run, moment)}`,
    trace,
    matrix.length,
    matrix[0]!.length,
  );
}

/**
 * Draws the dissimilarity D (eq. 4, in the form that ran) of a run, teacher layers x student layers; on a
 * logarithmic scale if the values spread widely.
 * @param scale the moments whose values the colours span, by default the one that is drawn
 * @returns undefined for a method without dissimilarity
 */
export function dissimilarityMatrix(
  run: Inspected,
  moment: Moment = "last",
  scale: readonly Moment[] = [moment],
): Figure | undefined {
  needObject(run, "dissimilarityMatrix: run", RESULT, "config");
  const matrix = matrixOf(run, "dissimilarity", moment);
  if (!matrix) return undefined;
  const spanned = scale.flatMap((one) => matrixOf(run, "dissimilarity", one) ?? []);
  const values = spanned.flat().filter((value) => Number.isFinite(value) && value > 0);
  const high = Math.max(Number.MIN_VALUE, ...values);
  // A colour scale can show no more than six orders of magnitude.
  const low = Math.max(Math.min(high, ...values), high / 1e6);
  const wide = values.length > 0 && high / low > logarithmicFrom;
  const shades = wide ? logarithmic(matrix, low, high) : linear(matrix, high);
  const trace = heatmap(matrix, shades, "dissimilarity", "D<sub>ij</sub>", "Viridis");
  const colours = wide ? " (logarithmic colours)" : "";
  return figure(
    `Dissimilarity D<sub>ij</sub>, ${subject(run, moment)}${colours}`,
    trace,
    matrix.length,
    matrix[0]!.length,
  );
}
