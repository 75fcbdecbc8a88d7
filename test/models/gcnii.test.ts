// GCNII: parameter counts, the formula in double precision, gradients, seeds, and whether it learns.
import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import * as tf from "@tensorflow/tfjs";
import { OptionError } from "../../src/base/errors.ts";
import type { Csr } from "../../src/graph/csr.ts";
import { csrFromPairs } from "../../src/graph/csr.ts";
import { rowNormalised, symmetricNormalised } from "../../src/graph/normalise.ts";
import { Gcnii, type GcniiConfig } from "../../src/models/gcnii.ts";
import { type GraphInputs, type Model, parameterCount } from "../../src/models/model.ts";
import { createModel } from "../../src/models/registry.ts";
import {
  Adam,
  memory,
  SparseMatrix,
  scores,
  softmaxCrossEntropy,
  startEngine,
  Targets,
} from "../../src/tensor/index.ts";
import {
  assertClose,
  assertClosely,
  assertSameBits,
  differences,
  dot,
  numbers,
  randomAdjacency,
  randomSparse,
} from "../tensor/support.ts";
import { forward, type Network, type Weights } from "./reference.ts";

const student: GcniiConfig = {
  ...{ kind: "gcnii", layers: 4, width: 4, alpha: 0.2, lambda: 0.5, dropout: 0.5 },
};
const teacher: GcniiConfig = { ...student, layers: 64, width: 64 };

before(() => {
  startEngine();
});

/** Makes a small graph in two forms: for the model and for the reference. */
function graphOf(
  nodes: number,
  features: number,
): {
  host: { adjacency: Csr; features: Csr };
  inputs: GraphInputs;
  dispose(): void;
} {
  const host = {
    adjacency: symmetricNormalised(randomAdjacency(nodes, 3)),
    features: randomSparse(nodes, features, 4),
  };
  const inputs = {
    adjacency: SparseMatrix.from(host.adjacency),
    features: SparseMatrix.from(host.features),
  };
  return {
    host,
    inputs,
    dispose: () => {
      inputs.adjacency.dispose();
      inputs.features.dispose();
    },
  };
}

const weightsOf = (model: Gcnii): Record<string, Float32Array> =>
  Object.fromEntries(
    model.parameters.map(({ name, variable }) => [name, variable.dataSync() as Float32Array]),
  );

test("parameter counts match the paper's, for the student and for the teacher", () => {
  const shapes = [
    { features: 1433, classes: 7, small: 5835, large: 354_375 },
    { features: 3703, classes: 6, small: 14_910, large: 499_590 },
    { features: 500, classes: 3, small: 2083, large: 294_403 },
  ];
  const blocks = memory().blocks;
  for (const { features, classes, small, large } of shapes) {
    for (const [config, count] of [
      [student, small],
      [teacher, large],
    ] as const) {
      const model = new Gcnii(config, { features, classes }, 1);
      assert.equal(parameterCount(model), count);
      const names = model.parameters.map(({ name }) => name);
      assert.equal(new Set(names).size, config.layers + 4);
      model.dispose();
    }
  }
  assert.equal(memory().blocks, blocks, "dispose() frees everything");
});

describe("logits and maps match the formula", () => {
  for (const [nodes, features, config, classes] of [
    [1, 1, { ...student, layers: 1, width: 1 }, 1],
    [7, 9, { ...student, layers: 1, width: 3 }, 2],
    [33, 20, student, 5],
    [65, 40, { ...student, layers: 8, width: 64, alpha: 0.5, lambda: 1.5 }, 7],
    [40, 12, { ...student, layers: 64, width: 16 }, 3],
  ] as const) {
    for (const training of [false, true]) {
      const { layers, width } = config;
      const title = `${nodes} nodes, ${layers}L-${width}H${training ? ", dropout" : ""}`;
      test(title, () => {
        const graph = graphOf(nodes, features);
        const model = new Gcnii(config, { features, classes }, 7);
        const network: Network = {
          ...{ ...graph.host, layers, width, classes },
          ...{ alpha: config.alpha, lambda: config.lambda },
          ...(training && { dropout: { rate: config.dropout, seed: 11, step: 5 } }),
        };
        const expected = forward(weightsOf(model), network);
        const dropout = training ? { dropout: { seed: 11, step: 5 } } : {};
        tf.tidy(() => {
          const full = model.forward(graph.inputs, { ...dropout, reads: "layers" });
          assert.deepEqual(full.logits.shape, [nodes, classes]);
          const stack = full.layers!.stack!;
          assert.deepEqual(stack.shape, [layers, nodes, width]);
          assertClosely(full.logits.dataSync(), expected.logits, 5e-6, "logits");
          const maps = stack.dataSync();
          for (const [l, map] of expected.maps.entries()) {
            const mine = maps.subarray(l * nodes * width, (l + 1) * nodes * width);
            assertClosely(mine, map, 5e-6, `map ${l}`);
          }
          const bare = model.forward(graph.inputs, dropout);
          assert.equal(bare.layers, undefined);
          assertSameBits(
            bare.logits.dataSync() as Float32Array,
            full.logits.dataSync() as Float32Array,
            "logits without maps",
          );
        });
        model.dispose();
        graph.dispose();
      });
    }
  }
});

