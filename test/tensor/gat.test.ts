// Graph attention on the engine: values and gradients against double precision, stability, equal bits.
import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import * as tf from "@tensorflow/tfjs";
import { type Csr, csrFromPairs } from "../../src/graph/csr.ts";
import { runningBackend } from "../../src/tensor/engine/backend.ts";
import { gatSums, memory, SparseMatrix, startEngine } from "../../src/tensor/index.ts";
import { type GatCase, naiveGat } from "./gat-reference.ts";
import { dropoutFactors } from "./philox.ts";
import {
  assertClosely,
  assertSameBits,
  differences,
  dot,
  type Numbers,
  numbers,
  randomSparse,
} from "./support.ts";

const SLOPE = 0.2;
const stream = { rate: 0.3, seed: 2 ** 40 + 7, step: 5, site: 3 };

before(() => {
  startEngine();
});

interface Given {
  readonly host: Csr;
  readonly heads: number;
  readonly width: number;
  readonly target: boolean;
  readonly scaled: boolean;
  readonly dropped: boolean;
  /** Multiplies the scores' vectors. */
  readonly spread?: number;
}

interface Found {
  readonly value: Float32Array;
  readonly gradients: readonly Float32Array[];
}

function inputsOf({ host, heads, width, target, spread = 1 }: Given): Float32Array[] {
  const vector = (seed: number) => numbers(heads * width, seed).map((x) => x * spread);
  const z = numbers(host.rows * heads * width, 1);
  return [z, vector(2), ...(target ? [vector(3)] : [])];
}

const scalesOf = ({ host, scaled }: Given) =>
  scaled
    ? {
        source: numbers(host.rows, 4).map((x) => 0.5 + x * x),
        target: numbers(host.rows, 5).map((x) => 0.5 + x * x),
      }
    : undefined;

/** The operator, and its gradients for random taps. */
function found(given: Given): Found {
  const { host, heads, width, dropped } = given;
  const matrix = SparseMatrix.from(host);
  const scales = scalesOf(given);
  const result = tf.tidy(() => {
    const shapes = [[host.rows, heads * width], ...Array(2).fill([heads, width])];
    const inputs = inputsOf(given).map((values, k) => tf.tensor(values, shapes[k]));
    const options = {
      slope: SLOPE,
      ...(scales && {
        scales: { source: tf.tensor1d(scales.source), target: tf.tensor1d(scales.target) },
      }),
      ...(dropped && { dropout: stream }),
    };
    const run = (...[z, a, b]: tf.Tensor[]): tf.Tensor =>
      gatSums(matrix, z as tf.Tensor2D, a as tf.Tensor2D, b as tf.Tensor2D | undefined, options);
    const value = run(...inputs);
    const taps = tf.tensor(numbers(value.size, 6), value.shape);
    const gradients = tf.grads(run)(inputs, taps);
    return {
      value: value.dataSync<"float32">(),
      gradients: gradients.map((one) => one.dataSync<"float32">()),
    };
  });
  matrix.dispose();
  return result;
}

function naive(given: Given, inputs: readonly Numbers[]): Float64Array {
  const { host, heads, width, dropped } = given;
  const options: GatCase = {
    ...{ heads, width, slope: SLOPE, scales: scalesOf(given) },
    kept: dropped ? dropoutFactors(host.indices.length, stream) : undefined,
  };
  return naiveGat(host, inputs[0]!, inputs[1]!, inputs[2], options);
}

/** A square matrix with empty rows, full rows and loops; not symmetric. */
const square = (nodes: number): Csr => randomSparse(nodes, nodes, 9, true);

/** The first rows of a matrix. */
function firstOf({ columns, indptr, indices }: Csr, rows: number): Csr {
  return {
    rows,
    columns,
    indptr: indptr.slice(0, rows + 1),
    indices: indices.slice(0, indptr[rows]),
  };
}

/** Where rows begin if empty ones follow. */
const padding = ({ indptr }: Csr, rows: number): Int32Array =>
  Int32Array.from({ length: rows + 1 }, (_, row) => indptr[Math.min(row, indptr.length - 1)]!);

/** @param some how many elements of z have their gradient compared */
function compare(given: Given, some = 40): void {
  const inputs = inputsOf(given);
  const { value, gradients } = found(given);
  assertClosely(value, naive(given, inputs), 2e-5, "value");
  const taps = numbers(value.length, 6);
  inputs.forEach((input, k) => {
    const step = Math.max(1, Math.floor(input.length / some));
    const elements = Array.from({ length: Math.ceil(input.length / step) }, (_, n) => n * step);
    const slope = differences(
      (x) => dot(naive(given, inputs.with(k, x as never)), taps),
      input,
      elements,
    );
    const own = elements.map((n) => gradients[k]![n]!);
    assertClosely(own, slope, 2e-4, `gradient of input ${k}`);
    assert.ok(given.host.indices.length === 0 || slope.some((x) => x !== 0), "it has an effect");
  });
}

