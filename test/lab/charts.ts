// Charts, elements, pictures and tables in a real JupyterLab: they are drawn, not only sent.
import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { before, it } from "node:test";
import type { Locator } from "playwright-core";
import { encodePng } from "../kernel/png.ts";
import { NotebookPage } from "./jupyterlab.ts";
import type { LabPage } from "./lab-page.ts";

const file = "charts.ipynb";

const notebook = {
  cells: [],
  metadata: {
    kernelspec: { display_name: "TypeScript (abkd)", language: "typescript", name: "abkd" },
  },
  nbformat: 4,
  nbformat_minor: 5,
};

/** Puts an empty notebook into the folder of a JupyterLab that has not started. */
export async function writeNotebook(folder: string, name: string): Promise<void> {
  await mkdir(path.join(folder, "notebooks"), { recursive: true });
  await writeFile(path.join(folder, "notebooks", name), JSON.stringify(notebook));
}

/** Puts there the notebook for `testCharts`. */
export const writeCharts = (folder: string): Promise<void> => writeNotebook(folder, file);

/** Registers the tests. */
export function testCharts(at: LabPage): void {
  let opened: NotebookPage;
  before(async () => {
    opened = await NotebookPage.open(at.page, at.lab, file, "TypeScript (abkd)");
  });

  /** Runs a cell and returns its output's element. */
  async function output(code: string): Promise<Locator> {
    const cell = await opened.add(code);
    await opened.start(cell);
    await opened.finished(cell);
    return cell.locator(".jp-OutputArea-output").last();
  }

  /** Returns the size that the browser found for an image; a broken image has none. */
  async function sizeOf(image: Locator): Promise<[number, number]> {
    await image.waitFor();
    return await image.evaluate(async (element) => {
      if (!(element instanceof HTMLImageElement)) throw new Error("no image");
      await element.decode();
      return [element.naturalWidth, element.naturalHeight];
    });
  }

  it("draws Observable Plot's <svg>", async () => {
    const shown = await output(`
import * as Plot from "@observablehq/plot";
import { parseHTML } from "linkedom";
const { document } = parseHTML("<html><body></body></html>");
const points = Array.from({ length: 40 }, (_, x) => ({ x, y: Math.sin(x / 5), name: "a & b\\u00a0<c>" }));
Plot.plot({ document, marks: [Plot.line(points, { x: "x", y: "y" }), Plot.dot(points, { x: "x", y: "y", title: "name" })] });`);
    assert.deepEqual(await sizeOf(shown.locator("img")), [640, 400]);
    await at.screenshot("plot");
    const legend = await output(
      'Plot.plot({ document, color: { legend: true, type: "categorical" }, marks: [Plot.dot(points, { x: "x", y: "y", fill: (d) => d.x % 3 })] })',
    );
    await legend.locator("figure svg circle").first().waitFor();
    assert.equal(await legend.locator("figure svg circle").count(), 40);
    await at.screenshot("plot-legend");
  });

  for (const version of ["v5", "v6"]) {
    it(`draws Vega-Lite ${version}`, async () => {
      const shown = await output(`({
  $schema: "https://vega.github.io/schema/vega-lite/${version}.json",
  data: { values: [{ a: "A", b: 28 }, { a: "B", b: 55 }, { a: "C", b: 43 }] },
  mark: "bar",
  encoding: { x: { field: "a", type: "nominal" }, y: { field: "b", type: "quantitative" } },
});`);
      const canvas = shown.locator(".vega-embed canvas").first();
      await canvas.waitFor();
      const blue = await canvas.evaluate((element) => {
        if (!(element instanceof HTMLCanvasElement)) throw new Error("no canvas");
        const { data } = element
          .getContext("2d")!
          .getImageData(0, 0, element.width, element.height);
        let count = 0;
        for (let at = 0; at < data.length; at += 4) {
          if (data[at] === 0x4c && data[at + 1] === 0x78 && data[at + 2] === 0xa8) count++;
        }
        return count;
      });
      assert.ok(blue > 1000, `${blue} pixels in the colour of the bars`);
      await at.screenshot(`vega-lite-${version}`);
    });
  }

  it("shows bytes as a picture and records as a table", async () => {
    const bytes = JSON.stringify([...encodePng()]);
    const picture = await output(`Uint8Array.from(${bytes})`);
    assert.deepEqual(await sizeOf(picture.locator("img")), [8, 8]);
    const table = await output(
      "Array.from({ length: 10000 }, (_, i) => ({ id: i, name: 'User ' + i, at: { lat: i, lon: 2 } }))",
    );
    await table.locator("table.dataframe").waitFor();
    assert.equal(await table.locator("tbody tr").count(), 21);
    assert.match(await table.innerText(), /User 9999.*10,000 records × 3 fields/s);
    await at.screenshot("table");
  });
}
