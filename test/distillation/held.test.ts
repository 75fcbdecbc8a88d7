// What a method says that it holds: at most what the engine's peak shows, and at least half of it.
import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { Worker } from "node:worker_threads";
import { findMethod } from "../../src/distillation/registry.ts";
import { outline } from "./cases.ts";
import type { HeldCase, Peaks } from "./held-peak.ts";

/** The optimiser's state counts with the trained weights: weight, gradient, two moments. */
const COPIES = 4;

const CASES: readonly [name: string, nodes: number, options: HeldCase["options"]][] = [
  ["abkd", 500, { embedding: 4096 }],
  ["abkd", 500, { embedding: 4096, projections: "trained" }],
  ["abkd", 500, { embedding: 4096, projections: "frozen" }],
  ["abkd", 500, { embedding: 2048, projections: "trained", subspace: true }],
  ["gcrd", 2000, { projection: 512 }],
  ["gcrd", 2000, { projection: 1024, sample: 500 }],
  ["gcrd", 500, { projection: 4096 }],
  ["geometric", 2000, { kernel: "random", features: 4, draws: 4 }],
  ["geometric", 500, { kernel: "random", features: 16, draws: 2 }],
  ["geometric", 1000, { kernel: "parametric", features: 16 }],
  ["geometric", 5000, { kernel: "sigmoid", sample: 5000 }],
  ["geometric", 5000, { kernel: "gaussian", sample: 4500 }],
  ["gsp", 5000, { kernel: "l2", sample: 5000 }],
  ["gsp", 5000, { kernel: "rbf", sample: 4500 }],
];

async function measured(held: HeldCase): Promise<Peaks> {
  const worker = new Worker(new URL("./held-peak.ts", import.meta.url), { workerData: held });
  const [peaks] = (await once(worker, "message")) as [Peaks];
  await worker.terminate();
  return peaks;
}

for (const [name, nodes, changes] of CASES) {
  test(`${name} holds what it says: ${nodes} nodes, ${JSON.stringify(changes)}`, async () => {
    const method = findMethod(name);
    const options = { ...method.defaults, ...changes };
    const sizes = {
      ...{ nodes, classes: 3, teacherLayers: 8, teacherWidth: 64 },
      ...{ studentLayers: 3, studentWidth: 4 },
    };
    const { trained, start, step } = method.holds!(
      options,
      outline(sizes.teacherLayers, sizes.teacherWidth, sizes.classes),
      outline(sizes.studentLayers, sizes.studentWidth, sizes.classes),
      nodes,
    );
    const peaks = await measured({ name, options, sizes });
    const told = `${JSON.stringify({ trained, start, step })}, measured ${JSON.stringify(peaks)}`;
    assert.ok(start + trained <= peaks.start, told);
    const counted = step + COPIES * trained;
    assert.ok(counted <= peaks.step && counted >= peaks.step / 2, told);
  });
}
