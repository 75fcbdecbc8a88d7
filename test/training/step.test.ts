// One step: batch normalisation's running statistics against their formula in double precision.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import * as tf from "@tensorflow/tfjs";
import type { Distillation } from "../../src/distillation/method.ts";
import { createModel } from "../../src/models/registry.ts";
import { startEngine } from "../../src/tensor/index.ts";
import { graphInputs, splitTargets } from "../../src/training/inputs.ts";
import type { RunConfig } from "../../src/training/run.ts";
import { optimiser, step } from "../../src/training/step.ts";
import { assertClose } from "../tensor/support.ts";
import { smallConfig, smallGraph, smallSplit } from "./small.ts";

before(() => startEngine());

const WIDTH = 5;
const config: RunConfig = {
  ...smallConfig(),
  model: { kind: "mlp", layers: 2, width: WIDTH, dropout: 0, batchNorm: true },
};

/** Makes a distillation whose loss is NaN while its flag is set. */
function spoiler(): Distillation & { spoilt: boolean } {
  const noted = {
    spoilt: false,
    parameters: [],
    reads: "logits" as const,
    loss: (_: unknown, crossEntropy: tf.Scalar) =>
      noted.spoilt ? (tf.mul(crossEntropy, Number.NaN) as tf.Scalar) : crossEntropy,
    inspect: () => ({ scalars: {}, matrices: {}, warnings: [] }),
    dispose: () => {},
  };
  return noted;
}

test("each step moves the running statistics by a tenth; one without a finite loss leaves them", () => {
  const { features, nodes } = smallGraph();
  const [inputs, targets] = [graphInputs(smallGraph()), splitTargets(smallGraph(), smallSplit())];
  const model = createModel(config.model, { features: 12, classes: 3 }, 1);
  const distillation = spoiler();
  const task = { config, model, inputs: inputs.value, targets: targets.value, distillation };
  const adam = optimiser(task);
  const all = new Map(
    [...model.parameters, ...model.buffers!].map(({ name, variable }) => [name, variable]),
  );
  const of = (name: string): number[] => [...all.get(name)!.dataSync()];
  const expected = {
    mean: new Array<number>(WIDTH).fill(0),
    variance: new Array<number>(WIDTH).fill(1),
  };
  for (const number of [0, 1]) {
    // M_0 = X W + b, with each row of X divided by its sum; every entry of X is 1.
    const [weight, bias] = [of("layer.0.weight"), of("layer.0.bias")];
    for (let c = 0; c < WIDTH; c++) {
      const column = Array.from({ length: nodes }, (_, node) => {
        const words = features.indices.slice(features.indptr[node]!, features.indptr[node + 1]!);
        return words.reduce((sum, f) => sum + weight[f * WIDTH + c]! / words.length, bias[c]!);
      });
      const mean = column.reduce((sum, x) => sum + x, 0) / nodes;
      // As in torch.nn.BatchNorm1d: the sample variance, and momentum 0.1.
      const variance = column.reduce((sum, x) => sum + (x - mean) ** 2, 0) / (nodes - 1);
      expected.mean[c] = 0.9 * expected.mean[c]! + 0.1 * mean;
      expected.variance[c] = 0.9 * expected.variance[c]! + 0.1 * variance;
    }
    assert.ok(Number.isFinite(step(task, adam, number)));
    assertClose(of("norm.0.mean"), expected.mean, 1e-6, `mean, step ${number}`);
    assertClose(of("norm.0.variance"), expected.variance, 1e-6, `variance, step ${number}`);
  }
  const before = [...all.keys()].map(of);
  distillation.spoilt = true;
  assert.ok(Number.isNaN(step(task, adam, 2)));
  assert.deepEqual([...all.keys()].map(of), before);
  for (const held of [adam, model, targets, inputs]) held.dispose();
});
