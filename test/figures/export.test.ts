// Pictures: SVG with reproducible bytes, PNG, and a page that opens from disk without a network.
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";
import { UserError } from "../../src/base/errors.ts";
import { resultsTable } from "../../src/experiments/results-table.ts";
import { FigureExporter, findChromium, normaliseSvg } from "../../src/figures/export.ts";
import { learningCurves } from "../../src/figures/learning-curves.ts";
import { attentionMatrix } from "../../src/figures/matrices.ts";
import { figurePage } from "../../src/figures/page.ts";
import { saveFigure } from "../../src/figures/save.ts";
import { sampleRun, sampleRuns } from "./sample-runs.ts";

const executable = await findChromium();
const skip = executable === undefined ? "no Chromium on this machine" : false;
const size = { width: 640, height: 400 };
const curves = learningCurves(sampleRuns);
const attention = attentionMatrix(sampleRun("abkd", 1, 0.8))!;

async function page(): Promise<string> {
  return figurePage({
    title: "A <title> & more",
    notes: ["One note."],
    table: resultsTable(sampleRuns),
    figures: [curves, attention].map((figure) => ({ figure, height: 300 })),
    runs: sampleRuns,
  });
}

describe("finding Chromium", () => {
  const before = { ...process.env };
  after(() => {
    process.env = before;
  });

  it("takes $CHROMIUM first, then looks in $PATH, and skips what cannot run", async (t) => {
    const folder = await mkdtemp(path.join(os.tmpdir(), "abkd-test-"));
    t.after(() => rm(folder, { recursive: true }));
    const inPath = path.join(folder, "chromium");
    const named = path.join(folder, "mine");
    await writeFile(inPath, "");
    await chmod(inPath, 0o755);
    await writeFile(named, "");
    process.env["PATH"] = folder;
    process.env["CHROMIUM"] = named;
    assert.equal(await findChromium(), inPath);
    await chmod(named, 0o755);
    assert.equal(await findChromium(), named);
    process.env["CHROMIUM"] = folder;
    assert.equal(await findChromium(), inPath, "a folder is no program, though it is executable");
  });

  it("removes a dead process's folder, and none whose name only begins the same way", async (t) => {
    // No process has the largest number that Linux gives.
    const [dead, other] = ["4194303-x", "9x"].map((end) =>
      path.join(os.tmpdir(), `abkd-chromium-${end}`),
    );
    for (const folder of [dead!, other!]) {
      await mkdir(folder, { recursive: true });
      t.after(() => rm(folder, { recursive: true, force: true }));
    }
    process.env["CHROMIUM"] = "/bin/false";
    await assert.rejects(saveFigure({ data: [{ y: [1] }] }, path.join(dead!, "x.svg")), UserError);
    assert.deepEqual([dead!, other!].map(existsSync), [false, true]);
  });

  it("reports in one line a $CHROMIUM that is missing or no browser", async (t) => {
    const folder = await mkdtemp(path.join(os.tmpdir(), "abkd-test-"));
    t.after(() => rm(folder, { recursive: true }));
    const text = path.join(folder, "text");
    await writeFile(text, "no program");
    await chmod(text, 0o755);
    process.env["PATH"] = folder;
    const file = path.join(folder, "x.svg");
    for (const [named, message] of [
      [
        "/no/such/\x1b[2J",
        /no Chromium was found: .* \(\$CHROMIUM is \/no\/such\/\\x1b\[2J, which/,
      ],
      [folder, /which cannot be run/],
      [text, /text cannot be started as a browser: .*; name a Chromium in \$CHROMIUM$/],
      ["/bin/false", /\/bin\/false cannot be started as a browser: .*; name a Chromium/],
    ] as const) {
      process.env["CHROMIUM"] = named;
      await assert.rejects(saveFigure({ data: [{ y: [1] }] }, file), (error: Error) => {
        assert.ok(error instanceof UserError, String(error));
        assert.match(error.message, message);
        return true;
      });
    }
  });
});

describe("normaliseSvg", () => {
  it("replaces Plotly's random token wherever it occurs, and nothing else", () => {
    const svg = '<defs id="defs-1c6a72"/><g clip-path="url(#clip1c6a72xy)"/><path d="M1"/>';
    const clean = '<defs id="defs-figure"/><g clip-path="url(#clipfigurexy)"/><path d="M1"/>';
    assert.equal(normaliseSvg(svg), clean);
    assert.equal(normaliseSvg("<svg/>"), "<svg/>");
    const orders = [
      '<svg b="2" a:c="<1>" d=""><p/>x="1"</svg>',
      '<svg d="" a:c="<1>" b="2"><p/>x="1"</svg>',
    ];
    for (const one of orders) {
      assert.equal(normaliseSvg(one), '<svg a:c="<1>" b="2" d=""><p/>x="1"</svg>');
    }
  });
});

describe("export", { skip }, () => {
  let exporter: FigureExporter;
  before(async () => {
    exporter = await FigureExporter.open(executable!);
  });
  after(() => exporter.close());

  it("draws SVG that says what it shows", async () => {
    const svg = await exporter.svg(curves, size, "runs: 0123 & <4567>");
    assert.match(svg, /^<svg[^>]*><desc>runs: 0123 &amp; &lt;4567&gt;<\/desc>/);
    for (const text of ["epoch", "accuracy (%)", "SoftKD", "Student (1 of 3 died)"])
      assert.ok(svg.includes(text), text);
  });

  it("gives the same bytes for the same figure, in another browser too", async () => {
    const other = await FigureExporter.open(executable!);
    try {
      for (const figure of [attention, curves]) {
        const [one, two] = [
          await exporter.svg(figure, size, ""),
          await other.svg(figure, size, ""),
        ];
        // Not assert.equal, whose failure would print both files.
        const at = Array.from(one).findIndex((character, k) => character !== two[k]);
        const near = (svg: string): string => svg.slice(Math.max(0, at - 40), at + 80);
        assert.ok(one === two, `the bytes differ: ...${near(one)}... and ...${near(two)}...`);
      }
    } finally {
      await other.close();
    }
  });

  it("draws PNG at twice the size", async () => {
    const png = Buffer.from(await exporter.png(attention, size));
    assert.equal(png.toString("latin1", 1, 4), "PNG");
    assert.deepEqual([png.readUInt32BE(16), png.readUInt32BE(20)], [1280, 800]);
  });
});

describe("the page", () => {
  it("names its runs, escapes text and requests nothing from other machines", async () => {
    const html = await page();
    for (const { id } of sampleRuns) assert.ok(html.includes(id));
    assert.ok(html.includes("<title>A &lt;title&gt; &amp; more</title>"));
    assert.doesNotMatch(html, /https?:|localhost|(?:src|href)=/);
    assert.ok(html.length < 4e6);
  });

  it("opens from disk and draws every figure, with the network off", { skip }, async (t) => {
    const folder = await mkdtemp(path.join(os.tmpdir(), "abkd-page-"));
    t.after(() => rm(folder, { recursive: true }));
    const file = path.join(folder, "page.html");
    await writeFile(file, await page());
    const args = process.getuid?.() === 0 ? ["--no-sandbox"] : [];
    const browser = await chromium.launch({ executablePath: executable!, args });
    try {
      const context = await browser.newContext({ offline: true });
      const tab = await context.newPage();
      const trouble: string[] = [];
      const asked: string[] = [];
      tab.on("pageerror", (error) => trouble.push(error.message));
      tab.on("request", (request) => asked.push(request.url()));
      await tab.goto(pathToFileURL(file).href);
      for (const i of [0, 1]) await tab.waitForSelector(`#figure-${i} svg.main-svg`);
      assert.deepEqual(trouble, []);
      assert.deepEqual(asked, [pathToFileURL(file).href]);
    } finally {
      await browser.close();
    }
  });
});
