// The web folder: its page opens from the disk in a real browser and predicts what the engine predicts.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { pathToFileURL } from "node:url";
import { type Browser, chromium, type Page } from "playwright-core";
import { loadDataset } from "../../src/datasets/index.ts";
import { writeWebFolder } from "../../src/deployment/web-folder.ts";
import { findChromium } from "../../src/figures/export.ts";
import type { Graph } from "../../src/graph/graph.ts";
import { startEngine } from "../../src/tensor/index.ts";
import { readModel } from "../../src/training/run-store.ts";
import { abkd } from "../cli/abkd.ts";
import { CONFIGS, difference, engineLogits, modelOf } from "../student/models.ts";
import { smallGraph, temporaryFolder } from "../training/small.ts";

startEngine("wasm", { threads: 1 });
const root = join(import.meta.dirname, "../..");
/** A student of Cora, trained by ABKD, that is part of the project. */
const RUN = "01b92c1868d340bf";
const model = readModel(join(root, "results/runs", RUN, "model.safetensors"));
/** Cora, or where its files are missing a graph with its numbers of nodes, features and classes. */
const cora = await loadDataset("cora").catch(() => undefined);
const graph: Graph = cora ?? (await loadDataset("synthetic"));
const executable = await findChromium();

test("abkd export --format web writes four files, the module below 20 KB", async (t) => {
  const folder = temporaryFolder(t);
  const dataset = cora ? [] : ["--dataset", "synthetic"];
  const given = ["--format", "web", "--runs", join(root, "results/runs"), "--output", folder];
  const { code, stdout, stderr } = await abkd("export", RUN.slice(0, 8), ...given, ...dataset);
  const other = "abkd: the model was trained on cora; this is another graph, synthetic\n";
  assert.deepEqual([code, stderr], [0, cora ? "" : other]);
  assert.match(stdout, /open .*index\.html\nstudent\.js [\d,]+ bytes/);
  const module = readFileSync(join(folder, "student.js"));
  assert.ok(module.length < 20_000, `${module.length} bytes`);
  assert.doesNotMatch(module.toString(), /\bimport\b[^.]/, "it imports nothing");
  assert.deepEqual(
    readFileSync(join(folder, "student.safetensors")),
    readFileSync(join(root, "results/runs", RUN, "model.safetensors")),
  );
  const { loadStudent, loadGraph } = (await import(
    pathToFileURL(join(folder, "student.js")).href
  )) as typeof import("../../src/student/index.ts");
  const own = await loadGraph(readFileSync(join(folder, "graph.safetensors")));
  const student = await loadStudent(readFileSync(join(folder, "student.safetensors")));
  assert.ok(difference(student.predict(own).logits, engineLogits(model, graph)) < 1e-5);
});

test("whole graphs, and another graph's features, are refused before a file is written", async (t) => {
  const folder = join(temporaryFolder(t), "web");
  const small = smallGraph();
  assert.throws(
    () => writeWebFolder(folder, model, small),
    /the model is for 1433 features; small has 12/,
  );
  const graphs = { ...small, graphs: Int32Array.of(0) };
  assert.throws(() => writeWebFolder(folder, model, graphs), /this has whole graphs/);
  assert.throws(() => readFileSync(join(folder, "index.html")), /ENOENT/);
});

