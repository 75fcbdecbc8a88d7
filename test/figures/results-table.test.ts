// Summaries, the results table and its sentences match the runs.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, it } from "node:test";
import { formatTable } from "../../src/base/table.ts";
import { defaults, presets } from "../../src/distillation/abkd/options.ts";
import { describeForm } from "../../src/experiments/form.ts";
import * as published from "../../src/experiments/published.ts";
import {
  describeFinding,
  describeWarnings,
  resultsTable,
} from "../../src/experiments/results-table.ts";
import { summarise } from "../../src/experiments/summary.ts";
import type { RunResult } from "../../src/training/run.ts";
import { sampleRun, sampleRuns } from "./sample-runs.ts";

const paper = { ...defaults, ...presets["literal"] };

function withOptions(options: Readonly<Record<string, unknown>>): RunResult {
  const run = sampleRun("abkd", 1, 0.8);
  return { ...run, config: { ...run.config, method: { name: "abkd", version: 1, options } } };
}

describe("summarise", () => {
  it("groups by everything but the seed, and sorts by seed", () => {
    const runs = [
      sampleRun("abkd", 2, 0.8),
      sampleRun("student", 1, 0.7),
      sampleRun("abkd", 1, 0.9),
    ];
    const summaries = summarise(runs);
    assert.deepEqual(
      summaries.map(({ name, runs }) => [name, runs.map((run) => run.config.seed)]),
      [
        ["abkd", [1, 2]],
        ["student", [1]],
      ],
    );
  });

  it("keeps two forms of one method apart", () => {
    const one = sampleRun("abkd", 1, 0.8);
    const method = { name: "abkd", version: 1, options: { beta: 10 } };
    const other: RunResult = { ...one, config: { ...one.config, method } };
    assert.equal(summarise([one, other]).length, 2);
  });
});

describe("the results table", () => {
  it("has one row per method with parameters, ratio, median, seeds, seconds and the paper's number", () => {
    const { rows } = resultsTable(sampleRuns);
    assert.deepEqual(rows[0], ["Teacher", "354,375", "", "86.6", "86.6", "1.8", "88.40"]);
    const student = [
      "Student",
      "5,835",
      "60.7x",
      "79.2",
      "79.2, 81.0, 27.8 died",
      "2.0",
      "74.22 ± 1.32",
    ];
    assert.deepEqual(rows[1], student);
    assert.equal(rows[2]?.at(-1), "-");
  });

  it("has the paper's number only if the setting is the paper's", () => {
    const run = sampleRun("abkd", 1, 0.8);
    const { config } = run;
    const teacher = config.teacher!;
    const last = (changes: object): string | undefined =>
      resultsTable([{ ...run, config: { ...config, ...changes } }]).rows[0]?.at(-1);
    assert.equal(last({}), "84.27 ± 1.48");
    assert.equal(last({ split: "geom-gcn:7" }), "84.27 ± 1.48");
    const others = [
      { teacher: { ...teacher, model: { ...teacher.model, layers: 8 } } },
      { teacher: { ...teacher, model: { ...teacher.model, width: 16 } } },
      { model: { ...config.model, layers: 2 } },
      { model: { ...config.model, width: 8 } },
      { split: "public" },
      { split: "random:48/32/20:1" },
      { dataset: "cora", initial: { from: teacher, layer: 0 } },
    ];
    for (const changes of others) assert.equal(last(changes), "-", JSON.stringify(changes));
    // For forms other than table 3's the paper has another number or none, and the row's label names neither.
    const method = config.method!;
    const option = (changes: object) =>
      last({ method: { ...method, options: { ...method.options, ...changes } } });
    assert.equal(option({ form: "mse", projections: "fixed-teacher" }), "84.27 ± 1.48");
    const ablations = [{ attention: "uniform" }, { attention: "last" }, { linear: "shared" }];
    for (const changes of [...ablations, { distance: "cosine" }]) {
      assert.equal(option(changes), "-", JSON.stringify(changes));
    }
    const alone = sampleRun(null, 1, 0.8);
    const shallow = { ...alone.config, model: { ...alone.config.model, layers: 8 } };
    assert.equal(resultsTable([{ ...alone, config: shallow }]).rows[0]?.at(-1), "-");
  });

  it("mentions a median only if a method has several seeds", () => {
    const titles = (runs: readonly RunResult[]) =>
      resultsTable(runs).columns.map(({ title }) => title);
    assert.ok(titles(sampleRuns).includes("test %, median"));
    assert.ok(titles([sampleRun("abkd", 1, 0.8)]).includes("test %"));
  });

  it("is aligned text", () => {
    const lines = formatTable(resultsTable(sampleRuns)).split("\n");
    assert.equal(lines.length, 6);
    const end = lines[0]!.indexOf("parameters") + "parameters".length;
    for (const line of lines.slice(2)) assert.match(line.slice(0, end), /\d$/);
  });

  it("says in the method's cell which form of ABKD ran", () => {
    const { rows } = resultsTable([withOptions({ form: "mse", projections: "fixed-teacher" })]);
    assert.equal(rows[0]?.[0], "ABKD: mse, fixed-teacher");
  });
});

