// Adam against torch.optim.Adam's formula in double precision, and going on from a saved state.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import * as tf from "@tensorflow/tfjs";
import { Adam, memory, type ParameterGroup, startEngine } from "../../src/tensor/index.ts";
import { assertClose, assertSameBits, numbers } from "./support.ts";

interface Named {
  readonly name: string;
  readonly variable: tf.Variable;
}

before(() => {
  startEngine();
});

const SHAPES: readonly (readonly [string, number[], number])[] = [
  ["weight", [7, 9], 0],
  ["bias", [3], 0],
  ["scalar", [], 1],
  ["projection", [65, 4], 1],
];

function parameters(): { groups: ParameterGroup[]; all: Named[]; dispose(): void } {
  const all = SHAPES.map(([name, shape], i) => {
    const start = tf.tensor(numbers(tf.util.sizeFromShape(shape), 100 + i), shape);
    const variable = tf.variable(start);
    start.dispose();
    return { name, variable };
  });
  const of = (group: number): Named[] => all.filter((_, i) => SHAPES[i]![2] === group);
  return {
    groups: [
      { parameters: of(0), learningRate: 0.01, weightDecay: 5e-2 },
      { parameters: of(1), learningRate: 0.2, weightDecay: 0 },
    ],
    all,
    dispose: () => all.forEach(({ variable }) => void variable.dispose()),
  };
}

/** The gradient of a parameter at a step: any numbers will do, large ones and small ones. */
function gradientOf(i: number, step: number): Float32Array {
  const size = tf.util.sizeFromShape(SHAPES[i]![1]);
  return numbers(size, 1000 * step + i).map((x) => x * 10 ** ((step % 5) - 3));
}

function stepOnce(adam: Adam, all: readonly Named[], step: number, without?: string): void {
  const gradients: tf.NamedTensorMap = {};
  for (const [i, { name, variable }] of all.entries()) {
    if (name === without) continue;
    gradients[variable.name] = tf.tensor(gradientOf(i, step), variable.shape);
  }
  adam.step(gradients);
  tf.dispose(gradients);
}

/** torch.optim.Adam's documented algorithm (amsgrad false, L2 decay joining the gradient). */
function reference(
  i: number,
  steps: number,
  { learningRate, weightDecay }: ParameterGroup,
): Float64Array {
  const size = tf.util.sizeFromShape(SHAPES[i]![1]);
  const x = Float64Array.from(numbers(size, 100 + i));
  const [m, v] = [new Float64Array(size), new Float64Array(size)];
  for (let t = 1; t <= steps; t++) {
    const gradient = gradientOf(i, t);
    for (let e = 0; e < size; e++) {
      const g = gradient[e]! + weightDecay * x[e]!;
      m[e] = 0.9 * m[e]! + 0.1 * g;
      v[e] = 0.999 * v[e]! + 0.001 * g * g;
      const mHat = m[e]! / (1 - 0.9 ** t);
      const vHat = v[e]! / (1 - 0.999 ** t);
      x[e]! -= (learningRate * mHat) / (Math.sqrt(vHat) + 1e-8);
    }
  }
  return x;
}

test("twenty steps of two groups agree with double precision", () => {
  const { groups, all, dispose } = parameters();
  const adam = new Adam(groups);
  assert.deepEqual(
    adam.variables.map((v) => v.name).sort(),
    all.map((p) => p.variable.name).sort(),
  );
  for (let step = 1; step <= 20; step++) {
    stepOnce(adam, all, step);
    if (step !== 1 && step !== 20) continue;
    for (const [i, { name, variable }] of all.entries()) {
      const group = groups[SHAPES[i]![2]]!;
      const tolerance = 2e-7 + 3e-6 * group.learningRate * step;
      assertClose(
        variable.dataSync(),
        reference(i, step, group),
        tolerance,
        `${name}, step ${step}`,
      );
    }
  }
  adam.dispose();
  dispose();
});

