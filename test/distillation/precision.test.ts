// ABKD with small numbers: distances near zero, vectors of zeros.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as tf from "@tensorflow/tfjs";
import type { AbkdDistillation } from "../../src/distillation/abkd/index.ts";
import { naiveAbkd } from "../../src/distillation/abkd/naive.ts";
import type { AbkdOptions } from "../../src/distillation/abkd/options.ts";
import { startEngine } from "../../src/tensor/index.ts";
import {
  abkdOptions,
  assertClose,
  forms,
  gradients,
  nameOf,
  numbers,
  type Shown,
  shape,
  shown,
  start,
  studentOutputs,
  teacherOutputs,
  variablesOf,
} from "./cases.ts";

startEngine();
const teacher = teacherOutputs();
const student = studentOutputs();
const noLoss = tf.scalar(0);

describe("precision near zero", () => {
  const sizes = { ...shape, studentWidth: shape.teacherWidth, nodes: 40 };
  const near = teacherOutputs(sizes);
  /** Returns a student whose maps are the teacher's first ones, a little off. */
  const off = (by: number): Shown => {
    const same = tf.slice(near.maps, 0, sizes.studentLayers);
    const maps = tf.add(same, tf.mul(numbers("off", same.shape), by)) as tf.Tensor3D;
    return shown(maps, studentOutputs(sizes).logits);
  };

  /** Returns D_00 in double precision, directly from the weights. */
  function reference(method: AbkdDistillation, s: Shown, options: AbkdOptions): number {
    const [n, d, e] = [sizes.nodes, sizes.teacherWidth, options.embedding];
    const T = near.maps.dataSync();
    const S = s.maps.dataSync();
    const Pt = method.weights.all.get("abkd.projection.teacher")!.dataSync();
    const Ps = method.weights.all.get("abkd.projection.student")!.dataSync();
    let total = 0;
    for (let node = 0; node < n; node++) {
      let meanOver = 0;
      for (let a = 0; a < e; a++) {
        let difference = 0;
        for (let k = 0; k < d; k++) {
          difference += T[node * d + k]! * Pt[k * e + a]! - S[node * d + k]! * Ps[k * e + a]!;
        }
        if (options.form === "mse") total += difference ** 2 / (n * e);
        meanOver += difference / e;
      }
      if (options.form === "literal") total += meanOver ** 2;
    }
    return total;
  }

  for (const form of ["literal", "mse"] as const) {
    for (const scale of [1, 1e-6]) {
      for (const by of [1e-1, 1e-2, 1e-3]) {
        it(`${form}: projections times ${scale}, student off by ${by}`, () => {
          const options = abkdOptions({
            form,
            projections: "trained",
            teacherMaps: "raw",
            studentMaps: "raw",
          });
          const method = start(near, options, 1, sizes);
          const variable = (name: string): tf.Variable =>
            method.weights.all.get(`abkd.projection.${name}`) as tf.Variable;
          variable("teacher").assign(tf.mul(variable("teacher"), scale));
          variable("student").assign(tf.slice(variable("teacher"), 0, sizes.studentLayers));
          const s = off(by);
          const d = method.inspect(s).matrices["dissimilarity"]![0]![0]!;
          const expected = reference(method, s, options);
          assert.ok(expected > 0);
          assertClose([d], [expected], 2e-3, expected, "D");
          const only = tf.variable(s.maps);
          const pair = (): tf.Scalar => method.loss(shown(only, s.logits), noLoss, 0);
          const { value, grads } = tf.variableGrads(pair, [only]);
          assert.ok(Number.isFinite(value.dataSync()[0]!));
          assert.ok(grads[only.name]!.dataSync().every(Number.isFinite));
        });
      }
    }

    it(`${form}: D is 0 where the student is the teacher`, () => {
      const options = abkdOptions({
        form,
        projections: "trained",
        teacherMaps: "raw",
        studentMaps: "raw",
      });
      const method = start(near, options, 1, sizes);
      const weights = method.weights.all;
      const ps = weights.get("abkd.projection.student") as tf.Variable;
      ps.assign(tf.slice(weights.get("abkd.projection.teacher")!, 0, sizes.studentLayers));
      const { dissimilarity } = method.inspect(off(0)).matrices;
      for (let j = 0; j < sizes.studentLayers; j++) assert.equal(dissimilarity![j]![j], 0);
      assert.ok(dissimilarity![0]![1]! > 0);
    });
  }

  it("mse: gradients of pairs that are computed directly equal the naive ones", () => {
    const options = abkdOptions({ form: "mse", projections: "trained", beta: 1 });
    const method = start(near, options, 1, sizes);
    const weights = method.weights.all;
    const ps = weights.get("abkd.projection.student") as tf.Variable;
    ps.assign(tf.slice(weights.get("abkd.projection.teacher")!, 0, sizes.studentLayers));
    const s = off(0.03);
    const variables = variablesOf(method);
    const fast = gradients((x) => method.loss(x, noLoss, 0), s, variables);
    const slow = gradients((x) => naiveAbkd(near, x, weights, options).loss, s, variables);
    slow.gradients.forEach((gradient, v) => {
      const size = Math.max(1e-4, ...gradient.map(Math.abs));
      assertClose(fast.gradients[v]!, gradient, 1e-4, size, `gradient ${v}`);
    });
  });

  it("a fixed teacher: D is 0 where the projected student is the teacher", () => {
    const method = start(near, abkdOptions({ teacherMaps: "raw", studentMaps: "raw" }), 1, sizes);
    const ps = method.weights.all.get("abkd.projection.student") as tf.Variable;
    ps.assign(tf.stack(new Array(sizes.studentLayers).fill(tf.eye(sizes.teacherWidth))));
    const { dissimilarity } = method.inspect(off(0)).matrices;
    for (let j = 0; j < sizes.studentLayers; j++) assert.equal(dissimilarity![j]![j], 0);
  });
});

