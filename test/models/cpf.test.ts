// CPF's student and loss: a slow form in double precision from the paper's equations, classical label propagation,
// and what its model files and configurations refuse.
import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import * as tf from "@tensorflow/tfjs";
import { createDistillation, findMethod } from "../../src/distillation/registry.ts";
import { makeGraph } from "../../src/graph/make.ts";
import type { CpfConfig } from "../../src/models/cpf.ts";
import { GraphForms } from "../../src/models/graph-forms.ts";
import { parameterCount } from "../../src/models/model.ts";
import { createModel, findModel } from "../../src/models/registry.ts";
import { memory, startEngine, Targets } from "../../src/tensor/index.ts";
import { dropoutFactors } from "../tensor/philox.ts";
import { assertClosely, differences, dot, type Numbers, numbers } from "../tensor/support.ts";

before(() => {
  startEngine("wasm", { threads: 1 });
});

const CLASSES = 3;
const TRAIN = Int32Array.of(2, 5, 7);

/** Two rings that share a node, with a node that has no arc, and one that has no feature. */
const edges: readonly (readonly [number, number])[] = [
  ...[0, 1, 2, 3].map((n) => [n, n + 1] as const),
  ...[5, 6, 7, 8].map((n) => [n, n + 1] as const),
  ...[[4, 0] as const, [0, 5] as const, [9, 0] as const],
];
const NODES = 11;
const FEATURES = 6;
const rows: readonly number[][] = Array.from({ length: NODES }, (_, v) =>
  Array.from({ length: FEATURES }, (_, j) => (v === 3 ? 0 : (v * (j + 2) + j) % 4 === 0 ? 0.5 : 0)),
);
const graph = makeGraph({
  edges: { from: edges.map(([a]) => a), to: edges.map(([, b]) => b) },
  features: rows,
  labels: Array.from({ length: NODES }, (_, v) => v % CLASSES),
});
const known = { labels: graph.labels, items: TRAIN };
const base: CpfConfig = { kind: "cpf", ...findModel("cpf").defaults } as unknown as CpfConfig;

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
type Weights = Readonly<Record<string, Numbers>>;

/** Nodes by node: the paper's PLP and FT, each number by its sums. @param draw if absent, without dropout */
function naive(config: CpfConfig, weights: Weights, draw?: { seed: number; step: number }) {
  const { layers, variant, transform, width, dropout: rate, edgeDropout, binary } = config;
  const read = (v: number, j: number): number => {
    const own = rows[v]![j]!;
    const sum = rows[v]!.reduce((a, b) => a + b, 0);
    return binary ? Number(own !== 0) : sum === 0 ? 0 : own / sum;
  };
  const factors = (count: number, of: number, site: number) =>
    dropoutFactors(count, draw && { ...draw, rate: of, site });
  const { indptr, indices } = graph.features;
  /** The features' entries after dropout, as a dense matrix. */
  const dropped = (site: number): number[][] => {
    const kept = factors(indices.length, rate, site);
    const x = rows.map((row) => row.map(() => 0));
    for (let v = 0; v < NODES; v++) {
      for (let e = indptr[v]!; e < indptr[v + 1]!; e++) {
        x[v]![indices[e]!] = read(v, indices[e]!) * kept[e]!;
      }
    }
    return x;
  };
  const near = Array.from({ length: NODES }, (_, v) =>
    Array.from({ length: NODES }, (_, u) => u).filter(
      (u) => u === v || edges.some(([a, b]) => (a === u && b === v) || (a === v && b === u)),
    ),
  );
  const clamp = (v: number, f: number[]): number[] =>
    TRAIN.includes(v) ? f.map((_, c) => Number(c === graph.labels[v])) : f;
  const times = (x: number[][], matrix: Numbers, columns: number): number[][] =>
    x.map((row) =>
      Array.from({ length: columns }, (_, c) =>
        row.reduce((sum, value, j) => sum + value * matrix[j * columns + c]!, 0),
      ),
    );
  let f = near.map((_, v) => clamp(v, new Array<number>(CLASSES).fill(1 / CLASSES)));
  for (let k = 0; k < layers; k++) {
    const site = k * (transform + 2);
    const own = factors(NODES, rate, site);
    const c =
      variant === "ind"
        ? times(dropped(site), weights["confidence"]!, 1).map(([x]) => x!)
        : Array.from(weights["confidence"]!, (x, u) => x * own[u]!);
    let h: number[][] = [];
    for (let l = 0; l < transform; l++) {
      const columns = l === transform - 1 ? CLASSES : width;
      const mask = l === 0 ? undefined : factors(NODES * width, rate, site + l + 2);
      const x =
        l === 0
          ? dropped(site + 2)
          : h.map((row, v) => row.map((y, j) => Math.max(0, y) * mask![v * width + j]!));
      h = times(x, weights[`transform.${l}.weight`]!, columns).map((row) =>
        row.map((y, j) => y + weights[`transform.${l}.bias`]![j]!),
      );
    }
    const kept = factors(
      near.reduce((sum, { length }) => sum + length, 0),
      edgeDropout,
      site + 1,
    );
    let entry = 0;
    f = near.map((around, v) => {
      const total = around.reduce((sum, u) => sum + Math.exp(c[u]!), 0);
      const spread = new Array<number>(CLASSES).fill(0);
      for (const u of around) {
        const weight = (Math.exp(c[u]!) / total) * kept[entry++]!;
        for (let j = 0; j < CLASSES; j++) spread[j]! += weight * f[u]![j]!;
      }
      const a = weights["balance"]?.[v];
      const mixed = spread.map((x, j) =>
        a === undefined ? x : sigmoid(a) * x + sigmoid(-a) * h[v]![j]!,
      );
      return clamp(
        v,
        mixed.map((x) => Math.max(0, x)),
      );
    });
  }
  return Float64Array.from(f.flat());
}