describe("gatSums", () => {
  for (const [nodes, heads, width] of [
    [1, 1, 1],
    [7, 1, 3],
    [11, 3, 5],
    [12, 8, 8],
    [21, 2, 33],
    [13, 3, 50],
  ] as const) {
    for (const target of [false, true]) {
      for (const scaled of [false, true]) {
        for (const dropped of [false, true]) {
          const parts = [target && "target", scaled && "scales", dropped && "dropout"];
          const name = parts.filter(Boolean).join(", ");
          test(`${nodes} nodes, ${heads} x ${width}${name && `, ${name}`}`, () =>
            compare({ host: square(nodes), heads, width, target, scaled, dropped }));
        }
      }
    }
  }

  for (const target of [false, true]) {
    for (const scaled of [false, true]) {
      test(`rows that are the first of the columns${target ? ", target" : ""}${scaled ? ", scales" : ""}`, () => {
        const [rows, columns, heads, width] = [6, 17, 2, 5] as const;
        const given = { host: square(columns), heads, width, target, scaled, dropped: false };
        const inputs = inputsOf(given);
        const scales = scalesOf(given);
        const short = firstOf(given.host, rows);
        // The same with rows that have no entries, whose sums are 0.
        const padded = {
          ...given,
          host: { ...short, rows: columns, indptr: padding(short, columns) },
        };
        const whole = found(padded);
        const matrix = SparseMatrix.from(short);
        tf.tidy(() => {
          const [z, ...vectors] = inputs.map((values, k) =>
            tf.tensor2d(values, k === 0 ? [columns, heads * width] : [heads, width]),
          ) as [tf.Tensor2D, ...tf.Tensor2D[]];
          // Constants outlive the gradient.
          const factors = scales && {
            source: tf.tensor1d(scales.source),
            target: tf.tensor1d(scales.target.slice(0, rows)),
          };
          const options = { slope: SLOPE, ...(factors && { scales: factors }) };
          const run = (...[x, a, b]: tf.Tensor[]): tf.Tensor =>
            gatSums(
              matrix,
              x as tf.Tensor2D,
              a as tf.Tensor2D,
              b as tf.Tensor2D | undefined,
              options,
            );
          const value = run(z, ...vectors);
          assert.deepEqual(value.shape, [rows, heads * width]);
          const expected = naive(padded, inputs);
          assertClosely(value.dataSync(), expected.slice(0, value.size), 2e-5, "value");
          const taps = tf.tensor(numbers(columns * heads * width, 6)).slice(0, value.size);
          const gradients = tf.grads(run)([z, ...vectors], tf.reshape(taps, value.shape));
          for (const [k, gradient] of gradients.entries()) {
            assertClosely(gradient.dataSync(), whole.gradients[k]!, 2e-5, `gradient ${k}`);
          }
        });
        matrix.dispose();
      });
    }
  }

  test("is stable where scores spread past 80, in either direction", () => {
    for (const target of [false, true]) {
      const given = { host: square(21), heads: 2, width: 4, target, scaled: false, dropped: false };
      const wide = { ...given, spread: 300 };
      const { value, gradients } = found(wide);
      assertClosely(value, naive(wide, inputsOf(wide)), 2e-5, "value");
      for (const gradient of gradients) assert.ok(gradient.every(Number.isFinite));
    }
  });

  test("is exact for a node of 13,161 neighbours, Arxiv's largest", () => {
    const nodes = 13_162;
    const others = Array.from({ length: nodes - 1 }, (_, n) => n + 1);
    const hub = others.map(() => 0);
    const host = csrFromPairs(nodes, nodes, [...hub, ...others], [...others, ...hub]);
    for (const target of [false, true]) {
      const given = { host, heads: 2, width: 3, target, scaled: false, dropped: false };
      const { value, gradients } = found(given);
      const inputs = inputsOf(given);
      assertClosely(value, naive(given, inputs), 2e-5, "value");
      const taps = numbers(value.length, 6);
      const slope = differences(
        (x) => dot(naive(given, [inputs[0]!, x, ...inputs.slice(2)]), taps),
        inputs[1]!,
      );
      assertClosely(gradients[1]!, slope, 2e-4, "gradient");
    }
  });

  test("gives the same bits on 1, 2 and 5 threads, with work split anywhere", () => {
    const { engine } = runningBackend();
    const given = {
      host: square(90),
      heads: 3,
      width: 37,
      target: true,
      scaled: true,
      dropped: true,
    };
    const alone = found(given);
    const { threads, smallestChunk } = engine;
    engine.smallestChunk = 0;
    for (const count of [2, 5]) {
      engine.threads = count;
      const together = found(given);
      assertSameBits(together.value, alone.value, "value");
      for (const [k, one] of together.gradients.entries()) {
        assertSameBits(one, alone.gradients[k]!, `input ${k}`);
      }
    }
    engine.threads = threads;
    engine.smallestChunk = smallestChunk;
  });

  test("frees all that it allocates, and refuses what does not fit", () => {
    const given = {
      host: square(12),
      heads: 2,
      width: 4,
      target: true,
      scaled: false,
      dropped: true,
    };
    found(given);
    const { blocks } = memory();
    found(given);
    assert.equal(memory().blocks, blocks);
    const matrix = SparseMatrix.from(square(4));
    const [z, a] = [tf.zeros([4, 6]) as tf.Tensor2D, tf.zeros([2, 4]) as tf.Tensor2D];
    assert.throws(() => gatSums(matrix, z, a, undefined, { slope: 0.2 }), /gatSums: \[4,6\]/);
    const b = tf.zeros([2, 3]) as tf.Tensor2D;
    assert.throws(() => gatSums(matrix, z, b, undefined, { slope: 2 }), /slope 2 is not in/);
  });
});
