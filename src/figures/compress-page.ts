// A compressed student's card as a web page: accuracy against parameters and against time, and what was tried.
import { htmlPage, plain } from "../base/markup.ts";
import { htmlTable } from "../base/table.ts";
import { cardParts } from "../experiments/compress/card.ts";
import type { Compression } from "../experiments/compress/compress.ts";
import { COMPRESS_SIZE, compressFigure } from "./compress-figure.ts";
import { pageStyle } from "./page.ts";
import { staticSvg } from "./static-svg.ts";

/** Builds the page as text: one file of some ten kilobytes, without scripts, that needs no network. */
export function compressPage(found: Compression): string {
  const { title, facts, verdict, warnings, finalists, search, families, use } = cardParts(found);
  const doubts = warnings.map((text) => `<li>${plain(text)}</li>`).join("");
  const body = `<p>${plain(verdict)}</p>
<div class="scroll">${htmlTable(facts)}</div>
${doubts && `<h2>Warnings</h2><ul>${doubts}</ul>`}
<div class="figure scroll">${staticSvg(compressFigure(found), COMPRESS_SIZE)}</div>
<h2>Finalists</h2>
<p>Means on validation nodes with 95 % intervals over seeds that the search did not use.</p>
<div class="scroll">${htmlTable(finalists)}</div>
<h2>What was tried</h2>
<p>${plain(search)}</p>
<div class="scroll">${htmlTable(families)}</div>
<h2>Use</h2>
<pre class="scroll">${plain(use)}</pre>`;
  return htmlPage(title, pageStyle, body);
}
