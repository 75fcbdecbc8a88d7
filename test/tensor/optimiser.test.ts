// Optimisers against torch.optim's documented algorithms in double precision, and continuing from a state.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import * as tf from "@tensorflow/tfjs";
import {
  Adam,
  AdamW,
  clipGradients,
  memory,
  type Optimiser,
  type ParameterGroup,
  RMSprop,
  SGD,
  startEngine,
} from "../../src/tensor/index.ts";
import { NativeMoments } from "../../src/tensor/native/moments.ts";
import { createMoments } from "../../src/tensor/ops/moments.ts";
import { assertClose, assertSameBits, numbers } from "./support.ts";
import { type Torch, torch } from "./torch.ts";

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

/** A parameter's gradient at a step: arbitrary numbers, some large and some small. */
function gradientOf(i: number, step: number): Float32Array {
  const size = tf.util.sizeFromShape(SHAPES[i]![1]);
  return numbers(size, 1000 * step + i).map((x) => x * 10 ** ((step % 5) - 3));
}

function stepOnce(
  optimiser: Optimiser,
  all: readonly Named[],
  step: number,
  { without, rate }: { without?: string; rate?: number } = {},
): void {
  const gradients: tf.NamedTensorMap = {};
  for (const [i, { name, variable }] of all.entries()) {
    if (name === without) continue;
    gradients[variable.name] = tf.tensor(gradientOf(i, step), variable.shape);
  }
  optimiser.step(gradients, rate);
  tf.dispose(gradients);
}

/** Each optimiser with its documented algorithm. */
const KINDS: readonly {
  readonly title: string;
  readonly create: (groups: readonly ParameterGroup[]) => Optimiser;
  readonly documented: Torch;
}[] = [
  { title: "Adam", create: (groups) => new Adam(groups), documented: torch.adam },
  { title: "AdamW", create: (groups) => new AdamW(groups), documented: torch.adamw },
  { title: "RMSprop", create: (groups) => new RMSprop(groups), documented: torch.rmsprop },
  { title: "SGD", create: (groups) => new SGD(groups), documented: torch.sgd(0) },
  {
    title: "SGD with momentum 0.9",
    create: (groups) => new SGD(groups, { momentum: 0.9 }),
    documented: torch.sgd(0.9),
  },
];

