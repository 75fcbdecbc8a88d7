// GCN, GraphSAGE and MLP: parameter counts, formulas in double precision, batch normalisation, initial weights.
import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import * as tf from "@tensorflow/tfjs";
import { OptionError } from "../../src/base/errors.ts";
import type { Csr } from "../../src/graph/csr.ts";
import { csrFromPairs } from "../../src/graph/csr.ts";
import { rowNormalised, symmetricNormalised } from "../../src/graph/normalise.ts";
import type { GcnConfig } from "../../src/models/gcn.ts";
import type { MlpConfig } from "../../src/models/mlp.ts";
import { type GraphInputs, type Model, parameterCount } from "../../src/models/model.ts";
import { createModel, modelShapes } from "../../src/models/registry.ts";
import type { SageConfig } from "../../src/models/sage.ts";
import { memory, SparseMatrix, startEngine } from "../../src/tensor/index.ts";
import { type Draw, dropoutFactors } from "../tensor/philox.ts";
import {
  assertClose,
  assertClosely,
  differences,
  dot,
  type Numbers,
  numbers,
  product,
  randomSparse,
} from "../tensor/support.ts";
import { sparseTimes } from "./reference.ts";

before(() => {
  startEngine();
});

type Config = GcnConfig | MlpConfig | SageConfig;
const base = { layers: 2, width: 256, dropout: 0.5, batchNorm: false } as const;

test("256H on ogbn-arxiv's shape has the published number of parameters", () => {
  const arxiv = { features: 128, classes: 40 };
  const blocks = memory().blocks;
  for (const [kind, layers, batchNorm, count] of [
    ["gcn", 2, false, 43_304],
    ["mlp", 2, false, 43_304],
    // Joshi et al. 2022, table 4: 2L-256H, including batch normalisation's gains and shifts.
    ["gcn", 2, true, 43_816],
    ["mlp", 2, true, 43_816],
    ["sage", 2, true, 86_824],
    // The Open Graph Benchmark's GCN.
    ["gcn", 3, true, 110_120],
  ] as const) {
    const config: Config = { ...base, kind, layers, batchNorm };
    const model = createModel(config, arxiv, 1);
    assert.equal(parameterCount(model), count);
    const { parameters, buffers, outline } = modelShapes(config, arxiv);
    const shapesOf = (all: Model["parameters"] = []) =>
      all.map(({ name, variable }) => [name, variable.shape]);
    assert.deepEqual(shapesOf(model.parameters), [...parameters]);
    assert.deepEqual(shapesOf(model.buffers), [...buffers]);
    assert.deepEqual(model.outline, outline);
    assert.deepEqual(outline.widths, [...Array(layers - 1).fill(256), 40]);
    model.dispose();
  }
  assert.equal(memory().blocks, blocks, "dispose() frees everything");
});

/** A ring with a hub; the last node has no arc, and node 2 has no features. */
function graphOf(kind: Config["kind"], nodes: number, features: number) {
  const pairs = Array.from({ length: nodes - 1 }, (_, n): [number, number][] => [
    [n, (n + 1) % (nodes - 1)],
    [0, n],
  ]).flat();
  const seen = new Set<string>();
  const arcs = pairs
    .filter(([a, b]) => a !== b)
    .flatMap(([a, b]) => [
      [a, b],
      [b, a],
    ])
    .filter((arc) => !seen.has(arc.join()) && seen.add(arc.join()));
  const plain = csrFromPairs(
    nodes,
    nodes,
    arcs.map(([a]) => a!),
    arcs.map(([, b]) => b!),
  );
  const adjacency = kind === "sage" ? rowNormalised(plain) : symmetricNormalised(plain);
  const drawn = randomSparse(nodes, features, 4);
  const values = Float32Array.from(drawn.indices, (_, k) => drawn.values?.[k] ?? 1);
  values.fill(0, drawn.indptr[2]!, drawn.indptr[3]!);
  const host = { adjacency, features: { ...drawn, values } };
  const inputs = {
    adjacency: SparseMatrix.from(host.adjacency),
    features: SparseMatrix.from(host.features),
  };
  return {
    ...{ host, inputs },
    dispose() {
      for (const matrix of Object.values(inputs)) matrix.dispose();
    },
  };
}

