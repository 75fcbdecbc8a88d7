// The table of where a step's time goes: its rows add up, and shares are of the measured peaks.
import assert from "node:assert/strict";
import { test } from "node:test";
import { peakMeter } from "../../bench/peak.ts";
import { machineFacts } from "../../bench/report.ts";
import { type Where, whereMarkdown } from "../../bench/where.ts";
import { memory, startEngine } from "../../src/tensor/index.ts";

test("a table a step, its small operators in one row", () => {
  const kernel = { kind: "kernel" as const, calls: 20 };
  const where: Where = {
    ...{ dataset: "cora", nodes: 2708, arcs: 10_556, machine: machineFacts("fma") },
    peaks: { gflops: 50, bandwidth: 20 },
    steps: [
      {
        name: "student",
        steps: 10,
        profile: {
          ...{ seconds: 0.1, between: 0.0192, steps: 0, tracedSteps: 0 },
          operators: [
            { name: "product", ...kernel, seconds: 0.08, bytes: 8e8, operations: 2e9 },
            { name: "gather", ...kernel, seconds: 0.0004 },
            { name: "scale", ...kernel, seconds: 0.0004 },
          ],
          phases: [
            { name: "forward", seconds: 0.04, operators: 0.03 },
            { name: "backward", seconds: 0.06, operators: 0.05 },
          ],
        },
      },
    ],
  };
  const lines = whereMarkdown(where).split("\n");
  assert.match(lines[0]!, /^cora \(2708 nodes, 10556 arcs\); 1 thread of /);
  assert.deepEqual(lines.slice(2, 5), [
    "Peaks of one core: 50.0 GFLOP/s, 20.0 GB/s.",
    "",
    "**student**: forward 40 %, backward 60 %; the mean of 10 steps.",
  ]);
  assert.deepEqual(lines.slice(8), [
    "| product | 2 | 8.00 ms | 80 % | 10.0 | 50 % | 25.0 | 50 % |",
    "| 2 more operators |  | 80 µs | 0.8 % |  |  |  |  |",
    "| JavaScript between operators |  | 1.92 ms | 19 % |  |  |  |  |",
    "| a step |  | 10.00 ms | 100 % |  |  |  |  |",
  ]);
});

test("peaks are numbers of this machine, and their memory is given back", () => {
  startEngine("wasm", { threads: 1 });
  const before = memory().used;
  const measure = peakMeter();
  const first = measure();
  const second = measure();
  assert.ok(first.gflops > 0.1 && first.bandwidth > 0.1);
  assert.ok(second.gflops >= first.gflops && second.bandwidth >= first.bandwidth);
  assert.equal(memory().used, before);
});
