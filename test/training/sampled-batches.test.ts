// Batches of sampled neighbours and of random walks: models on them, exact with all neighbours and by the definition with
// some; a stop within an epoch.
import assert from "node:assert/strict";
import { test } from "node:test";
import * as tf from "@tensorflow/tfjs";
import { OptionError } from "../../src/base/errors.ts";
import { resolveOptions } from "../../src/base/options.ts";
import {
  checkByBatch,
  createDistillation,
  findMethod,
  type MethodName,
  methods,
  studentCount,
} from "../../src/distillation/registry.ts";
import { FrozenTeacher } from "../../src/distillation/teacher.ts";
import type { Graph } from "../../src/graph/graph.ts";
import type { Model } from "../../src/models/model.ts";
import { createModel, findModel, type ModelConfig } from "../../src/models/registry.ts";
import type { SampledInputs } from "../../src/models/sampled.ts";
import { Students } from "../../src/models/students.ts";
import { memory, type SparseMatrix, startEngine, type Targets } from "../../src/tensor/index.ts";
import { inTurns, type TrainingBatch } from "../../src/training/batches.ts";
import type { TrainingState } from "../../src/training/checkpoint.ts";
import { checkConfig } from "../../src/training/config-check.ts";
import { graphInputs, splitTargets } from "../../src/training/inputs.ts";
import type { RunConfig, SamplerConfig } from "../../src/training/run.ts";
import { sampledBatches } from "../../src/training/sampled-batches.ts";
import { type TrainingOptions, train } from "../../src/training/train.ts";
import { assertClose } from "../tensor/support.ts";
import { smallConfig, smallGraph, smallSplit } from "./small.ts";

startEngine("wasm", { threads: 1 });
const split = smallSplit();
const sparse = smallGraph();
/** The same with features of which most are not 0, which are multiplied as a dense matrix. */
const dense: Graph = {
  ...sparse,
  featuresAsIs: true,
  features: {
    ...{ rows: 60, columns: 5 },
    indptr: Int32Array.from({ length: 61 }, (_, row) => 5 * row),
    indices: Int32Array.from({ length: 300 }, (_, k) => k % 5),
    values: Float32Array.from({ length: 300 }, (_, k) => Math.sin(7 * k)),
  },
};

const model = { kind: "sage", layers: 2, width: 6, dropout: 0.4, batchNorm: true } as const;
const gat = {
  ...findModel("gat").defaults,
  ...{ kind: "gat", width: 3, heads: 2, symmetric: true, residual: true, batchNorm: true },
} as ModelConfig;
const gcnii: ModelConfig = {
  ...{ kind: "gcnii", layers: 2, width: 6, alpha: 0.2, lambda: 0.5, dropout: 0.4 },
};
const sampledModels: readonly ModelConfig[] = [model, { ...model, kind: "gcn" }, gat, gcnii];
/** A node of the small graph has 4 neighbours. */
const all: SamplerConfig = { name: "neighbours", fanOut: "4,4" };
const some: SamplerConfig = { name: "neighbours", fanOut: "3,2" };
const walks: SamplerConfig = { name: "walks", length: 3, steps: 4 };

function parts(graph: Graph, config: ModelConfig = model) {
  const [forms, targets] = [graphInputs(graph), splitTargets(graph, split)];
  const inputs = findModel(config.kind).prepare(forms.value) as SampledInputs;
  const whole = { inputs, targets: targets.value };
  const drawn = { graph, split, size: 9, model: config, sampler: some, alone: false };
  return {
    ...{ whole, drawn, forms: forms.value },
    dispose() {
      for (const held of [forms, targets]) held.dispose();
    },
  };
}

/** The loss on a batch's training nodes, and its gradient for each parameter. */
function lossAndGradients(own: Model, inputs: unknown, targets: Targets) {
  const variables = own.parameters.map(({ variable }) => variable);
  return tf.tidy(() => {
    const loss = () => targets.loss(own.forward(inputs).logits);
    const { value, grads } = tf.variableGrads(loss, variables);
    return [value, ...variables.map(({ name }) => grads[name]!)].map((x) => [...x.dataSync()]);
  });
}

const exact = sampledModels.flatMap((config) => [
  { config, graph: sparse, name: `${config.kind}, sparse` },
  { config, graph: dense, name: `${config.kind}, dense` },
]);

