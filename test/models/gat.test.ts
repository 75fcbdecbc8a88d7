// GAT: parameter counts, initial weights, its formula in double precision, the gradients of that.
import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import * as tf from "@tensorflow/tfjs";
import { OptionError } from "../../src/base/errors.ts";
import type { Csr } from "../../src/graph/csr.ts";
import { makeGraph } from "../../src/graph/make.ts";
import { rowNormalised, symmetricNormalised } from "../../src/graph/normalise.ts";
import type { GatConfig } from "../../src/models/gat.ts";
import { type Model, parameterCount } from "../../src/models/model.ts";
import { createModel, findModel, modelShapes, modelSize } from "../../src/models/registry.ts";
import { memory, startEngine } from "../../src/tensor/index.ts";
import { graphInputs } from "../../src/training/inputs.ts";
import { naiveGat } from "../tensor/gat-reference.ts";
import { entries } from "../tensor/pair-cases.ts";
import { type Draw, dropoutFactors } from "../tensor/philox.ts";
import {
  assertClose,
  assertClosely,
  differences,
  dot,
  type Numbers,
  numbers,
  product,
} from "../tensor/support.ts";
import { sparseTimes } from "./reference.ts";

before(() => {
  startEngine();
});

const plain: GatConfig = {
  ...{ kind: "gat", layers: 3, width: 4, heads: 2, dropout: 0.3, inputDropout: 0.2 },
  ...{ edgeDropout: 0.25, destination: true, residual: false, symmetric: false },
  ...{ batchNorm: false, start: "uniform" },
};
/** The options of the teacher on ogbn-arxiv. */
const teacher = {
  ...({ destination: false, residual: true, symmetric: true, batchNorm: true } as const),
  start: "normal",
} as const;

test("the Arxiv teacher, 3L-3x250H with labels as features, has 1,441,580 parameters", () => {
  // 128 features and 40 classes as further features; counted by chaitjo/efficient-gnns.
  const shape = { features: 168, classes: 40 };
  const config: GatConfig = { ...plain, ...teacher, heads: 3, width: 250 };
  const { blocks } = memory();
  const model = createModel(config, shape, 1);
  assert.equal(parameterCount(model), 1_441_580);
  assert.equal(modelSize(config), "3L-3x250H");
  const { parameters, buffers, outline } = modelShapes(config, shape);
  const shapesOf = (all: Model["parameters"] = []) =>
    all.map(({ name, variable }) => [name, variable.shape]);
  assert.deepEqual(shapesOf(model.parameters), [...parameters]);
  assert.deepEqual(shapesOf(model.buffers), [...buffers]);
  assert.deepEqual([outline.widths, outline.hidden], [[750, 750, 40], 750]);
  model.dispose();
  assert.equal(memory().blocks, blocks, "dispose() frees everything");
});

test("Cora's, 2L-8x8H, has the 92,373 of the paper's layers, biases and vectors", () => {
  // (1433 + 1 + 2) 64, and (64 + 1 + 2) 7.
  const config: GatConfig = { ...plain, layers: 2, heads: 8, width: 8 };
  const model = createModel(config, { features: 1433, classes: 7 }, 1);
  assert.equal(parameterCount(model), 92_373);
  model.dispose();
});

test("weights start as PyG's GATConv, or as the teacher's", () => {
  const shape = { features: 60, classes: 50 };
  const moments = (of: GatConfig) => {
    const model = createModel(of, shape, 1);
    const all = model.parameters.map(({ name, variable }) => {
      const x = variable.dataSync<"float32">();
      const largest = x.reduce((most, v) => Math.max(most, Math.abs(v)), 0);
      return [name, { largest, deviation: Math.sqrt(dot(x, x) / x.length) }] as const;
    });
    model.dispose();
    return Object.fromEntries(all);
  };
  const close = (found: number, expected: number, within = 0.06): void =>
    assert.ok(Math.abs(found / expected - 1) < within, `${found}, not ${expected}`);
  const wide = { ...plain, residual: true, heads: 4, width: 100 };
  const uniform = moments(wide);
  // torch_geometric.nn.inits.glorot: uniform within (6 / (rows + columns))^1/2 of the last two dimensions.
  for (const [name, bound] of [
    ["layer.0.weight", Math.sqrt(6 / 460)],
    ["layer.1.residual", Math.sqrt(6 / 800)],
    ["layer.0.source", Math.sqrt(6 / 104)],
    ["layer.1.target", Math.sqrt(6 / 104)],
    ["layer.2.source", Math.sqrt(6 / 51)],
  ] as const) {
    assert.ok(uniform[name]!.largest <= bound, name);
    close(uniform[name]!.largest, bound, 0.1);
    if (!name.startsWith("layer.2")) close(uniform[name]!.deviation, bound / Math.sqrt(3));
  }
  assert.equal(uniform["layer.0.bias"]!.largest, 0);
  // torch.nn.init.xavier_normal_ with gain 2^1/2: deviation gain (2 / (inputs + outputs))^1/2.
  const normal = moments({ ...wide, start: "normal" });
  close(normal["layer.0.weight"]!.deviation, Math.sqrt(4 / 460));
  close(normal["layer.1.residual"]!.deviation, Math.sqrt(4 / 800));
  close(normal["layer.0.source"]!.deviation, Math.sqrt(4 / 500));
  assert.ok(normal["layer.0.weight"]!.largest > 3 * Math.sqrt(4 / 460), "not bounded");
});