describe("in a browser", { skip: executable ? false : "no Chromium on this machine" }, () => {
  let browser: Browser;
  before(async () => {
    const args = process.getuid?.() === 0 ? ["--no-sandbox"] : [];
    browser = await chromium.launch({ executablePath: executable!, args });
  });
  after(() => browser?.close());

  async function opened(
    folder: string,
  ): Promise<{ page: Page; trouble: string[]; asked: string[] }> {
    const context = await browser.newContext({
      offline: true,
      viewport: { width: 1100, height: 850 },
    });
    const page = await context.newPage();
    const trouble: string[] = [];
    const asked: string[] = [];
    page.on("pageerror", (error) => trouble.push(error.message));
    page.on("console", (message) => trouble.push(message.text()));
    page.on("request", (request) => {
      if (!request.url().startsWith("data:")) asked.push(request.url());
    });
    await page.goto(pathToFileURL(join(folder, "index.html")).href);
    await page.waitForSelector("circle");
    return { page, trouble, asked };
  }

  const predicted = (page: Page): Promise<number[]> =>
    page.evaluate(() =>
      Array.from(
        (globalThis as unknown as { predictions: { logits: Float32Array } }).predictions.logits,
      ),
    );

  test("the page opens from the disk without a network and predicts every node at a click", async (t) => {
    const folder = temporaryFolder(t);
    writeWebFolder(folder, model, graph);
    const { page, trouble, asked } = await opened(folder);
    await page.fill("#node", "1042");
    const times: number[] = [];
    for (let k = 0; k < 10; k++) {
      await page.click("button[type=submit]");
      const status = (await page.textContent("#status"))!;
      const found = /^2,708 nodes predicted in [\d.]+ ms, drawn ([\d.]+) ms after/.exec(status);
      assert.ok(found, status);
      times.push(Number(found[1]));
    }
    t.diagnostic(`drawn after each click: ${times.join(", ")} ms`);
    const expected = engineLogits(model, graph);
    assert.ok(difference(await predicted(page), expected) < 1e-5);

    const { indptr, indices } = graph.adjacency;
    const near = indices.subarray(indptr[1042]!, indptr[1043]!);
    const drawn = await page.$$eval("circle", (circles) =>
      circles.map((circle) => Number(circle.getAttribute("data-node"))),
    );
    assert.equal(drawn[0], 1042);
    for (const node of near) assert.ok(drawn.includes(node), `node ${node} is drawn`);
    assert.ok((await page.$$("line")).length >= near.length);
    await page.locator(`circle[data-node="${near[0]}"]`).click();
    assert.match((await page.textContent("#verdict"))!, new RegExp(`^Node ${near[0]}: class \\d`));
    await page.screenshot({ path: join(root, "build", "web-page", "student.png") });
    assert.deepEqual(trouble, []);
    assert.deepEqual(asked, [pathToFileURL(join(folder, "index.html")).href]);
  });

  for (const config of CONFIGS) {
    test(`a page of ${config.kind} predicts as the engine`, async (t) => {
      const folder = temporaryFolder(t);
      const small = smallGraph();
      const file = modelOf(config, small);
      writeWebFolder(folder, file, small);
      const { page, trouble } = await opened(folder);
      assert.ok(difference(await predicted(page), engineLogits(file, small)) < 1e-5);
      assert.deepEqual(trouble, []);
    });
  }

  test("a graph's own names are shown, as text, and found", async (t) => {
    const folder = temporaryFolder(t);
    const small = smallGraph();
    const classNames = ["novel", "</script><b>", "essay"];
    const nodeNames = Array.from({ length: small.nodes }, (_, node) => `book ${node}`);
    const file = { ...modelOf(CONFIGS[2]!, small), classNames };
    // The graph names them in another order, and numbers them so.
    const labels = small.labels.map((label) => 2 - label);
    const named = { ...small, labels, nodeNames, classNames: classNames.toReversed() };
    writeWebFolder(folder, file, named);
    const { page, trouble } = await opened(folder);
    const logits = engineLogits(file, small).subarray(3 * 17, 3 * 18);
    const own = logits.indexOf(Math.max(...logits));
    const verdict = own === 17 % 3 ? "as labelled" : `labelled ${classNames[17 % 3]}`;
    await page.fill("#node", "book 17");
    await page.click("button[type=submit]");
    assert.equal(
      await page.textContent("#verdict"),
      `Node book 17: ${classNames[own]}, ${verdict}`,
    );
    await page.fill("#node", "book 99");
    await page.click("button[type=submit]");
    assert.equal(await page.textContent("#status"), "There is no node book 99.");
    assert.deepEqual(trouble, []);
  });

  test("the module in another page loads both files by their addresses", async (t) => {
    const folder = temporaryFolder(t);
    writeWebFolder(folder, model, graph);
    const server = createServer(({ url }, answer) => {
      const name = ["student.js", "student.safetensors", "graph.safetensors"].find(
        (known) => url === `/${known}`,
      );
      const type = name?.endsWith(".js") ? "text/javascript" : "text/html";
      answer.setHeader("content-type", type).end(name ? readFileSync(join(folder, name)) : "");
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    t.after(() => server.close());
    const page = await browser.newPage();
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    const logits = await page.evaluate(async () => {
      const address = "/student.js";
      const { loadStudent, loadGraph } = await import(address);
      const student = await loadStudent("/student.safetensors");
      const { logits } = student.predict(await loadGraph("/graph.safetensors"));
      return Array.from(logits as Float32Array);
    });
    await page.close();
    assert.ok(difference(logits, engineLogits(model, graph)) < 1e-5);
  });
});
