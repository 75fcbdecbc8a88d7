// The benchmark's own arithmetic: medians, quartiles, limits, ratios, and the table.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { PEER } from "../../bench/kernels.ts";
import { measure, type Task, type Timing } from "../../bench/measure.ts";
import { machineFacts, markdownTable, type Report, rowsOf } from "../../bench/report.ts";
import { BACKEND, startEngine } from "../../src/tensor/index.ts";

before(() => {
  startEngine();
});

const task = (group: string, name: string, more: Partial<Task> = {}): Task => ({
  ...{ group, name, backend: BACKEND, run: () => {} },
  ...more,
});

const timing = (median: number): Timing => ({
  ...{
    median,
    lower: 0.9 * median,
    upper: 1.2 * median,
    fastest: 0.8 * median,
    cpu: median,
    samples: 24,
  },
});

function report(): Report {
  const plain = task("training step", "student", { limit: { milliseconds: 3 } });
  const tasks = [
    plain,
    task("training step", "ABKD", { limit: { milliseconds: 15, beyond: plain } }),
    task("product", "A B", { operations: 4e6 }),
    task(PEER, "product: A B", { operations: 4e6 }),
    task("product", "A B", { operations: 4e6, threads: 2 }),
  ];
  return {
    ...{ dataset: "synthetic", nodes: 2708, arcs: 10_556, machine: machineFacts("simd", 2) },
    rows: rowsOf(
      tasks,
      [2, 20, 0.5, 30, 0.3].map((median) => timing(median)),
    ),
  };
}

test("limits may stand on another task's median, rates and ratios on the medians", () => {
  const rows = report().rows.map(({ name, limit, gflops, peerRatio, threaded }) => ({
    ...{ name, limit, gflops, peerRatio, threaded },
  }));
  assert.deepEqual(rows, [
    { name: "student", limit: 3, gflops: null, peerRatio: null, threaded: null },
    { name: "ABKD", limit: 17, gflops: null, peerRatio: null, threaded: null },
    { name: "A B", limit: null, gflops: 8, peerRatio: 60, threaded: 0.3 },
  ]);
});

test("the table says what is over its limit", () => {
  const table = markdownTable(report());
  const columns = table.split("\n").filter((line) => line.startsWith("|"));
  assert.equal(new Set(columns.map((line) => line.split("|").length)).size, 1, "same width");
  assert.match(table, /training step: student \| 2\.00 ms .*\| 3\.00 ms \|/);
  assert.match(table, /training step: ABKD \| 20 ms .*\| 17 ms \(over\) \|/);
  assert.match(table, /product: A B \| 500 µs .*\| 8\.0 \| 60\.0 x \| 300 µs \(0\.60\) \|/);
});

test("a task is called until it is warm, then in every round; quartiles are in order", () => {
  let calls = 0;
  const busy = task("a", "busy", {
    run() {
      calls++;
      const began = performance.now();
      while (performance.now() - began < 2);
    },
  });
  const rounds: number[] = [];
  const [found] = measure([busy], (round) => rounds.push(round));
  assert.deepEqual(rounds, [1, 2, 3, 4, 5, 6, 7, 8]);
  const { fastest, lower, median, upper, samples, cpu } = found!;
  assert.ok(2 <= fastest && fastest <= lower && lower <= median && median <= upper);
  assert.ok(cpu > 0);
  assert.ok(samples >= 24 && calls > samples, `${samples} samples in ${calls} calls`);
});