type Weights = Readonly<Record<string, Numbers>>;
const weightsOf = ({ parameters, buffers = [] }: Model<GraphInputs>): Weights =>
  Object.fromEntries(
    [...parameters, ...buffers].map(({ name, variable }) => [name, variable.dataSync<"float32">()]),
  );

interface Found {
  readonly maps: Float64Array[];
  readonly hidden: Float64Array;
  /** The mean and variance over the nodes of each hidden layer's map. */
  readonly statistics: { readonly mean: number[]; readonly variance: number[] }[];
}

/** The mean of each node's neighbours, whatever values the matrix has. */
const neighbourMeans = (adjacency: Csr, x: Numbers, columns: number): Float64Array =>
  sparseTimes(
    { ...adjacency, values: new Float32Array(adjacency.indices.length).fill(1) },
    x,
    columns,
  ).map((sum, k) => {
    const row = Math.floor(k / columns);
    return sum / Math.max(1, adjacency.indptr[row + 1]! - adjacency.indptr[row]!);
  });

/**
 * Kipf and Welling's eq. 2, Hamilton et al.'s mean aggregator (or a perceptron's layers) and Ioffe and Szegedy's algorithm 1, node by node.
 * @param draw if absent, the pass is an evaluation with the running statistics among the weights
 */
function naive(
  { kind, layers, width, batchNorm, dropout }: Config,
  { adjacency, features }: { readonly adjacency: Csr; readonly features: Csr },
  weights: Weights,
  classes: number,
  draw?: Omit<Draw, "site" | "rate">,
): Found {
  const nodes = adjacency.rows;
  const drop = (length: number, site: number) =>
    dropoutFactors(length, draw && { ...draw, rate: dropout, site });
  const maps: Float64Array[] = [];
  const statistics: Found["statistics"] = [];
  let hidden = new Float64Array();
  for (let l = 0; l < layers; l++) {
    const out = l === layers - 1 ? classes : width;
    const factors = drop(l === 0 ? features.indices.length : hidden.length, l);
    const dropped = hidden.map((x, k) => x * factors[k]!);
    const times = (part: string): Float64Array =>
      l === 0
        ? sparseTimes(features, weights[`layer.0.${part}`]!, out, factors)
        : product(dropped, weights[`layer.${l}.${part}`]!, nodes, width, out);
    const sent = times("weight");
    const root = kind === "sage" ? times("root") : new Float64Array(nodes * out);
    const spread = {
      gcn: () => sparseTimes(adjacency, sent, out),
      sage: () => neighbourMeans(adjacency, sent, out),
      mlp: () => sent,
    }[kind]();
    const map = spread.map((x, k) => x + root[k]! + weights[`layer.${l}.bias`]![k % out]!);
    maps.push(map);
    if (l === layers - 1) break;
    hidden = map.map((x) => Math.max(0, x));
    if (!batchNorm) continue;
    const column = (c: number) => Array.from({ length: nodes }, (_, n) => map[n * out + c]!);
    const own = Array.from({ length: out }, (_, c) => {
      const mean = column(c).reduce((sum, x) => sum + x, 0) / nodes;
      const variance = column(c).reduce((sum, x) => sum + (x - mean) ** 2, 0) / nodes;
      return { mean, variance };
    });
    statistics.push({
      mean: own.map(({ mean }) => mean),
      variance: own.map(({ variance }) => variance),
    });
    const [gain, shift] = [weights[`norm.${l}.gain`]!, weights[`norm.${l}.shift`]!];
    hidden = map.map((x, k) => {
      const c = k % out;
      const { mean, variance } = draw
        ? own[c]!
        : { mean: weights[`norm.${l}.mean`]![c]!, variance: weights[`norm.${l}.variance`]![c]! };
      const unit = (x - mean) / Math.sqrt(variance + 1e-5);
      return Math.max(0, unit * gain[c]! + shift[c]!);
    });
  }
  return { maps, hidden, statistics };
}

/** Moves the weights away from initial values that could hide a mistake; the first hidden unit is dead. */
function disturb(model: Model<GraphInputs>): void {
  for (const { name, variable } of [...model.parameters, ...(model.buffers ?? [])]) {
    const drawn = numbers(variable.size, name.length + variable.size);
    const values = name.endsWith(".variance") ? drawn.map((x) => 0.5 + x * x) : drawn;
    if (/^(layer\.0\.bias|norm\.0\.shift)$/.test(name)) values[0] = -20;
    tf.tidy(() => variable.assign(tf.tensor(values, variable.shape)));
  }
}

