// Models of low precision: ranges, spared nodes and the passes of every kind, against slow forms.
import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import * as tf from "@tensorflow/tfjs";
import type { Model } from "../../src/models/model.ts";
import { precisionOf } from "../../src/models/precision/precision.ts";
import { drawSpared, sparedChances } from "../../src/models/precision/protection.ts";
import {
  MAP_RANGES,
  mapSlot,
  Quantised,
  WEIGHT_RANGES,
} from "../../src/models/precision/quantised.ts";
import { endsOf, moveRange } from "../../src/models/precision/ranges.ts";
import { createModel, findModel, type ModelConfig, models } from "../../src/models/registry.ts";
import { startEngine, uniform } from "../../src/tensor/index.ts";
import { graphInputs } from "../../src/training/inputs.ts";
import { smallGraph } from "../training/small.ts";

const graph = smallGraph();
let forms: ReturnType<typeof graphInputs>["value"];

before(() => {
  startEngine();
  forms = graphInputs(graph).value;
});

function create(kind: string): Model {
  const { defaults } = findModel(kind);
  const still = {
    ...("inputDropout" in defaults && { inputDropout: 0 }),
    ...("edgeDropout" in defaults && { edgeDropout: 0 }),
    ...("batchNorm" in defaults && { batchNorm: false }),
  };
  const options = { ...defaults, ...still, layers: 3, width: 5, dropout: 0 };
  const config = { kind, ...options } as unknown as ModelConfig;
  return createModel(config, { features: graph.features.columns, classes: 3 }, 5);
}
const inputsOf = (kind: string): unknown => findModel(kind).prepare(forms);

test("percentile ends are torch.kthvalue's ranks; extremes are extremes", () => {
  const values = uniform(1, "values", 1000);
  const sorted = [...values].sort((a, b) => a - b);
  assert.deepEqual(endsOf(values, { momentum: 0.01 }), [sorted[0], sorted[999]]);
  // int(1000 * 0.01) = 10th smallest; int(1000 * 0.99) = 990th, counted from 1.
  assert.deepEqual(endsOf(values, { percentile: 0.01 }), [sorted[9], sorted[989]]);
  // int(3 * 0.01) = 0 becomes 1; int(3 * 0.99) = 2.
  assert.deepEqual(endsOf(Float32Array.of(3, 1, 2), { percentile: 0.01 }), [1, 2]);
  assert.equal(endsOf(new Float32Array(), { percentile: 0.01 }), undefined);
});

test("the first pass sets a range; momentum moves it by a hundredth, percentiles only widen it", () => {
  const momentum = new Float32Array(6);
  moveRange(momentum, 1, [-1, 2], { momentum: 0.01 });
  assert.deepEqual([...momentum], [0, 0, 0, -1, 2, 1]);
  moveRange(momentum, 1, [-3, 1], { momentum: 0.01 });
  assert.deepEqual([...momentum.subarray(3)], [-1.02, 1.99, 1].map(Math.fround));
  const widest = Float32Array.of(-1, 2, 1);
  moveRange(widest, 0, [-3, 1], { percentile: 0.01 });
  assert.deepEqual([...widest], [-3, 2, 1]);
});

test("chances rise with the rank of the in-degree, within each graph; draws follow them", () => {
  // Degrees 1, 3, 1, 1 and 0, 2, 1, 1: two graphs.
  const indptr = Int32Array.of(0, 1, 4, 5, 6, 6, 8, 9, 10);
  const adjacency = { rows: 8, columns: 8, indptr, indices: new Int32Array(10) };
  const chances = sparedChances(
    { nodes: 8, adjacency, graphs: Int32Array.of(0, 4) },
    { least: 0.1, most: 0.5 },
  );
  // least + (most - least) #{degree <= own} / 4.
  const expected = [3, 4, 3, 3, 1, 4, 3, 3].map((rank) => 0.1 + (0.4 * rank) / 4);
  for (const [k, chance] of expected.entries()) assert.ok(Math.abs(chances[k]! - chance) < 1e-7);
  const counts = new Float64Array(8);
  const steps = 4000;
  for (let step = 0; step < steps; step++) {
    for (const [k, one] of drawSpared(chances, 7, step).entries()) counts[k]! += one;
  }
  for (const [k, chance] of expected.entries()) {
    const error = Math.sqrt((chance * (1 - chance)) / steps);
    assert.ok(Math.abs(counts[k]! / steps - chance) < 4 * error, `node ${k}`);
  }
  assert.deepEqual(drawSpared(chances, 7, 3), drawSpared(chances, 7, 3));
});

