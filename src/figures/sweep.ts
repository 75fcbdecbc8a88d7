// Figures of one option of ABKD: accuracy over its values, and attention with a slider over them.

import type { Data } from "plotly.js-dist";
import { mean } from "simple-statistics";
import { plain } from "../base/markup.ts";
import { percent } from "../display/format.ts";
import { type Evidence, recordsOf } from "../experiments/evidence.ts";
import { type ArmReport, mostDied } from "../experiments/report-data.ts";
import type { Study } from "../experiments/study.ts";
import type { TrialRecord } from "../experiments/trial-record.ts";
import {
  attentionHeat,
  baseAxis,
  baseLayout,
  colourway,
  type Figure,
  faint,
  note,
  percentOf,
} from "./figure.ts";

/** An option whose values a study varies. */
export type SweepOf = NonNullable<Study["sweep"]>;

const SYMBOLS = { beta: "beta", embedding: "d<sub>a</sub>" } as const;

/** Returns the arms that vary an option, by form: their ids are `abkd:<form>/<what>-<value>`. */
function formsOf({ plan, part }: Evidence, option: SweepOf): Map<string, SweepPoint[]> {
  const points = part.arms.flatMap((arm): SweepPoint[] => {
    const [, form] = /^abkd:([^/]+)\//.exec(arm.method) ?? [];
    const trial = plan.trials.find((one) => one.arm === arm.method);
    const value = trial?.config.method?.options[option];
    return form !== undefined && typeof value === "number" ? [{ form, value, arm }] : [];
  });
  return Map.groupBy(points, ({ form }) => form);
}

interface SweepPoint {
  readonly form: string;
  readonly value: number;
  readonly arm: ArmReport;
}

/** Returns `searched form` for `ABKD, beta 10 (searched form)`. */
const formName = ({ arm, form }: SweepPoint): string => /\(([^)]*)\)$/.exec(arm.label)?.[1] ?? form;

/** Whether nothing was run, or most of it died. */
const isDead = ({ arm }: SweepPoint): boolean => arm.mean === undefined || mostDied(arm);

/** `▾ eqs. 3-6 as written: 27.8 to 29.6 %, most students died` */
function describeDead(points: readonly SweepPoint[]): string {
  const means = points.flatMap(({ arm }) => (arm.mean === undefined ? [] : [100 * arm.mean]));
  const name = plain(formName(points[0]!));
  if (means.length === 0) return `${name}: not run here yet`;
  const [low, high] = [Math.min(...means), Math.max(...means)].map((x) => x.toFixed(1));
  return `▾ ${name}: ${low === high ? low : `${low} to ${high}`} %, most students died`;
}