for (const kind of ["gcn", "sage", "mlp"] as const) {
  for (const [layers, width, batchNorm] of [
    [2, 4, false],
    [3, 5, false],
    [2, 4, true],
    [4, 6, true],
  ] as const) {
    const config: Config = { kind, layers, width, batchNorm, dropout: 0.4 };
    const [nodes, features, classes] = [13, 9, 3];
    describe(`${kind} ${layers}L-${width}H${batchNorm ? " with batch norm" : ""}`, () => {
      for (const training of [false, true]) {
        test(`matches the formula, ${training ? "while training" : "in evaluation"}`, () => {
          const graph = graphOf(kind, nodes, features);
          const model = createModel(config, { features, classes }, 5);
          disturb(model);
          const before = weightsOf(model);
          const draw = training ? { seed: 3, step: 2 } : undefined;
          const expected = naive(config, graph.host, before, classes, draw);
          tf.tidy(() => {
            const pass = { reads: "layers", ...(draw && { dropout: draw }) } as const;
            const { logits, hidden, layers: maps, moved } = model.forward(graph.inputs, pass);
            assertClosely(logits.dataSync(), expected.maps.at(-1)!, 1e-5, "logits");
            assertClosely(hidden!.dataSync(), expected.hidden, 1e-5, "hidden");
            assert.deepEqual(hidden!.shape, [nodes, model.outline.hidden]);
            expected.maps.forEach((map, l) => {
              assertClosely(maps!.at(l).dataSync(), map, 1e-5, `map ${l}`);
              assert.equal(maps!.at(l).shape[1], model.outline.widths[l]);
            });
            const last = maps!.activated(layers - 2).dataSync();
            assert.deepEqual(last, hidden!.dataSync());
            // As torch.nn.BatchNorm1d: momentum 0.1, and the running variance is the sample variance.
            assert.equal(moved?.size ?? 0, training ? 2 * expected.statistics.length : 0);
            expected.statistics.forEach(({ mean, variance }, l) => {
              if (!moved) return;
              const of = (part: string, now: number[]) =>
                now.map((x, c) => 0.9 * before[`norm.${l}.${part}`]![c]! + 0.1 * x);
              const sample = variance.map((x) => (x * nodes) / (nodes - 1));
              assertClosely(moved.get(`norm.${l}.mean`)!, of("mean", mean), 1e-5, "mean");
              assertClosely(moved.get(`norm.${l}.variance`)!, of("variance", sample), 1e-5, "var");
            });
          });
          assert.deepEqual(weightsOf(model), before, "a pass changes nothing");
          model.dispose();
          graph.dispose();
        });

        test(`has the formula's gradients, ${training ? "while training" : "in evaluation"}`, () => {
          const graph = graphOf(kind, nodes, features);
          const model = createModel(config, { features, classes }, 5);
          disturb(model);
          const weights = weightsOf(model);
          const draw = training ? { seed: 3, step: 2 } : undefined;
          const byLogits = numbers(nodes * classes, 21);
          const byHidden = numbers(nodes * width, 22);
          const byFirst = numbers(nodes * width, 23);
          const loss = (all: Weights): number => {
            const { maps, hidden } = naive(config, graph.host, all, classes, draw);
            return dot(maps.at(-1)!, byLogits) + dot(hidden, byHidden) + dot(maps[0]!, byFirst);
          };
          tf.tidy(() => {
            const { value, grads } = tf.variableGrads(
              () => {
                const pass = { reads: "layers", ...(draw && { dropout: draw }) } as const;
                const { logits, hidden, layers: maps } = model.forward(graph.inputs, pass);
                const sum = (x: tf.Tensor, by: Float32Array): tf.Tensor =>
                  tf.sum(tf.mul(x, tf.tensor(by, x.shape)));
                const rest = tf.add(sum(hidden!, byHidden), sum(maps!.at(0), byFirst));
                return tf.add(sum(logits, byLogits), rest) as tf.Scalar;
              },
              model.parameters.map(({ variable }) => variable),
            );
            const expected = loss(weights);
            assertClose(
              value.dataSync(),
              [expected],
              1e-4 * Math.max(1, Math.abs(expected)),
              "loss",
            );
            for (const { name, variable } of model.parameters) {
              const slope = differences((x) => loss({ ...weights, [name]: x }), weights[name]!);
              const inner = /^layer\.[12]\.bias$/.test(name) && name !== `layer.${layers - 1}.bias`;
              const found = grads[variable.name]!.dataSync();
              if (training && batchNorm && inner) {
                // Subtracting the mean removes a bias.
                assertClose(found, new Float64Array(width), 1e-5, name);
                continue;
              }
              assert.ok(
                slope.some((x) => Math.abs(x) > 1e-5),
                `${name} has an effect`,
              );
              assertClosely(found, slope, 5e-5, name);
            }
          });
          model.dispose();
          graph.dispose();
        });
      }
    });
  }
}