for (const { name, graph, config } of exact) {
  test(`${name} features: with all neighbours, a batch has the whole graph's logits, maps and gradients`, () => {
    const { whole, drawn, dispose } = parts(graph, config);
    const own = createModel(config, { features: graph.features.columns, classes: 3 }, 2);
    const { logits, hidden, layers } = own.forward(whole.inputs, { reads: "layers" });
    const known = [logits, hidden!, layers!.at(0)].map((x) => x.arraySync());
    const batches = sampledBatches(whole, { ...drawn, sampler: all });
    let count = 0;
    for (const { inputs, nodes, targets } of batches.epoch(3, 0)) {
      const found = own.forward(inputs as SampledInputs, { reads: "layers" });
      const maps = [found.logits, found.hidden!, found.layers!.at(0)];
      for (const [k, map] of maps.entries()) {
        assert.equal(map.shape[0], nodes!.length);
        const rows = [...nodes!].map((node) => known[k]![node]!);
        assertClose(map.arraySync().flat(), rows.flat(), 1e-5, `map ${k}`);
      }
      const train = targets.train as Targets;
      const labelled = Int32Array.from(train.chosen, (row) => nodes![row]!);
      const same = splitTargets(graph, { ...split, train: labelled, val: split.val });
      const exact = lossAndGradients(own, whole.inputs, same.value.train as Targets);
      const sampled = lossAndGradients(own, inputs, train);
      for (const [k, numbers] of sampled.entries())
        assertClose(numbers, exact[k]!, 1e-5, `number ${k}`);
      same.dispose();
      count++;
    }
    assert.equal(count, 8);
    dispose();
  });
}

test("an epoch of neighbours deals each node, or each training node, once; equal seeds draw equal parts", () => {
  const { whole, drawn, dispose } = parts(sparse);
  const before = memory().used;
  for (const alone of [false, true]) {
    const batches = sampledBatches(whole, { ...drawn, alone });
    const drawnIn = (seed: number, epoch: number) =>
      [...batches.epoch(seed, epoch)].map(({ nodes, inputs, targets }) => {
        const { layers, batch } = inputs as SampledInputs;
        assert.equal(batch, nodes!.length);
        assert.ok((targets.train as Targets).count > 0);
        return { nodes: [...nodes!], arcs: layers!.map(({ host }) => [...host.indices]) };
      });
    const first = drawnIn(3, 0);
    const expected = alone ? [...split.train] : [...Array(60).keys()];
    assert.deepEqual(
      first.flatMap(({ nodes }) => nodes).sort((a, b) => a - b),
      expected,
    );
    assert.deepEqual(drawnIn(3, 0), first);
    assert.notDeepEqual(drawnIn(3, 1), first);
    assert.notDeepEqual(drawnIn(4, 0), first);
  }
  assert.equal(memory().used, before, "each batch frees what it holds");
  dispose();
});

test("each step of walks has a training node, and its own draws", () => {
  const { whole, drawn, dispose } = parts(dense);
  const batches = sampledBatches(whole, { ...drawn, size: 2, sampler: walks });
  const seen = [...batches.epoch(3, 0)].map(({ nodes, inputs, targets }) => {
    const { layers, batch } = inputs as SampledInputs;
    assert.equal(batch, nodes!.length);
    assert.equal(layers![0], layers![1]);
    const labelled = [...nodes!.keys()].filter((row) => split.train.includes(nodes![row]!));
    assert.ok(labelled.length > 0);
    assert.deepEqual([...(targets.train as Targets).chosen], labelled);
    return String(nodes);
  });
  assert.equal(new Set(seen).size, 4);
  dispose();
});

/** Rows of a matrix as numbers. */
const rowsOf = (x: tf.Tensor): number[][] => x.arraySync() as number[][];

/** A X, with zeros where a row of A is short. */
const product = (a: readonly number[][], x: readonly number[][]): number[][] =>
  a.map((row) => x[0]!.map((_, c) => row.reduce((sum, value, k) => sum + value * x[k]![c]!, 0)));

/** A drawn layer's arcs by node: the nodes that each computed one hears, itself apart. */
function heard(matrix: SparseMatrix, row: number): number[] {
  const { indptr, indices } = matrix.host;
  return [...indices.subarray(indptr[row]!, indptr[row + 1]!)].filter((column) => column !== row);
}

