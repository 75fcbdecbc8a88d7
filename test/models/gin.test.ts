// GIN against eq. 4.1 of its paper in double precision: sums first, then the perceptron, node by node.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import * as tf from "@tensorflow/tfjs";
import type { GinConfig } from "../../src/models/gin.ts";
import { parameterCount } from "../../src/models/model.ts";
import { createModel, findModel } from "../../src/models/registry.ts";
import { startEngine } from "../../src/tensor/index.ts";
import { graphInputs } from "../../src/training/inputs.ts";
import { numbers, product } from "../tensor/support.ts";
import { smallGraph } from "../training/small.ts";

before(() => startEngine());

const graph = smallGraph();
const shape = { features: graph.features.columns, classes: 3 };
const config: GinConfig = {
  ...{ kind: "gin", layers: 3, width: 5, dropout: 0, batchNorm: false, epsilon: true },
};
type Weights = Readonly<Record<string, ArrayLike<number>>>;

/** h_v = MLP((1 + epsilon) h_v + sum of h_u over v's neighbours), with a ReLU after all but the last. */
function slow(weights: Weights): Float64Array {
  const { nodes, adjacency, features } = graph;
  let width = features.columns;
  let h = new Float64Array(nodes * width);
  for (let v = 0; v < nodes; v++) {
    const words = features.indices.subarray(features.indptr[v]!, features.indptr[v + 1]!);
    for (const word of words) h[v * width + word] = 1 / words.length;
  }
  for (let l = 0; l < config.layers; l++) {
    const of = (name: string): ArrayLike<number> => weights[`layer.${l}.${name}`]!;
    const met = h.map((x) => (1 + (weights[`layer.${l}.epsilon`]?.[0] ?? 0)) * x);
    for (let v = 0; v < nodes; v++) {
      for (const u of adjacency.indices.subarray(adjacency.indptr[v]!, adjacency.indptr[v + 1]!)) {
        for (let c = 0; c < width; c++) met[v * width + c]! += h[u * width + c]!;
      }
    }
    const inner = product(met as never, of("weight") as never, nodes, width, config.width).map(
      (x, k) => Math.max(0, x + of("bias")[k % config.width]!),
    );
    const out = of("secondBias").length;
    h = product(inner as never, of("second") as never, nodes, config.width, out).map(
      (x, k) => x + of("secondBias")[k % out]!,
    ) as Float64Array<ArrayBuffer>;
    if (l < config.layers - 1) h = h.map((x) => Math.max(0, x));
    width = out;
  }
  return h;
}

for (const epsilon of [true, false]) {
  test(`logits and gradients ${epsilon ? "with" : "without"} epsilon`, () => {
    const model = createModel({ ...config, epsilon }, shape, 2);
    // 12 x 5 + 5 + 5 x 5 + 5, 2 (5 x 5 + 5), 5 x 5 + 5 + 5 x 3 + 3, and an epsilon each.
    assert.equal(parameterCount(model), 95 + 60 + 48 + (epsilon ? 3 : 0));
    for (const { name, variable } of model.parameters) {
      const drawn = numbers(variable.size, name.length + variable.size).map((x) => 0.5 * x);
      variable.assign(tf.tensor(drawn, variable.shape));
    }
    const forms = graphInputs(graph);
    const inputs = findModel("gin").prepare(forms.value) as never;
    const loss = (): tf.Scalar => tf.sum(tf.square(model.forward(inputs).logits));
    const weights = Object.fromEntries(
      model.parameters.map(({ name, variable }) => [name, Float64Array.from(variable.dataSync())]),
    );
    const expected = slow(weights);
    const found = model.forward(inputs).logits.dataSync();
    const scale = Math.max(...expected.map(Math.abs));
    for (const [k, x] of expected.entries()) assert.ok(Math.abs(found[k]! - x) < 1e-5 * scale);
    const { grads } = tf.variableGrads(loss);
    const slowLoss = (): number => slow(weights).reduce((sum, x) => sum + x * x, 0);
    for (const { name, variable } of model.parameters) {
      const slope = grads[variable.name]!.dataSync();
      const own = weights[name]!;
      const largest = Math.max(...slope.map(Math.abs));
      for (const k of new Set([0, own.length >> 1, own.length - 1])) {
        const [at, step] = [own[k]!, 1e-5];
        own[k] = at + step;
        const above = slowLoss();
        own[k] = at - step;
        const central = (above - slowLoss()) / (2 * step);
        own[k] = at;
        assert.ok(
          Math.abs(central - slope[k]!) < 2e-4 * largest,
          `${name} ${k}: ${central} ${slope[k]}`,
        );
      }
    }
    forms.dispose();
    model.dispose();
  });
}