/** Draws means with 95 % intervals over the option's values, one line per form; the paper's numbers are crosses. */
export function sweepCurves(evidence: Evidence, option: SweepOf): Figure {
  const forms = [...formsOf(evidence, option).values()];
  const living = forms.filter((all) => !all.every(isDead));
  const data = living.map((all, k): Partial<Data> => {
    const points = all.filter(({ arm }) => arm.mean !== undefined);
    const colour = colourway[k % colourway.length]!;
    const bound = (side: 0 | 1): number[] =>
      points.map(({ arm }) => percentOf(Math.abs((arm.interval?.[side] ?? arm.mean!) - arm.mean!)));
    return {
      type: "scatter",
      mode: "lines+markers",
      uid: `form-${k}`,
      name: plain(formName(all[0]!)),
      x: points.map(({ value }) => String(value)),
      y: points.map(({ arm }) => percentOf(arm.mean!)),
      error_y: { type: "data", symmetric: false, array: bound(1), arrayminus: bound(0), width: 4 },
      line: { color: colour, dash: k === 0 ? "solid" : "dot" },
      marker: { color: colour, size: 9, symbol: k === 0 ? "circle" : "square" },
      hovertemplate: `%{x}: %{y:.2f} %<extra>${plain(formName(all[0]!))}</extra>`,
    };
  });
  const paper = (forms[0] ?? []).flatMap(({ value, arm }) =>
    arm.paper ? [{ value, mean: arm.paper.mean }] : [],
  );
  const papers: Partial<Data> = {
    type: "scatter",
    mode: "lines+markers",
    uid: "paper",
    name: "the paper",
    x: paper.map(({ value }) => String(value)),
    y: paper.map(({ mean }) => mean),
    line: { color: faint, width: 1, dash: "dash" },
    marker: { symbol: "x", size: 9, color: faint },
    hovertemplate: "the paper, %{x}: %{y:.2f} %<extra></extra>",
  };
  const dead = forms.filter((all) => !living.includes(all)).map(describeDead);
  const ends = [
    ...living.flat().flatMap(({ arm }) => (arm.interval ?? []).map(percentOf)),
    ...paper.map(({ mean }) => mean),
  ];
  // Room for the lines about dead forms, below everything else.
  const foot = Math.min(...ends) - 0.1 * dead.length * (Math.max(...ends) - Math.min(...ends));
  const room = ends.length > 0 ? { autorangeoptions: { include: foot } } : {};
  const title = `${plain(evidence.dataset)}: accuracy over ${SYMBOLS[option]}, mean with 95 % interval`;
  return {
    data: paper.length > 0 ? [...data, papers] : data,
    layout: {
      ...baseLayout(title),
      xaxis: { ...baseAxis(SYMBOLS[option]), type: "category" },
      yaxis: { ...baseAxis("test accuracy (%)"), ...room },
      annotations: dead.map((text, k) => note(0.01, 0.02 + 0.07 * k, text, { color: faint })),
    },
  };
}

/** Returns the mean of several trials' maps, teacher x student layers, to four decimals. */
function meanMap(records: readonly TrialRecord[]): number[][] | undefined {
  const maps = records.flatMap(({ attention }) => (attention ? [attention] : []));
  return maps[0]?.map((row, i) =>
    row.map((_, j) => Number(mean(maps.map((map) => map[i]![j]!)).toFixed(4))),
  );
}

/**
 * Draws attention, averaged over an arm's trials, with a slider over the option's values.
 * @param form as in the arms' ids: `searched` or `literal`
 */
export function sweepMaps(evidence: Evidence, option: SweepOf, form: string): Figure {
  const points = (formsOf(evidence, option).get(form) ?? []).flatMap((point) => {
    const map = meanMap(recordsOf(evidence, point.arm.method));
    return map ? [{ ...point, map }] : [];
  });
  const heading = ({ value, arm }: SweepPoint): string =>
    `<b>${plain(evidence.dataset)}, ${SYMBOLS[option]} = ${value}: attention, mean of ${arm.n} trials; ` +
    `test ${percent(arm.mean!)}${arm.dead > 0 ? `, ${arm.dead} died` : ""}</b>`;
  const data = points.map(({ map }, k): Partial<Data> => {
    return {
      ...attentionHeat(map),
      uid: `value-${k}`,
      visible: k === 0,
      colorscale: "Cividis",
      zmin: 0,
      zmax: 1,
      colorbar: { thickness: 10, title: { text: "A<sub>ij</sub>" } },
    } as Partial<Data>;
  });
  const steps = points.map((point, k) => ({
    label: String(point.value),
    method: "update" as const,
    args: [{ visible: points.map((_, other) => other === k) }, { "title.text": heading(point) }],
  }));
  const base = baseLayout("");
  return {
    data,
    layout: {
      ...base,
      title: { ...base.title, text: points[0] ? heading(points[0]) : "no trial learned attention" },
      xaxis: { ...baseAxis("teacher layer i"), showgrid: false },
      yaxis: { ...baseAxis("student layer j"), showgrid: false, autorange: "reversed", dtick: 1 },
      margin: { ...base.margin, b: 120 },
      sliders: [
        { active: 0, steps, pad: { t: 56 }, currentvalue: { prefix: `${SYMBOLS[option]} = ` } },
      ],
    },
  };
}