/** Checks the loss's gradient for every parameter against central differences in double precision. */
function checkGradients(withMaps: boolean): void {
  const [nodes, features, classes] = [12, 9, 3];
  const graph = graphOf(nodes, features);
  const config = { ...student, layers: 3, width: 5, dropout: 0.3 };
  const model = new Gcnii(config, { features, classes }, 4);
  const labels = Int32Array.from({ length: nodes }, (_, n) => n % classes);
  const chosen = Int32Array.of(0, 3, 4, 8, 11);
  const targets = new Targets(labels, chosen, classes);
  const weights = weightsOf(model);
  const network: Network = {
    ...{ ...graph.host, layers: 3, width: 5, classes },
    ...{ alpha: config.alpha, lambda: config.lambda },
    dropout: { rate: config.dropout, seed: 2, step: 1 },
  };
  const taps = numbers(3 * nodes * 5, 8);
  const loss = (all: Weights): number => {
    const { logits, maps } = forward(all, network);
    let sum = withMaps
      ? chosen.length *
        dot(
          maps.flatMap((map) => [...map]),
          taps,
        )
      : 0;
    for (const node of chosen) {
      const row = logits.subarray(node * classes, (node + 1) * classes);
      const total = row.reduce((t, x) => t + Math.exp(x), 0);
      sum += Math.log(total) - row[labels[node]!]!;
    }
    return sum / chosen.length;
  };
  tf.tidy(() => {
    const { value, grads } = tf.variableGrads(() => {
      const dropout = { seed: 2, step: 1 };
      const reads = withMaps ? "layers" : "logits";
      const { logits, layers } = model.forward(graph.inputs, { dropout, reads });
      const crossEntropy = softmaxCrossEntropy(logits, targets);
      const maps = layers?.stack;
      if (!maps) return crossEntropy;
      return tf.add(crossEntropy, tf.sum(tf.mul(maps, tf.tensor3d(taps, maps.shape))));
    });
    assertClose(value.dataSync(), [loss(weights)], 1e-5, "loss");
    for (const { name, variable } of model.parameters) {
      const slope = differences((x) => loss({ ...weights, [name]: x }), weights[name]!);
      assert.ok(
        slope.some((x) => Math.abs(x) > 1e-5),
        `${name} has an effect`,
      );
      assertClosely(grads[variable.name]!.dataSync(), slope, 1e-5, name);
    }
  });
  targets.dispose();
  model.dispose();
  graph.dispose();
}

test("gradients of the cross-entropy are right for every parameter", () => checkGradients(false));

test("gradients of a loss on logits and maps together are right too", () => checkGradients(true));

