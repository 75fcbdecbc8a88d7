// ABKD with layers of different widths, and teacher and student of different kinds.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as tf from "@tensorflow/tfjs";
import { AbkdDistillation } from "../../src/distillation/abkd/index.ts";
import { naiveAbkd } from "../../src/distillation/abkd/naive.ts";
import type { AbkdOptions } from "../../src/distillation/abkd/options.ts";
import type { Outline, Outputs } from "../../src/models/model.ts";
import { startEngine } from "../../src/tensor/index.ts";
import { abkdOptions, assertClose, forms, nameOf, numbers } from "./cases.ts";

startEngine();
const [NODES, CLASSES] = [11, 3];
const TEACHER = [7, 4, CLASSES];
const STUDENT = [2, 5, CLASSES];

const mapsOf = (side: string, widths: readonly number[], mean: number): tf.Tensor2D[] =>
  widths.map((width, i) => numbers(`${side}.${i}`, [NODES, width], mean) as tf.Tensor2D);

/** Returns outputs like a GCN's or an MLP's: no stack, and the logits as the last map. */
function outputsOf(maps: readonly tf.Tensor2D[]): Outputs {
  const widths = maps.map((map) => map.shape[1]);
  const layers = { widths, at: (i: number) => maps[i]!, activated: (i: number) => maps[i]! };
  return { logits: maps.at(-1)!, layers };
}

const outlineOf = (widths: readonly number[]): Outline => ({
  ...{ kind: "gcn", widths, endsInLogits: true, hidden: widths.at(-2)!, classes: CLASSES },
});

/** Compares the loss and its gradients in every map and weight with eqs. 3 to 5 on padded maps. */
function compare(options: AbkdOptions): void {
  const taught = outputsOf(mapsOf("T", TEACHER, 0.3));
  const method = new AbkdDistillation(
    {
      teacher: { outline: outlineOf(TEACHER), outputs: () => taught },
      ...{ student: outlineOf(STUDENT), seed: 1 },
    },
    options,
  );
  const maps = mapsOf("S", STUDENT, -0.2).map((map) => tf.variable(map));
  const variables = [...maps, ...method.parameters.map(({ variable }) => variable)];
  const nothing = tf.scalar(0);
  const student = (): Outputs => outputsOf(maps as unknown as tf.Tensor2D[]);
  const fast = tf.variableGrads(() => method.loss(student(), nothing, 0), variables);
  const slow = tf.variableGrads(
    () => tf.mul(naiveAbkd(taught, student(), method.weights.all, options).loss, options.beta),
    variables,
  );
  const size = Math.max(1e-3, Math.abs(slow.value.dataSync()[0]!));
  assertClose(fast.value.dataSync(), slow.value.dataSync(), 1e-4, size, "L");
  variables.forEach(({ name, size: count }, v) => {
    const zeros = new Float32Array(count);
    const [a, b] = [fast, slow].map(({ grads }) => grads[name]?.dataSync() ?? zeros);
    const scale = Math.max(size * 1e-2, ...Array.from(b!, Math.abs));
    assertClose(a!, b!, 5e-4, scale, `gradient ${v}`);
  });
  // Every layer that takes part gets a gradient.
  if (options.attention !== "last") {
    for (const { name } of maps) assert.ok(fast.grads[name]!.dataSync().some((x) => x !== 0));
  }
  method.dispose();
}

describe("layers of different widths", () => {
  for (const setting of forms) {
    for (const more of [
      {},
      { logits: true },
      { attention: "last" },
      { attention: "last", logits: true },
      { linear: "shared" },
    ] as const) {
      it(`${nameOf(setting)} ${JSON.stringify(more)}`, () => {
        compare(abkdOptions({ ...setting, subspace: false, ...more }));
      });
    }
  }
});

describe("logits that are a model's last layer", () => {
  const taught = outputsOf(mapsOf("T", TEACHER, 0.3));
  const student = outputsOf(mapsOf("S", STUDENT, -0.2));
  const start = (options: Partial<AbkdOptions>, outputs = taught): AbkdDistillation =>
    new AbkdDistillation(
      {
        teacher: { outline: outlineOf(TEACHER), outputs: () => outputs },
        ...{ student: outlineOf(STUDENT), seed: 1 },
      },
      abkdOptions({ subspace: false, projections: "fixed-teacher", ...options }),
    );

  it("count as one layer, with the option logits and without", () => {
    const sizes = [false, true].map((logits) => {
      const method = start({ form: "mse", logits });
      const { attention } = method.inspect(student).matrices;
      method.dispose();
      return [attention!.length, attention![0]!.length];
    });
    assert.deepEqual(sizes, [
      [3, 3],
      [3, 3],
    ]);
  });

  it("are the last pair with the option logits; without it the last hidden maps are", () => {
    const unlike = (layer: number) => {
      const maps = TEACHER.map((_, i) => taught.layers!.at(i));
      maps[layer] = tf.add(maps[layer]!, 1);
      return outputsOf(maps);
    };
    const distances = (logits: boolean): number[] =>
      [taught, unlike(1), unlike(2)].map((outputs) => {
        const shared = { form: "mse", teacherMaps: "raw", logits } as const;
        const method = start({ ...shared, attention: "last" }, outputs);
        const [[distance]] = method.inspect(student).matrices["dissimilarity"] as [[number]];
        method.dispose();
        return distance;
      });
    const [hidden, byHidden, byLogits] = distances(false);
    assert.notEqual(byHidden, hidden);
    assert.equal(byLogits, hidden);
    const [logits, withHidden, withLogits] = distances(true);
    assert.equal(withHidden, logits);
    assert.notEqual(withLogits, logits);
  });

  it("count as the second layer of a student with one hidden map, and the report says so", () => {
    const noted = (attention: AbkdOptions["attention"], widths: readonly number[]): boolean => {
      const method = new AbkdDistillation(
        {
          teacher: { outline: outlineOf(TEACHER), outputs: () => taught },
          ...{ student: outlineOf(widths), seed: 1 },
        },
        abkdOptions({ subspace: false, projections: "fixed-teacher", form: "mse", attention }),
      );
      const own = outputsOf(mapsOf("S", widths, -0.2));
      const { matrices, warnings } = method.inspect(own);
      method.dispose();
      if (attention !== "last") assert.equal(matrices["attention"]![0]!.length, widths.length);
      return warnings.some((warning) => /one hidden map: its logits count/.test(warning));
    };
    assert.equal(noted("learned", [5, CLASSES]), true);
    assert.equal(noted("learned", STUDENT), false);
    assert.equal(noted("uniform", [5, CLASSES]), false);
    assert.equal(noted("last", [5, CLASSES]), false);
  });
});
