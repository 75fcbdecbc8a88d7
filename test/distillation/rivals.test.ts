// FitNet, AT, LSP and GSP against slow forms in double precision, and their gradients against
// central differences of those; odd shapes, soft labels, random draws, memory.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as tf from "@tensorflow/tfjs";
import { resolveOptions } from "../../src/base/options.ts";
import type { Distillation } from "../../src/distillation/method.ts";
import { createDistillation, findMethod } from "../../src/distillation/registry.ts";
import { KERNELS, type Kernel } from "../../src/distillation/rival.ts";
import { sampleNodes } from "../../src/distillation/sample.ts";
import { csrFromPairs } from "../../src/graph/csr.ts";
import { symmetricNormalised } from "../../src/graph/normalise.ts";
import { memory, SparseMatrix, startEngine } from "../../src/tensor/index.ts";
import { differences } from "../tensor/support.ts";
import {
  arcs,
  assertClose,
  gradients,
  graphInputs,
  type Shown,
  sceneOf,
  shape,
  shown,
  studentOutputs,
  teacherOutputs,
} from "./cases.ts";
import { hiddenOf, naiveAt, naiveFitNet, naiveGsp, naiveLsp, type Rows } from "./rivals-naive.ts";

startEngine();
const noLoss = tf.scalar(0);
const SEED = 5;
const STEP = 3;

type Options = Readonly<Record<string, unknown>>;

/** Computes a method's term by its formula from both sides' hidden rows and the method's parameters. */
type Naive = (s: Rows, t: Rows, parameters: readonly ArrayLike<number>[]) => number;

interface Case {
  readonly name: string;
  readonly method: string;
  readonly options: Options;
  naive(sizes: typeof shape): Naive;
}

const everyKernel = (make: (kernel: Kernel) => Case): Case[] => KERNELS.map(make);

/** Returns the nodes that GSP draws. */
const drawn = (nodes: number, count: number): Int32Array =>
  sampleNodes(nodes, count, { seed: SEED, stream: "gsp", step: STEP });

const cases: Case[] = [
  {
    name: "fitnet",
    method: "fitnet",
    options: {},
    naive:
      () =>
      (s, t, [weight, bias]) =>
        naiveFitNet(s, t, weight!, bias!),
  },
  { name: "at", method: "at", options: {}, naive: () => naiveAt },
  ...everyKernel((kernel) => ({
    name: `lsp ${kernel}`,
    method: "lsp",
    options: { kernel },
    naive:
      ({ nodes }) =>
      (s, t) =>
        naiveLsp(s, t, kernel, arcs(nodes)),
  })),
  ...[4096, 6].flatMap((sample) =>
    everyKernel((kernel) => ({
      name: `gsp ${kernel}, sample ${sample}`,
      method: "gsp",
      options: { kernel, sample },
      naive:
        ({ nodes }) =>
        (s, t) =>
          naiveGsp(s, t, kernel, drawn(nodes, sample)),
    })),
  ),
];

const create = (
  method: string,
  given: Options,
  sizes = shape,
  seed = SEED,
  preset?: string,
): Distillation => {
  const { studentLayers: layers, studentWidth: width, classes, nodes } = sizes;
  const options = resolveOptions(findMethod(method), given, preset);
  const teacher = teacherOutputs(sizes);
  const inputs = graphInputs(nodes);
  return createDistillation(
    { name: method, options },
    sceneOf(teacher, { layers, width, classes }, inputs, seed),
  );
};

const numbersOf = (tensor: tf.Tensor): Float32Array => tensor.dataSync() as Float32Array;
const largest = (values: ArrayLike<number>): number =>
  Array.from(values).reduce((most, x) => Math.max(most, Math.abs(x)), 0);

