// GCNII's fused convolutions: values and gradients against double precision and against plain tf.
import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import * as tf from "@tensorflow/tfjs";
import { symmetricNormalised } from "../../src/graph/normalise.ts";
import {
  gcniiConvolutions,
  lastMap,
  memory,
  SparseMatrix,
  startEngine,
} from "../../src/tensor/index.ts";
import { type Convolutions, convolutionMaps } from "../models/reference.ts";
import { type Draw, dropoutFactors } from "./philox.ts";
import {
  assertClose,
  assertClosely,
  dense,
  differences,
  dot,
  numbers,
  randomAdjacency,
} from "./support.ts";

interface Case {
  readonly nodes: number;
  readonly width: number;
  readonly layers: number;
  readonly maps: boolean;
  readonly dropout?: Draw;
}

const draw: Draw = { rate: 0.4, seed: 2 ** 40 + 17, step: 9, site: 3 };

const cases: Case[] = [
  { nodes: 0, width: 3, layers: 2, maps: true, dropout: draw },
  { nodes: 1, width: 1, layers: 1, maps: false },
  { nodes: 1, width: 3, layers: 2, maps: true, dropout: draw },
  { nodes: 3, width: 1, layers: 3, maps: true },
  { nodes: 7, width: 3, layers: 4, maps: false },
  { nodes: 7, width: 3, layers: 4, maps: true },
  { nodes: 7, width: 3, layers: 4, maps: false, dropout: draw },
  { nodes: 7, width: 3, layers: 4, maps: true, dropout: draw },
  { nodes: 33, width: 4, layers: 4, maps: true, dropout: draw },
  { nodes: 64, width: 8, layers: 3, maps: true, dropout: draw },
  { nodes: 13, width: 37, layers: 2, maps: true, dropout: draw },
  { nodes: 65, width: 64, layers: 1, maps: true },
  { nodes: 65, width: 64, layers: 3, maps: true, dropout: draw },
  { nodes: 64, width: 65, layers: 2, maps: false, dropout: draw },
  { nodes: 100, width: 64, layers: 3, maps: false, dropout: draw },
];

const title = ({ nodes, width, layers, maps, dropout }: Case): string =>
  `${layers} layers, ${nodes} x ${width}${maps ? ", maps" : ""}${dropout ? ", dropout" : ""}`;

/** Makes everything that a case needs from its sizes: inputs, weights, and factors for the maps. */
function prepare({ nodes, width, layers, maps, dropout }: Case) {
  const adjacency = symmetricNormalised(randomAdjacency(nodes, 5));
  // Not symmetric, so that a backward pass with P instead of P' is noticed.
  const values = adjacency.values!.map((value, k) => value * (1 + (k % 7) / 10));
  const lopsided = { ...adjacency, values };
  const options: Convolutions = {
    ...{ adjacency: lopsided, width, alpha: 0.3 },
    thetas: Array.from({ length: layers }, (_, l) => Math.log(0.9 / (l + 1) + 1)),
    ...(dropout && { dropout }),
  };
  return {
    adjacency: lopsided,
    options,
    input: numbers(nodes * width, 11),
    weights: Array.from({ length: layers }, (_, l) => numbers(width * width, 20 + l)),
    /** The scalar under test is the sum of the outputs times these, so that the taps differ. */
    taps: numbers((maps ? layers : 1) * nodes * width, 77),
  };
}

type Prepared = ReturnType<typeof prepare>;

/** Computes the operator's result in double precision. */
function expectedMaps(
  c: Case,
  p: Prepared,
  input: tf.TypedArray | Float64Array,
  weights = p.weights as readonly ArrayLike<number>[],
): Float64Array {
  const all = convolutionMaps(input as Float64Array, weights, p.options);
  return Float64Array.from((c.maps ? all : all.slice(-1)).flatMap((map) => [...map]));
}

/** Returns the operator's scalar and its gradients with respect to the input and each weight matrix. */
function measured(c: Case, p: Prepared) {
  const sparse = SparseMatrix.from(p.adjacency);
  const result = tf.tidy(() => {
    const run = (input: tf.Tensor, ...weights: tf.Tensor[]): tf.Tensor3D =>
      gcniiConvolutions(input as tf.Tensor2D, weights as tf.Tensor2D[], {
        ...{ adjacency: sparse, alpha: p.options.alpha, thetas: p.options.thetas, maps: c.maps },
        ...(c.dropout && { dropout: c.dropout }),
      });
    const args = [
      tf.tensor2d(p.input, [c.nodes, c.width]),
      ...p.weights.map((weight) => tf.tensor2d(weight, [c.width, c.width])),
    ];
    const taps = tf.tensor(p.taps, [c.maps ? c.layers : 1, c.nodes, c.width]);
    const gradients = tf.grads((...xs: tf.Tensor[]) =>
      tf.sum(tf.mul(run(...(xs as [tf.Tensor, ...tf.Tensor[]])), taps)),
    )(args);
    const untaped = run(...(args as [tf.Tensor, ...tf.Tensor[]]));
    assert.deepEqual(untaped.shape, [c.maps ? c.layers : 1, c.nodes, c.width]);
    return {
      maps: untaped.dataSync(),
      gradients: gradients.map((gradient) => gradient.dataSync()),
    };
  });
  sparse.dispose();
  return result;
}

