// ABKD's properties: gradients, attention, weights, memory, the trivial optimum.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as tf from "@tensorflow/tfjs";
import { resolveOptions } from "../../src/base/options.ts";
import { collapseWarning, remainingScale } from "../../src/distillation/abkd/collapse.ts";
import type { AbkdDistillation } from "../../src/distillation/abkd/index.ts";
import { abkd } from "../../src/distillation/abkd/index.ts";
import type { AbkdOptions } from "../../src/distillation/abkd/options.ts";
import { defaults, presets } from "../../src/distillation/abkd/options.ts";
import { startEngine } from "../../src/tensor/index.ts";
import {
  abkdOptions,
  assertClose,
  forms,
  gradients,
  nameOf,
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

describe("ABKD's gradient", () => {
  for (const setting of forms) {
    it(`is the slope of the loss: ${nameOf(setting)}`, () => {
      const method = start(teacher, abkdOptions(setting));
      const variables = variablesOf(method);
      const maps = tf.variable(student.maps);
      const all = [maps, ...variables];
      const loss = (): tf.Scalar => method.loss(shown(maps, student.logits), noLoss, 0);
      const { grads } = tf.variableGrads(loss, all);
      const squared = all.reduce(
        (sum, v) => sum + tf.sum(tf.square(grads[v.name] ?? tf.scalar(0))).dataSync()[0]!,
        0,
      );
      // A step along the gradient whose length, over all numbers, is 0.004.
      const step = 0.004 / Math.sqrt(squared);
      const original = all.map((v) => v.clone());
      const at = (t: number): number => {
        all.forEach((v, i) => {
          const gradient = grads[v.name];
          v.assign(gradient ? tf.add(original[i]!, tf.mul(gradient, t)) : original[i]!);
        });
        return loss().dataSync()[0]!;
      };
      const slope = (at(step) - at(-step)) / (2 * step);
      assert.ok(Math.abs(slope - squared) < 0.01 * squared, `slope ${slope}, gradient ${squared}`);
    });
  }
});

describe("attention", () => {
  const scoresOf = (changes: Partial<AbkdOptions>): number[][] =>
    start(teacher, abkdOptions(changes)).inspect(student).matrices["attention"]!;
  const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
  const columnsOf = (rows: number[][]): number[][] =>
    rows[0]!.map((_, j) => rows.map((r) => r[j]!));

  it("sums to 1 over what the softmax runs over, and differs between layers", () => {
    const rows = scoresOf({ softmax: "student-layers" });
    for (const row of rows) assertClose([sum(row)], [1], 1e-6, 1, "row");
    assert.notEqual(rows[0]![0], rows[1]![0]);
    for (const column of columnsOf(scoresOf({ softmax: "teacher-layers" }))) {
      assertClose([sum(column)], [1], 1e-6, 1, "column");
    }
    assertClose([sum(scoresOf({ softmax: "all" }).flat())], [1], 1e-6, 1, "all");
  });

  it("is fixed if an option asks for it", () => {
    assertClose(
      scoresOf({ attention: "uniform" }).flat(),
      new Float32Array(15).fill(1 / 3),
      1e-6,
      1,
      "uniform",
    );
    assert.deepEqual(scoresOf({ attention: "diagonal" }), [
      [1, 0, 0],
      [1, 0, 0],
      [0, 1, 0],
      [0, 1, 0],
      [0, 0, 1],
    ]);
    assert.deepEqual(scoresOf({ attention: "last" }), [[1]]);
  });

  it("last: the loss is that of the last pair alone, over S_l", () => {
    const method = start(teacher, abkdOptions({ attention: "last", beta: 1 }));
    const { gradients: all, value } = gradients((s) => method.loss(s, noLoss, 0), student, []);
    const d = method.inspect(student).matrices["dissimilarity"]![0]![0]!;
    assertClose([value], [d / shape.studentLayers], 1e-6, d, "loss");
    const perLayer = shape.nodes * shape.studentWidth;
    assert.ok(all[0]!.subarray(0, 2 * perLayer).every((g) => g === 0));
    assert.ok(all[0]!.subarray(2 * perLayer).some((g) => g !== 0));
  });

  it("learns from centred maps too, because means are taken before", () => {
    const method = start(teacher, abkdOptions({ teacherMaps: "centred", studentMaps: "centred" }));
    const weight = method.parameters.find((p) => p.name === "abkd.attention.teacher.weight")!;
    const { grads } = tf.variableGrads(() => method.loss(student, noLoss, 0), [weight.variable]);
    assert.ok(grads[weight.variable.name]!.abs().max().dataSync()[0]! > 1e-6);
  });
});

describe("the total loss", () => {
  const crossEntropy = tf.scalar(1.25);
  const lossOf = (changes: Partial<AbkdOptions>): number =>
    start(teacher, abkdOptions(changes)).loss(student, crossEntropy, 0).dataSync()[0]!;

  it("is the cross-entropy if beta is 0", () => {
    assert.equal(lossOf({ beta: 0 }), 1.25);
  });

  it("adds beta L_abkd, and soft labels with their weight", () => {
    const method = start(teacher, abkdOptions());
    const abkdPart = method.inspect(student).scalars["abkdLoss"]!;
    assertClose([lossOf({ beta: 4 })], [1.25 + 4 * abkdPart], 1e-5, 4, "beta 4");
    assert.ok(lossOf({ beta: 0, softWeight: 1 }) > 1.25);
    assertClose(
      [lossOf({ beta: 0, softWeight: 3, hardWeight: 2 }) - 2.5],
      [3 * (lossOf({ beta: 0, softWeight: 1 }) - 1.25)],
      1e-5,
      1,
      "weights",
    );
  });
});

describe("ABKD's weights", () => {
  /** Cora's GCNII 64L-64H and 4L-4H, on three nodes, because only the layers matter. */
  const cora = {
    ...shape,
    nodes: 3,
    teacherLayers: 64,
    teacherWidth: 64,
    studentLayers: 4,
    studentWidth: 4,
  };
  const countOf = (preset: string, changes: Partial<AbkdOptions> = {}): Record<string, number> => {
    const method = start(teacherOutputs(cora), resolveOptions(abkd, changes, preset), 1, cora);
    const counts: Record<string, number> = { attention: 0, projection: 0 };
    for (const { name, variable } of method.parameters) {
      counts[name.split(".")[1]!]! += variable.size;
    }
    method.dispose();
    return counts;
  };

  it("are as many as on Cora with the paper's d_a = 256", () => {
    assert.deepEqual(countOf("literal"), { attention: 1_070_080, projection: 1_118_208 });
    assert.equal(countOf("literal", { linear: "shared" })["projection"], 82_944);
    assert.equal(countOf("literal", { projections: "frozen" })["projection"], 0);
    const { projection } = countOf("literal", { projections: "fixed-teacher", subspace: false });
    assert.equal(projection, 4 * 4 * 64);
  });

  it("have distinct names", () => {
    for (const setting of forms) {
      const method = start(teacher, abkdOptions({ ...setting, subspace: false }));
      const names = method.parameters.map((p) => p.name);
      assert.equal(new Set(names).size, names.length);
    }
  });

  it("depend on the seed, the name and the layer alone, within nn.Linear's bound", () => {
    const weightsOf = (
      seed: number,
      changes: Partial<AbkdOptions> = {},
    ): Map<string, Float32Array> => {
      const { weights } = start(teacher, abkdOptions({ projections: "trained", ...changes }), seed);
      return new Map([...weights.all].map(([k, v]) => [k, v.dataSync<"float32">()]));
    };
    const first = weightsOf(3);
    assert.deepEqual(weightsOf(3), first);
    assert.notDeepEqual(
      weightsOf(4).get("abkd.projection.teacher"),
      first.get("abkd.projection.teacher"),
    );
    const all = first.get("abkd.projection.teacher")!;
    const last = weightsOf(3, { attention: "last" }).get("abkd.projection.teacher")!;
    assert.deepEqual(last, all.slice(-last.length));
    const bound = 1 / Math.sqrt(shape.teacherWidth);
    const largest = Math.max(...all.map(Math.abs));
    assert.ok(largest <= bound && largest > 0.9 * bound);
    assert.ok(all.slice(0, last.length).some((x, i) => x !== all[last.length + i]));
  });

  it("take their own learning rate, or the student's", () => {
    assert.equal(start(teacher, abkdOptions({ learningRate: 0.003 })).learningRate, 0.003);
    assert.equal(start(teacher, abkdOptions({ learningRate: null })).learningRate, undefined);
  });
});

describe("memory and bits", () => {
  for (const setting of forms) {
    it(`no tensor is left behind, and the same seed gives the same bits: ${nameOf(setting)}`, () => {
      const run = (): unknown[] => {
        const options = abkdOptions({ ...setting, softWeight: 1, logits: true });
        const method = start(teacher, options, 5);
        const { value, gradients: all } = gradients(
          (s) => method.loss(s, noLoss, 0),
          student,
          variablesOf(method),
        );
        const seen = method.inspect(student);
        method.dispose();
        return [value, all, seen];
      };
      const before = tf.memory().numTensors;
      const first = run();
      assert.equal(tf.memory().numTensors, before);
      assert.deepEqual(run(), first);
    });
  }
});

describe("the trivial optimum", () => {
  /** Trains the projections and the student's maps as free numbers. */
  function trained(options: AbkdOptions, steps: number): AbkdDistillation {
    const method = start(teacher, options);
    const maps = tf.variable(student.maps);
    const adam = tf.train.adam(0.03);
    for (let step = 0; step < steps; step++) {
      tf.tidy(() => {
        adam.minimize(() => method.loss(shown(maps, student.logits), noLoss, 0), false, [
          maps,
          ...variablesOf(method),
        ]);
      });
    }
    const seen = method.inspect(shown(maps, student.logits));
    warnings = [...seen.warnings];
    left = seen.scalars["teacherSquareLeft"]!;
    return method;
  }
  let warnings: string[] = [];
  let left = 1;

  for (const preset of ["literal", "node-mean", "mse"] as const) {
    it(`is reported when ${preset} falls into it`, () => {
      trained({ ...defaults, ...presets[preset], embedding: 5 }, 250);
      assert.ok(left < 0.01, `${left} left`);
      assert.equal(warnings.length, 1);
      assert.match(warnings[0]!, /trivial optimum/);
    });
  }

  it("is reported when the projections are made small", () => {
    const options = abkdOptions({ form: "mse", projections: "trained" });
    const method = start(teacher, options);
    assert.deepEqual(method.inspect(student).warnings, []);
    const pt = method.weights.all.get("abkd.projection.teacher") as tf.Variable;
    pt.assign(tf.mul(pt, 0.8));
    assert.deepEqual(method.inspect(student).warnings, []);
    pt.assign(tf.mul(pt, 0.625));
    assert.match(method.inspect(student).warnings.join(), /is falling into its trivial optimum/);
    pt.assign(tf.mul(pt, 0.16));
    const { scalars, warnings: told } = method.inspect(student);
    assertClose([scalars["teacherSquareLeft"]!], [0.08 ** 2], 1e-4, 1, "left");
    assert.equal(told.length, 1);
  });

  it("needs a large fall, or a smaller one that exceeds the alignment", () => {
    assert.equal(collapseWarning(1, 1), undefined);
    assert.equal(collapseWarning(0.6, 1), undefined);
    assert.equal(collapseWarning(0.2, 0.9), undefined);
    assert.match(collapseWarning(0.2, 1)!, /is falling into its trivial optimum/);
    assert.equal(collapseWarning(0.05, 0.02), undefined);
    assert.match(collapseWarning(0.05, 0.99)!, /5\.0e-2 of its start.* it is 0\.99/);
    assert.match(collapseWarning(0.005, 0.002)!, /trivial optimum/);
  });

  it("is measured on the layers that get attention", () => {
    const attention = [
      [0.9, 0.1],
      [0, 0],
      [0.5, 0.5],
    ];
    assertClose([remainingScale([2, 1, 0], [1, 0, 5], attention)], [0.5], 1e-12, 1, "left");
    assert.equal(remainingScale([0, 0, 0], [1, 1, 1], attention), 1);
  });

  it("is reported neither for a fixed teacher that is learned from nor for frozen projections", () => {
    for (const projections of ["fixed-teacher", "frozen"] as const) {
      const method = trained(abkdOptions({ beta: 1, projections }), 100);
      assert.deepEqual(warnings, []);
      assert.equal(left, 1);
      const now = method.inspect(student).scalars;
      assert.ok(now["abkdLoss"]! >= 0);
    }
  });

  it("|u_t| is logged if the form has it", () => {
    const method = start(teacher, abkdOptions({ form: "literal", projections: "trained" }));
    const pt = method.weights.all.get("abkd.projection.teacher")!;
    const squares = tf.sum(tf.square(tf.mean(pt, 2)), 1);
    const expected = Math.sqrt(tf.mean(squares).dataSync()[0]!);
    assertClose([method.inspect(student).scalars["|u_t|"]!], [expected], 1e-5, expected, "|u_t|");
    assert.ok(!("|u_t|" in start(teacher, abkdOptions()).inspect(student).scalars));
  });
});