/** A ring with a hub; the last node has no arc, and node 2 no features. */
function graphOf(nodes: number, features: number) {
  const ring = Array.from({ length: nodes - 1 }, (_, n) => n);
  const graph = makeGraph({
    edges: {
      from: [...ring, ...ring.slice(2, -1).map(() => 0)],
      to: [...ring.map((n) => (n + 1) % (nodes - 1)), ...ring.slice(2, -1)],
    },
    features: Array.from({ length: nodes }, (_, n) =>
      Array.from(numbers(features, n), (x) => (n === 2 ? 0 : Math.abs(x))),
    ),
    labels: new Array(nodes).fill(0),
    classes: 3,
  });
  // The pattern A + I, and degrees in it.
  const loops: Csr = symmetricNormalised(graph.adjacency);
  const degrees = Array.from({ length: nodes }, (_, n) => loops.indptr[n + 1]! - loops.indptr[n]!);
  return { graph, loops, degrees, features: rowNormalised(graph.features) };
}

type Weights = Readonly<Record<string, Numbers>>;

/** The maps of all layers, by their formula. @param draw absent in evaluation */
function naive(
  config: GatConfig,
  { loops, degrees, features }: ReturnType<typeof graphOf>,
  weights: Weights,
  classes: number,
  draw?: Omit<Draw, "site" | "rate">,
): Float64Array[] {
  const nodes = loops.rows;
  const wide = config.heads * config.width;
  const factors = (length: number, site: number, rate: number) =>
    dropoutFactors(length, draw && { ...draw, rate, site });
  const maps: Float64Array[] = [];
  let hidden = new Float64Array();
  for (let l = 0; l < config.layers; l++) {
    const last = l === config.layers - 1;
    const [heads, width] = last ? [1, classes] : [config.heads, config.width];
    const out = heads * width;
    const part = (name: string): Numbers | undefined => weights[`layer.${l}.${name}`];
    const times = (matrix: Numbers): Float64Array => {
      if (l === 0) {
        // Features that are mostly not 0 are dropped by their place in the whole matrix.
        const kept = factors(nodes * features.columns, 0, config.inputDropout);
        const places = entries(features).map(([n, c]) => n * features.columns + c);
        return sparseTimes(
          features,
          matrix,
          out,
          Float64Array.from(places, (k) => kept[k]!),
        );
      }
      const kept = factors(hidden.length, l, config.dropout);
      const x = hidden.map((value, k) => value * kept[k]!);
      return product(x, matrix, nodes, wide, out);
    };
    const sums = naiveGat(loops, times(part("weight")!), part("source")!, part("target"), {
      ...{ heads, width, slope: 0.2 },
      ...(config.symmetric && {
        scales: { source: degrees.map((d) => d ** -0.5), target: degrees.map((d) => d ** 0.5) },
      }),
      kept: factors(loops.indices.length, config.layers + l, config.edgeDropout),
    });
    const residual = part("residual") && times(part("residual")!);
    const map = sums.map((x, k) => x + (residual?.[k] ?? 0) + (part("bias")?.[k % out] ?? 0));
    maps.push(map);
    if (last) break;
    hidden = map.map((x, k) => {
      if (!config.batchNorm) return Math.max(0, x);
      const column = Array.from({ length: nodes }, (_, n) => map[n * out + (k % out)]!);
      const own = (name: string) => weights[`norm.${l}.${name}`]![k % out]!;
      const mean = draw ? column.reduce((a, b) => a + b, 0) / nodes : own("mean");
      const variance = draw
        ? column.reduce((a, b) => a + (b - mean) ** 2, 0) / nodes
        : own("variance");
      return Math.max(0, ((x - mean) / Math.sqrt(variance + 1e-5)) * own("gain") + own("shift"));
    });
  }
  return maps;
}

