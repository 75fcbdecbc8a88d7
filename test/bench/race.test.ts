// The race against PyTorch Geometric: its graphs, its protocol, its verdicts; only our side runs.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { allCases } from "../../bench/cases.ts";
import { readGraph, writeGraph, writeWeights } from "../../bench/exchange.ts";
import { generatedGraph } from "../../bench/graphs.ts";
import { type Measured, targetsMarkdown, verdict } from "../../bench/race-report.ts";
import { ours, Side } from "../../bench/side.ts";
import { modelOf, trainingStep } from "../../bench/steps.ts";
import { UserError } from "../../src/base/errors.ts";
import { loadDataset, loadSplit } from "../../src/datasets/index.ts";
import { startEngine } from "../../src/tensor/index.ts";
import { graphInputs, splitTargets } from "../../src/training/inputs.ts";
import { studentConfig, teacherConfig } from "../../src/training/recipes.ts";

const folder = mkdtempSync(path.join(os.tmpdir(), "abkd-race-test-"));

before(() => {
  startEngine();
});
after(() => rmSync(folder, { recursive: true, force: true }));

const statistic = (median: number): Measured["ours"] => ({
  ...{ median, lower: median, upper: median, fastest: median, samples: 7 },
});

const measured = (ratio: number, more: Partial<Measured> = {}): Measured => ({
  ...{ name: "a", title: "case a", measure: "race", unit: "ms", target: 0.5, tried: [] },
  ...{ ours: statistic(ratio), peer: statistic(1), ratio: statistic(ratio) },
  circumstances: {
    machine: {
      ...{ cores: 2, processor: "x", platform: "linux x64", node: "v24", flavour: "fma" },
      ...{ threads: 1, load: 0 },
    },
    ...{ versions: {}, engine: "wasm", repeats: 7, quick: false, date: "2026-01-01" },
  },
  ...more,
});

test("a target is reached, missed by an amount, or not measured; native targets need the native engine", () => {
  assert.equal(verdict(measured(0.5)), "reached");
  assert.equal(verdict(measured(0.51)), "not reached");
  assert.equal(verdict(measured(0.4, { native: true })), "not measured");
  assert.equal(verdict(undefined), "not measured");
  const cases = [
    ...[measured(1), measured(1, { name: "b", title: "case b", native: true })],
    { name: "c", title: "case c", target: 0.7 },
    { name: "d", title: "without a target" },
  ];
  const table = targetsMarkdown(cases, cases.slice(0, 2) as Measured[]);
  assert.match(table, /\| case a \| at most 0\.5 \| 1\.00 \| {2}\| ✗ not reached, by 100 % \|/);
  assert.match(
    table,
    /\| case b, native engine \|.*\| 1\.00 \(wasm engine\) \| {2}\| not measured \|/,
  );
  assert.match(table, /\| case c \| at most 0\.7 \| {2}\| {2}\| not measured \|/);
  assert.doesNotMatch(table, /without a target|Provisional/);
  const { circumstances } = measured(1);
  const machine = { ...circumstances.machine, load: 2.5 };
  const busy = measured(0.1, {
    ...{ processor: [3, 4], circumstances: { ...circumstances, machine } },
  });
  const warned = targetsMarkdown(cases, [busy]);
  assert.match(warned, /\| 0\.10 \| 0\.75 \| reached \|/);
  assert.match(warned, /\*\*Provisional\*\*.*load up to 2\.5 on 2 cores\) .* measured: a\./);
});

test("case names are unique, and eleven targets plus eq. 4's are set", () => {
  const cases = allCases();
  assert.equal(new Set(cases.map(({ name }) => name)).size, cases.length);
  const targets = cases.filter(({ target }) => target !== undefined).map(({ name }) => name);
  assert.deepEqual(targets.toSorted(), [
    ...["abkd-cora", "abkd-literal-cora", "gcnii-citeseer", "gcnii-cora", "gcnii-pubmed"],
    ...["memory-pubmed", "product-19717x256x256", "row-cora", "sparse-arxiv", "sparse-cora"],
    ...["student-cora", "student-pubmed"],
  ]);
});

test("a generated graph is symmetric, without self-loops, about the requested size, and repeatable", () => {
  const { adjacency, nodes } = generatedGraph(10_000);
  assert.equal(nodes, 1000);
  const arcs = new Set<number>();
  for (let row = 0; row < nodes; row++) {
    for (let k = adjacency.indptr[row]!; k < adjacency.indptr[row + 1]!; k++) {
      assert.notEqual(adjacency.indices[k], row);
      arcs.add(row * nodes + adjacency.indices[k]!);
    }
  }
  for (const arc of arcs) assert.ok(arcs.has((arc % nodes) * nodes + Math.floor(arc / nodes)));
  // Some of the 5,000 drawn pairs coincide.
  assert.ok(arcs.size > 9800 && arcs.size <= 10_000, `${arcs.size} arcs`);
  assert.deepEqual(generatedGraph(10_000).adjacency, adjacency);
});

test("our side reads what was written: its losses equal the training loop's to the bit", async () => {
  const graph = await loadDataset("synthetic");
  const split = await loadSplit(graph, "public");
  const subject = { dataset: "synthetic", split: "public", seed: 3 };
  // Losses are compared without dropout, whatever the recipe says.
  const config = studentConfig(subject, "student", teacherConfig(subject), {
    model: { dropout: 0 },
  });
  writeGraph(folder, graph, split);
  const weights = path.join(folder, "weights.safetensors");
  writeWeights(weights, config, readGraph(folder));
  const shape = { features: graph.features.columns, classes: graph.classes };
  const inputs = graphInputs(graph).value;
  const direct = { shape, inputs, targets: splitTargets(graph, split).value };
  const step = trainingStep(config, direct, modelOf(config, direct));
  const expected = [step(), step(), step()];
  const side = new Side(ours(1));
  try {
    const task = { kind: "training", graph: folder, config, weights } as const;
    const { losses } = await side.demand({ operation: "losses", task, variant: {}, steps: 3 });
    assert.deepEqual(losses, expected);
    await side.demand({
      ...{ operation: "prepare", key: "step", task, variant: {}, threads: 1, warmUp: 1 },
    });
    const sample = await side.demand({ operation: "sample", key: "step", calls: 2, threads: 1 });
    assert.ok(sample.milliseconds! > 0 && sample.processor! > 0);
    const peak = await side.demand({
      ...{ operation: "peak", task, variant: {}, threads: 1, calls: 1 },
    });
    assert.ok(peak.megabytes! >= peak.before! && peak.before! > 10, JSON.stringify(peak));
    const lost = side.demand({ operation: "sample", key: "no such", calls: 1, threads: 1 });
    await assert.rejects(lost, (error: Error) => {
      assert.ok(error instanceof UserError);
      assert.match(error.message, /^ours\.ts failed at "sample": TypeError/);
      return true;
    });
  } finally {
    side.close();
  }
});

test("a side that dies is reported with its last output, and one that hangs is ended", async () => {
  const program = (code: string): Side =>
    new Side({ command: process.execPath, args: ["-e", code], env: {} });
  const dying = program(
    "process.stdin.once('data', () => { console.error('why'); process.exit(3) })",
  );
  assert.match((await dying.ask({ operation: "info" })).error!, /the process ended \(3\); why/);
  const hanging = program("setInterval(() => {}, 1000)");
  const answer = await hanging.ask({ operation: "info" }, 0.5);
  assert.equal(answer.error, "no answer within 0.5 s");
  hanging.close();
});
