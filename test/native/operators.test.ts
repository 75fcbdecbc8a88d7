// Every operator of src/tensor on the native engine against the wasm engine, including gradients.
import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import * as tf from "@tensorflow/tfjs";
import { symmetricNormalised } from "../../src/graph/normalise.ts";
import {
  Adam,
  AdamW,
  BACKEND,
  clipGradients,
  type DropoutStream,
  dropout,
  type EngineName,
  freeDropped,
  gcniiConvolutions,
  lastMap,
  memory,
  type OptimiserState,
  type ParameterGroup,
  pairDistances,
  RMSprop,
  reluDropout,
  SGD,
  SparseMatrix,
  scores,
  softmaxCrossEntropy,
  spmm,
  startEngine,
  Targets,
} from "../../src/tensor/index.ts";
import { assertClosely, numbers, randomAdjacency, randomSparse } from "../tensor/support.ts";
import { agree, outcome, type Run, type Shape, TOLERANCE, whyNoNative } from "./support.ts";

const skip = whyNoNative();
const stream: DropoutStream = { rate: 0.4, seed: 2 ** 40 + 17, step: 9, site: 3 };

type Moments = Record<string, Float32Array>;

describe("the native engine agrees with the wasm engine", { skip }, () => {
  before(() => {
    startEngine("wasm");
  });

  for (const [rows, columns, width] of [
    [1, 1, 1],
    [13, 29, 3],
    [40, 17, 64],
  ] as const) {
    for (const binary of [false, true]) {
      const host = randomSparse(rows, columns, 5, binary);
      test(`spmm, ${rows} x ${columns} x ${width}${binary ? ", ones" : ""}`, () => {
        const plain = () => (x: tf.Tensor) => spmm(SparseMatrix.from(host), x as tf.Tensor2D);
        agree(plain, [columns, width]);
        const matrix = () => SparseMatrix.from(host);
        agree(() => (x) => spmm(matrix(), x as tf.Tensor2D, stream), [columns, width]);
      });
    }
  }

  // Partial groups of 32, and more than one of the generator's blocks.
  for (const shape of [[1], [31], [32], [33], [5, 7, 3], [300, 41]]) {
    test(`dropout and ReLU of [${shape}] have the same masks`, () => {
      for (const rate of [stream.rate, 0.5]) {
        agree(() => (x) => dropout(x, { ...stream, rate }), shape);
        agree(() => (x) => reluDropout(x, { ...stream, rate }), shape);
      }
      agree(() => (x) => reluDropout(x), shape);
    });
  }

  test("another seed, step or site draws another mask, the same on both engines", () => {
    const streams = [stream, { ...stream, seed: 3 }, { ...stream, step: 2 ** 31 }];
    const masks = [...streams, { ...stream, site: 4 }].map((other) => {
      const [mask] = outcome("native", () => (x) => dropout(x, other), [[500]]);
      const [expected] = outcome("wasm", () => (x) => dropout(x, other), [[500]]);
      assertClosely(mask!, expected!, 1e-6, JSON.stringify(other));
      return mask!.map((x) => Number(x !== 0)).join("");
    });
    assert.equal(new Set(masks).size, 4);
  });

  for (const maps of [true, false]) {
    for (const draw of [undefined, stream]) {
      for (const [nodes, width, layers] of [
        [1, 3, 2],
        [33, 4, 4],
        [65, 64, 3],
        [20, 5, 1],
      ] as const) {
        const title = `${layers} layers, ${nodes} x ${width}${maps ? ", maps" : ""}${draw ? ", dropout" : ""}`;
        test(`gcniiConvolutions: ${title}`, () => {
          const normalised = symmetricNormalised(randomAdjacency(nodes, 5));
          // Not symmetric, so that a backward pass with P instead of P' is noticed.
          const values = normalised.values!.map((value, k) => value * (1 + (k % 7) / 10));
          const run = (): Run => {
            const adjacency = SparseMatrix.from({ ...normalised, values });
            const thetas = Array.from({ length: layers }, (_, l) => Math.log(0.9 / (l + 1) + 1));
            const options = { adjacency, alpha: 0.3, thetas, maps };
            return (x, ...weights) =>
              gcniiConvolutions(x as tf.Tensor2D, weights as tf.Tensor2D[], {
                ...options,
                ...(draw && { dropout: draw }),
              });
          };
          agree(run, [nodes, width], ...Array<Shape>(layers).fill([width, width]));
        });
      }
    }
  }

  test("lastMap", () => {
    agree(() => (x) => lastMap(x as tf.Tensor3D), [3, 7, 5]);
    agree(() => (x) => lastMap(x as tf.Tensor3D), [1, 7, 5]);
  });

  test("softmaxCrossEntropy and scores", () => {
    const labels = Int32Array.from({ length: 50 }, (_, i) => (i * 3) % 7);
    const nodes = Int32Array.from({ length: 20 }, (_, i) => (i * 13) % 50);
    const targets = () => new Targets(labels, nodes, 7);
    agree(() => {
      const own = targets();
      return (x) => softmaxCrossEntropy(x as tf.Tensor2D, own);
    }, [50, 7]);
    const both = (["wasm", "native"] as const).map((engine) => {
      startEngine(engine);
      const logits = tf.tensor2d(numbers(350, 3), [50, 7]);
      const found = scores(logits, targets());
      logits.dispose();
      return found;
    });
    assert.equal(both[1]!.accuracy, both[0]!.accuracy);
    assert.ok(both[0]!.accuracy > 0);
    assertClosely([both[1]!.loss], [both[0]!.loss], TOLERANCE, "loss");
  });

  test("pairDistances", () => {
    const [wasm, native] = (["wasm", "native"] as const).map((engine) => {
      startEngine(engine);
      const shapes = [
        [9, 6, 5],
        [9, 4, 5],
        [6, 4],
      ] as const;
      const [t, r, w] = shapes.map((shape, i) => {
        return tf.tensor(
          numbers(
            shape.reduce<number>((p, q) => p * q, 1),
            i,
          ),
          [...shape],
        );
      });
      const found = pairDistances(t as tf.Tensor3D, r as tf.Tensor3D, w as tf.Tensor2D);
      return [found.distances, found.pull].map((x) => x.dataSync<"float32">());
    });
    for (const i of [0, 1]) assertClosely(native![i]!, wasm![i]!, TOLERANCE, `result ${i}`);
  });

  for (const create of [
    (groups: readonly ParameterGroup[]) => new Adam(groups),
    (groups: readonly ParameterGroup[]) => new AdamW(groups),
    (groups: readonly ParameterGroup[]) => new RMSprop(groups),
    (groups: readonly ParameterGroup[]) => new SGD(groups, { momentum: 0.9 }),
  ]) {
    test(`${create.toString().match(/new (\w+)/)![1]}, with its state carried from one engine to the other`, () => {
      const steps = (engine: EngineName, count: number, from?: OptimiserState) => {
        startEngine(engine);
        const start = from ? from.moments["value"]! : numbers(33, 1);
        const variable = tf.variable(tf.tensor(start, [3, 11]));
        const group = { learningRate: 0.05, weightDecay: 0.01 };
        const optimiser = create([{ ...group, parameters: [{ name: "w", variable }] }]);
        if (from) optimiser.restore(from);
        for (let i = 0; i < count; i++) {
          tf.tidy(() => {
            const { grads } = tf.variableGrads(() => tf.sum(tf.pow(variable, 3)).asScalar());
            optimiser.step(clipGradients(grads, 1));
          });
        }
        const state = optimiser.state();
        const value = variable.dataSync<"float32">();
        optimiser.dispose();
        variable.dispose();
        return { ...state, moments: { ...state.moments, value } as Moments };
      };
      const wasm = steps("wasm", 8);
      const native = steps("native", 8);
      const carried = steps("native", 4, steps("wasm", 4));
      for (const name of ["w.first", "w.second", "value"]) {
        assertClosely(native.moments[name]!, wasm.moments[name]!, TOLERANCE, name);
        assertClosely(carried.moments[name]!, wasm.moments[name]!, TOLERANCE, `carried ${name}`);
      }
      assert.equal(native.step, 8);
    });
  }

  test("tensors move between the engines, and startEngine reports which one runs", () => {
    const { name, flavour } = startEngine("native");
    assert.equal(name, "native");
    assert.match(flavour, /^tensorflow-\d+\.\d+\.\d+.*-(cpu|gpu)$/);
    const x = tf.tensor1d([1, 2, 3]);
    assert.equal(startEngine("wasm").name, BACKEND);
    assert.equal(tf.getBackend(), BACKEND);
    const y = tf.add(x, 1);
    startEngine("native");
    assert.deepEqual([...tf.mul(y, 2).dataSync()], [4, 6, 8]);
  });
});