/** Computes the same from plain tf operators, with masks from the reference generator. */
function composed(c: Case, p: Prepared): Float32Array[] {
  return tf.tidy(() => {
    const adjacency = tf.tensor2d(Float32Array.from(dense(p.adjacency)), [c.nodes, c.nodes]);
    const { alpha, thetas, dropout } = p.options;
    const args = [
      tf.tensor2d(p.input, [c.nodes, c.width]),
      ...p.weights.map((weight) => tf.tensor2d(weight, [c.width, c.width])),
    ];
    const scalar = (...[input, ...weights]: tf.Tensor[]): tf.Scalar => {
      const initial = tf.relu(input!);
      const maps: tf.Tensor[] = [];
      for (const [l, weight] of weights.entries()) {
        const mask = dropoutFactors(
          c.nodes * c.width,
          dropout && { ...dropout, site: dropout.site + l },
        );
        const factors = tf.tensor2d(Float32Array.from(mask), [c.nodes, c.width]);
        const hidden = tf.mul(tf.relu(maps.at(-1) ?? input!), factors);
        const z = tf.add(tf.mul(tf.matMul(adjacency, hidden), 1 - alpha), tf.mul(initial, alpha));
        maps.push(tf.add(tf.mul(tf.matMul(z, weight), thetas[l]!), tf.mul(z, 1 - thetas[l]!)));
      }
      const out = tf.stack(c.maps ? maps : maps.slice(-1));
      return tf.sum(tf.mul(out, tf.tensor(p.taps, out.shape)));
    };
    return tf
      .grads(scalar)(args)
      .map((gradient) => gradient.dataSync() as Float32Array);
  });
}

before(() => {
  startEngine();
});

