// Evaluation in blocks of nodes gives the bits of a whole pass, in less memory.
import assert from "node:assert/strict";
import { test } from "node:test";
import * as tf from "@tensorflow/tfjs";
import { csrFromPairs } from "../../src/graph/csr.ts";
import { makeGraph } from "../../src/graph/make.ts";
import { randomStream } from "../../src/graph/random.ts";
import { BLOCK } from "../../src/models/in-blocks.ts";
import { createModel, findModel, type ModelConfig } from "../../src/models/registry.ts";
import { memory, mostDuring, startEngine } from "../../src/tensor/index.ts";
import { graphInputs } from "../../src/training/inputs.ts";

startEngine("wasm", { threads: 2 });

const gcnii = { kind: "gcnii", width: 64, alpha: 0.1, lambda: 0.5, dropout: 0 } as const;

/** A graph, by default of two blocks and a part of one, of which some nodes have no arcs; its features are sparse or dense. */
function graphOf(dense: boolean, nodes = 2 * BLOCK + 777) {
  const random = randomStream(4);
  const ends = () => Int32Array.from({ length: 3 * nodes }, () => random.below(nodes - 5));
  const [from, to] = [ends(), ends()];
  const kept = from.map((node, k) => (node === to[k] ? 1 : 0));
  const arcs = (a: Int32Array) => a.filter((_, k) => kept[k] === 0);
  const columns = 9;
  const features = dense
    ? Array.from({ length: nodes }, () => Array.from({ length: columns }, () => random.uniform()))
    : csrFromPairs(
        nodes,
        columns,
        Array.from({ length: 2 * nodes }, (_, k) => k >> 1),
        Array.from({ length: 2 * nodes }, () => random.below(columns)),
      );
  return makeGraph({
    name: "large",
    edges: { from: arcs(from), to: arcs(to) },
    features: features as never,
    labels: Int32Array.from({ length: nodes }, (_, node) => node % 3),
  });
}

test("a pass in blocks holds three maps at a time", () => {
  // First, because a peak never goes down.
  const forms = graphInputs(graphOf(false, 8 * BLOCK)).value;
  const config = { kind: "sage", layers: 3, width: 64, dropout: 0, batchNorm: true } as const;
  const model = createModel(config, { features: 9, classes: 3 }, 5);
  const inputs = findModel("sage").prepare(forms) as never;
  const map = 8 * BLOCK * 64 * 4;
  // What the graph needs is made once, by a pass of a narrow model.
  const narrow = createModel({ ...config, width: 1 }, { features: 9, classes: 3 }, 5);
  tf.tidy(() => void narrow.forward(inputs));
  const { used } = memory();
  const maps = (reads: "logits" | "hidden"): number => {
    tf.tidy(() => void model.forward(inputs, { reads }));
    return (memory().peak - used) / map;
  };
  const blocks = maps("logits");
  // Beside the three, some sixteen of a block's, an eighth of a map each.
  assert.ok(blocks > 2 && blocks < 6, `${blocks} maps`);
  const whole = maps("hidden");
  assert.ok(whole > 2 * blocks, `${whole} maps, in blocks ${blocks}`);
  for (const held of [model, narrow, forms]) held.dispose();
});

test("GCNII's evaluation holds the same few maps whatever its depth", () => {
  const forms = graphInputs(graphOf(false)).value;
  const map = (2 * BLOCK + 777) * 64 * 4;
  const held = [4, 24].map((layers) => {
    const config: ModelConfig = { ...gcnii, layers };
    const model = createModel(config, { features: 9, classes: 3 }, 5);
    const most = mostDuring(() => tf.tidy(() => void model.forward(forms as never)));
    model.dispose();
    return most / map;
  });
  assert.ok(held.every((maps) => maps < 8) && held[1]! < held[0]! + 0.5, `${held} maps`);
  forms.dispose();
});

for (const dense of [false, true]) {
  const graph = graphOf(dense);
  const forms = graphInputs(graph).value;
  const base = { layers: 3, width: 24, dropout: 0.5, batchNorm: true } as const;
  const gat = { ...findModel("gat").defaults, ...base, kind: "gat", width: 5, heads: 3 };
  for (const [name, config] of Object.entries({
    sage: { kind: "sage", ...base },
    gcn: { kind: "gcn", ...base },
    gat,
    "gat as on Arxiv": { ...gat, destination: false, residual: true, symmetric: true },
  }) as [string, ModelConfig][]) {
    test(`${name}, ${dense ? "dense" : "sparse"} features: the same bits`, () => {
      const { kind } = config;
      const model = createModel(config, { features: 9, classes: 3 }, 5);
      const inputs = findModel(kind).prepare(forms) as never;
      const logitsOf = (reads: "logits" | "hidden") => {
        return model.forward(inputs, { reads }).logits.dataSync<"float32">();
      };
      // A pass that reads more than the logits is made as a whole.
      const whole = tf.tidy(() => logitsOf("hidden"));
      const used = memory().used;
      const blocks = tf.tidy(() => logitsOf("logits"));
      assert.equal(memory().used, used, "nothing is left");
      assert.deepEqual(blocks, whole);
      // Gradients flow through a whole pass only.
      const { grads } = tf.variableGrads(
        () => tf.mean(model.forward(inputs).logits),
        model.parameters.map(({ variable }) => variable),
      );
      const [first] = Object.values(grads);
      assert.ok(first!.dataSync().some((x) => x !== 0));
      for (const grad of Object.values(grads)) grad.dispose();
      model.dispose();
    });
  }
}