for (const { name: kind } of models) {
  describe(kind, () => {
    test("a training pass moves ranges and changes nothing; evaluation rounds by them", () => {
      const model = new Quantised(create(kind), precisionOf({ name: "int4" }));
      const inputs = inputsOf(kind);
      const plain = create(kind).forward(inputs).logits.dataSync();
      assert.deepEqual(model.forward(inputs).logits.dataSync(), plain, "no range is set");
      const { moved, logits } = model.forward(inputs, { dropout: { seed: 1, step: 0 } });
      const own =
        create(kind).forward(inputs, { dropout: { seed: 1, step: 0 } }).moved ?? new Map();
      const moving = [...own.keys(), WEIGHT_RANGES, MAP_RANGES];
      assert.deepEqual([...moved!.keys()].sort(), moving.sort());
      assert.deepEqual(model.forward(inputs).logits.dataSync(), plain);
      for (const { name, variable } of model.buffers) {
        const values = moved!.get(name);
        if (values) variable.assign(tf.tensor(values, variable.shape));
      }
      const rounded = model.forward(inputs).logits.dataSync();
      assert.notDeepEqual(rounded, plain);
      // Without dropout and statistics, the first training pass is that of evaluation.
      assert.deepEqual(logits.dataSync(), rounded);
      for (const { name, variable } of model.parameters) {
        const fresh = create(kind).parameters.find((one) => one.name === name)!;
        assert.deepEqual(variable.dataSync(), fresh.variable.dataSync(), name);
      }
      model.dispose();
    });
  });
}

test("an MLP of int8 is the slow form: matrices and maps rounded by their own extremes", () => {
  const model = new Quantised(create("mlp"), precisionOf({ name: "int8" }));
  const { logits } = model.forward(inputsOf("mlp"), { dropout: { seed: 1, step: 0 } });
  const weights = new Map(
    model.parameters.map(({ name, variable }) => [name, [...variable.dataSync()]]),
  );
  const rounded = (x: readonly number[]): number[] => {
    const [low, high] = [Math.min(0, ...x), Math.max(0, ...x)];
    const scale = (high - low) / 255;
    const zero = Math.round(-128 - low / scale);
    return x.map((value) => {
      const code = Math.min(127, Math.max(-128, Math.round(value / scale + zero)));
      return (code - zero) * scale;
    });
  };
  const { nodes, features } = graph;
  let x: number[] = [];
  let width = features.columns;
  for (let node = 0; node < nodes; node++) {
    const row = new Array<number>(width).fill(0);
    const [from, to] = [features.indptr[node]!, features.indptr[node + 1]!];
    // Equal entries: a row's own grid has them exactly.
    for (let k = from; k < to; k++) row[features.indices[k]!] = 1 / (to - from);
    x.push(...row);
  }
  for (let l = 0; l < 3; l++) {
    const weight = rounded(weights.get(`layer.${l}.weight`)!);
    const bias = weights.get(`layer.${l}.bias`)!;
    const columns = bias.length;
    const map = Array.from({ length: nodes * columns }, (_, k) => {
      const [node, c] = [Math.trunc(k / columns), k % columns];
      let sum = bias[c]!;
      for (let i = 0; i < width; i++) sum += x[node * width + i]! * weight[i * columns + c]!;
      return sum;
    });
    x = l < 2 ? rounded(map.map((value) => Math.max(0, value))) : map;
    width = columns;
  }
  const off = Math.max(...logits.dataSync().map((value, k) => Math.abs(value - x[k]!)));
  const size = Math.max(...x.map(Math.abs));
  assert.ok(off < 2e-3 * size, `off by ${off} of ${size}`);
  model.dispose();
});