/** Makes a model whose every parameter is far from where it starts, and knows the training nodes. */
function modelOf(config: CpfConfig) {
  const shape = { features: FEATURES, classes: CLASSES, nodes: NODES };
  const model = createModel(config, shape, 3);
  model.learnClasses(known);
  for (const [k, { variable }] of model.parameters.entries()) {
    tf.tidy(() => variable.assign(tf.tensor(numbers(variable.size, k + 2), variable.shape)));
  }
  const weights = (): Record<string, Float32Array> =>
    Object.fromEntries(
      model.parameters.map(({ name, variable }) => [name, variable.dataSync<"float32">()]),
    );
  return { model, weights };
}

const CASES: readonly Partial<CpfConfig>[] = [
  {},
  { variant: "tra" },
  { transform: 0, variant: "tra", edgeDropout: 0 },
  { transform: 2, width: 5, binary: false },
  { transform: 3, width: 4, dropout: 0, edgeDropout: 0.5 },
];

for (const changes of CASES) {
  const config = { ...base, layers: 3, dropout: 0.4, ...changes };
  for (const draw of [undefined, { seed: 5, step: 7 }]) {
    const what = `${JSON.stringify(changes)} ${draw ? "while training" : "in evaluation"}`;
    test(`the model is its equations: ${what}`, () => {
      const forms = new GraphForms(graph);
      const { model, weights } = modelOf(config);
      const factors = numbers(NODES * CLASSES, 9);
      const own = weights();
      const pass = draw && { dropout: draw };
      const { logits } = model.forward(forms, pass);
      assertClosely(logits.dataSync<"float32">(), naive(config, own, draw), 1e-5, "labels");
      const variables = model.parameters.map(({ variable }) => variable);
      const { grads } = tf.variableGrads(
        () =>
          tf.sum(
            tf.mul(model.forward(forms, pass).logits, tf.tensor2d(factors, [NODES, CLASSES])),
          ) as tf.Scalar,
        variables,
      );
      for (const { name, variable } of model.parameters) {
        const slow = differences(
          (x) => dot(naive(config, { ...own, [name]: x }, draw), factors),
          own[name]!,
        );
        assertClosely(grads[variable.name]!.dataSync<"float32">(), slow, 1e-5, name);
      }
      forms.dispose();
      model.dispose();
    });
  }
}

test("equal confidences without features are classical label propagation", () => {
  const forms = new GraphForms(graph);
  const config = { ...base, transform: 0, variant: "tra", layers: 40 } as const;
  const { model } = modelOf(config);
  tf.tidy(() => model.parameters[0]!.variable.assign(tf.zeros([NODES, 1])));
  // Zhu and Ghahramani 2002: Y = D^-1 (A + I) Y, then the known rows are clamped.
  const walk = Array.from({ length: NODES }, (_, v) =>
    Array.from({ length: NODES }, (_, u) =>
      Number(u === v || edges.some(([a, b]) => (a === u && b === v) || (a === v && b === u))),
    ),
  ).map((row) => row.map((x) => x / row.reduce((a, b) => a + b, 0)));
  const clamped = (y: number[][]): number[][] =>
    y.map((row, v) => row.map((x, c) => (TRAIN.includes(v) ? Number(c === graph.labels[v]) : x)));
  let y = clamped(walk.map(() => new Array<number>(CLASSES).fill(1 / CLASSES)));
  for (let k = 0; k < 40; k++) {
    const last = y;
    y = clamped(
      walk.map((row) =>
        Array.from({ length: CLASSES }, (_, c) =>
          row.reduce((sum, w, u) => sum + w * last[u]![c]!, 0),
        ),
      ),
    );
  }
  const { logits } = model.forward(forms);
  assertClosely(logits.dataSync<"float32">(), y.flat(), 1e-5, "labels");
  forms.dispose();
  model.dispose();
});