test("shared weights act like equal convolutions, and their gradient is the sum of those", () => {
  const { inputs, labels } = twoRings(9);
  const config = { ...student, layers: 3, width: 4, dropout: 0 };
  const features = { features: 6, classes: 2 };
  const apart = new Gcnii(config, features, 2);
  const shared = createModel({ ...config, kind: "mustad" }, features, 2);
  assert.deepEqual(shared.outline.widths, [4, 4, 4]);
  assert.equal(parameterCount(shared), 6 * 4 + 4 + 4 * 4 + 4 * 2 + 2, "one matrix for all three");
  const own = new Map(shared.parameters.map(({ name, variable }) => [name, variable]));
  for (const { name, variable } of apart.parameters) {
    variable.assign(own.get(name.replace(/\.\d\./, "."))!);
  }
  const targets = new Targets(labels, Int32Array.of(0, 3, 9, 14), 2);
  const gradientsOf = (model: Model) =>
    tf.variableGrads(
      () => softmaxCrossEntropy(model.forward(inputs).logits, targets),
      model.parameters.map(({ variable }) => variable),
    );
  const [ours, theirs] = [gradientsOf(shared), gradientsOf(apart)];
  assert.equal(ours.value.dataSync()[0], theirs.value.dataSync()[0]);
  const sum = new Float32Array(16);
  for (const { name, variable } of apart.parameters) {
    if (!name.startsWith("convolution")) continue;
    theirs.grads[variable.name]!.dataSync().forEach((x, k) => {
      sum[k]! += x;
    });
  }
  const found = ours.grads[own.get("convolution.weight")!.name]!.dataSync();
  assert.ok(
    found.some((x) => Math.abs(x) > 1e-4),
    String(found),
  );
  assertClose(found, sum, 1e-6, "gradient");
  for (const part of [inputs.adjacency, inputs.features, targets, apart, shared]) part.dispose();
});

describe("the initial model", () => {
  const shape = { features: 30, classes: 4 };

  test("is the same for the same seed, whatever the method's own options are", () => {
    const one = new Gcnii(student, shape, 5);
    const other = new Gcnii({ ...student, alpha: 0.7, lambda: 2, dropout: 0.1 }, shape, 5);
    assert.deepEqual(weightsOf(other), weightsOf(one));
    const next = new Gcnii(student, shape, 6);
    for (const [name, values] of Object.entries(weightsOf(next))) {
      assert.notDeepEqual(values, weightsOf(one)[name], name);
    }
    for (const model of [one, other, next]) model.dispose();
  });

  test("has weights uniform within one over the root of the inputs", () => {
    const model = new Gcnii({ ...student, width: 16 }, { features: 900, classes: 50 }, 1);
    for (const [name, values] of Object.entries(weightsOf(model))) {
      const bound = name.startsWith("input") ? 1 / 30 : 1 / 4;
      const largest = values.reduce((m, x) => Math.max(m, Math.abs(x)), 0);
      assert.ok(largest <= bound && largest > 0.7 * bound, `${name}: ${largest}`);
      const square = values.reduce((sum, x) => sum + x * x, 0) / values.length;
      const error = 5 * Math.sqrt(4 / 45 / values.length);
      assert.ok(Math.abs(square / bound ** 2 - 1 / 3) < error, `${name}: variance`);
    }
    const matrices = Object.entries(weightsOf(model)).filter(([name]) => name.startsWith("conv"));
    const first = matrices[0]![1];
    for (const [name, values] of matrices.slice(1)) {
      assert.ok(
        values.every((x, i) => x !== first[i]),
        `${name} equals another matrix`,
      );
    }
    model.dispose();
  });
});

/** Two rings joined by one edge; the class is the ring, which noisy features indicate. */
function twoRings(size: number) {
  const [from, to]: [number[], number[]] = [[], []];
  const join = (a: number, b: number): void => {
    from.push(a, b);
    to.push(b, a);
  };
  for (let n = 0; n < size; n++) {
    join(n, (n + 1) % size);
    join(size + n, size + ((n + 1) % size));
  }
  join(0, size);
  const features = csrFromPairs(
    2 * size,
    6,
    Array.from({ length: 4 * size }, (_, k) => k >> 1),
    Array.from({ length: 4 * size }, (_, k) => (k % 2 ? 2 + ((k * 7) % 4) : k >> 1 < size ? 0 : 1)),
  );
  return {
    inputs: {
      adjacency: SparseMatrix.from(symmetricNormalised(csrFromPairs(2 * size, 2 * size, from, to))),
      features: SparseMatrix.from(rowNormalised(features)),
    },
    labels: Int32Array.from({ length: 2 * size }, (_, n) => +(n >= size)),
  };
}

