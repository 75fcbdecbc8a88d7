// Run by scripts/native.ts in a process of its own: is the native engine right, and when is it fast?
import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs";
import { loadDataset, loadSplit } from "../src/datasets/index.ts";
import { Gcnii } from "../src/models/gcnii.ts";
import { startEngine, uniform } from "../src/tensor/index.ts";
import { loadNative } from "../src/tensor/native/backend.ts";
import { graphInputs, splitTargets } from "../src/training/inputs.ts";
import { teacherConfig } from "../src/training/recipes.ts";
import { optimiser, step } from "../src/training/step.ts";
import type { Proof } from "./native.ts";

const packageName = process.argv[2]!;
const ROUNDS = 6;
const LAYERS = 4;
const WIDTHS = [32, 64, 128, 256, 512];
/** The native engine is preferred only if its time is below this share of the wasm engine's. */
const MARGIN = 0.9;

const numbers = (name: string, count: number): Float32Array =>
  uniform(1, name, count).map((u) => u - 0.5);

/** Checks tanh(A B), and the gradient of its sum by A, against double precision. */
function checkNumbers(): void {
  const [rows, inner, columns] = [37, 29, 41];
  const [a, b] = [numbers("a", rows * inner), numbers("b", inner * columns)];
  const A = tf.tensor2d(a, [rows, inner]);
  const B = tf.tensor2d(b, [inner, columns]);
  const run = (x: tf.Tensor): tf.Tensor => tf.tanh(tf.matMul(x, B));
  const values = run(A).dataSync();
  const gradient = tf
    .grad((x) => tf.sum(run(x)))(A)
    .dataSync();
  for (let r = 0; r < rows; r++) {
    const expected = new Float64Array(inner);
    for (let c = 0; c < columns; c++) {
      let sum = 0;
      for (let k = 0; k < inner; k++) sum += a[r * inner + k]! * b[k * columns + c]!;
      const y = Math.tanh(sum);
      const error = Math.abs(values[r * columns + c]! - y);
      assert.ok(error < 1e-5, `a product is wrong by ${error}`);
      for (let k = 0; k < inner; k++) expected[k]! += (1 - y * y) * b[k * columns + c]!;
    }
    for (let k = 0; k < inner; k++) {
      const error = Math.abs(gradient[r * inner + k]! - expected[k]!);
      assert.ok(error < 1e-4, `a gradient is wrong by ${error}`);
    }
  }
  tf.dispose([A, B]);
}

/** Takes the shortest time: whatever else runs on the machine only adds to it. */
const best = (times: readonly number[]): number => Math.min(...times);

function milliseconds(run: () => void): number {
  const started = performance.now();
  run();
  return performance.now() - started;
}

function gigaflops(): number {
  const [rows, width] = [19_717, 256];
  const a = tf.tensor2d(numbers("a", rows * width), [rows, width]);
  const b = tf.tensor2d(numbers("b", width * width), [width, width]);
  const product = (): void => {
    const c = tf.matMul(a, b);
    // Reading waits for a GPU.
    tf.slice(c, [0, 0], [1, 1]).dataSync();
    c.dispose();
  };
  product();
  const time = best(Array.from({ length: 7 }, () => milliseconds(product)));
  tf.dispose([a, b]);
  return (2 * rows * width * width) / time / 1e6;
}

/** Times a GCNII's training step on each engine in turn, from the widest model down. */
async function fasterFromWidth(): Promise<number | null> {
  const graph = await loadDataset("synthetic");
  const split = await loadSplit(graph, "random:48/32/20:0");
  let faster: number | null = null;
  for (const width of WIDTHS.toReversed()) {
    const runs = [() => startEngine("wasm"), () => loadNative(packageName)].map((start) => {
      start();
      const config = teacherConfig(
        { dataset: "synthetic", seed: 1 },
        { model: { layers: LAYERS, width } },
      );
      const shape = { features: graph.features.columns, classes: graph.classes };
      const held = [graphInputs(graph), splitTargets(graph, split)] as const;
      const model = new Gcnii(config.model, shape, 1);
      const task = { config, model, inputs: held[0].value, targets: held[1].value };
      const adam = optimiser(task);
      const times: number[] = [];
      return {
        times,
        round(epoch: number): void {
          start();
          const time = milliseconds(() => step(task, adam, epoch));
          // The first round warms up.
          if (epoch > 0) times.push(time);
        },
        dispose(): void {
          start();
          for (const thing of [adam, model, ...held]) thing.dispose();
        },
      };
    });
    for (let epoch = 0; epoch <= ROUNDS; epoch++) for (const { round } of runs) round(epoch);
    const [wasm, native] = runs.map(({ times }) => best(times)) as [number, number];
    for (const run of runs) run.dispose();
    if (native > MARGIN * wasm) return faster;
    faster = width;
  }
  return faster;
}

const { binding } = loadNative(packageName);
checkNumbers();
const proof: Proof = {
  version: binding.TF_Version,
  device: binding.isUsingGpuDevice() ? "gpu" : "cpu",
  gigaflops: gigaflops(),
  fasterFromWidth: await fasterFromWidth(),
};
console.log(JSON.stringify(proof));