describe("the form of ABKD", () => {
  it("is described by its differences from the paper's", () => {
    const [summary] = summarise([withOptions({ ...paper, beta: 0.5, form: "mse" })]);
    const line = describeForm(summary!)!;
    assert.match(
      line,
      /^ABKD differs from eqs\. 3 to 6 as written in: beta 0\.5 \(10\), form mse \(literal\)\.$/,
    );
  });

  it("is the paper's if nothing differs", () => {
    const [summary] = summarise([withOptions(paper)]);
    assert.equal(describeForm(summary!), "ABKD ran as the paper writes it (eqs. 3 to 6).");
  });

  it("is undefined for other methods", () => {
    const [summary] = summarise([sampleRun("softkd", 1, 0.8)]);
    assert.equal(describeForm(summary!), undefined);
  });
});

describe("warnings", () => {
  const warned = (seed: number, ...warnings: string[]) => ({
    ...sampleRun("student", seed, 0.8),
    warnings,
  });

  it("name their runs once per sentence, unless all runs have the same", () => {
    const runs = [warned(1, "15 nodes"), warned(2, "15 nodes", "dead"), warned(3, "15 nodes")];
    assert.deepEqual(describeWarnings(runs), [
      "All runs: 15 nodes",
      `Student, seed 2 (run ${runs[1]!.id}): dead`,
    ]);
  });
});

describe("the finding", () => {
  it("follows the medians as printed, whoever wins", () => {
    const line = describeFinding(sampleRuns);
    assert.match(line!, /^SoftKD beats ABKD by 3\.8 points; ABKD beats Student by 4\.9 points/);
    const level = [sampleRun("abkd", 1, 0.80001), sampleRun("softkd", 1, 0.80002)];
    assert.match(describeFinding(level)!, /ABKD and SoftKD are level \(one seed/);
  });

  it("is undefined if there is nothing to compare", () => {
    assert.equal(describeFinding([sampleRun("abkd", 1, 0.8)]), undefined);
  });
});

describe("the paper's numbers", () => {
  const oracle = path.join(import.meta.dirname, "../../../shared/reference/published.json");

  /** Reads an accuracy as the oracle writes it: a number, or a pair with the deviation. */
  function same(ours: unknown, theirs: unknown, where: string): void {
    if (typeof ours === "object" && ours !== null && "mean" in ours) {
      const { mean, deviation } = ours as published.PublishedAccuracy;
      assert.deepEqual(deviation === undefined ? mean : [mean, deviation], theirs, where);
    } else if (typeof theirs === "object" && theirs !== null && !Array.isArray(theirs)) {
      const [mine, oracles] = [ours, theirs] as Record<string, unknown>[];
      assert.deepEqual(Object.keys(mine!), Object.keys(oracles!), where);
      for (const key of Object.keys(oracles!)) same(mine![key], oracles![key], `${where}.${key}`);
    } else assert.deepEqual(ours, theirs, where);
  }

  it("equal those of the reference file", (t) => {
    let text: string;
    try {
      text = readFileSync(oracle, "utf8");
    } catch {
      t.skip("../shared/reference/published.json is missing");
      return;
    }
    const theirs: Record<string, unknown> = JSON.parse(text);
    const ours: Record<string, unknown> = { ...published };
    for (const [name, table] of Object.entries(theirs)) {
      if (name === "source") continue;
      same(ours[name.replace(/_.*/, "")], table, name);
    }
  });

  it("include table 3's accuracy for a method, or nothing if the paper has none", () => {
    assert.deepEqual(published.publishedAccuracy("cora", "abkd"), { mean: 84.27, deviation: 1.48 });
    assert.deepEqual(published.publishedAccuracy("cora", "teacher"), { mean: 88.4 });
    assert.equal(published.publishedAccuracy("cora", "softkd"), undefined);
    assert.equal(published.publishedAccuracy("cora", "ratio"), undefined);
    assert.equal(published.publishedAccuracy("synthetic", "abkd"), undefined);
  });
});