/** Checks that the term and its gradients are the formula's, for these outputs. */
function agree({ method, options, naive }: Case, sizes: typeof shape, student: Shown): void {
  const distillation = create(method, { ...options, beta: 2 }, sizes);
  const variables = distillation.parameters.map(({ variable }) => variable);
  const found = gradients((s) => distillation.loss(s, noLoss, STEP), student, variables);
  const formula = naive(sizes);
  const hiddenT = hiddenOf(numbersOf(teacherOutputs(sizes).maps), [
    sizes.teacherLayers,
    sizes.nodes,
    sizes.teacherWidth,
  ]);
  const maps = numbersOf(student.maps);
  const parameters = variables.map(numbersOf);
  const at = (m: ArrayLike<number>, p: readonly ArrayLike<number>[]): number =>
    2 * formula(hiddenOf(m, student.maps.shape), hiddenT, p);
  const value = at(maps, parameters);
  assertClose([found.value], [value], 3e-6, Math.max(1, value), "value");
  const compare = (actual: Float32Array, expected: Float64Array, what: string): void =>
    assertClose(actual, expected, 2e-5, largest(expected) + 1e-3, what);
  compare(
    found.gradients[0]!,
    differences((m) => at(m, parameters), maps),
    "by the maps",
  );
  parameters.forEach((own, k) => {
    const others = (p: Float64Array): ArrayLike<number>[] => parameters.with(k, p as never);
    compare(
      found.gradients[k + 2]!,
      differences((p) => at(maps, others(p)), own),
      `by parameter ${k}`,
    );
  });
  distillation.dispose();
}

for (const one of cases) {
  describe(one.name, () => {
    it("agrees with its formula and gradient", () => agree(one, shape, studentOutputs()));

    it("agrees with one layer, and widths 4 and 64", () => {
      const sizes = {
        ...shape,
        studentLayers: 1,
        studentWidth: 4,
        teacherLayers: 1,
        teacherWidth: 64,
      };
      agree(one, sizes, studentOutputs(sizes));
    });

    it("agrees with more nodes than a wasm kernel's block", () => {
      const sizes = { ...shape, nodes: 70, studentLayers: 1, teacherLayers: 2 };
      agree(one, sizes, studentOutputs(sizes));
    });

    it("agrees for a single node, without neighbours", () => {
      const sizes = { ...shape, nodes: 1 };
      agree(one, sizes, studentOutputs(sizes));
    });

    it("is finite for a dead student, which gets no gradient", () => {
      const alive = studentOutputs();
      const dead = shown(tf.neg(tf.abs(alive.maps)) as tf.Tensor3D, alive.logits);
      const method = create(one.method, one.options);
      const { value, gradients: all } = gradients((s) => method.loss(s, noLoss, STEP), dead, []);
      assert.ok(Number.isFinite(value));
      assert.ok(all[0]!.every((x) => x === 0));
    });

    it("gives the same bits for the same seed and step", () => {
      const student = studentOutputs();
      const bits = (seed: number, step: number): number[] => {
        const method = create(one.method, one.options, shape, seed);
        const { value, gradients: all } = gradients(
          (s) => method.loss(s, noLoss, step),
          student,
          [],
        );
        return [value, ...all[0]!];
      };
      assert.deepEqual(bits(1, 7), bits(1, 7));
      const draws = one.options["sample"] === 6;
      const same = (a: number[], b: number[]): boolean => a.every((x, k) => Object.is(x, b[k]));
      assert.equal(same(bits(1, 7), bits(1, 8)), !draws);
      assert.equal(same(bits(1, 7), bits(2, 7)), !draws && one.method !== "fitnet");
    });

    it("leaves no memory behind, over steps or at its end", () => {
      const student = studentOutputs();
      const before = tf.memory().numTensors;
      const method = create(one.method, { ...one.options, softLabels: 1 });
      gradients((s) => method.loss(s, noLoss, 0), student, []);
      const [tensors, blocks] = [tf.memory().numTensors, memory().blocks];
      for (let step = 1; step < 4; step++) {
        gradients((s) => method.loss(s, noLoss, step), student, []);
        method.inspect(student);
      }
      assert.equal(tf.memory().numTensors, tensors);
      assert.equal(memory().blocks, blocks);
      method.dispose();
      // The method does not own the teacher's outputs: two tensors that create() above made.
      assert.equal(tf.memory().numTensors, before + 2);
    });
  });
}

