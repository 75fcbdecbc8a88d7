// G-CRD, GraphAKD and Geometric KD against slow forms in double precision, and their gradients against
// central differences of those; odd shapes, seeds, memory.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as tf from "@tensorflow/tfjs";
import { resolveOptions } from "../../src/base/options.ts";
import { drawn } from "../../src/distillation/geometric/features.ts";
import type { Distillation } from "../../src/distillation/method.ts";
import { createDistillation, findMethod } from "../../src/distillation/registry.ts";
import { sampleNodes } from "../../src/distillation/sample.ts";
import { memory, startEngine } from "../../src/tensor/index.ts";
import { differences } from "../tensor/support.ts";
import {
  arcs,
  assertClose,
  gradients,
  graphInputs,
  labelOf,
  sceneOf,
  shape,
  shown,
  studentOutputs,
  teacherOutputs,
  trainingNodes,
} from "./cases.ts";
import { criticsOf, criticsStep, studentStep } from "./graphakd-reference.ts";
import {
  type Numbers,
  naiveFeatures,
  naiveGcrd,
  naivePairs,
  naiveReconstruction,
  times,
} from "./pairwise-naive.ts";
import { hiddenOf, type Rows } from "./rivals-naive.ts";
import { matrixOf, vectorOf } from "./tape.ts";

startEngine();
const noLoss = tf.scalar(0);
const SEED = 5;
const STEP = 30;
type Sizes = typeof shape;
type Options = Readonly<Record<string, unknown>>;

/** Everything that a formula reads. */
interface Facts {
  readonly sizes: Sizes;
  readonly maps: Numbers;
  readonly logits: Numbers;
  readonly parameters: readonly Numbers[];
}

interface Case {
  readonly method: string;
  readonly options: Options;
  /** The term, which trains the maps, the logits and each parameter k, unless `own` gives another loss. */
  value(facts: Facts): number;
  own?(k: number): ((facts: Facts) => number) | undefined;
}

const numbersOf = (tensor: tf.Tensor): Float32Array => tensor.dataSync() as Float32Array;

/** Returns a side's hidden rows: the last map's, or the first's. */
function studentRows({ sizes, maps }: Facts, layer?: "first"): Rows {
  const { studentLayers, nodes, studentWidth } = sizes;
  return hiddenOf(maps, [layer ? 1 : studentLayers, nodes, studentWidth]);
}

function teacherRows({ sizes }: Facts, layer?: "first"): Rows {
  const { teacherLayers, nodes, teacherWidth } = sizes;
  const maps = numbersOf(teacherOutputs(sizes).maps);
  return hiddenOf(maps, [layer ? 1 : teacherLayers, nodes, teacherWidth]);
}

const nodesOf = ({ sizes }: Facts, sample: number, stream: string): Int32Array =>
  sampleNodes(sizes.nodes, sample, { seed: SEED, stream, step: STEP });

const gcrd = (sample: number): Case => ({
  method: "gcrd",
  options: { projection: 5, sample, tau: 0.2 },
  value: (facts) =>
    naiveGcrd(
      studentRows(facts),
      teacherRows(facts),
      facts.parameters,
      0.2,
      nodesOf(facts, sample, "gcrd"),
    ),
});

const pairs = (kernel: string, sample: number, delta: number): Case => ({
  method: "geometric",
  options: { kernel, sample, delta, t: 1.7 },
  value: (facts) =>
    naivePairs(
      studentRows(facts),
      teacherRows(facts),
      { kernel, time: 1.7, delta },
      arcs(facts.sizes.nodes),
      nodesOf(facts, sample, "geometric"),
    ),
});

const random = (draws: number): Case => ({
  method: "geometric",
  options: { kernel: "random", draws },
  value: (facts) => {
    const { teacherWidth: width, nodes } = facts.sizes;
    const { weight, signs } = drawn(SEED, STEP, width, 2 * width, draws);
    const expansion = { weight: numbersOf(weight), signs: numbersOf(signs) };
    const projection = facts.parameters[0]!;
    const [s, t] = [studentRows(facts), teacherRows(facts)];
    return naiveFeatures(s, t, projection, expansion, arcs(nodes), 0.1);
  },
});

