// `npm start` from end to end, but small: a four-layer teacher on the embedded graph.
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import { quickstart } from "../../src/cli/quickstart.ts";
import { findChromium } from "../../src/figures/export.ts";
import type { RunResult } from "../../src/training/run.ts";

describe("quickstart", () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), "abkd-quickstart-"));
  });
  after(() => rm(folder, { recursive: true }));

  type Started = Awaited<ReturnType<typeof start>>;
  let first: Started;

  async function start(options: { dataset?: string; data?: string; trials?: number } = {}) {
    const lines: string[] = [];
    const places = { runs: path.join(folder, "runs"), figures: path.join(folder, "figures") };
    const results = await quickstart(
      { ...places, trials: 2, workers: 2, ...options },
      {
        teacher: { model: { layers: 4, width: 8 }, training: { epochs: 6 } },
        student: { training: { epochs: 8 } },
        print: (line) => lines.push(line),
      },
    );
    return { results, text: lines.join("\n") };
  }

  const figure = (name: string) => readFile(path.join(folder, "figures", name), "utf8");
  const withoutTiming = (results: readonly RunResult[]) =>
    results.map(({ timing: _, ...rest }) => rest);

  it("trains the teacher and each method, prints the table and draws", async () => {
    first = await start({ dataset: "synthetic" });
    const names = first.results.map(({ config }) => config.method?.name ?? "teacher");
    const methods = ["student", "softkd", "abkd"].flatMap((name) => [name, name]);
    assert.deepEqual(names, ["teacher", ...methods]);
    for (const row of [/^Teacher +/m, /^Student +/m, /^SoftKD +/m, /^ABKD: mse, fixed-teacher +/m])
      assert.match(first.text, row);
    assert.match(
      first.text,
      /^This is a modified ABKD: the paper's equations .*each difference\.$/m,
    );
    assert.doesNotMatch(first.text, /literal/);
    assert.match(first.text, /\(medians of 2 seeds on one split/);

    const page = await figure("quickstart.html");
    for (const { id } of first.results) assert.ok(page.includes(id), id);
    assert.match(page, /ABKD differs from eqs\. 3 to 6 as written in: beta/);
    if (await findChromium()) {
      const svg = await figure("quickstart.svg");
      for (const { id } of first.results) assert.ok(svg.includes(id), id);
    } else {
      assert.ok(!existsSync(path.join(folder, "figures/quickstart.svg")));
      assert.match(first.text, /no Chromium was found/);
    }
  });

  it("can be repeated; keeps an earlier picture if it cannot draw a new one, and says what it shows", async (t) => {
    process.env["CHROMIUM"] = "/bin/false";
    t.after(() => delete process.env["CHROMIUM"]);
    const svg = path.join(folder, "figures/quickstart.svg");
    await writeFile(svg, "<svg>an earlier run's</svg>");
    const second = await start({ dataset: "synthetic" });
    assert.equal(await readFile(svg, "utf8"), "<svg>an earlier run's</svg>");
    assert.match(
      second.text,
      /^no new .*quickstart\.svg: .*; the existing file shows an earlier run$/m,
    );
    assert.deepEqual(second.results[0], first.results[0], "the teacher is loaded, not trained");
    assert.deepEqual(withoutTiming(second.results), withoutTiming(first.results));
    const seconds = (results: readonly RunResult[]) =>
      results.slice(1).map((run) => run.timing.seconds);
    assert.notDeepEqual(
      seconds(second.results),
      seconds(first.results),
      "students are trained anew",
    );
  });

  it("falls back to the embedded graph without Cora, works without a browser, and says so", async (t) => {
    // A browser that ends at once.
    process.env["CHROMIUM"] = "/bin/false";
    t.after(() => delete process.env["CHROMIUM"]);
    const data = path.join(folder, "data");
    await mkdir(path.join(data, "planetoid"), { recursive: true });
    await writeFile(path.join(data, "planetoid/ind.cora.x"), "not a pickle");
    await rm(path.join(folder, "figures"), { recursive: true, force: true });
    const { results, text } = await start({ data, trials: 1 });
    assert.match(text, /^cora is not available, so this is synthetic: .*ind\.cora\.x.*$/m);
    assert.equal(results[0]!.config.dataset, "synthetic");
    assert.match(text, /no .*quickstart\.svg: \/bin\/false could not draw it/);
    assert.ok(!existsSync(path.join(folder, "figures/quickstart.svg")));
  });

  it("refuses a dataset that does not exist", async () => {
    await assert.rejects(start({ dataset: "coral" }), /coral/);
  });
});