test("a spared node keeps its message; its numbers do not move the range", () => {
  const precision = precisionOf({ name: "int4", scheme: "degree-quant", share: 1, least: 1 });
  const all = new Float32Array(graph.nodes).fill(1);
  const model = new Quantised(create("gcn"), precision, all);
  const { moved } = model.forward(inputsOf("gcn"), { dropout: { seed: 1, step: 0 } });
  const range = (slot: number): number[] => [
    ...moved!.get(MAP_RANGES)!.subarray(3 * slot, 3 * slot + 3),
  ];
  assert.deepEqual(range(mapSlot("message", 0)), [0, 0, 0]);
  assert.equal(moved!.get(WEIGHT_RANGES)![2], 1, "weights are always rounded");
  const one = new Float32Array(graph.nodes).fill(1);
  one[5] = 0;
  const other = new Quantised(create("gcn"), precision, one);
  const next = other.forward(inputsOf("gcn"), { dropout: { seed: 1, step: 0 } }).moved!;
  const at = 3 * mapSlot("message", 0);
  assert.equal(next.get(MAP_RANGES)![at + 2], 1);
  for (const each of [model, other]) each.dispose();
});

test("after the training: nothing is rounded until calibrate(), which sees every number", () => {
  const model = new Quantised(create("gcn"), precisionOf({ name: "int8", scheme: "after" }));
  const inputs = inputsOf("gcn");
  const plain = create("gcn").forward(inputs).logits.dataSync();
  const training = model.forward(inputs, { dropout: { seed: 1, step: 0 } });
  assert.deepEqual(training.logits.dataSync(), plain);
  assert.ok(training.moved!.get(WEIGHT_RANGES)!.every((x) => x === 0));
  model.calibrate(inputs);
  const weight = model.parameters[0]!.variable.dataSync();
  const ranges = model.buffers.find(({ name }) => name === WEIGHT_RANGES)!.variable.dataSync();
  assert.deepEqual([...ranges.subarray(0, 3)], [Math.min(...weight), Math.max(...weight), 1]);
  const rounded = model.forward(inputs).logits.dataSync();
  assert.notDeepEqual(rounded, plain);
  const off = Math.max(...rounded.map((x, k) => Math.abs(x - plain[k]!)));
  assert.ok(off < 0.05 * Math.max(...plain.map(Math.abs)), `off by ${off}`);
  model.dispose();
});

test("quant-noise rounds its share of a matrix, drawn by step and name", () => {
  const noisy = precisionOf({ name: "int4", scheme: "quant-noise", share: 0.5 });
  const read: number[][] = [];
  const model = new Quantised(create("mlp"), noisy);
  const original = [...model.parameters[0]!.variable.dataSync()];
  const seen = {
    weight: (p: { name: string; variable: tf.Tensor }) => {
      if (p.name === "layer.0.weight") read.push([...p.variable.dataSync()]);
      return p.variable;
    },
  };
  for (const step of [0, 1, 0]) {
    model.forward(inputsOf("mlp"), { dropout: { seed: 1, step }, hooks: seen as never });
  }
  assert.deepEqual(read[0], read[2]);
  assert.notDeepEqual(read[0], read[1]);
  const left = read[0]!.filter((x, k) => x === original[k]).length / original.length;
  // Some that are rounded are as they were by chance; 60 numbers.
  assert.ok(left > 0.3 && left < 0.75, `${left} left`);
  model.dispose();
});

test("parts of a precision that contradict each other are refused", () => {
  const refused = (config: object, message: RegExp): void => {
    assert.throws(() => precisionOf({ name: "int8", ...config } as never), { message });
  };
  refused({ share: 0.1 }, /share is for degree-quant and quant-noise/);
  refused({ scheme: "after", least: 0 }, /least is for/);
  refused({ scheme: "quant-noise", least: 0.1 }, /least is for degree-quant/);
  refused(
    { scheme: "degree-quant-clipped", share: 0.1, least: 0.2 },
    /least is 0.2, more than share, 0.1/,
  );
});