describe("gcniiConvolutions", () => {
  for (const c of cases) {
    test(`${title(c)}: values`, () => {
      const p = prepare(c);
      assertClosely(measured(c, p).maps, expectedMaps(c, p, p.input), 2e-6, "maps");
    });

    test(`${title(c)}: gradients against central differences in double precision`, () => {
      const p = prepare(c);
      const { gradients } = measured(c, p);
      // All elements of small cases, and some of large ones (which the next test covers completely).
      const some = (count: number): number[] => {
        const stride = Math.max(1, Math.floor(count / 60));
        return Array.from({ length: Math.ceil(count / stride) }, (_, i) => i * stride);
      };
      const variables = [p.input, ...p.weights];
      for (const [v, variable] of variables.entries()) {
        const elements =
          c.nodes * c.width > 500 ? some(variable.length).slice(0, 12) : some(variable.length);
        const slope = differences(
          (x) => {
            const [input, ...weights] = variables.map((old, i) => (i === v ? x : old));
            return dot(expectedMaps(c, p, input!, weights), p.taps);
          },
          variable,
          elements,
        );
        const mine = elements.map((i) => gradients[v]![i]!);
        const scale = Math.max(...slope.map(Math.abs), 1);
        assertClose(mine, slope, 2e-5 * scale, v === 0 ? "by the input" : `by weight ${v - 1}`);
      }
    });

    test(`${title(c)}: gradients against the stack of tf operators`, () => {
      const p = prepare(c);
      const { gradients } = measured(c, p);
      for (const [v, expected] of composed(c, p).entries()) {
        const what = v === 0 ? "by the input" : `by weight ${v - 1}`;
        assertClosely(gradients[v]!, expected, 1e-5, what);
      }
    });
  }

  test("layers so wide that their weights are packed first", () => {
    const c: Case = { nodes: 257, width: 372, layers: 2, maps: false, dropout: draw };
    const p = prepare(c);
    assertClosely(measured(c, p).maps, expectedMaps(c, p, p.input), 2e-6, "maps");
  });

  test("a gradient that enters at a single tap reaches only the layers below it", () => {
    const c: Case = { nodes: 7, width: 3, layers: 4, maps: true, dropout: draw };
    const p = prepare(c);
    for (let tap = 0; tap < c.layers; tap++) {
      const only = p.taps.map((x, i) => (Math.floor(i / 21) === tap ? x : 0));
      const q = { ...p, taps: only };
      const { gradients } = measured(c, q);
      for (const [v, expected] of composed(c, q).entries()) {
        assertClosely(gradients[v]!, expected, 1e-5, `tap ${tap}, variable ${v}`);
      }
      for (let l = tap + 1; l < c.layers; l++) {
        assert.ok(
          gradients[l + 1]!.every((x) => x === 0),
          `layer ${l} is above tap ${tap}`,
        );
      }
    }
  });

  test("a second call sees the same masks, another step other masks", () => {
    const c: Case = { nodes: 33, width: 4, layers: 4, maps: true, dropout: draw };
    const p = prepare(c);
    const first = measured(c, p);
    assert.deepEqual(measured(c, p), first);
    const later: Case = { ...c, dropout: { ...draw, step: draw.step + 1 } };
    assert.notDeepEqual(measured(later, prepare(later)).maps, first.maps);
  });

  test("leaves no tensor and no block behind", () => {
    const c: Case = { nodes: 7, width: 3, layers: 4, maps: true, dropout: draw };
    const [tensors, blocks] = [tf.memory().numTensors, memory().blocks];
    for (let i = 0; i < 3; i++) measured(c, prepare(c));
    assert.deepEqual([tf.memory().numTensors, memory().blocks], [tensors, blocks]);
  });

  test("lastMap takes the last map, and its gradient reaches no other", () => {
    for (const shape of [
      [1, 5, 3],
      [4, 7, 3],
      [2, 0, 3],
      [3, 65, 64],
    ] as [number, number, number][]) {
      const [layers, nodes, width] = shape;
      const size = nodes * width;
      const [x, taps] = [numbers(layers * size, 1), numbers(size, 2)];
      tf.tidy(() => {
        const last = (stack: tf.Tensor): tf.Tensor2D => lastMap(stack as tf.Tensor3D);
        const stack = tf.tensor3d(x, shape);
        assert.deepEqual(last(stack).shape, [nodes, width]);
        assertClose(last(stack).dataSync(), x.subarray((layers - 1) * size), 0, "last map");
        const gradient = tf
          .grad(last)(stack, tf.tensor2d(taps, [nodes, width]))
          .dataSync();
        const expected = new Float32Array(layers * size);
        expected.set(taps, (layers - 1) * size);
        assertClose(gradient, expected, 0, "gradient");
      });
    }
  });

  test("shapes that do not match are rejected before any kernel sees them", () => {
    const sparse = SparseMatrix.from(symmetricNormalised(randomAdjacency(7, 1)));
    const run = (
      input: [number, number],
      weights: [number, number][],
      thetas: number[],
    ): (() => void) => {
      const options = { adjacency: sparse, alpha: 0.1, thetas, maps: false };
      return () =>
        tf.tidy(() => {
          const matrices = weights.map((shape) => tf.zeros<tf.Rank.R2>(shape));
          gcniiConvolutions(tf.zeros<tf.Rank.R2>(input), matrices, options);
        });
    };
    assert.throws(run([6, 3], [[3, 3]], [1]), /adjacency 7 x 7, input \[6,3\]/);
    assert.throws(run([7, 3], [[3, 3]], [1, 1]), /1 weight matrices, 2 thetas/);
    assert.throws(run([7, 3], [], []), /0 weight matrices/);
    assert.throws(
      run(
        [7, 3],
        [
          [3, 3],
          [3, 4],
        ],
        [1, 1],
      ),
      /weight 1 is \[3,4\], input \[7,3\]/,
    );
    sparse.dispose();
  });

  test("the input and the weights are unchanged", () => {
    const c: Case = { nodes: 7, width: 3, layers: 2, maps: false, dropout: draw };
    const p = prepare(c);
    const sparse = SparseMatrix.from(p.adjacency);
    tf.tidy(() => {
      const input = tf.tensor2d(p.input, [7, 3]);
      const weights = p.weights.map((weight) => tf.tensor2d(weight, [3, 3]));
      const { alpha, thetas } = p.options;
      const options = { adjacency: sparse, alpha, thetas, maps: false, dropout: draw };
      tf.grads((...[x, ...ws]: tf.Tensor[]) =>
        tf.sum(gcniiConvolutions(x as tf.Tensor2D, ws as tf.Tensor2D[], options)),
      )([input, ...weights]);
      assertClose(input.dataSync(), p.input, 0, "input");
      for (const [l, weight] of weights.entries()) {
        assertClose(weight.dataSync(), p.weights[l]!, 0, `weight ${l}`);
      }
    });
    sparse.dispose();
  });
});
