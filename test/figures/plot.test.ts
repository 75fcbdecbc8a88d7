// Figures in notebooks and files: bundles, text, equal bytes, and browsers that die.
import assert from "node:assert/strict";
import { execFile, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { after, afterEach, describe, it, test } from "node:test";
import { inspect, promisify } from "node:util";
import { OptionError } from "../../src/base/errors.ts";
import { findChromium } from "../../src/display/chromium.ts";
import { FigureExporter } from "../../src/figures/export.ts";
import { colourway } from "../../src/figures/figure.ts";
import { type PlotlyFigure, plot } from "../../src/figures/plot.ts";
import { saveFigure } from "../../src/figures/save.ts";
import { withBrowser } from "../../src/figures/shared-browser.ts";

type Bundle = Record<string, unknown>;

const key = Symbol.for("Jupyter.display");
const source = (file: string): string =>
  JSON.stringify(new URL(`../../src/${file}`, import.meta.url).href);
const skip = (await findChromium()) === undefined ? "no Chromium on this machine" : false;

const figure: PlotlyFigure = {
  data: [
    { y: Float32Array.of(1, 3, 2), name: "a" },
    { type: "heatmap", z: [Float64Array.of(1, 2), Float64Array.of(3, 4)], xaxis: "x2" },
  ],
  layout: { title: { text: "<b>Two</b> things" } },
};

function bundleOf(value: object): Promise<Bundle> {
  const hook = Reflect.get(value, key) as () => Promise<Bundle>;
  return hook.call(value);
}

const sizeOf = (png: Buffer): number[] => [png.readUInt32BE(16), png.readUInt32BE(20)];

describe("plot", () => {
  it("prints as one line of text: kinds, traces, title", () => {
    assert.equal(inspect(plot(figure)), '[plot: scatter, heatmap, 2 traces, "Two things"]');
    assert.equal(inspect(plot({ data: [] })), "[plot: empty, 0 traces]");
  });

  it("draws plain numbers as one line", () => {
    for (const numbers of [[1, 3, 2, 5], [1, null, 2] as number[], Float32Array.of(1, 3)]) {
      assert.equal(inspect(plot(numbers)), "[plot: scatter, 1 trace]");
    }
  });

  it("says what it can draw when given something else", () => {
    const wrong: [unknown, RegExp][] = [
      [[{ y: [1, 2] }], /array of objects: put traces into \{ data: \[\.\.\.\] \}/],
      [[], /array without numbers/],
      [["a", "b"], /array of other things/],
      ["a", /this is string/],
      [undefined, /this is undefined/],
      [null, /this is null/],
      [{ y: [1, 2] }, /this object has no `data`/],
      [{ data: [1, 2] }, /`data` is not an array of traces/],
    ];
    for (const [value, message] of wrong) {
      assert.throws(
        () => plot(value as PlotlyFigure),
        (error: Error) => {
          assert.equal(error.name, "UserError");
          assert.match(error.message, message);
          assert.match(
            error.message,
            /^plot\(\) draws a Plotly figure, .* or an array of numbers; /,
          );
          return true;
        },
      );
    }
  });

  it("shows an interactive figure, a picture of its size and a text", { skip }, async () => {
    const bundle = await bundleOf(plot(figure, { height: 300 }));
    assert.deepEqual(Object.keys(bundle), [
      ...["application/vnd.plotly.v1+json", "image/png", "text/plain"],
    ]);
    assert.deepEqual(bundle["application/vnd.plotly.v1+json"], {
      data: [
        { y: [1, 3, 2], name: "a", uid: "trace-0" },
        {
          type: "heatmap",
          z: [
            [1, 2],
            [3, 4],
          ],
          xaxis: "x2",
          uid: "trace-1",
        },
      ],
      layout: { colorway: colourway, ...figure.layout, width: 700, height: 300 },
      config: {},
    });
    const png = Buffer.from(bundle["image/png"] as string, "base64");
    assert.deepEqual(sizeOf(png), [700, 300]);
  });

  it("is still interactive without Chromium, and says how to get the picture", () => {
    const code = `
      const { plot } = await import(${source("figures/plot.ts")});
      const bundle = await plot({ data: [{ y: [1] }] })[Symbol.for("Jupyter.display")]();
      console.log(JSON.stringify(bundle));
    `;
    const env = { ...process.env, PATH: "", CHROMIUM: "" };
    const { stdout } = spawnSync(process.execPath, ["--input-type=module", "--eval", code], {
      ...{ encoding: "utf8", env },
    });
    const bundle = JSON.parse(stdout) as Bundle;
    assert.deepEqual(Object.keys(bundle), ["application/vnd.plotly.v1+json", "text/plain"]);
    assert.match(bundle["text/plain"] as string, /^\[plot: .*\]\n\(no picture: no Chromium was/);
  });
});

describe("a shown plot", () => {
  afterEach(() => {
    Reflect.deleteProperty(globalThis, key);
  });

  it("changes in place, and an old picture never replaces a newer figure", { skip }, async () => {
    const calls: { readonly id: string; readonly update: boolean; readonly title: unknown }[] = [];
    const display = async (
      value: object,
      { id, update, raw }: { id: string; update: boolean; raw?: boolean },
    ): Promise<void> => {
      const bundle = raw ? (value as Bundle) : await bundleOf(value);
      const { layout } = bundle["application/vnd.plotly.v1+json"] as PlotlyFigure;
      calls.push({ id, update, title: layout?.title });
    };
    Reflect.set(globalThis, key, display);
    const titled = (text: string): PlotlyFigure => ({ data: [], layout: { title: { text } } });
    const shown = plot(titled("first"));
    const first = shown.show();
    shown.updateLive(titled("second"));
    await Promise.all([first, shown.update(titled("third"))]);
    assert.equal(new Set(calls.map(({ id }) => id)).size, 1);
    const titles = calls.map(({ title }) => (title as { text: string }).text);
    assert.equal(titles[0], "second");
    assert.deepEqual(titles.slice(1), ["third", "third"]);
  });
});

describe("files", { skip }, () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), "abkd-save-"));
  after(() => rmSync(folder, { recursive: true }));

  it("have the same bytes in two processes, whatever was drawn before", async () => {
    const drawn = `{ data: [{ y: [1, 3, 2] }, { type: "heatmap", z: [[1, 2], [3, 4]] }],
      layout: { title: { text: "A figure" }, xaxis: { title: { text: "epoch" } } } }`;
    const draw = (name: string): string => `
      const { saveFigure } = await import(${source("figures/save.ts")});
      for (const end of ["svg", "png", "pdf"]) await saveFigure(${drawn}, "${folder}/${name}." + end);
    `;
    const args = ["--input-type=module", "--eval", draw("one")];
    await promisify(execFile)(process.execPath, args, { timeout: 60_000 });
    // This process has one browser for all of its drawings.
    const bar = { data: [{ x: [1, 2], y: [5, 1], type: "bar" }], layout: figure.layout };
    await saveFigure(bar as PlotlyFigure, path.join(folder, "other.png"));
    await import(`data:text/javascript,${encodeURIComponent(draw("two"))}`);
    for (const end of ["svg", "png", "pdf"]) {
      const [one, two] = ["one", "two"].map((name) =>
        readFileSync(path.join(folder, `${name}.${end}`)),
      );
      assert.ok(one!.length > 1000, end);
      assert.ok(one!.equals(two!), `${end} differs`);
    }
    assert.deepEqual(sizeOf(readFileSync(path.join(folder, "one.png"))), [1400, 900]);
    const pdf = readFileSync(path.join(folder, "one.pdf"), "latin1");
    // Not assert.match, whose failure would print the file.
    for (const part of [
      /^%PDF-/,
      /\/MediaBox \[0 0 525(\.\d+)? 337\.\d+\]/,
      /Date \(D:20000101000000/,
    ]) {
      assert.ok(part.test(pdf), `${part} in ${/\/MediaBox[^\]]*/.exec(pdf)}`);
    }
    const svg = readFileSync(path.join(folder, "one.svg"), "utf8");
    assert.match(svg, /^<svg[^>]* height="450"[^>]* width="700"[^>]*><desc>A figure<\/desc>/);
  });

  it("of other kinds are refused", async () => {
    await assert.rejects(saveFigure(figure, "x.jpeg"), OptionError);
  });
});

