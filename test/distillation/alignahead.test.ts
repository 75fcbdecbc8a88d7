// Alignahead's loss against a slow form in double precision, written from the authors' code: the distances along
// the arcs, a softmax per node, KL(peer || student), which layer learns from which.
import assert from "node:assert/strict";
import { test } from "node:test";
import * as tf from "@tensorflow/tfjs";
import type { Distillation } from "../../src/distillation/method.ts";
import { createDistillation, findMethod } from "../../src/distillation/registry.ts";
import { memory, startEngine } from "../../src/tensor/index.ts";
import { differences } from "../tensor/support.ts";
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
const [layers, width] = [3, 5];
const STUDENTS = 3;

type Maps = ArrayLike<number>;
/** Far apart, as unscaled maps are, so that the similarities differ; with two equal nodes. */
const maps = Array.from({ length: STUDENTS }, (_, k) =>
  tf.tidy(() => {
    const drawn = tf
      .mul(numbers(`student ${k}`, [layers, nodes, width]), 40)
      .dataSync()
      .slice();
    for (let layer = 0; layer < layers; layer++) {
      const first = layer * nodes * width;
      drawn.copyWithin(first + width, first, first + width);
    }
    return tf.keep(tf.tensor3d(drawn as Float32Array, [layers, nodes, width]));
  }),
);
const outputsOf = (k: number, own: tf.Tensor3D = maps[k]!) =>
  shown(own, numbers(`logits ${k}`, [nodes, classes]) as tf.Tensor2D);

/** The distribution of one node over its neighbours, by a map's layer. */
function structure(map: Maps, layer: number, node: number): number[] {
  const at = (v: number, d: number): number => map[(layer * nodes + v) * width + d]!;
  const neighbours = arcs().flatMap(([from, to]) => (from === node ? [to] : []));
  const e = neighbours.map((other) => {
    let distance = 0;
    for (let d = 0; d < width; d++) distance += Math.abs(at(node, d) - at(other, d));
    return Math.exp(Math.exp(-distance / 100));
  });
  const sum = e.reduce((a, b) => a + b, 0);
  return e.map((value) => value / sum);
}

function naive(own: Maps, peers: readonly Maps[], align: "ahead" | "same"): number {
  let sum = 0;
  for (const peer of peers) {
    for (let i = 0; i < layers; i++) {
      const learner = align === "same" ? i : i === layers - 1 ? 0 : i + 1;
      for (let node = 0; node < nodes; node++) {
        const q = structure(own, learner, node);
        for (const [k, p] of structure(peer, i, node).entries()) {
          sum += (p * Math.log(p / q[k]!)) / nodes;
        }
      }
    }
  }
  return sum / peers.length;
}

function started(options: object, graph = graphInputs()): Distillation {
  const scene = sceneOf(undefined, { layers, width, classes }, graph);
  const { defaults } = findMethod("alignahead");
  return createDistillation(
    { name: "alignahead", options: { ...defaults, ...options } as never },
    scene,
  );
}

for (const align of ["ahead", "same"] as const) {
  test(`${align}: the value, and its gradient by the student's maps alone`, () => {
    const a = 0.7;
    const graph = graphInputs();
    const method = started({ students: STUDENTS, align, a }, graph);
    const peers = [maps[0]!.dataSync(), maps[2]!.dataSync()];
    const own = maps[1]!.dataSync();
    const variable = tf.variable(maps[1]!);
    const peer = tf.variable(maps[0]!);
    const { blocks } = memory();
    const { value, grads } = tf.variableGrads(() => {
      const student = Object.create(outputsOf(1, variable as tf.Tensor3D), {
        peers: { value: [outputsOf(0, peer as tf.Tensor3D), outputsOf(2)] },
      });
      return method.loss(student, tf.scalar(2), 0);
    });
    const expected = naive(own, peers, align);
    assert.ok(expected > 0.001, `${expected}: the case compares something`);
    assertClose([value.dataSync()[0]!], [2 + a * expected], 1e-5, 1, "value");
    const slope = differences((x) => a * naive(x, peers, align), Float32Array.from(own));
    const scale = Math.max(...Array.from(slope, Math.abs));
    assertClose(grads[variable.name]!.dataSync(), slope, 1e-3, scale, "gradient");
    assert.equal(grads[peer.name], undefined, "peers are constants");
    tf.dispose([value, grads]);
    assert.equal(memory().blocks, blocks, "blocks left behind");

    const student = Object.create(outputsOf(1), { peers: { value: [outputsOf(0), outputsOf(2)] } });
    const { scalars } = method.inspect(student);
    assertClose(
      [Object.values(scalars).reduce((x, y) => x + y, 0)],
      [expected],
      1e-5,
      1,
      "inspect",
    );
    method.dispose();
  });
}

test("one hidden layer is said to have none ahead; none at all is refused", () => {
  const scene = sceneOf(undefined, { layers: 1, width, classes }, graphInputs());
  const { defaults } = findMethod("alignahead");
  const create = (student: typeof scene.student) =>
    createDistillation({ name: "alignahead", options: defaults as never }, { ...scene, student });
  const one = tf.slice(maps[0]!, [0, 0, 0], [1, nodes, width]) as tf.Tensor3D;
  const method = create(outline(1, width, classes));
  const student = Object.create(outputsOf(0, one), { peers: { value: [outputsOf(0, one)] } });
  assert.match(method.inspect(student).warnings.join(), /one hidden layer/);
  assert.throws(
    () => create({ ...outline(1, classes, classes), kind: "gcn", endsInLogits: true }),
    /alignahead compares hidden layers, and this gcn has 0: give the student 2 layers or more/,
  );
});
