// GNN-SD's loss against a slow form in double precision, with what the deeper layers learn from held constant.
import assert from "node:assert/strict";
import { test } from "node:test";
import * as tf from "@tensorflow/tfjs";
import { createDistillation, findMethod } from "../../src/distillation/registry.ts";
import { memory, startEngine } from "../../src/tensor/index.ts";
import { differences, type Numbers } from "../tensor/support.ts";
import {
  arcs,
  assertClose,
  graphInputs,
  numbers,
  outline,
  sceneOf,
  shape,
  shown,
} from "./cases.ts";

startEngine();
const { nodes, classes } = shape;
const [layers, width] = [4, 5];

/** The neighbours of each node, itself included, with the weights of P = D^-1/2 (A + I) D^-1/2. */
const degree = (v: number): number => 1 + arcs().filter(([from]) => from === v).length;
const around = (v: number): [number, number][] =>
  [v, ...arcs().flatMap(([from, to]) => (from === v ? [to] : []))].map((u) => [
    u,
    1 / Math.sqrt(degree(u) * degree(v)),
  ]);

/** d_l(v) after ReLU, layer by layer. */
function rates(maps: Numbers): number[][] {
  const at = (l: number, v: number, d: number): number =>
    Math.max(0, maps[(l * nodes + v) * width + d]!);
  return Array.from({ length: layers }, (_, l) =>
    Array.from({ length: nodes }, (_, v) => {
      let [dot, own, mean] = [0, 0, 0];
      for (let d = 0; d < width; d++) {
        const m = around(v).reduce((sum, [u, weight]) => sum + weight * at(l, u, d), 0);
        dot += at(l, v, d) * m;
        own += at(l, v, d) ** 2;
        mean += m ** 2;
      }
      return own * mean > 0 ? 1 - dot / Math.sqrt(own * mean) : 1;
    }),
  );
}

/** @param constant the rates that deeper layers learn from */
function naive(maps: Numbers, constant: number[][]): number {
  const now = rates(maps);
  const lengths = constant.map((rate) => Math.sqrt(rate.reduce((sum, x) => sum + x * x, 0)));
  const first = lengths.indexOf(Math.max(...lengths));
  let sum = 0;
  for (let l = first; l + 1 < layers; l++) {
    if (lengths[l]! <= lengths[l + 1]!) continue;
    for (let v = 0; v < nodes; v++) sum += (now[l + 1]![v]! - constant[l]![v]!) ** 2 / nodes;
  }
  return sum;
}

test("the value and its gradient; layers before the largest discrepancy, or that grow, are left alone", () => {
  const scene = sceneOf(undefined, { layers, width, classes }, graphInputs());
  const method = createDistillation({ name: "gnnsd", options: { gamma: 0.3 } }, scene);
  const logits = numbers("logits", [nodes, classes]) as tf.Tensor2D;
  // Mostly positive maps are smooth; the second layer is not.
  const drawn = numbers("maps", [layers, nodes, width]).dataSync();
  const maps = drawn.map((x, k) => x + [1.2, 0.1, 0.6, 0.3][Math.floor(k / (nodes * width))]!);
  const variable = tf.variable(tf.tensor3d(maps as Float32Array, [layers, nodes, width]));
  const step = () =>
    tf.variableGrads(() => method.loss(shown(variable as tf.Tensor3D, logits), tf.scalar(2), 0));
  tf.dispose(step()); // makes what the graph's products keep
  const { blocks } = memory();
  const { value, grads } = step();
  const constant = rates(maps);
  const expected = naive(maps, constant);
  assert.ok(expected > 0.01, `${expected}: something is lost`);
  assertClose([value.dataSync()[0]!], [2 + 0.3 * expected], 1e-5, 1, "value");
  const slope = differences((x) => 0.3 * naive(x, constant), maps);
  const scale = Math.max(...Array.from(slope, Math.abs));
  assertClose(grads[variable.name]!.dataSync(), slope, 1e-3, scale, "gradient");
  assert.ok(
    slope.slice(0, nodes * width).every((x) => x === 0),
    "nothing reaches the first layer",
  );
  tf.dispose([value, grads]);
  assert.equal(memory().blocks, blocks, "blocks left behind");
  const { scalars } = method.inspect(shown(variable as tf.Tensor3D, logits));
  assertClose(
    Object.values(scalars),
    constant.map((rate) => Math.hypot(...rate)),
    1e-5,
    1,
    "inspect",
  );
});

test("a student with nothing to compare is refused", () => {
  const { defaults } = findMethod("gnnsd");
  const scene = sceneOf(undefined, { layers: 1, width, classes }, graphInputs());
  assert.throws(
    () =>
      createDistillation(
        { name: "gnnsd", options: defaults as never },
        { ...scene, student: outline(1, width, classes) },
      ),
    /gnnsd compares 2 hidden layers or more, and this gcnii has 1: give the student 2 layers or more/,
  );
});