const parametric: Case = {
  method: "geometric",
  options: { kernel: "parametric" },
  value: (facts) => {
    const [projection, phi] = facts.parameters as [Numbers, Numbers];
    const expansion = { weight: phi, signs: new Float64Array(phi.length).fill(1) };
    const [s, t] = [studentRows(facts), teacherRows(facts)];
    return naiveFeatures(s, t, projection, expansion, arcs(facts.sizes.nodes), 0.1);
  },
  own: (k) =>
    k === 1
      ? (facts) =>
          naiveReconstruction(
            studentRows(facts),
            teacherRows(facts),
            { s: studentRows(facts, "first"), t: teacherRows(facts, "first") },
            facts.parameters[0]!,
            facts.parameters[1]!,
          )
      : undefined,
};

/** Returns one of GraphAKD's two losses, the student's or the critics'. */
function akd(facts: Facts, step: typeof studentStep): number {
  const { sizes, logits, parameters } = facts;
  const { classes, teacherWidth } = sizes;
  const [weight, bias, ...critics] = parameters as [Numbers, Numbers, ...Numbers[]];
  const matrix = (rows: Rows) => rows.map(vectorOf);
  const scene = {
    teacher: {
      logits: matrixOf(numbersOf(teacherOutputs(sizes).logits), classes),
      embedding: matrix(teacherRows(facts)),
    },
    student: {
      logits: matrixOf(logits, classes),
      embedding: matrix(times(studentRows(facts), weight, bias)),
    },
    critics: criticsOf((name) => critics[CRITICS.indexOf(name)], classes, teacherWidth),
    arcs: arcs(sizes.nodes),
    training: trainingNodes(sizes.nodes),
    labelOf: (node: number) => labelOf(node, classes),
  };
  const all = { logitCritic: true, localCritic: true, globalCritic: true, logitDistance: true };
  return step(scene, all).value;
}

/** The critics' weights in the method's order. */
const CRITICS = [
  ...["logits.hidden", "logits.bias", "logits.classes", "logits.real"],
  ...["local.diagonal", "local.scale", "global.diagonal", "global.scale"],
];

const graphakd: Case = {
  method: "graphakd",
  options: { criticEvery: 10 },
  value: (facts) => akd(facts, studentStep),
  own: (k) => (k >= 2 ? (facts) => akd(facts, criticsStep) : undefined),
};

const cases: Case[] = [
  gcrd(16_384),
  gcrd(6),
  ...["gaussian", "sigmoid"].flatMap((kernel) => [
    pairs(kernel, 2048, 0.1),
    pairs(kernel, 6, 0.3),
    pairs(kernel, 2048, 0),
  ]),
  random(1),
  random(3),
  parametric,
  graphakd,
];

const create = (method: string, given: Options, sizes = shape, seed = SEED): Distillation => {
  const { studentLayers: layers, studentWidth: width, classes, nodes } = sizes;
  return createDistillation(
    { name: method, options: resolveOptions(findMethod(method), { hardWeight: 1, ...given }) },
    sceneOf(teacherOutputs(sizes), { layers, width, classes }, graphInputs(nodes, classes), seed),
  );
};

const largest = (values: Numbers): number =>
  Array.from(values).reduce((most, x) => Math.max(most, Math.abs(x)), 0);

/** Checks that the term and its gradients are the formulas'. */
function agree({ method, options, value, own }: Case, sizes: Sizes): void {
  const student = studentOutputs(sizes);
  const distillation = create(method, { ...options, beta: 2 }, sizes);
  const variables = distillation.parameters.map(({ variable }) => variable);
  const found = gradients((s) => distillation.loss(s, noLoss, STEP), student, variables);
  const facts: Facts = {
    sizes,
    maps: numbersOf(student.maps),
    logits: numbersOf(student.logits),
    parameters: variables.map(numbersOf),
  };
  const expected = 2 * value(facts);
  assertClose([found.value], [expected], 1e-5, Math.max(1, Math.abs(expected)), "value");
  const compare = (actual: Float32Array, slope: Float64Array, what: string): void =>
    assertClose(
      actual,
      slope.map((x) => 2 * x),
      2e-4,
      2 * largest(slope) + 1e-2,
      what,
    );
  compare(
    found.gradients[0]!,
    differences((maps) => value({ ...facts, maps }), facts.maps),
    "by the maps",
  );
  compare(
    found.gradients[1]!,
    differences((logits) => value({ ...facts, logits }), facts.logits),
    "by the logits",
  );
  facts.parameters.forEach((numbers, k) => {
    const loss = own?.(k) ?? value;
    const at = (p: Float64Array): number =>
      loss({ ...facts, parameters: facts.parameters.with(k, p) });
    compare(found.gradients[k + 2]!, differences(at, numbers), `by parameter ${k}`);
  });
  distillation.dispose();
}