describe("the native engine's memory", { skip }, () => {
  test("a training step leaves nothing behind", () => {
    startEngine("native");
    const adjacency = SparseMatrix.from(symmetricNormalised(randomAdjacency(50, 5)));
    const weights = [1, 2].map((seed) => tf.variable(tf.tensor2d(numbers(64, seed), [8, 8])));
    const input = tf.tensor2d(numbers(400, 3), [50, 8]);
    const parameters = weights.map((variable, i) => ({ name: `w${i}`, variable }));
    const adam = new Adam([{ parameters, learningRate: 0.01, weightDecay: 0.1 }]);
    const step = (i: number) =>
      tf.tidy(() => {
        const { grads } = tf.variableGrads(() => {
          const maps = gcniiConvolutions(input, weights as unknown as tf.Tensor2D[], {
            ...{ adjacency, alpha: 0.1, thetas: [0.4, 0.3], maps: true },
            dropout: { ...stream, step: i },
          });
          return tf.sum(tf.square(reluDropout(lastMap(maps), stream))).asScalar();
        });
        adam.step(grads);
      });
    step(0);
    const before = [tf.memory().numTensors, memory().blocks, memory().used];
    for (let i = 1; i < 20; i++) step(i);
    assert.deepEqual([tf.memory().numTensors, memory().blocks, memory().used], before);
    assert.ok(memory().peak > memory().used);
  });

  test("freeDropped frees what nothing refers to", async () => {
    startEngine("native");
    await freeDropped();
    const before = memory().used;
    let x: tf.Tensor | undefined = tf.zeros([1000, 100]);
    x = tf.add(x, 1);
    assert.equal(memory().used - before, 800_000);
    assert.equal(await freeDropped(), 400_000, "only the zeros: x is in use");
    assert.equal(x.dataSync()[5], 1);
    x = undefined;
    assert.equal(await freeDropped(), 400_000);
    assert.equal(memory().used, before);
  });
});