describe("the shared browser", { skip }, () => {
  const size = { width: 100, height: 80 };
  const plain = { data: [], layout: {} };

  it("is opened once, and again after it died, even during a drawing", async () => {
    const used: FigureExporter[] = [];
    const draw = (dies: boolean) =>
      withBrowser(async (exporter) => {
        used.push(exporter);
        if (dies && used.length === 3) await exporter.close();
        return exporter.png(plain, size);
      });
    await draw(false);
    await draw(false);
    assert.equal(used[0], used[1]);
    assert.ok(await draw(true));
    assert.deepEqual(
      used.map((exporter) => exporter === used[0]),
      [true, true, true, false],
    );
  });

  it("reports what Plotly refuses", async () => {
    const exporter = (await withBrowser(async (shared) => shared))!;
    const wrong = exporter.png({ data: [], layout: { width: -1 } }, { width: -1, height: -1 });
    await assert.rejects(wrong, /^Error: Plotly: /);
    assert.equal(exporter.busy, false);
    await exporter.close();
    await assert.rejects(exporter.png(plain, size), /the browser is gone/);
  });

  it("is an error if it cannot be started", async () => {
    for (const no of ["/nonexistent/chromium", process.execPath])
      await assert.rejects(FigureExporter.open(no), {
        name: "UserError",
        message: /^\S+ cannot be started as a browser: [^\n]+; name a Chromium in \$CHROMIUM$/,
      });
  });

  it("ends with its process, by exit and by SIGKILL, and leaves no folder at exit", async (t) => {
    const temporary = mkdtempSync(path.join(os.tmpdir(), "abkd-plot-"));
    t.after(() => rmSync(temporary, { recursive: true, force: true, maxRetries: 10 }));
    const env = { ...process.env, TMPDIR: temporary };
    const run = (code: string) =>
      promisify(execFile)(process.execPath, ["--input-type=module", "--eval", code], { env });
    const drawing = `
      const { plot } = await import(${source("figures/plot.ts")});
      await plot({ data: [] })[Symbol.for("Jupyter.display")]();
    `;
    const bare = `
      const { Chromium, findChromium } = await import(${source("display/chromium.ts")});
      await new Chromium(await findChromium()).send("Browser.getVersion");
    `;
    const browsers = () => spawnSync("pgrep", ["-f", temporary], { encoding: "utf8" }).stdout;
    await run(drawing);
    assert.equal(spawnSync("ls", [temporary], { encoding: "utf8" }).stdout, "");
    assert.equal(browsers(), "");
    await assert.rejects(run(`${bare} process.kill(process.pid, "SIGKILL");`));
    assert.notEqual(spawnSync("ls", [temporary], { encoding: "utf8" }).stdout, "");
    for (let k = 0; k < 100 && browsers() !== ""; k++) {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    assert.equal(browsers(), "");
    // The next browser removes what was left.
    await run(bare);
    assert.equal(spawnSync("ls", [temporary], { encoding: "utf8" }).stdout, "");
  });
});

test("importing abkd loads neither Plotly nor a browser's driver", () => {
  const code = `
    const { registerHooks } = await import("node:module");
    const loaded = [];
    registerHooks({ load: (url, context, next) => (loaded.push(url), next(url, context)) });
    await import(${source("index.ts")});
    console.log(loaded.filter((url) => /plotly|playwright/.test(url)).length, loaded.length > 50);
  `;
  const args = ["--input-type=module", "--eval", code];
  const { stdout } = spawnSync(process.execPath, args, { encoding: "utf8" });
  assert.equal(stdout.trim(), "0 true");
});