describe("vectors of zeros", () => {
  const zeroRows = tf.concat(
    [tf.zeros([shape.teacherLayers, 2, shape.teacherWidth]), tf.slice(teacher.maps, [0, 2, 0])],
    1,
  ) as tf.Tensor3D;
  const nothing = tf.zerosLike(student.maps);
  const halfZero = tf.concat([tf.slice(nothing, 0, 1), tf.slice(student.maps, 1)]) as tf.Tensor3D;
  for (const setting of forms) {
    for (const maps of ["raw", "scaled-centred", "normalised"] as const) {
      it(`give finite losses and gradients: ${nameOf(setting)} ${maps}`, () => {
        const options = abkdOptions({ ...setting, teacherMaps: maps, studentMaps: maps });
        for (const s of [nothing, halfZero]) {
          const method = start(shown(zeroRows as tf.Tensor3D, teacher.logits), options);
          const outputs = shown(s, student.logits);
          const result = gradients((x) => method.loss(x, noLoss, 0), outputs, variablesOf(method));
          assert.ok(Number.isFinite(result.value));
          for (const g of result.gradients) assert.ok(g.every(Number.isFinite));
          const { matrices, scalars } = method.inspect(outputs);
          const found = [...Object.values(matrices).flat(2), ...Object.values(scalars)];
          assert.ok(found.every(Number.isFinite));
        }
      });
    }
  }

  it("cosine: D is 1/2 against a vector with a direction, 0 against another without", () => {
    const none = shown(tf.zerosLike(teacher.maps), teacher.logits);
    const empty = shown(nothing, student.logits);
    for (const setting of forms.filter((f) => f.distance === "cosine")) {
      const options = abkdOptions({ ...setting, teacherMaps: "raw", studentMaps: "raw" });
      const against = start(teacher, options).inspect(empty).matrices["dissimilarity"]!;
      assertClose(against.flat(), new Float32Array(15).fill(0.5), 1e-5, 1, nameOf(setting));
      const both = start(none, options).inspect(empty).matrices["dissimilarity"]!;
      assertClose(both.flat(), new Float32Array(15), 1e-5, 1, nameOf(setting));
    }
  });
});
