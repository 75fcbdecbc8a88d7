// Where a step's time goes: the mean of a step, its small operators in one row, and one core's peaks.
import assert from "node:assert/strict";
import { test } from "node:test";
import { meanStep, peaks, whereMarkdown } from "../../bench/where.ts";
import { memory, startEngine } from "../../src/tensor/index.ts";

test("each step has a table, with small operators in one row", () => {
  const kernel = { kind: "kernel" as const, calls: 20 };
  const recorded = {
    seconds: 0.1,
    between: 0.0192,
    steps: 0,
    tracedSteps: 0,
    spans: [],
    operators: [
      { name: "product", ...kernel, seconds: 0.08, bytes: 8e8, operations: 2e9 },
      { name: "gather", ...kernel, seconds: 0.0004, bytes: 8e8 },
      { name: "scale", ...kernel, seconds: 0.0004 },
    ],
    phases: [
      { name: "forward", seconds: 0.04, operators: 0.03 },
      { name: "backward", seconds: 0.06, operators: 0.05 },
    ],
  };
  const text = whereMarkdown({
    peaks: { operations: 50, bytes: 20 },
    steps: [{ name: "student", steps: 10, profile: meanStep(recorded, 10) }],
  });
  const lines = text.split("\n");
  assert.deepEqual(lines.slice(0, 3), [
    "Peaks of one core: 50.0 GFLOP/s, 20.0 GB/s.",
    "",
    "**student**: forward 40.0 %, backward 60.0 %; the mean of 10 steps.",
  ]);
  assert.deepEqual(lines.slice(6), [
    "| product | 2 | 8.00 ms | 80.0 % | 4.00 ms | 80.00 MB | 10.0 | 25.0 |",
    "| 2 more operators | 4 | 80.0 µs | 0.8 % | 20.0 µs |  |  |  |",
    "| JavaScript between operators |  | 1.92 ms | 19.2 % |  |  |  |  |",
    "| all |  | 10.0 ms | 100.0 % |  |  |  |  |",
  ]);
});

test("peaks are measured on this machine, and their memory is freed", () => {
  startEngine("wasm", { threads: 1 });
  const before = memory().used;
  const { operations, bytes } = peaks();
  assert.ok(operations > 0.1 && bytes > 0.1, `${operations} GFLOP/s, ${bytes} GB/s`);
  assert.equal(memory().used, before);
});
