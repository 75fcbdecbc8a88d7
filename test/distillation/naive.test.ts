// The collapsed forms against the paper's own, in values and gradients, over all pairs of options' values.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as tf from "@tensorflow/tfjs";
import { MAP_KINDS } from "../../src/distillation/abkd/maps.ts";
import { naiveAbkd } from "../../src/distillation/abkd/naive.ts";
import type { AbkdOptions } from "../../src/distillation/abkd/options.ts";
import type { Outputs } from "../../src/models/model.ts";
import { startEngine } from "../../src/tensor/index.ts";
import {
  abkdOptions,
  assertClose,
  gradients,
  pairwise,
  start,
  studentOutputs,
  teacherOutputs,
} from "./cases.ts";

const settings = pairwise<Partial<AbkdOptions>>(
  {
    form: ["literal", "node-mean", "mse"],
    distance: ["euclidean", "cosine"],
    projections: ["trained", "frozen", "fixed-teacher"],
    subspace: [true, false],
    linear: ["per-layer", "shared"],
    attention: ["learned", "uniform", "diagonal", "last"],
    softmax: ["student-layers", "teacher-layers", "all"],
    logits: [false, true],
    teacherMaps: MAP_KINDS,
    studentMaps: MAP_KINDS,
    embedding: [5, 9],
  },
  ({ projections, subspace }) => !(projections === "fixed-teacher" && subspace),
);

startEngine();
for (const backend of ["cpu", "abkd"]) {
  describe(`collapsed forms equal the naive ones, back end ${backend}`, () => {
    for (const setting of settings) {
      it(JSON.stringify(setting), () => {
        void tf.setBackend(backend);
        compare(abkdOptions({ beta: 1, ...setting }));
      });
    }
  });
}

/** Compares values to 1e-4 of |T_i|^2 + |S_j|^2, and gradients to 2e-4 of the largest one. */
function compare(options: AbkdOptions): void {
  const [teacher, student] = [teacherOutputs(), studentOutputs()];
  const method = start(teacher, options);
  const variables = method.parameters.map(({ variable }) => variable);
  const naive = (s: Outputs = student) => naiveAbkd(teacher, s, method.weights.all, options);

  const { matrices } = method.inspect(student);
  const expected = naive();
  const sizes = expected.sizes.dataSync();
  const scale = Math.max(...sizes);
  if (options.attention !== "last") {
    const attention = expected.attention.dataSync();
    assertClose(matrices["attention"]!.flat(), attention, 1e-5, 1, "A");
    const dissimilarity = matrices["dissimilarity"]!.flat();
    expected.dissimilarity.dataSync().forEach((d, k) => {
      assertClose([dissimilarity[k]!], [d], 1e-4, sizes[k]!, `D[${k}]`);
    });
  }

  const nothing = tf.scalar(0);
  const fast = gradients((s) => method.loss(s, nothing, 0), student, variables);
  const slow = gradients((s) => naive(s).loss, student, variables);
  assertClose([fast.value], [slow.value], 1e-4, scale, "L");
  assert.equal(fast.gradients.length, slow.gradients.length);
  slow.gradients.forEach((gradient, v) => {
    // Gradients near zero are compared on the scale of the loss.
    const size = Math.max(scale * 1e-2, ...gradient.map(Math.abs));
    assertClose(fast.gradients[v]!, gradient, 2e-4, size, `gradient ${v}`);
  });
  method.dispose();
}