test("some neighbours: a GCN's coefficients are P's times d / k, a node's own is P's, and so are its logits", () => {
  // Chen, Zhu, Song 2018, section 3: P'_uv = n(u) / D P_uv for the D neighbours that were drawn.
  const config: ModelConfig = { ...model, kind: "gcn", batchNorm: false };
  for (const sampler of [some, walks]) {
    const { whole, drawn, dispose } = parts(dense, config);
    const own: Model = createModel(config, { features: 5, classes: 3 }, 2);
    const [w0, b0, w1, b1] = own.parameters.map(({ variable }) => variable.arraySync()) as [
      ...[number[][], number[], number[][], number[]],
    ];
    const batches = sampledBatches(whole, { ...drawn, sampler });
    const [{ inputs, nodes }] = [...take(batches.epoch(3, 0), 1)] as [TrainingBatch];
    const { layers, features } = inputs as SampledInputs;
    // Each node of the small graph has 4 neighbours.
    const dense2 = layers!.map((matrix) =>
      Array.from({ length: matrix.rows }, (_, row) => {
        const near = heard(matrix, row);
        const values = new Array<number>(matrix.columns).fill(0);
        values[row] = 1 / 5;
        for (const column of near) values[column] = (4 / near.length) * (1 / 5);
        return values;
      }),
    );
    const x = rowsOf(features.dense()!);
    const linear = (a: number[][], h: number[][], w: number[][], b: number[]) =>
      product(a, product(h, w)).map((row) => row.map((value, c) => value + b[c]!));
    const hidden = linear(dense2[0]!, x, w0, b0).map((row) => row.map((v) => Math.max(0, v)));
    const logits = linear(dense2[1]!, hidden, w1, b1);
    const found = tf.tidy(() => rowsOf(own.forward(inputs as SampledInputs).logits));
    assert.equal(found.length, nodes!.length);
    assertClose(found.flat(), logits.flat(), 1e-5, sampler.name);
    own.dispose();
    dispose();
  }
});

test("a batch of walks has the arcs between its nodes as a graph; neighbours have none", () => {
  const { whole, drawn, dispose } = parts(dense);
  const [drawnWalks] = [
    ...take(sampledBatches(whole, { ...drawn, size: 3, sampler: walks }).epoch(3, 0), 1),
  ];
  const { nodes, graph } = drawnWalks!;
  const { rows, host } = graph!.adjacency;
  assert.equal(rows, nodes!.length);
  const { indptr, indices } = sparse.adjacency;
  const degree = (row: number): number => host.indptr[row + 1]! - host.indptr[row]!;
  for (const [row, node] of nodes!.entries()) {
    const near = [...indices.subarray(indptr[node]!, indptr[node + 1]!), node]
      .filter((other) => nodes!.includes(other))
      .sort((a, b) => a - b);
    const own = host.indices.subarray(host.indptr[row]!, host.indptr[row + 1]!);
    assert.deepEqual(
      [...own].map((column) => nodes![column]!),
      near,
    );
    const values = host.values!.subarray(host.indptr[row]!, host.indptr[row + 1]!);
    const expected = [...own].map((column) => 1 / Math.sqrt(near.length * degree(column)));
    assertClose([...values], expected, 1e-6, `node ${node}`);
  }
  const [few] = [...take(sampledBatches(whole, { ...drawn, sampler: some }).epoch(3, 0), 1)];
  assert.equal(few!.graph, undefined);
  dispose();
});

test("students that take turns each learn from every batch", () => {
  const { whole, drawn, dispose } = parts(dense);
  const batches = inTurns(sampledBatches(whole, { ...drawn, sampler: walks }), 2);
  const seen: string[] = [];
  for (const { nodes } of batches.epoch(3, 0)) seen.push(String(nodes));
  assert.equal(seen.length, 8);
  const turn = (k: number): string[] => seen.filter((_, step) => step % 2 === k);
  assert.deepEqual(turn(0), turn(1));
  assert.equal(new Set(turn(0)).size, 4);
  dispose();
});

/** The first batches of an epoch; each is freed when the next is asked for. */
function* take(batches: Iterable<TrainingBatch>, count: number): Iterable<TrainingBatch> {
  let left = count;
  const all = batches[Symbol.iterator]();
  while (left-- > 0) yield all.next().value;
}

/** What is trained: a student, and a method that teaches it. */
interface Taught {
  readonly student: ModelConfig;
  readonly method: MethodName;
  readonly options?: Readonly<Record<string, unknown>>;
}

