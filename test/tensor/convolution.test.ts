// A convolution as one operator: the bits of its parts, and fewer maps held.
import assert from "node:assert/strict";
import { test } from "node:test";
import * as tf from "@tensorflow/tfjs";
import { mostDuring, SparseMatrix, spmm, startEngine, uniform } from "../../src/tensor/index.ts";
import { convolution } from "../../src/tensor/ops/convolution.ts";
import { randomSparse } from "./support.ts";

startEngine("wasm", { threads: 1 });

const [NODES, INPUTS, OUTPUTS] = [90, 24, 10];
const dense = (name: string, shape: [number, number]) =>
  tf.tensor2d(
    uniform(1, name, shape[0] * shape[1]).map((u) => u - 0.5),
    shape,
  );
const matrix = SparseMatrix.from(randomSparse(NODES, NODES, 3));
const [x, weight, root] = [
  dense("x", [NODES, INPUTS]),
  dense("w", [INPUTS, OUTPUTS]),
  dense("r", [INPUTS, OUTPUTS]),
];
const bias = tf.tensor1d(uniform(2, "b", OUTPUTS));
const weights = dense("loss", [NODES, OUTPUTS]);

/** The bits of the result, and of the gradients of a weighted sum of it. */
function bits(of: (...inputs: tf.Tensor[]) => tf.Tensor, inputs: tf.Tensor[]): number[][] {
  return tf.tidy(() => {
    const loss = (...given: tf.Tensor[]) => tf.sum(tf.mul(of(...given), weights)) as tf.Scalar;
    return [of(...inputs), ...tf.grads(loss)(inputs)].map((y) => [...y.dataSync()]);
  });
}

type M = tf.Tensor2D;
for (const [name, hasRoot] of [
  ["with a root", true],
  ["without", false],
] as const) {
  test(`${name}: value and gradients have the bits of tf's operators one by one`, () => {
    const inputs = [x, weight, bias, ...(hasRoot ? [root] : [])];
    const parts = (...[a, w, b, r]: tf.Tensor[]) => {
      const own = r ? tf.add(tf.matMul(a as M, r as M), b!) : b!;
      return tf.add(spmm(matrix, tf.matMul(a as M, w as M)), own);
    };
    const whole = (...[a, w, b, r]: tf.Tensor[]) =>
      convolution(matrix, a as M, { weight: w as M, bias: b as tf.Tensor1D, root: r as M });
    assert.deepEqual(bits(whole, inputs), bits(parts, inputs));
    const rest = inputs.slice(1);
    const constant = (...[w, b, r]: tf.Tensor[]) =>
      convolution(matrix, x, { weight: w as M, bias: b as tf.Tensor1D, root: r as M }, true);
    assert.deepEqual(
      bits(constant, rest),
      bits((...given) => parts(x, ...given), rest),
    );
  });
}

test("between a pass and its gradient it holds its result alone", () => {
  let kept = 0;
  tf.tidy(() => {
    mostDuring((used) => {
      const loss = (w: tf.Tensor): tf.Scalar => {
        const before = used();
        const y = convolution(matrix, x, { weight: w as M, bias, root });
        kept = used() - before;
        return tf.sum(tf.mul(y, weights)) as tf.Scalar;
      };
      tf.grad(loss)(weight);
    });
  });
  const map = 4 * NODES * OUTPUTS;
  assert.ok(kept >= map && kept < 1.5 * map, `${kept} bytes, a map has ${map}`);
});