test("state() and restore() go on with the same bits, without sharing memory", () => {
  const [straight, resumed] = [parameters(), parameters()];
  const one = new Adam(straight.groups);
  for (let step = 1; step <= 10; step++) stepOnce(one, straight.all, step);
  const state = one.state();
  assert.equal(state.step, 10);
  assert.deepEqual(
    Object.keys(state.moments).sort(),
    SHAPES.flatMap(([name]) => [`${name}.first`, `${name}.second`]).sort(),
  );
  const held = structuredClone(state);
  for (const [i, { variable }] of straight.all.entries()) {
    const copy = tf.tensor(variable.dataSync(), variable.shape);
    resumed.all[i]!.variable.assign(copy);
    copy.dispose();
  }
  const two = new Adam(resumed.groups);
  two.restore(state);
  for (let step = 11; step <= 15; step++) {
    stepOnce(one, straight.all, step);
    stepOnce(two, resumed.all, step);
  }
  for (const [i, { name, variable }] of straight.all.entries()) {
    const other = resumed.all[i]!.variable.dataSync() as Float32Array;
    assertSameBits(other, variable.dataSync() as Float32Array, name);
  }
  assert.deepEqual(two.state(), one.state());
  assert.deepEqual(state, held, "the saved state did not change");
  one.dispose();
  two.dispose();
  straight.dispose();
  resumed.dispose();
});

test("a copy of a variable made before a step keeps its numbers", () => {
  const { groups, all, dispose } = parameters();
  const adam = new Adam(groups);
  const clones = all.map(({ variable }) => variable.clone());
  const numbersBefore = clones.map((clone) => clone.dataSync());
  for (let step = 1; step <= 3; step++) stepOnce(adam, all, step);
  for (const [i, clone] of clones.entries()) {
    assert.deepEqual(clone.dataSync(), numbersBefore[i]);
    assert.notDeepEqual(all[i]!.variable.dataSync(), numbersBefore[i]);
    clone.dispose();
  }
  adam.dispose();
  dispose();
});

test("a variable without a gradient stays as it is", () => {
  const { groups, all, dispose } = parameters();
  const adam = new Adam(groups);
  const before = all[0]!.variable.dataSync();
  stepOnce(adam, all, 1, "weight");
  assert.deepEqual(all[0]!.variable.dataSync(), before);
  assert.notDeepEqual(all[1]!.variable.dataSync(), numbers(3, 101));
  adam.dispose();
  dispose();
});

test("steps leave no tensor and no block behind, inside a tidy or outside", () => {
  const { groups, all, dispose } = parameters();
  const adam = new Adam(groups);
  const held = (): number[] => [
    tf.memory().numTensors,
    tf.memory().numDataBuffers,
    memory().blocks,
  ];
  const before = held();
  for (let step = 1; step <= 3; step++) stepOnce(adam, all, step);
  assert.deepEqual(held(), before, "outside");
  for (let step = 4; step <= 6; step++) tf.tidy(() => stepOnce(adam, all, step));
  assert.deepEqual(held(), before, "inside");
  adam.dispose();
  dispose();
  assert.equal(memory().blocks, 0);
});

test("moments that are missing or of another size, and two equal names, are refused", () => {
  const { groups, all, dispose } = parameters();
  const adam = new Adam(groups);
  const state = adam.state();
  const { "bias.second": _, ...fewer } = state.moments;
  assert.throws(() => adam.restore({ step: 1, moments: fewer }), /bias/);
  const shorter = { ...state.moments, "weight.first": new Float32Array(3) };
  assert.throws(() => adam.restore({ step: 1, moments: shorter }), /weight/);
  assert.throws(
    () => new Adam([{ parameters: [all[0]!, all[0]!], learningRate: 1, weightDecay: 0 }]),
    /weight/,
  );
  adam.dispose();
  dispose();
});
