// The benchmark's own arithmetic: medians, quartiles, limits, ratios, and the table.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import * as tf from "@tensorflow/tfjs";
import { PEER } from "../../bench/kernels.ts";
import { measure, type Task, type Timing } from "../../bench/measure.ts";
import { machineFacts, type Report, reportTable, rowsOf } from "../../bench/report.ts";
import { markdownTable } from "../../src/base/table.ts";
import { BACKEND, startEngine } from "../../src/tensor/index.ts";

before(() => {
  startEngine();
});

const task = (group: string, name: string, more: Partial<Task> = {}): Task => ({
  ...{ group, name, backend: BACKEND, run: () => {} },
  ...more,
});

const timing = (median: number, operations = 0, bytes = 0): Timing => ({
  median,
  lower: 0.9 * median,
  upper: 1.2 * median,
  fastest: 0.8 * median,
  cpu: median,
  samples: 24,
  operations,
  bytes,
});

function report(): Report {
  const plain = task("training step", "student", { limit: { milliseconds: 3 } });
  const tasks = [
    plain,
    task("training step", "ABKD", { limit: { milliseconds: 15, beyond: plain } }),
    task("product", "A B"),
    task(PEER, "product: A B"),
    task("product", "A B", { threads: 2 }),
  ];
  return {
    machine: machineFacts("simd", 2),
    rows: rowsOf(tasks, [timing(2), timing(20), timing(0.5, 4e6, 1e6), timing(30), timing(0.3)]),
  };
}

test("limits may build on another task's median; ratios are of medians", () => {
  const rows = report().rows.map(({ name, limit, peerRatio, threaded }) => {
    return { name, limit, peerRatio, threaded };
  });
  assert.deepEqual(rows, [
    { name: "student", limit: 3, peerRatio: null, threaded: null },
    { name: "ABKD", limit: 17, peerRatio: null, threaded: null },
    { name: "A B", limit: null, peerRatio: 60, threaded: 0.3 },
  ]);
});

test("the table shows what exceeds its limit, and rates where they are counted", () => {
  const table = markdownTable(reportTable(report()));
  assert.match(
    table,
    /training step: student \| 2\.00 ms .*\| 3\.00 ms \| {2}\| {2}\| {2}\| {2}\|/,
  );
  assert.match(table, /training step: ABKD \| 20\.0 ms .*\| 17\.0 ms \(over\) \|/);
  assert.match(table, /product: A B \| 500 µs .*\| 8\.0 \| 2\.0 \| 60\.0 x \| 300 µs \(0\.60\) \|/);
});

test("the profiler counts the bytes and operations of a call", () => {
  const [a, b] = [tf.ones([30, 20]), tf.ones([20, 10])];
  const run = (): void => tf.tidy(() => void tf.matMul(a, b));
  const [product] = measure([task("product", "A B", { run })], () => {});
  assert.equal(product!.operations, 2 * 30 * 20 * 10);
  assert.equal(product!.bytes, 4 * (30 * 20 + 20 * 10 + 30 * 10));
});

test("a task runs until it is warm, then in every round; quartiles are in order", () => {
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