/** Trains for `steps`, and returns what happened at each step. */
function train(config: GcniiConfig, steps: number, seed: number) {
  const { inputs, labels } = twoRings(15);
  const model = new Gcnii(config, { features: 6, classes: 2 }, seed);
  const chosen = Int32Array.from({ length: 15 }, (_, k) => 2 * k);
  const targets = new Targets(labels, chosen, 2);
  const all = new Targets(
    labels,
    labels.map((_, n) => n),
    2,
  );
  const adam = new Adam([{ parameters: model.parameters, learningRate: 0.01, weightDecay: 1e-4 }]);
  const losses: number[] = [];
  const held: string[] = [];
  for (let step = 0; step < steps; step++) {
    tf.tidy(() => {
      const { value, grads } = tf.variableGrads(() =>
        softmaxCrossEntropy(model.forward(inputs, { dropout: { seed, step } }).logits, targets),
      );
      losses.push(value.dataSync()[0]!);
      adam.step(grads);
    });
    tf.tidy(() => void scores(model.forward(inputs).logits, all));
    held.push(`${tf.memory().numTensors} tensors, ${memory().blocks} blocks`);
  }
  const outcome = { losses, held, weights: weightsOf(model), accuracy: 0 };
  tf.tidy(() => {
    outcome.accuracy = scores(model.forward(inputs).logits, all).accuracy;
  });
  for (const part of [inputs.adjacency, inputs.features, targets, all, adam, model]) part.dispose();
  return outcome;
}

test("300 training steps leave tensors and blocks as they were, and the loss falls", () => {
  const blocks = memory().blocks;
  const { losses, held, accuracy } = train({ ...student, width: 8 }, 300, 3);
  assert.deepEqual([...new Set(held.slice(1))], [held[1]]);
  const mean = (x: number[]): number => x.reduce((sum, y) => sum + y, 0) / x.length;
  assert.ok(mean(losses.slice(-20)) < 0.5 * mean(losses.slice(0, 5)), `loss ${losses.at(-1)}`);
  assert.ok(accuracy >= 0.95, `accuracy ${accuracy}`);
  assert.equal(memory().blocks, blocks, "everything is freed at the end");
});

test("the same seed gives the same bits; another seed gives others", () => {
  const config = { ...student, layers: 6, width: 7 };
  const [one, same, other] = [train(config, 20, 1), train(config, 20, 1), train(config, 20, 2)];
  assert.deepEqual(same.losses, one.losses);
  assert.deepEqual(same.weights, one.weights);
  assert.notDeepEqual(other.losses, one.losses);
});

test("dropout depends on seed and step, and is off without them", () => {
  const graph = graphOf(33, 20);
  const model = new Gcnii(student, { features: 20, classes: 5 }, 7);
  const logits = (dropout?: { seed: number; step: number }): number[] =>
    tf.tidy(() => {
      const { logits } = model.forward(graph.inputs, dropout ? { dropout } : {});
      return Array.from(logits.dataSync());
    });
  assert.deepEqual(logits(), logits());
  assert.deepEqual(logits({ seed: 1, step: 2 }), logits({ seed: 1, step: 2 }));
  const different = [
    logits(),
    logits({ seed: 1, step: 2 }),
    logits({ seed: 1, step: 3 }),
    logits({ seed: 2, step: 2 }),
  ];
  assert.equal(new Set(different.map((x) => x.join())).size, different.length);
  model.dispose();
  graph.dispose();
});

test("an invalid configuration is an OptionError that names the option", () => {
  const bad: readonly (readonly [Partial<GcniiConfig<string>>, RegExp])[] = [
    [{ kind: "gcni" }, /kind is "gcni"; legal: "gcnii", "mustad"/],
    [{ kind: undefined as unknown as string }, /kind is missing; legal/],
    [{ layers: 0 }, /"layers" is 0/],
    [{ layers: 2.5 }, /"layers" is 2.5/],
    [{ width: 0 }, /"width" is 0/],
    [{ width: Number.NaN }, /"width" is NaN/],
    [{ alpha: -0.1 }, /"alpha" is -0.1/],
    [{ alpha: 1.1 }, /"alpha" is 1.1/],
    [{ lambda: -1 }, /"lambda" is -1/],
    [{ lambda: Infinity }, /"lambda" is Infinity/],
    [{ dropout: 1 }, /"dropout" is 1/],
    [{ dropout: -0.5 }, /"dropout" is -0.5/],
  ];
  for (const [part, message] of bad) {
    assert.throws(
      () => new Gcnii({ ...student, ...part } as GcniiConfig, { features: 3, classes: 2 }, 1),
      (error: Error) => error instanceof OptionError && message.test(error.message),
    );
  }
});
