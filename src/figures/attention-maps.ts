// Attention maps of several trials on one sheet: does the dark layer come from the data or from the start?

import type { Data, Layout } from "plotly.js-dist";
import { plain } from "../base/markup.ts";
import { percent } from "../display/format.ts";
import type { TrialRecord } from "../experiments/trial-record.ts";
import { attentionHeat, baseAxis, baseLayout, type Figure, ink, note } from "./figure.ts";
import type { SizedRows } from "./study-figures.ts";

/** Nobody reads a sheet with more maps. */
const MOST_MAPS = 8;

/** Draws one strip per trial, teacher layers from left to right; its title names split and seed. */
export function attentionMaps(dataset: string, records: readonly TrialRecord[]): SizedRows {
  const shown = records.filter(({ attention }) => attention?.[0]).slice(0, MOST_MAPS);
  const share = 1 / Math.max(1, shown.length);
  const layout: Partial<Layout> & Record<string, unknown> = {
    ...baseLayout(
      `${plain(dataset)}: attention A<sub>ij</sub> of ${shown.length} students (split, seed)`,
    ),
    margin: { l: 64, r: 24, t: 72, b: 48 },
    coloraxis: {
      colorscale: "Cividis",
      cmin: 0,
      cmax: 1,
      colorbar: { thickness: 10, title: { text: "A<sub>ij</sub>" } },
    },
    annotations: shown.map(({ config, accuracy, dead }, k) => {
      const { split, seed } = config;
      const text = `${plain(split)}, seed ${seed}: test ${percent(accuracy.test)}`;
      const look = { color: ink, size: 11, yanchor: "bottom", yshift: -14 } as const;
      return note(0, 1 - k * share, text + (dead ? ", died" : ""), look);
    }),
  };
  const data = shown.map(({ attention }, k): Partial<Data> => {
    const suffix = k === 0 ? "" : String(k + 1);
    const last = k === shown.length - 1;
    layout[`xaxis${suffix}`] = {
      ...baseAxis(last ? "teacher layer i" : ""),
      anchor: `y${suffix}`,
      showgrid: false,
      showticklabels: last,
    };
    layout[`yaxis${suffix}`] = {
      ...baseAxis(k === 0 ? "student layer j" : ""),
      anchor: `x${suffix}`,
      showgrid: false,
      autorange: "reversed",
      dtick: 1,
      domain: [1 - (k + 1) * share + 0.06 * share, 1 - k * share - 0.2 * share],
    };
    return {
      ...attentionHeat(attention!),
      uid: `map-${k}`,
      coloraxis: "coloraxis",
      xaxis: `x${suffix}`,
      yaxis: `y${suffix}`,
    } as Partial<Data>;
  });
  const figure: Figure = { data, layout };
  return { figure, height: 130 + 110 * shown.length };
}
