// Distances of all pairs of layers against double precision, also near zero, for any shapes.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import * as tf from "@tensorflow/tfjs";
import { memory, pairDistances, startEngine } from "../../src/tensor/index.ts";
import { layerRows } from "../../src/tensor/ops/layer-rows.ts";
import { pairRegression, scalarPairs } from "../../src/tensor/ops/pairs.ts";
import { assertClose, assertClosely, numbers } from "./support.ts";

before(() => {
  startEngine();
});

interface Sizes {
  readonly nodes: number;
  readonly teacherLayers: number;
  readonly studentLayers: number;
  readonly width: number;
}

function agree(sizes: Sizes, teacher: Float32Array, projected: Float32Array, what: string): void {
  const { nodes, teacherLayers, studentLayers, width } = sizes;
  const weights = numbers(teacherLayers * studentLayers, 3);
  const distances = new Float64Array(teacherLayers * studentLayers);
  const pull = new Float64Array(nodes * studentLayers * width);
  for (let n = 0; n < nodes; n++) {
    for (let i = 0; i < teacherLayers; i++) {
      for (let j = 0; j < studentLayers; j++) {
        for (let d = 0; d < width; d++) {
          const x = teacher[(n * teacherLayers + i) * width + d]!;
          const at = (n * studentLayers + j) * width + d;
          distances[i * studentLayers + j]! += (x - projected[at]!) ** 2;
          pull[at]! += weights[i * studentLayers + j]! * (x - projected[at]!);
        }
      }
    }
  }
  const blocks = memory().blocks;
  tf.tidy(() => {
    const found = pairDistances(
      tf.tensor3d(teacher, [nodes, teacherLayers, width]),
      tf.tensor3d(projected, [nodes, studentLayers, width]),
      tf.tensor2d(weights, [teacherLayers, studentLayers]),
    );
    // Sums of squares have no cancellation, so each distance is right to its own digits.
    const tolerance = distances.map((x) => 1e-5 * x);
    assertClose(found.distances.dataSync(), distances, tolerance, `${what}: distances`);
    assertClosely(found.pull.dataSync(), pull, 4e-6, `${what}: pull`);
  });
  assert.equal(memory().blocks, blocks, `${what}: blocks left behind`);
}

test("all shapes agree with double precision", () => {
  for (const nodes of [0, 1, 3, 31, 32, 33, 65, 300]) {
    for (const [teacherLayers, studentLayers, width] of [
      [1, 1, 1],
      [64, 4, 7],
      [5, 3, 64],
      [7, 9, 33],
    ] as const) {
      const sizes = { nodes, teacherLayers, studentLayers, width };
      const teacher = numbers(nodes * teacherLayers * width, 1);
      const projected = numbers(nodes * studentLayers * width, 2);
      agree(sizes, teacher, projected, JSON.stringify(sizes));
    }
  }
});

test("no digits are lost where both sides almost agree, far from zero", () => {
  const sizes = { nodes: 65, teacherLayers: 1, studentLayers: 4, width: 8 };
  const teacher = numbers(65 * 8, 1).map((x) => 1000 + x);
  const projected = new Float32Array(65 * 4 * 8);
  for (const i of projected.keys()) {
    const at = Math.floor(i / 32) * 8 + (i % 8);
    projected[i] = teacher[at]! + (i % 5) / 1024;
  }
  agree(sizes, teacher, projected, "near zero");
});

test("through a projection: the pull keeps its digits where both sides almost agree, and is 0 where they agree", () => {
  const [nodes, layers, width] = [65, 4, 8];
  const teacher = numbers(nodes * width, 1).map((x) => 1000 + x);
  // Products with it are rounded, unlike those with a power of two.
  const weight = Math.fround(0.3);
  for (const step of [1 / 1024, 0]) {
    const student = new Float32Array(layers * nodes * width);
    const pull = student.map((_, i) => {
      const x = teacher[i % teacher.length]!;
      student[i] = x + (i % 5) * step;
      return weight * (x - student[i]!);
    });
    tf.tidy(() => {
      const squares = [teacher.reduce((sum, x) => sum + x * x, 0)];
      const identity = tf.stack(new Array(layers).fill(tf.eye(width))) as tf.Tensor3D;
      const found = pairRegression(
        tf.tensor3d(teacher, [nodes, 1, width]),
        squares,
        tf.tensor3d(student, [layers, nodes, width]),
        identity,
        tf.fill([1, layers], weight),
      );
      assertClose(found.byStudent.dataSync(), pull, 1e-6 * step, "byStudent");
      const distances = [0, 1, 2, 3].map((j) => {
        const own = pull.subarray(j * teacher.length, (j + 1) * teacher.length);
        return own.reduce((sum, u) => sum + (u / weight) ** 2, 0);
      });
      const tolerance = distances.map((x) => 1e-5 * x);
      assertClose(found.distances, distances, tolerance, "distances");
    });
  }
});

test("through a projection: distances by products are right to 1e-6 of both sides' squares, by differences to 1e-6 of themselves", () => {
  const [nodes, layers, width] = [300, 5, 12];
  const teacher = numbers(nodes * width, 1);
  const square = teacher.reduce((sum, x) => sum + x * x, 0);
  // The least share decides for all: with 0.4 all relative distances exceed 1e-2, with 0.1 they do not.
  for (const least of [0.4, 0.1]) {
    const shrunk = Array.from({ length: layers }, (_, j) => 1 - least * (j + 1));
    const student = Float32Array.from(shrunk.flatMap((x) => Array.from(teacher, (y) => x * y)));
    const expected = shrunk.map((_, j) =>
      teacher.reduce((sum, x, k) => sum + (x - student[j * teacher.length + k]!) ** 2, 0),
    );
    const tolerance = expected.map((x, j) =>
      least === 0.1 ? 1e-6 * x : 1e-6 * square * (1 + shrunk[j]! ** 2),
    );
    tf.tidy(() => {
      const { distances } = pairRegression(
        tf.tensor3d(teacher, [nodes, 1, width]),
        [square],
        tf.tensor3d(student, [layers, nodes, width]),
        tf.stack(new Array(layers).fill(tf.eye(width))) as tf.Tensor3D,
        tf.ones([1, layers]),
      );
      assertClose(distances, expected, tolerance, `from ${least} on`);
    });
  }
});

test("shapes that do not match are rejected, naming all of them", () => {
  tf.tidy(() => {
    assert.throws(
      () => pairDistances(tf.zeros([3, 2, 4]), tf.zeros([3, 5, 4]), tf.zeros([5, 2])),
      /\[3,2,4\].*\[3,5,4\].*\[5,2\]/,
    );
    const [maps, student] = [tf.zeros([3, 2, 4]), tf.zeros([5, 3, 2])] as [
      tf.Tensor3D,
      tf.Tensor3D,
    ];
    assert.throws(
      () => pairRegression(maps, [1, 1], student, tf.zeros([5, 2, 3]), tf.zeros([2, 5])),
      /\[3,2,4\].*\[5,3,2\].*\[5,2,3\].*\[2,5\]/,
    );
    assert.throws(
      () => scalarPairs(maps, tf.zeros([2, 4]), student, tf.zeros([5, 3]), tf.zeros([2, 5])),
      /\[3,2,4\].*\[2,4\].*\[5,3,2\].*\[5,3\].*\[2,5\]/,
    );
    assert.throws(
      () => layerRows(tf.zeros([2, 3]), tf.zeros([2, 4, 5]), tf.zeros([2, 5])),
      /\[2,3\].*\[2,4,5\].*\[2,5\]/,
    );
  });
});