test("GCN starts as PyG's GCNConv (Glorot's bound, zero bias), SAGE as SAGEConv, MLP as torch.nn.Linear", () => {
  const shape = { features: 50, classes: 30 };
  const largest = (values: Numbers) =>
    Array.from(values).reduce((most, x) => Math.max(most, Math.abs(x)), 0);
  const gcn = createModel({ ...base, kind: "gcn", width: 70, batchNorm: true }, shape, 1);
  const mlp = createModel({ ...base, kind: "mlp", width: 70 }, shape, 1);
  const sage = createModel({ ...base, kind: "sage", width: 70 }, shape, 1);
  const near = (values: Numbers, bound: number): void => {
    assert.ok(largest(values) <= bound && largest(values) > 0.9 * bound, `${largest(values)}`);
  };
  const [g, m, s] = [weightsOf(gcn), weightsOf(mlp), weightsOf(sage)];
  near(g["layer.0.weight"]!, Math.sqrt(6 / 120));
  near(g["layer.1.weight"]!, Math.sqrt(6 / 100));
  assert.equal(largest(g["layer.0.bias"]!), 0);
  near(m["layer.0.weight"]!, 1 / Math.sqrt(50));
  near(m["layer.0.bias"]!, 1 / Math.sqrt(50));
  near(m["layer.1.bias"]!, 1 / Math.sqrt(70));
  for (const part of ["weight", "root", "bias"]) {
    near(s[`layer.0.${part}`]!, 1 / Math.sqrt(50));
    near(s[`layer.1.${part}`]!, 1 / Math.sqrt(70));
  }
  const [weight, root] = [s["layer.0.weight"]!, s["layer.0.root"]!];
  const correlation = dot(weight, root) / Math.sqrt(dot(weight, weight) * dot(root, root));
  assert.ok(Math.abs(correlation) < 0.1, "both matrices are drawn by themselves");
  assert.deepEqual([...new Set(Array.from(g["norm.0.gain"]!))], [1]);
  assert.deepEqual([...new Set(Array.from(g["norm.0.mean"]!))], [0]);
  assert.deepEqual([...new Set(Array.from(g["norm.0.variance"]!))], [1]);
  for (const model of [gcn, mlp, sage]) model.dispose();
});

test("an invalid configuration is an OptionError that names the option", () => {
  const shape = { features: 3, classes: 2 };
  for (const [part, message] of [
    [{ layers: 1 }, /GCN: option "layers" is 1; legal: a whole number of at least 2/],
    [{ width: 0.5 }, /"width" is 0.5/],
    [{ dropout: 1 }, /"dropout" is 1; legal: a number of at least 0 and below 1/],
    [{ batchNorm: 1 }, /"batchNorm" is 1; legal: true, false/],
    [{ alpha: 0.1 }, /unknown option "alpha"/],
  ] as const) {
    const config = { ...base, kind: "gcn", ...part } as unknown as GcnConfig;
    assert.throws(
      () => createModel(config, shape, 1),
      (error: Error) => error instanceof OptionError && message.test(error.message),
    );
  }
  const unknown = { ...base, kind: "gatt" } as unknown as GcnConfig;
  assert.throws(() => createModel(unknown, shape, 1), /no model "gatt"; known: cpf, gat, gcn, /);
});
