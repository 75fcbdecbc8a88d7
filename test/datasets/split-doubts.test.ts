// A split that can hardly mean anything is said: when data are described, and before a run.
import assert from "node:assert/strict";
import { test } from "node:test";
import { registerDataset } from "../../src/datasets/index.ts";
import { splitDoubts } from "../../src/datasets/split-doubts.ts";
import { makeGraph } from "../../src/graph/make.ts";
import { teacherConfig } from "../../src/training/recipes.ts";
import { loadTrialData } from "../../src/training/trial-data.ts";

const nodes = Array.from({ length: 40 }, (_, node) => node);
const graph = makeGraph({
  edges: { from: nodes.slice(1), to: nodes.slice(0, -1) },
  features: nodes.map((node) => [node + 1]),
  labels: nodes.map((node) => (node === 39 ? 2 : node % 2)),
});
const set = (from: number, to: number) => Int32Array.from(nodes.slice(from, to));

test("classes without a training node and sets of a handful of nodes are named", () => {
  const small = { train: set(0, 30), val: set(30, 34), test: set(34, 40) };
  assert.deepEqual(splitDoubts({ ...graph, classNames: ["a", "b", "c"] }, small), [
    "no training node is of class c",
    "the validation set, which chooses the best epoch, has 4 nodes: one is 25.0 % of the accuracy",
    "the test set has 6 nodes: one is 16.7 % of the accuracy",
  ]);
  const sound = { train: set(20, 40), val: set(0, 10), test: set(10, 20) };
  assert.deepEqual(splitDoubts(graph, sound), []);
});

test("a run says it once, whatever the number of its seeds", async (t) => {
  const split = { train: set(0, 20), val: set(20, 30), test: set(30, 40) };
  t.after(registerDataset({ name: "few", graph, split }));
  const warnings: string[] = [];
  const configs = [1, 2].map((seed) => teacherConfig({ dataset: "few", seed }));
  const ordered = { ...configs[0]!, order: "locality" } as const;
  await loadTrialData([...configs, ordered], { onWarning: (text) => warnings.push(text) });
  assert.deepEqual(warnings, ["few public: no training node is of class 2"]);
});
