// The engine's peak memory when ABKD starts on a deep teacher.
import assert from "node:assert/strict";
import { test } from "node:test";
import * as tf from "@tensorflow/tfjs";
import { AbkdDistillation } from "../../src/distillation/abkd/index.ts";
import { defaults } from "../../src/distillation/abkd/options.ts";
import { memory, startEngine } from "../../src/tensor/index.ts";
import { outline, shown } from "./cases.ts";

test("the start makes at most two copies of the teacher's maps, and keeps one", () => {
  startEngine();
  const [layers, nodes, width] = [24, 16_384, 16];
  const maps = tf.randomUniform([layers, nodes, width], -1, 1, "float32", 1) as tf.Tensor3D;
  const logits = tf.zeros([nodes, 4]) as tf.Tensor2D;
  const size = 4 * layers * nodes * width;
  const before = memory();
  // The peak so far includes randomUniform's own intermediate tensors.
  assert.ok(before.peak - before.used < 1.1 * size);
  const teacher = { outline: outline(layers, width, 4), outputs: () => shown(maps, logits) };
  const method = new AbkdDistillation({ teacher, student: outline(4, 4, 4), seed: 1 }, defaults);
  const after = memory();
  assert.ok(after.peak - before.used < 2.5 * size, `${(after.peak - before.used) / size} copies`);
  assert.ok(after.used - before.used < 1.3 * size, `${(after.used - before.used) / size} stay`);
  method.dispose();
  tf.dispose([maps, logits]);
});
