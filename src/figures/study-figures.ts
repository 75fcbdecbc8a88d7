// Figures of a study: each arm's trials, mean and interval beside the paper's number; where attention lies.

import type { Data } from "plotly.js-dist";
import { plain } from "../base/markup.ts";
import { inPercent } from "../display/format.ts";
import type { Look } from "../distillation/method.ts";
import { type ArmReport, type DatasetReport, mostDied } from "../experiments/report-data.ts";
import { armRows } from "./arm-rows.ts";
import { baseAxis, baseLayout, type Figure, faint, percentOf, transparent } from "./figure.ts";

/** A figure and the height that its rows need, in CSS pixels. */
export interface SizedRows {
  readonly figure: Figure;
  readonly height: number;
}

/** Returns where the axis begins, in percent: below the means and the middle half of all live arms. */
function axisStart(arms: readonly ArmReport[]): number {
  const living = arms.filter((arm) => !mostDied(arm));
  const lows = [...living, ...arms.filter(({ paper }) => paper)].flatMap((arm) => [
    ...(arm.quartiles && !mostDied(arm) ? [percentOf(arm.quartiles[0])] : []),
    ...(arm.mean !== undefined && !mostDied(arm) ? [percentOf(arm.mean)] : []),
    ...(arm.paper ? [arm.paper.mean - (arm.paper.deviation ?? 0)] : []),
  ]);
  return lows.length > 0 ? Math.max(0, Math.min(...lows) - 2) : 0;
}

/** Marks an arm that lies to the left of the axis, with a note at the axis's foot, above its trials. */
function beyond(arm: ArmReport, row: number, floor: number, { colour }: Look): Partial<Data> {
  const died = arm.dead > 0 ? `, ${arm.dead} of ${arm.n} died` : "";
  return {
    type: "scatter",
    mode: "text",
    uid: `beyond-${row}`,
    x: [floor],
    y: [row - 0.3],
    text: [`◂ ${inPercent(arm.mean!)}${died}`],
    textposition: "middle right",
    textfont: { color: colour, size: 12 },
    hoverinfo: "skip",
  };
}

/**
 * Draws one row per arm, in groups, the first on top: trials as dots, mean with its interval, the paper's number with
 * the deviation that it prints.
 */
export function studyAccuracies({ dataset, arms }: DatasetReport): SizedRows {
  const rows = armRows(arms);
  const floor = axisStart(rows.flatMap((row) => ("arm" in row ? [row.arm] : [])));
  const data = rows.flatMap((row, index): Partial<Data>[] => {
    if (!("arm" in row)) return [];
    const { arm, look } = row;
    const left = arm.mean !== undefined && percentOf(arm.mean) < floor;
    return [...armTraces(arm, index, look), ...(left ? [beyond(arm, index, floor, look)] : [])];
  });
  const labels = rows.map((row) =>
    "arm" in row ? plain(row.arm.label) : `<i>${plain(row.heading)}</i>`,
  );
  return {
    figure: {
      data,
      layout: {
        ...baseLayout(
          `${plain(dataset)}: trials, mean with 95 % interval; × the paper ± its deviation`,
        ),
        showlegend: false,
        margin: { l: 24, r: 24, t: 48, b: 48 },
        yaxis: {
          ...baseAxis(""),
          tickmode: "array",
          tickvals: rows.map((_, index) => index),
          ticktext: labels,
          range: [rows.length - 0.4, -0.6],
        },
        xaxis: { ...baseAxis("test accuracy (%)"), autorangeoptions: { minallowed: floor } },
      },
    },
    height: 130 + 30 * rows.length,
  };
}

const markers = (uid: string, x: number[], y: number[]) =>
  ({ type: "scatter", mode: "markers", uid, x, y }) as const;

function armTraces(arm: ArmReport, row: number, { colour, symbol }: Look): Partial<Data>[] {
  const label = plain(arm.label);
  const traces: Partial<Data>[] = [
    {
      ...markers(
        `trials-${row}`,
        arm.tests.map(percentOf),
        arm.tests.map(() => row),
      ),
      marker: { color: transparent(colour, 0.35), size: 7, symbol },
      hovertemplate: `${label}: %{x:.1f} %<extra></extra>`,
    },
  ];
  if (arm.mean !== undefined) {
    const mean = percentOf(arm.mean);
    const [low, high] = (arm.interval ?? [arm.mean, arm.mean]).map(percentOf) as [number, number];
    traces.push({
      ...markers(`mean-${row}`, [mean], [row]),
      error_x: {
        type: "data",
        symmetric: false,
        array: [high - mean],
        arrayminus: [mean - low],
        color: colour,
        thickness: 2,
        width: 5,
      },
      marker: { color: colour, size: 11, symbol: "line-ns", line: { color: colour, width: 2.5 } },
      hovertemplate: `${label}, mean: %{x:.2f} %<extra></extra>`,
    });
  }
  if (arm.paper) {
    const { mean, deviation = 0 } = arm.paper;
    traces.push({
      ...markers(`paper-${row}`, [mean], [row + 0.28]),
      error_x: { type: "data", array: [deviation], color: faint, thickness: 1.2, width: 3 },
      marker: { symbol: "x-thin", size: 8, line: { color: faint, width: 1.6 } },
      hovertemplate: `${label}, the paper: %{x:.2f} %<extra></extra>`,
    });
  }
  return traces;
}

/** `random:9` for `random:1192/796/497:9`: within one figure the sizes are the same. */
const shortSplit = (split: string): string =>
  split.replace(/^(random|per-class(?:-largest)?):.*:/, "$1:");

/**
 * Draws the share of learned attention by student layer: one row per trial, named by split and seed, arms one after
 * another under their names.
 */
export function attentionShares({
  dataset,
  arms,
  trials: all,
}: Pick<DatasetReport, "dataset" | "arms" | "trials">): SizedRows | undefined {
  const byId = new Map(all.map((row) => [row.id, row]));
  const rows = arms.flatMap(({ label, trials, shares = [] }) => {
    const each = shares.map((share, k) => {
      const { split, seed } = byId.get(trials[k]!)!;
      return { name: plain(`${shortSplit(split)}, seed ${seed}`), share };
    });
    return each.length > 0 ? [{ name: `<b>${plain(label)}</b>`, share: [] }, ...each] : [];
  });
  if (rows.length === 0) return undefined;
  const layers = Math.max(...rows.map(({ share }) => share.length));
  const trace: Partial<Data> = {
    type: "heatmap",
    uid: "shares",
    colorscale: "Cividis",
    // An arm's name has a row of its own, without cells.
    z: rows.map(({ share }) => Array.from({ length: layers }, (_, j) => share[j] ?? null)),
    x: Array.from({ length: layers }, (_, j) => `layer ${j + 1}`),
    y: rows.map((_, k) => k),
    zmin: 0,
    zmax: 1,
    ygap: 1,
    texttemplate: "%{z:.2f}",
    textfont: { size: 10 },
    hoverongaps: false,
    hovertemplate: "%{x}: %{z:.3f}<extra></extra>",
  };
  return {
    figure: {
      data: [trace],
      layout: {
        ...baseLayout(`${plain(dataset)}: share of attention by student layer, a row a trial`),
        margin: { l: 24, r: 24, t: 48, b: 48 },
        xaxis: { ...baseAxis("student layer"), type: "category", showgrid: false },
        yaxis: {
          ...baseAxis(""),
          tickmode: "array",
          tickvals: rows.map((_, k) => k),
          ticktext: rows.map(({ name }) => name),
          autorange: "reversed",
          showgrid: false,
        },
      },
    },
    height: 140 + 18 * rows.length,
  };
}
