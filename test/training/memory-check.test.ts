// Runs refused for lack of memory: none that would have run, and none that is finished.
import assert from "node:assert/strict";
import { totalmem } from "node:os";
import { test } from "node:test";
import { findMethod, methods } from "../../src/distillation/registry.ts";
import { csrFromPairs } from "../../src/graph/csr.ts";
import type { Graph } from "../../src/graph/graph.ts";
import { engineFlavour, WASM_BYTES } from "../../src/tensor/index.ts";
import { checkPlan } from "../../src/training/beforehand.ts";
import { fingerprint } from "../../src/training/inputs.ts";
import { refuseTooLarge } from "../../src/training/memory-check.ts";
import type { RunConfig } from "../../src/training/run.ts";
import { runId } from "../../src/training/run-id.ts";
import { runFiles, writeRun } from "../../src/training/run-store.ts";
import { result } from "./own-files.ts";
import { smallConfig, smallGraph, smallSplit, temporaryFolder } from "./small.ts";

function ofSize(layers: number, width: number): RunConfig {
  const config = smallConfig();
  return { ...config, model: { ...config.model, layers, width } };
}

/** Makes a graph with the small graph's features and classes, but more nodes, without arcs or words. */
function emptyGraph(nodes: number): Graph {
  const { features, labels } = smallGraph();
  const all = Int32Array.from({ length: nodes }, (_, node) => labels[node % labels.length]!);
  const none = (columns: number) => csrFromPairs(nodes, columns, [], []);
  return {
    ...smallGraph(),
    ...{ nodes, labels: all, adjacency: none(nodes), features: none(features.columns) },
  };
}

test("a run whose peak just fits is allowed, one with twice the nodes is not", () => {
  const limit = Math.min(WASM_BYTES, totalmem(), process.constrainedMemory() || Infinity);
  // The peak of the engine's blocks in a step, measured in maps (nodes x width).
  for (const [layers, width, peak] of [
    [1, 64, 11],
    [4, 64, 14.2],
    [16, 64, 27.1],
    [2, 32, 12.5],
  ] as const) {
    const weights = 4 * 4 * (layers * width + 20) * width;
    const nodes = Math.floor((limit - weights) / (4 * width * peak));
    const config = ofSize(layers, width);
    const graph = smallGraph();
    refuseTooLarge(config, { ...graph, nodes }, "wasm");
    assert.throws(() => refuseTooLarge(config, { ...graph, nodes: 2 * nodes }, "wasm"), {
      message: /needs at least/,
    });
  }
});

test("the teacher's maps count in steps if they are kept, and only at the start if not", () => {
  const limit = Math.min(WASM_BYTES, totalmem(), process.constrainedMemory() || Infinity);
  const teacher = ofSize(64, 64);
  const method = findMethod("abkd");
  const graph = smallGraph();
  // Numbers per node: 64 maps of 64, and a step of 16 layers of 64, measured as 27.1 maps.
  const [maps, step] = [64 * 64, 27.1 * 64];
  const refused = (perNode: number, options: object): boolean => {
    const config = {
      ...ofSize(16, 64),
      ...{ teacher, method: { ...method, options: { ...method.defaults, ...options } } },
    };
    const nodes = Math.floor((0.98 * limit) / (4 * perNode));
    try {
      refuseTooLarge(config, { ...graph, nodes }, "wasm");
      return false;
    } catch {
      return true;
    }
  };
  const frozen = { form: "literal", projections: "frozen" };
  for (const options of [{ attention: "last" }, frozen]) {
    assert.ok(!refused(maps, options), JSON.stringify(options));
    assert.ok(refused(maps / 1.1, options), "not even the start fits");
  }
  assert.ok(!refused(maps + step, {}));
  assert.ok(refused(maps, {}));
  assert.ok(refused(maps, { ...frozen, projections: "trained" }));
});

/** Whole numbers of a method that change no size. */
const WITHOUT_SIZE = ["graphakd criticEvery"];
/** What a size's option needs beside it. */
const BESIDE: Readonly<Record<string, readonly object[]>> = {
  "geometric sample": [{ kernel: "sigmoid" }, { kernel: "gaussian" }],
  "geometric features": [{ kernel: "random" }, { kernel: "parametric" }],
  "geometric draws": [{ kernel: "random" }],
  "gsp sample": [{ kernel: "poly" }, { kernel: "l2" }, { kernel: "rbf" }],
  "gcrd sample": [{ projection: 1024 }],
};

for (const method of methods) {
  for (const [name, info] of Object.entries(method.options)) {
    const key = `${method.name} ${name}`;
    if (info.kind !== "number" || !info.whole || WITHOUT_SIZE.includes(key)) continue;
    test(`${key} of 1e9 is refused before anything is trained`, () => {
      const graph = { ...smallGraph(), nodes: 150_000 };
      for (const beside of BESIDE[key] ?? [{}]) {
        const small = { ...ofSize(2, 4), teacher: ofSize(2, 8) };
        const configOf = (value: unknown): RunConfig => ({
          ...small,
          method: { ...method, options: { ...method.defaults, ...beside, [name]: value } },
        });
        refuseTooLarge(configOf(info.min), graph, "wasm");
        assert.throws(() => refuseTooLarge(configOf(1e9), graph, "wasm"), {
          message: /^[^\n]* needs at least [\d,.]+ GiB, .*smaller options of the method$/,
        });
      }
    });
  }
}

test("a finished teacher needs no memory to train in", (t) => {
  const runsDir = temporaryFolder(t);
  const config = ofSize(1, 1024);
  const [graph, split] = [emptyGraph(200_000), smallSplit()];
  const data = { graph, split, fingerprint: fingerprint(graph, split) };
  const job = { config, data: data.fingerprint, start: "cache", checkpointSeconds: 30 } as const;
  const check = () => checkPlan([job], () => data, { runsDir, engine: "wasm" });
  assert.throws(check, /needs at least/);
  const array = (...shape: number[]) => ({
    shape,
    values: new Float32Array(shape.reduce((a, b) => a * b, 1)),
  });
  const shape = { features: graph.features.columns, classes: graph.classes };
  const model = {
    ...{ config, shape, data: data.fingerprint, flavour: engineFlavour("wasm") },
    parameters: new Map([
      ["input.weight", array(shape.features, 1024)],
      ["input.bias", array(1024)],
      ["convolution.0.weight", array(1024, 1024)],
      ["output.weight", array(1024, shape.classes)],
      ["output.bias", array(shape.classes)],
    ]),
  };
  writeRun(runFiles(runsDir, config), { ...result, id: runId(config), config }, model);
  check();
});
