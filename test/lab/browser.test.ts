// A real JupyterLab in a real Chromium: what a user does on the first day.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { describe, it } from "node:test";
import type { Locator } from "playwright-core";
import { isAlive } from "../kernel/processes.ts";
import { testCharts, writeCharts } from "./charts.ts";
import { testDebugger, writeDebugged } from "./debugger.ts";
import { NotebookPage } from "./jupyterlab.ts";
import { labPage } from "./lab-page.ts";
import { copyOnboarding, trainingLimit } from "./onboarding.ts";
import { skipWithout } from "./parts.ts";

const file = "start.ipynb";

/** The longest that anything on the page but a whole notebook may take, on a busy machine. */
const patience = 60_000;
const notebookPatience = 120_000;

const limits = { skip: skipWithout("browser"), timeout: 2 * trainingLimit };

describe("JupyterLab in Chromium", limits, () => {
  const at = labPage({
    name: "lab",
    patience,
    prepare: async (folder) => {
      await copyOnboarding(folder, file);
      await writeCharts(folder);
      await writeDebugged(folder);
    },
  });
  let opened: NotebookPage;

  it("listens on this machine only, and lets in whoever has the token", async () => {
    const status = async (query: string) =>
      (await fetch(`${at.lab.url}/api/contents${query}`)).status;
    assert.equal(await status(""), 403);
    assert.equal(await status(`?token=${at.lab.token}`), 200);
    // The first page is the one for newcomers.
    const begun = await fetch(`${at.lab.url}/?token=${at.lab.token}`);
    assert.equal(new URL(begun.url).pathname, "/lab/tree/00-start-here.ipynb");
    const { port } = new URL(at.lab.url);
    for (const { address, family, internal } of Object.values(
      os.networkInterfaces(),
    ).flat() as os.NetworkInterfaceInfo[])
      if (family === "IPv4" && !internal)
        await assert.rejects(fetch(`http://${address}:${port}/api`), address);
  });

  describe("charts", () => testCharts(at));

  describe("the debugger", () => testDebugger(at));

  /** Presses Tab until the entry appears: what only types know may come after JupyterLab gave up. */
  async function completed(entry: Locator): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      await at.page.keyboard.press("Tab");
      const came = await entry.waitFor({ timeout: 5000 }).then(
        () => true,
        () => false,
      );
      if (came) return;
      assert.ok(attempt < 10, "no such entry in the completer");
      await at.page.keyboard.press("End");
    }
  }

  it("opens the notebook with our kernel and runs all of it", async () => {
    opened = await NotebookPage.open(at.page, at.lab, file, "TypeScript (abkd)");
    await opened.runAll(notebookPatience);
    assert.match(
      await at.page.locator(".jp-OutputPrompt").allTextContents().then(String),
      /\[\d+\]:/,
    );
    await at.screenshot("run-all");
  });

  it("shows a live plot that reacts to the mouse", async () => {
    const output = at.page.locator(".jp-RenderedPlotly").first();
    await output.scrollIntoViewIfNeeded();
    // A plot with a still picture shows that first, and becomes live under the mouse.
    await output.hover();
    const plot = at.page.locator(".js-plotly-plot").first();
    const area = plot.locator(".nsewdrag").first();
    await area.waitFor();
    await at.page.mouse.move(0, 0);
    await area.hover();
    await plot.locator(".hoverlayer .hovertext").first().waitFor();
    await at.screenshot("plot");
  });

  it("completes by types", async () => {
    const cell = await opened.add("[1, 2, 3].f");
    const entry = at.page.locator(".jp-Completer-item", { hasText: "filter" });
    await completed(entry);
    assert.match(await entry.innerText(), /method|function/);
    await at.screenshot("completion");
    await entry.click();
    assert.match(await cell.locator(".cm-content").innerText(), /^\[1, 2, 3\]\.filter$/);
  });

  it("completes a dataset's name inside a string", async () => {
    const cell = await opened.add('loadDataset("cite');
    const entry = at.page.locator(".jp-Completer-item", { hasText: "citeseer" });
    await completed(entry);
    await entry.click();
    await cell.locator(".cm-content", { hasText: 'loadDataset("citeseer' }).waitFor();
    await at.screenshot("dataset");
  });

  it("shows documentation for Shift-Tab", async () => {
    await opened.add("parseFloat");
    await at.page.keyboard.press("Shift+Tab");
    const tooltip = at.page.locator(".jp-Tooltip");
    await tooltip.getByText("Converts a string to a floating-point number").waitFor();
    assert.match(await tooltip.innerText(), /parseFloat\(string: string\): number/);
    await at.screenshot("tooltip");
    await at.page.keyboard.press("Escape");
  });

  it("warns of a type error under the cell, which runs all the same", async () => {
    const cell = await opened.add('const wrong: number = "text"; wrong');
    await opened.start(cell);
    assert.match(await opened.finished(cell), /^'text'/);
    const warning = cell.locator(".jp-OutputArea-output", {
      hasText: "'string' is not assignable",
    });
    await warning.waitFor();
    // The warning is not in the red of errors, which is for what stopped the cell.
    assert.equal(await warning.getAttribute("data-mime-type"), "text/html");
    await at.screenshot("warning");
  });

  it("asks for input if a cell wants some", async () => {
    const cell = await opened.add('prompt("Your name?")');
    await opened.start(cell);
    const field = cell.locator("input.jp-Stdin-input");
    await field.fill("Ada");
    await field.press("Enter");
    assert.match(await opened.finished(cell), /^'Ada'$/m);
    await at.screenshot("input");
  });

  it("redraws a figure when a slider is moved, also once the page was loaded again", async () => {
    let cell = await opened.add(`import { interact, slider, widget } from "tskernel/widgets";
interact(({ beta }) => {
  console.log("beta is", beta);
  const x = Array.from({ length: 60 }, (_, i) => i / 10);
  const figure = { data: [{ x, y: x.map((each) => Math.sin(beta * each)) }], layout: { height: 220 } };
  display({ "application/vnd.plotly.v1+json": figure }, { raw: true });
}, { beta: slider(0, 5, { step: 0.5, value: 1 }) })`);
    await opened.start(cell);
    const line = () => cell.locator(".scatterlayer path.js-line").first();
    const shows = async (beta: number): Promise<string> => {
      await cell.getByText(`beta is ${beta}`, { exact: true }).waitFor();
      await cell.locator(".widget-readout", { hasText: beta.toFixed(1) }).waitFor();
      return (await line().getAttribute("d")) ?? "";
    };
    const first = await shows(1);
    await cell.locator(".noUi-handle").press("ArrowRight");
    const second = await shows(1.5);
    assert.notEqual(second, first);
    await at.screenshot("interact");
    const index = (await opened.codeCells().count()) - 1;
    await opened.save();
    opened = await NotebookPage.open(at.page, at.lab, file, "TypeScript (abkd)");
    cell = opened.codeCells().nth(index);
    assert.equal(await shows(1.5), second);
    await cell.locator(".noUi-handle").press("ArrowRight");
    assert.notEqual(await shows(2), second);
    await at.screenshot("interact-again");
  });

  it("shows a widget written in a cell, whose code is replaced when the cell is run again", async () => {
    const code = (verb: string) => `const counter = widget({
  render({ model, el }) {
    const button = document.createElement("button");
    const show = () => { button.textContent = \`${verb} \${model.get("count")}, \${model.get("bytes").byteLength} bytes\`; };
    button.onclick = () => {
      model.set("bytes", new Uint8Array(model.get("bytes").byteLength + 1));
      model.set("count", model.get("count") + 1);
      model.save_changes();
    };
    model.on("change:count", show);
    show();
    el.append(button);
  },
  css: "button { font-size: 20px }",
}, { count: 0, bytes: new Uint8Array(2) });`;
    const made = await opened.add(code("clicked"));
    await opened.start(made);
    await opened.finished(made);
    const shown = await opened.add("counter");
    await opened.start(shown);
    await shown.getByText("clicked 0, 2 bytes").click();
    await shown.getByText("clicked 1, 3 bytes").click();
    // JupyterLab holds a change back until the kernel has ended with the one before it.
    const isTold = async () =>
      /count: 2, bytes: Uint8Array\(4\)/.test(await opened.run("counter.value"));
    for (let attempt = 1; !(await isTold()); attempt++)
      assert.ok(attempt < 10, "the second click was not told");
    await made.locator(".cm-content").click();
    await at.page.keyboard.press("Control+a");
    await at.page.keyboard.insertText(code("pressed"));
    await at.page.keyboard.press("Control+Enter");
    await shown.getByText("pressed 2, 4 bytes").click();
    await shown.getByText("pressed 3, 5 bytes").waitFor();
    await opened.run("counter.state.count = 40; 0");
    await shown.getByText("pressed 40").waitFor();
    await at.screenshot("counter");
  });

  it("draws a live figure, whose traces a cell changes and which tells the next cell what was clicked", async () => {
    const cell = await opened.add(`import { figure } from "tskernel/widgets";
const live = figure([{ y: new Float32Array([1, 3, 2]), mode: "markers", marker: { size: 14 } }], { height: 250 });
let clicked: unknown;
live.onClick(([point]) => { clicked = point; console.log("clicked", point!.x, point!.y); });
live`);
    await opened.start(cell);
    const points = cell.locator(".scatterlayer .trace .points path");
    await points.nth(2).waitFor();
    await opened.run(
      `live.addTraces({ y: [3, 1, 1] }); live.restyle({ "marker.color": "red" }, [0]); 0`,
    );
    await cell.locator(".scatterlayer .trace").nth(1).waitFor();
    await cell.locator('.points path[style*="255, 0, 0"]').first().waitFor();
    // The notebook may still scroll to the cell that has just run, and move the point from under the mouse.
    const heard = cell.getByText("clicked 1 3");
    for (let attempt = 1; !(await heard.isVisible()); attempt++) {
      assert.ok(attempt < 10, "no click was heard");
      const place = (await points.nth(1).boundingBox())!;
      const middle = [place.x + place.width / 2, place.y + place.height / 2] as const;
      await at.page.mouse.move(...middle, { steps: 4 });
      await cell.locator(".hoverlayer .hovertext").first().waitFor();
      await at.page.mouse.down();
      await at.page.mouse.up();
      await heard.waitFor({ timeout: 5000 }).catch(() => {});
    }
    assert.match(await opened.run("clicked"), /curveNumber: 0, pointNumber: 1, x: 1, y: 3/);
    await at.screenshot("figure");
  });

  it("stops a runaway loop with the toolbar's button, and the variables are still there", async () => {
    assert.match(await opened.run("let kept = 6; kept"), /^6$/m);
    const loop = await opened.add("kept = 7; while (true) {}");
    await opened.start(loop);
    await loop.locator(".jp-InputPrompt", { hasText: "[*]:" }).waitFor();
    await opened.button("interrupt");
    assert.match(await opened.finished(loop), /KeyboardInterrupt/);
    assert.match(await opened.run("kept * 6"), /^42$/m);
    await at.screenshot("interrupt");
  });

  it("draws a learning curve that grows, and a stopped run can be used", async () => {
    assert.match(
      await opened.run(`import { liveCurve } from "abkd";
const long = teacherConfig({ dataset: "synthetic", seed: 5 },
  { model: { layers: 2, width: 8 }, training: { epochs: 1e6, patience: 1e6 } });
const where = { runsDir: "../stopped", workers: 1, observer: liveCurve() }; 7`),
      /^7$/m,
    );
    const cell = await opened.add("const stopped = await runTrials([long], where);");
    await opened.start(cell);
    const state = async (): Promise<{ epochs: number; points: number }> => {
      const ticks = await cell.locator(".xaxislayer-above .xtick").allTextContents();
      const line = await cell.locator(".scatterlayer .trace path.js-line").first();
      const path = (await line.getAttribute("d", { timeout: 1000 }).catch(() => "")) ?? "";
      const epochs = ticks.map((text) => Number(text.replace("k", "e3").replaceAll(",", "")));
      return { epochs: Math.max(0, ...epochs), points: path.split(/[LHV]/).length };
    };
    const grown = async (before: { epochs: number; points: number }) => {
      for (let attempt = 0; attempt < 200; attempt++) {
        const now = await state();
        if (now.epochs > before.epochs && now.points > before.points) return now;
        await at.page.waitForTimeout(200);
      }
      return assert.fail(`no more than ${JSON.stringify(before)}`);
    };
    const first = await grown({ epochs: 0, points: 1 });
    await grown(first);
    await at.screenshot("curve");
    await opened.button("interrupt");
    assert.match(await opened.finished(cell), /best epoch so far.*KeyboardInterrupt/s);
    assert.match(
      await opened.run("[stopped[0].interrupted, stopped[0].bestEpoch > 0]"),
      /\[ true, true \]/,
    );
  });

  it("saves what it shows", async () => {
    await opened.save();
    const saved = JSON.parse(await readFile(path.join(at.folder, "notebooks", file), "utf8"));
    const cells = saved.cells as {
      source: string | string[];
      execution_count?: number;
      outputs?: { output_type: string; data?: object }[];
    }[];
    const last = cells.findLast(({ source }) => [source].flat().join("") === "kept * 6")!;
    assert.ok(last.execution_count! > 0);
    assert.deepEqual(
      last.outputs?.map(({ output_type, data }) => [output_type, data]),
      [["execute_result", { "text/plain": ["42"] }]],
    );
    assert.equal(saved.metadata.kernelspec.display_name, "TypeScript (abkd)");
  });

  it("restarts with nothing left, and runs again", async () => {
    await opened.button("restart");
    await at.page.locator(".jp-Dialog button.jp-mod-accept").click();
    await at.page.locator(".jp-Dialog").waitFor({ state: "detached" });
    await opened.idle();
    // Press Tab once, the first time: the language service has not started yet.
    const cell = await opened.add("Math.hyp");
    await at.page.keyboard.press("Tab");
    const entry = at.page.locator(".jp-Completer-item", { hasText: "hypot" });
    await entry.click();
    await cell.locator(".cm-content", { hasText: "Math.hypot" }).waitFor();
    assert.match(await opened.run("typeof kept"), /^'undefined'$/m);
    await at.screenshot("restart");
  });

  it("ends on Ctrl-C, and takes its kernels with it", async () => {
    const pids = (await opened.run("[process.pid, process.ppid]")).match(/\d+/g)!.map(Number);
    assert.equal(pids.length, 2);
    assert.deepEqual(pids.map(isAlive), [true, true]);
    assert.equal(await at.lab.stop(), 0);
    assert.deepEqual(pids.map(isAlive), [false, false]);
  });
});
