// A web page in one file: interactive figures, the results table and the runs that they come from.

import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { htmlPage, plain } from "../base/markup.ts";
import { columnsOf, htmlTable, type Table } from "../base/table.ts";
import { inPercent } from "../display/format.ts";
import type { RunResult } from "../training/run.ts";
import type { Figure } from "./figure.ts";

const require = createRequire(import.meta.url);

export interface PageContent {
  readonly title: string;
  /** Sentences above the figures: the finding, the form that ran, what died. */
  readonly notes: readonly string[];
  readonly table: Table;
  readonly figures: readonly { readonly figure: Figure; readonly height: number }[];
  readonly runs: readonly RunResult[];
}

/** The look of every page. */
export const pageStyle = `
  :root { color-scheme: light; }
  body { font: 16px/1.5 Helvetica, Arial, sans-serif; color: #222; max-width: 1200px;
    margin: 2rem auto; padding: 0 1rem; }
  h1 { font-size: 1.6rem; line-height: 1.25; }
  h2 { font-size: 1.15rem; margin-top: 2rem; }
  table { border-collapse: collapse; font-size: 0.9rem; font-variant-numeric: tabular-nums;
    margin: 1rem 0; }
  th, td { padding: 0.3rem 0.6rem; text-align: left; border-bottom: 1px solid #ddd; }
  td[align="right"] { white-space: nowrap; }
  td:first-child { min-width: 10rem; }
  th { border-bottom: 2px solid #666; font-weight: 600; vertical-align: bottom; }
  .figure { width: 100%; margin: 1.5rem 0; break-inside: avoid; }
  .scroll { overflow-x: auto; }
  code { font-size: 0.9em; }
`;

function runsTable(runs: readonly RunResult[]): Table {
  const columns = columnsOf("run | method", "seed | best epoch | validation % | test %", "engine");
  const rows = runs.map((run) => [
    run.id,
    run.config.method?.name ?? "teacher",
    String(run.config.seed),
    String(run.bestEpoch),
    inPercent(run.accuracy.val),
    inPercent(run.accuracy.test) + (run.dead ? " died" : ""),
    `${run.engine.name} ${run.engine.flavour}`,
  ]);
  return { columns, rows };
}

/** Returns JSON that is safe inside a script element. */
export function scriptJson(value: unknown): string {
  return JSON.stringify(value).replaceAll("<", "\\u003c");
}

/** Returns Plotly compressed: its ten megabytes shrink to a quarter, and browsers can decompress it. */
async function packedPlotly(): Promise<string> {
  const source = await readFile(require.resolve("plotly.js-dist"));
  return (await promisify(gzip)(source, { level: 9 })).toString("base64");
}

/** A page's parts: HTML that is used as it is, and figures by their place in it. */
export interface PageParts {
  readonly title: string;
  /** Contains `figurePlace(i, height)` for each figure. */
  readonly body: string;
  readonly figures: readonly Figure[];
}

/** Returns the element for the `i`-th figure, `height` CSS pixels high. */
export function figurePlace(i: number, height: number): string {
  return `<div class="figure" id="figure-${i}" style="height: ${height}px"></div>`;
}

/**
 * Builds the page as text. It needs no network and no server, since it contains Plotly.
 * @returns HTML, about 3 MB
 */
export function figurePage({ title, notes, table, figures, runs }: PageContent): Promise<string> {
  const body = `${notes.map((note) => `<p>${plain(note)}</p>`).join("\n")}
<div class="scroll">${htmlTable(table)}</div>
<noscript><p>The figures need JavaScript.</p></noscript>
${figures.map(({ height }, i) => figurePlace(i, height)).join("\n")}
<h2>Runs</h2>
<p>Each run's configuration, curve and result are in the folder of runs, under its id.</p>
<div class="scroll">${htmlTable(runsTable(runs))}</div>`;
  return assemblePage({ title, body, figures: figures.map(({ figure }) => figure) });
}

/** Builds the page around an HTML body, with Plotly inside. */
export async function assemblePage({ title, body, figures }: PageParts): Promise<string> {
  return htmlPage(
    title,
    pageStyle,
    `${body}
<script type="application/json" id="figures">${scriptJson(figures)}</script>
<script type="application/octet-stream" id="plotly">${await packedPlotly()}</script>
<script>
(async () => {
  const text = (id) => document.getElementById(id).textContent;
  const packed = Uint8Array.from(atob(text("plotly")), (c) => c.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  const script = document.createElement("script");
  script.textContent = await new Response(stream).text();
  document.head.append(script);
  const config = { responsive: true, displaylogo: false };
  JSON.parse(text("figures")).forEach(({ data, layout }, i) =>
    Plotly.newPlot("figure-" + i, data, layout, config));
})();
</script>`,
  );
}