for (const { title, create, documented } of KINDS) {
  test(`${title}: twenty steps of two groups at changing rates agree with double precision`, () => {
    const { groups, all, dispose } = parameters();
    const optimiser = create(groups);
    assert.deepEqual(
      optimiser.variables.map((v) => v.name).sort(),
      all.map((p) => p.variable.name).sort(),
    );
    const rateAt = (step: number): number => Math.min(1, step / 4) * 0.5 ** Math.floor(step / 15);
    const expected = all.map(({ variable }, i) => {
      const { learningRate, weightDecay } = groups[SHAPES[i]![2]]!;
      const take = documented(Float64Array.from(variable.dataSync()), weightDecay);
      return (step: number): Float64Array =>
        take(Float64Array.from(gradientOf(i, step)), learningRate * rateAt(step));
    });
    for (let step = 1; step <= 20; step++) {
      stepOnce(optimiser, all, step, { rate: rateAt(step) });
      for (const [i, { name, variable }] of all.entries()) {
        const wanted = expected[i]!(step);
        const { learningRate } = groups[SHAPES[i]![2]]!;
        const tolerance = 2e-7 + 3e-6 * learningRate * step;
        assertClose(variable.dataSync(), wanted, tolerance, `${name}, step ${step}`);
      }
    }
    optimiser.dispose();
    dispose();
  });

  test(`${title}: state() and restore() continue with the same bits, without sharing memory`, () => {
    const [straight, resumed] = [parameters(), parameters()];
    const one = create(straight.groups);
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
    const two = create(resumed.groups);
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
}

test("the native engine's form makes the same step, whichever back end runs its operators", () => {
  const [ours, theirs] = [parameters(), parameters()];
  const [wasm, native] = [createMoments(ours.all), new NativeMoments(theirs.all)];
  const factors = {
    keep1: 0.9,
    take1: 0.2,
    keep2: 0.8,
    take2: 0.3,
    correction: 1.4,
    epsilon: 0.01,
  };
  for (let step = 1; step <= 3; step++) {
    for (const [moments, all] of [[wasm, ours.all] as const, [native, theirs.all] as const]) {
      const moves = all.map(({ variable }, slot) => {
        const gradient = tf.tensor(gradientOf(slot, step), variable.shape);
        return { slot, variable, gradient, decay: slot % 2 ? 0 : 0.1, rate: 0.2, shrink: 0.75 };
      });
      moments.step(moves, factors);
      tf.dispose(moves.map(({ gradient }) => gradient));
    }
  }
  for (const [slot, { name, variable }] of ours.all.entries()) {
    const expected = [variable.dataSync(), ...wasm.read(slot)];
    const found = [theirs.all[slot]!.variable.dataSync(), ...native.read(slot)];
    for (const k of [0, 1, 2]) assertClose(found[k]!, expected[k]!, 1e-5, `${name}, ${k}`);
  }
  for (const held of [wasm, native, ours, theirs]) held.dispose();
});

for (const form of ["wasm", "native"] as const) {
  test(`SGD takes a gradient whose square overflows, as torch does: ${form}`, () => {
    const variable = tf.tidy(() => tf.variable(tf.ones([7])));
    const gradient = tf.fill([7], 3e19);
    const named = [{ name: "x", variable }];
    const moments = form === "wasm" ? createMoments(named) : new NativeMoments(named);
    const factors = { keep1: 0, take1: 1, keep2: 0, take2: 0, correction: 0, epsilon: 1 };
    moments.step([{ slot: 0, variable, gradient, decay: 0, rate: 1e-19, shrink: 1 }], factors);
    assertClose(variable.dataSync(), new Array<number>(7).fill(-2), 1e-6, form);
    moments.dispose();
    tf.dispose([variable, gradient]);
  });
}

test("the state of another optimiser is rejected", () => {
  const { groups, dispose } = parameters();
  const [adam, sgd] = [new Adam(groups), new SGD(groups)];
  assert.throws(() => adam.restore(sgd.state()), {
    name: "OptionError",
    message: /is from training with sgd, but the configuration asks for adam/,
  });
  adam.dispose();
  sgd.dispose();
  dispose();
});

test("groups that cannot be trained are rejected before memory is allocated", () => {
  const { groups, all, dispose } = parameters();
  const [group] = groups as [ParameterGroup];
  const blocks = memory().blocks;
  const wrong = (changes: object) => [{ ...group, ...changes }] as ParameterGroup[];
  for (const [create, message] of [
    [() => new Adam(3 as never), /an optimiser's groups is 3; expected: groups/],
    [() => new Adam([{} as never]), /groups\[0\] has no parameters/],
    [() => new Adam(wrong({ parameters: 3 })), /groups\[0\]\.parameters is 3; expected/],
    [() => new Adam(wrong({ parameters: [{}] })), /groups\[0\]\.parameters\[0\] has no name/],
    [
      () => new Adam(wrong({ parameters: [all[0], { ...all[1], variable: 7 }] })),
      /parameters\[1\]\.variable is 7; expected: a tf\.Variable/,
    ],
    [() => new Adam(wrong({ parameters: [{ ...all[0], name: 1 }] })), /\[0\]\.name is 1/],
    [
      () => new Adam([{ parameters: group.parameters } as never]),
      /groups\[0\]: option "learningRate" is missing; legal: a number of at least 0/,
    ],
    [() => new Adam(wrong({ learningRate: -1 })), /"learningRate" is -1/],
    [() => new Adam(wrong({ weightDecay: Number.NaN })), /"weightDecay" is NaN/],
    [() => new Adam(wrong({ rate: 1 })), /unknown option "rate"/],
    [() => new Adam(groups, { beta1: 1 }), /Adam: option "beta1" is 1; legal: .* below 1/],
    [() => new AdamW(groups, { beta2: -0.1 }), /"beta2" is -0\.1/],
    [() => new Adam(groups, { epsilon: "0" as never }), /"epsilon" is "0"/],
    [() => new Adam(groups, { beta: 0.9 } as never), /unknown option "beta"/],
    [() => new SGD(groups, { momentum: "x" as never }), /SGD: option "momentum" is "x"/],
    [() => new SGD(groups, { momentum: 1 }), /"momentum" is 1/],
  ] as const) {
    assert.throws(create, { name: "OptionError", message });
  }
  assert.equal(memory().blocks, blocks);
  dispose();
});

test("gradients are clipped by their global norm", () => {
  const gradients = {
    a: tf.tensor2d([
      [3, 0],
      [0, 4],
    ]),
    b: tf.tensor1d([12]),
  }; // of norm 13
  assert.equal(clipGradients(gradients, 13.01), gradients, "within the limit: unchanged");
  const { a, b } = clipGradients(gradients, 6.5);
  assertClose(a!.dataSync(), [1.5, 0, 0, 2], 1e-6, "a");
  assertClose(b!.dataSync(), [6], 1e-6, "b");
  assert.deepEqual([...gradients.b.dataSync()], [12]);
  tf.dispose([gradients, a!, b!]);
});

test("a clone of a variable made before a step keeps its numbers", () => {
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
  stepOnce(adam, all, 1, { without: "weight" });
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

test("moments that are missing or of another size, and two equal names, are rejected", () => {
  const { groups, all, dispose } = parameters();
  const adam = new Adam(groups);
  const state = adam.state();
  const { "bias.second": _, ...fewer } = state.moments;
  assert.throws(() => adam.restore({ ...state, moments: fewer }), /bias/);
  const shorter = { ...state.moments, "weight.first": new Float32Array(3) };
  assert.throws(() => adam.restore({ ...state, moments: shorter }), /weight/);
  assert.throws(
    () => new Adam([{ parameters: [all[0]!, all[0]!], learningRate: 1, weightDecay: 0 }]),
    /weight/,
  );
  adam.dispose();
  dispose();
});