describe("what all rivals share", () => {
  it("the loss is L = hardWeight CE + beta term + softLabels T^2 KL", () => {
    const student = studentOutputs();
    const crossEntropy = tf.scalar(0.75);
    const value = (method: Distillation): number =>
      method.loss(student, crossEntropy, STEP).dataSync()[0]!;
    for (const name of ["fitnet", "at", "lsp", "gsp"]) {
      const term = value(create(name, { beta: 1, hardWeight: 0 }));
      const soft = value(create("softkd", { temperature: 3 }));
      const all = create(name, { beta: 5, hardWeight: 2, softLabels: 7, temperature: 3 });
      const expected = 2 * 0.75 + 5 * term + 7 * soft;
      assertClose([value(all)], [expected], 1e-6, expected, name);
      assertClose([value(create(name, { beta: 0 }))], [0.75], 0, 1, `${name}, beta 0`);
      const shown = create(name, {}).inspect(student).scalars["term"]!;
      assertClose([shown], [term], 1e-6, term, `${name}, inspected`);
    }
  });

  it("the preset soft-labels has the reference's weights", () => {
    for (const [name, beta] of Object.entries({ fitnet: 100, at: 1e4, lsp: 100, gsp: 10 })) {
      const options = resolveOptions(findMethod(name), {}, "soft-labels");
      const mixed = { hardWeight: 0.1, softLabels: 0.9, temperature: 4, beta };
      assert.deepEqual({ ...options, ...mixed }, options);
    }
  });
});

describe("graphs of other kinds", () => {
  it("LSP is 0 on a graph without arcs, and so is its gradient", () => {
    const none = SparseMatrix.from(symmetricNormalised(csrFromPairs(11, 11, [], [])));
    const graph = { ...graphInputs(), adjacency: none };
    const options = resolveOptions(findMethod("lsp"));
    const sizes = { layers: 3, width: 2, classes: 3 };
    const method = createDistillation(
      { name: "lsp", options },
      sceneOf(teacherOutputs(), sizes, graph),
    );
    const found = gradients((s) => method.loss(s, noLoss, 0), studentOutputs(), []);
    assert.equal(found.value, 0);
    assert.ok(found.gradients[0]!.every((x) => x === 0));
  });

  it("GSP agrees on a graph too large to keep the teacher's kernel matrix", () => {
    const sizes = { ...shape, nodes: 4100, studentLayers: 1, teacherLayers: 1 };
    const student = studentOutputs(sizes);
    const rows = (maps: tf.Tensor3D): Rows => hiddenOf(numbersOf(maps), maps.shape);
    const [s, t] = [rows(student.maps), rows(teacherOutputs(sizes).maps)];
    for (const kernel of KERNELS) {
      const method = create("gsp", { kernel, sample: 37, beta: 1 }, sizes);
      const found = method.loss(student, noLoss, STEP).dataSync();
      const expected = naiveGsp(s, t, kernel, drawn(4100, 37));
      assertClose(found, [expected], 3e-6, 1, kernel);
    }
  });
});

describe("drawing nodes", () => {
  const draw = (nodes: number, count: number, seed: number, step: number): number[] => [
    ...sampleNodes(nodes, count, { seed, stream: "a", step }),
  ];

  it("takes each once, in ascending order, as seed, stream and step decide", () => {
    const first = draw(100, 40, 1, 1);
    assert.equal(new Set(first).size, 40);
    assert.ok(first.every((node, k) => node >= 0 && node < 100 && node > (first[k - 1] ?? -1)));
    assert.deepEqual(draw(100, 40, 1, 1), first);
    for (const other of [draw(100, 40, 2, 1), draw(100, 40, 1, 2)])
      assert.notDeepEqual(other, first);
    assert.notDeepEqual([...sampleNodes(100, 40, { seed: 1, stream: "b", step: 1 })], first);
    assert.deepEqual(draw(3, 3, 1, 1), [0, 1, 2]);
    assert.deepEqual(draw(3, 9, 1, 1), [0, 1, 2]);
  });

  it("takes every node equally often", () => {
    const counts = new Float64Array(20);
    for (let step = 0; step < 2000; step++) for (const n of draw(20, 5, 1, step)) counts[n]!++;
    // 500 expected of 2000 draws, with a standard deviation of 19.
    for (const count of counts) assert.ok(Math.abs(count - 500) < 100, `${count}`);
  });
});