async function run(
  sampler: SamplerConfig,
  { student: own, method: name, options: set = {} }: Taught,
  options: TrainingOptions = {},
) {
  const { whole, drawn, forms, dispose } = parts(dense, own);
  const method = findMethod(name);
  const config: RunConfig = {
    ...smallConfig({ epochs: 2, batch: 16, sampler }),
    ...{
      model: own,
      method: { name, version: method.version, options: resolveOptions(method, set) },
    },
  };
  checkConfig({ ...config, dataset: "cora", split: "public", method: undefined as never });
  checkByBatch(name, sampler.name === "walks");
  const shape = { features: 5, classes: 3 };
  const known = createModel({ ...model, kind: "gcn" }, shape, 7);
  const teacher = new FrozenTeacher(known, forms);
  const count = studentCount(config.method);
  const models = Array.from({ length: count }, () => createModel(own, shape, config.seed));
  const student: Model = count === 1 ? models[0]! : new Students(models);
  const distillation = createDistillation(config.method!, {
    ...{ teacher, graph: forms, student: student.outline, seed: config.seed },
    train: whole.targets.train,
  });
  const batches = sampledBatches(whole, { ...drawn, size: 16, sampler });
  const task = { ...whole, config, model: student, distillation, batches };
  const { curve } = await train(task as never, options);
  const weights = student.parameters.map(({ variable }) => [...variable.dataSync()]);
  for (const held of [distillation, teacher, student, known]) held.dispose();
  dispose();
  return { curve, weights };
}

const gcn: ModelConfig = { ...model, kind: "gcn", layers: 3 };
const taught: readonly (Taught & { readonly sampler: SamplerConfig })[] = [
  { sampler: some, student: model, method: "softkd", options: { hardWeight: 0.3 } },
  { sampler: some, student: gat, method: "abkd", options: { embedding: 4 } },
  { sampler: walks, student: gcnii, method: "abkd", options: { embedding: 4, form: "literal" } },
  { sampler: walks, student: gat, method: "graphakd", options: { criticEvery: 2 } },
  { sampler: walks, student: gcn, method: "alignahead", options: { students: 2 } },
];

for (const { sampler, ...one } of taught) {
  test(`${one.student.kind} by ${one.method}, ${sampler.name}: a training stopped after any step ends in the same bits, on 1 and 2 threads`, async () => {
    const whole = await run(sampler, one);
    const states: TrainingState[] = [];
    const save = (state: TrainingState): void => {
      states.push(structuredClone(state));
    };
    await run(sampler, one, { checkpoints: { everySeconds: 0, save } });
    const turns = one.method === "alignahead" ? 2 : 1;
    assert.equal(states.length, 8 * turns);
    for (const from of states.filter(({ within }) => within?.steps === 2)) {
      assert.deepEqual(await run(sampler, one, { from }), whole, `after step ${from.step}`);
    }
    startEngine("wasm", { threads: 2 });
    assert.deepEqual(await run(sampler, one), whole);
    startEngine("wasm", { threads: 1 });
  });
}

test("every method takes a finite step on walks, and leaves nothing behind", async () => {
  for (const { name, byBatch } of methods) {
    assert.ok(byBatch, name);
    const { curve } = await run(walks, { student: gcn, method: name as MethodName });
    assert.ok(curve.loss.every(Number.isFinite), name);
  }
  const { used } = memory();
  await run(walks, { student: gcn, method: "lsp" });
  await run(walks, { student: gcn, method: "abkd" });
  assert.equal(memory().used, used);
});

test("what cannot be sampled is refused", () => {
  const config = (training: Partial<RunConfig["training"]>, kind = "sage"): RunConfig => ({
    ...smallConfig(training),
    ...{ dataset: "cora", split: "public" },
    model: { ...findModel(kind).defaults, kind } as RunConfig["model"],
  });
  const refused = (given: RunConfig, message: RegExp) =>
    assert.throws(
      () => checkConfig(given),
      (error) => error instanceof OptionError && message.test(error.message),
    );
  refused(config({ sampler: some }), /sampler needs batch/);
  refused(config({ batch: 9 }), /sage reads arcs: give a sampler too/);
  refused(config({ batch: 9, sampler: some }, "gin"), /gin reads the whole graph.* no sampler/);
  const one: SamplerConfig = { name: "neighbours", fanOut: "5" };
  refused(config({ batch: 9, sampler: one }), /fan-out 5 is for 1 layers, but the model has 2/);
  for (const fanOut of ["", "0", "5,", "5,0", "1e3", "5;5"]) {
    const sampler: SamplerConfig = { name: "neighbours", fanOut };
    refused(config({ batch: 9, sampler }), /fanOut.*legal: whole numbers from 1, as 15,10/);
  }
});