test("what differs by more than exp can hold still gives labels; hidden and layers are the steps'", () => {
  const forms = new GraphForms(graph);
  const { model } = modelOf({ ...base, variant: "tra", transform: 1, layers: 3 });
  tf.tidy(() =>
    model.parameters[0]!.variable.assign(
      tf.tensor2d(
        Float32Array.from({ length: NODES }, (_, v) => (v === 10 ? 400 : -v)),
        [NODES, 1],
      ),
    ),
  );
  const { logits, hidden, layers } = model.forward(forms, { reads: "layers" });
  assert.ok(logits.dataSync<"float32">().every(Number.isFinite));
  assert.deepEqual(layers!.activated(1).dataSync(), hidden!.dataSync());
  assert.deepEqual(layers!.at(2).dataSync(), logits.dataSync());
  const before = layers!.at(0).dataSync<"float32">();
  const after = layers!.activated(0).dataSync<"float32">();
  const others = after.filter((_, k) => !TRAIN.includes(Math.floor(k / CLASSES)));
  assert.deepEqual(
    others,
    before.filter((_, k) => !TRAIN.includes(Math.floor(k / CLASSES))).map((x) => Math.max(0, x)),
  );
  forms.dispose();
  model.dispose();
});

test("it has as many parameters as its code, and frees them", () => {
  // Cora's largest component: 2485 balances, and for `ind` 1433 + 1433 x 7 + 7.
  const shape = { features: 1433, classes: 7, nodes: 2485 };
  const blocks = memory().blocks;
  for (const [variant, count] of [
    ["ind", 2485 + 1433 + 1433 * 7 + 7],
    ["tra", 2485 + 2485 + 1433 * 7 + 7],
  ] as const) {
    const model = createModel({ ...base, variant }, shape, 1);
    assert.equal(parameterCount(model), count);
    model.dispose();
  }
  assert.equal(memory().blocks, blocks);
});

describe("the loss", () => {
  const teacher = numbers(NODES * CLASSES, 4);
  const target = (): tf.Tensor2D => tf.tensor2d(teacher, [NODES, CLASSES]);
  const softmax = (row: number[]): number[] => {
    const exp = row.map(Math.exp);
    return exp.map((x) => x / exp.reduce((a, b) => a + b));
  };
  const rowsOf = (x: Numbers): number[][] =>
    Array.from({ length: NODES }, (_, v) =>
      Array.from({ length: CLASSES }, (_, c) => x[v * CLASSES + c]!),
    );
  const slow = (x: Numbers): number => {
    const t = rowsOf(teacher).map(softmax);
    let sum = 0;
    for (const [v, row] of rowsOf(x).map(softmax).entries()) {
      if (TRAIN.includes(v)) continue;
      for (const [c, p] of row.entries()) sum += (p - t[v]![c]!) ** 2;
    }
    return Math.sqrt(sum);
  };
  const lossOf = () => {
    const method = findMethod("cpf");
    const train = new Targets(graph.labels, TRAIN, CLASSES);
    const forms = new GraphForms(graph);
    const outline = { kind: "cpf", widths: [3, 3], hidden: 3, classes: 3 };
    const options = method.defaults as Record<string, number>;
    const scene = { graph: forms, student: outline, train, seed: 1 };
    const known = { outline, outputs: () => ({ logits: target() }) };
    const distillation = createDistillation({ name: "cpf", options }, { ...scene, teacher: known });
    const value = (logits: tf.Tensor2D) => distillation.loss({ logits }, tf.scalar(9), 0);
    const dispose = () => {
      for (const held of [distillation, forms, train]) held.dispose();
    };
    return { value, dispose };
  };

  test("is one norm over the nodes not in the training set, with its gradient", () => {
    const { value, dispose } = lossOf();
    const x = numbers(NODES * CLASSES, 6);
    const point = tf.tensor2d(x, [NODES, CLASSES]);
    assertClosely(value(point).dataSync(), [slow(x)], 1e-6, "value");
    const gradient = tf.grad((logits) => value(logits as tf.Tensor2D))(point);
    assertClosely(gradient.dataSync<"float32">(), differences(slow, x), 1e-5, "gradient");
    dispose();
  });

  test("is 0 with a slope of 0 where the student is its teacher", () => {
    const { value, dispose } = lossOf();
    assert.equal(value(target()).dataSync()[0], 0);
    const gradient = tf.grad((logits) => value(logits as tf.Tensor2D))(target());
    assert.ok(gradient.dataSync().every((x) => x === 0));
    dispose();
  });
});