for (const one of cases) {
  describe(`${one.method} ${JSON.stringify(one.options)}`, () => {
    it("agrees with its formula and gradient", () => agree(one, shape));

    it("agrees with one layer, and widths 4 and 16", () => {
      const layers = { studentLayers: 1, teacherLayers: 1 };
      agree(one, { ...shape, ...layers, studentWidth: 4, teacherWidth: 16 });
    });

    it("is finite for a single node, and for a dead student", () => {
      const single = { ...shape, nodes: 1 };
      const dead = studentOutputs();
      for (const [sizes, outputs] of [
        [single, studentOutputs(single)],
        [shape, shown(tf.neg(tf.abs(dead.maps)) as tf.Tensor3D, dead.logits)],
      ] as const) {
        const method = create(one.method, one.options, sizes);
        const variables = method.parameters.map(({ variable }) => variable);
        const { value, gradients: all } = gradients(
          (s) => method.loss(s, noLoss, STEP),
          outputs,
          variables,
        );
        assert.ok(Number.isFinite(value));
        for (const gradient of all) assert.ok(gradient.every(Number.isFinite));
      }
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
      const draws = one.options["sample"] === 6 || one.options["kernel"] === "random";
      const same = (a: number[], b: number[]): boolean => a.every((x, k) => Object.is(x, b[k]));
      assert.equal(same(bits(1, 7), bits(1, 8)), !draws);
    });

    it("leaves no memory behind, over steps or at its end", () => {
      const student = studentOutputs();
      const before = tf.memory().numTensors;
      const method = create(one.method, { ...one.options, softLabels: 1 });
      gradients((s) => method.loss(s, noLoss, 0), student, []);
      const [tensors, blocks] = [tf.memory().numTensors, memory().blocks];
      for (let step = 1; step < 12; step++) {
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

describe("GraphAKD's parts", () => {
  it("critics learn at every d_critic-th step only, which does not change the reported loss", () => {
    const student = studentOutputs();
    const method = create("graphakd", { criticEvery: 3 });
    const variables = method.parameters.map(({ variable }) => variable);
    const grads = (step: number): { value: number; trained: number } => {
      const { value, grads } = tf.variableGrads(
        () => method.loss(student, noLoss, step),
        variables,
      );
      const trained = variables.filter((v) => grads[v.name]).length;
      const loss = value.dataSync()[0]!;
      tf.dispose([value, grads]);
      return { value: loss, trained };
    };
    const [first, second, fourth] = [grads(0), grads(1), grads(3)];
    assert.deepEqual(first, fourth);
    assert.equal(first.trained, variables.length);
    // Weight and bias of the projection alone: Adam skips parameters without a gradient.
    assert.equal(second.trained, 2);
    assert.equal(second.value, first.value);
  });

  it("can each be left out", () => {
    const student = studentOutputs();
    const value = (given: Options): number =>
      create("graphakd", given).loss(student, noLoss, 1).dataSync()[0]!;
    const parts = ["logitCritic", "localCritic", "globalCritic", "logitDistance"];
    const alone = parts.map((part) =>
      value(Object.fromEntries(parts.map((other) => [other, other === part]))),
    );
    const all = value({});
    assertClose([alone.reduce((a, b) => a + b)], [all], 1e-5, all, "sum");
    assert.ok(alone.every((x) => x > 0));
    assert.equal(value(Object.fromEntries(parts.map((part) => [part, false]))), 0);
  });
});

describe("Geometric KD on a graph too large to keep the teacher's kernel matrix", () => {
  for (const kernel of ["gaussian", "sigmoid"]) {
    it(kernel, () => {
      const sizes = { ...shape, nodes: 4100, studentLayers: 1, teacherLayers: 1 };
      const student = studentOutputs(sizes);
      const one = pairs(kernel, 37, 0.1);
      const method = create("geometric", { ...one.options, beta: 1 }, sizes);
      const expected = one.value({
        sizes,
        maps: numbersOf(student.maps),
        logits: numbersOf(student.logits),
        parameters: [],
      });
      assertClose(
        method.loss(student, noLoss, STEP).dataSync(),
        [expected],
        1e-5,
        expected,
        kernel,
      );
    });
  }
});