for (const [name, config] of [
  ["as in the paper, with ReLU", plain],
  ["with a residual, without destination", { ...plain, residual: true, destination: false }],
  ["as the Arxiv teacher", { ...plain, ...teacher }],
  ["of two layers and one head", { ...plain, layers: 2, heads: 1, width: 7, batchNorm: true }],
] as const) {
  describe(`GAT ${name}`, () => {
    const [nodes, count, classes] = [11, 7, 3];
    for (const training of [false, true]) {
      test(`has the formula's maps and gradients, ${training ? "training" : "in evaluation"}`, () => {
        const given = graphOf(nodes, count);
        const model = createModel(config as GatConfig, { features: count, classes }, 5);
        for (const { name, variable } of [...model.parameters, ...(model.buffers ?? [])]) {
          const x = numbers(variable.size, name.length + variable.size);
          const values = name.endsWith(".variance") ? x.map((v) => 0.5 + v * v) : x;
          variable.assign(tf.tensor(values, variable.shape));
        }
        const weights: Weights = Object.fromEntries(
          [...model.parameters, ...(model.buffers ?? [])].map(({ name, variable }) => [
            name,
            variable.dataSync<"float32">(),
          ]),
        );
        const forms = graphInputs(given.graph);
        const inputs = findModel("gat").prepare(forms.value) as never;
        const draw = training ? { seed: 3, step: 2 } : undefined;
        const taps = [numbers(nodes * classes, 21), numbers(nodes * model.outline.hidden, 22)];
        const loss = (all: Weights): number => {
          const maps = naive(config as GatConfig, given, all, classes, draw);
          return dot(maps.at(-1)!, taps[0]!) + dot(maps[0]!, taps[1]!);
        };
        tf.tidy(() => {
          const pass = { reads: "layers", ...(draw && { dropout: draw }) } as const;
          const { layers } = model.forward(inputs, pass);
          naive(config as GatConfig, given, weights, classes, draw).forEach((map, l) => {
            assertClosely(layers!.at(l).dataSync(), map, 2e-5, `map ${l}`);
          });
          const { grads } = tf.variableGrads(
            () => {
              const { logits, layers: maps } = model.forward(inputs, pass);
              const sum = (x: tf.Tensor, by: Float32Array) =>
                tf.sum(tf.mul(x, tf.tensor(by, x.shape)));
              return tf.add(sum(logits, taps[0]!), sum(maps!.at(0), taps[1]!)) as tf.Scalar;
            },
            model.parameters.map(({ variable }) => variable),
          );
          for (const { name, variable } of model.parameters) {
            const slope = differences((x) => loss({ ...weights, [name]: x }), weights[name]!);
            // A node's own part of a score matters only where its arcs' scores have both signs.
            const counts = slope.some((x) => Math.abs(x) > 1e-5);
            assert.ok(counts || name.endsWith(".target"), `${name} has an effect`);
            const found = grads[variable.name]!.dataSync();
            if (counts) assertClosely(found, slope, 2e-4, name);
            else assertClose(found, slope, 1e-6, name);
          }
        });
        model.dispose();
        forms.dispose();
      });
    }
  });
}

test("an invalid configuration is an OptionError that names the option", () => {
  for (const [part, message] of [
    [
      { heads: 0 },
      /GAT: option "heads" is 0; legal: a whole number of at least 1 and at most 4096/,
    ],
    [{ edgeDropout: 1 }, /"edgeDropout" is 1/],
    [{ start: "zeros" }, /"start" is "?zeros"?; legal: uniform, normal/],
    [{ alpha: 0.1 }, /unknown option "alpha"/],
  ] as const) {
    assert.throws(
      () => createModel({ ...plain, ...part } as never, { features: 3, classes: 2 }, 1),
      (error: Error) => error instanceof OptionError && message.test(error.message),
    );
  }
});
