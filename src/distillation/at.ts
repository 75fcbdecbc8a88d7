// AT, attention transfer: how large each node's last hidden map is, relative to the other nodes'.
// Zagoruyko, Komodakis: Paying More Attention to Attention, ICLR 2017; loss and weights as in
// chaitjo/efficient-gnns.
import * as tf from "@tensorflow/tfjs";
import { meanSquaredError } from "../tensor/ops/loss.ts";
import { unitRows } from "../tensor/ops/rows.ts";
import { rival, softMixture } from "./rival.ts";
import { TeacherSide } from "./teacher.ts";

/**
 *     L_at = 1 / n |q_s / |q_s| - q_t / |q_t||^2,  q_i = sum over the width of h_i^2
 *
 * where q is an n-vector over all nodes (or those of a batch), normalised across nodes; hence the large beta.
 * There is no projection, because q has no width.
 */
export const at = rival({
  name: "at",
  label: "AT",
  place: 2,
  summary: "attention transfer: each node's squared activation, relative to the other nodes'",
  source: "Zagoruyko, Komodakis: Paying More Attention to Attention, ICLR 2017",
  version: 1,
  teacherParts: () => ["hidden"],
  byBatch: true,
  defaults: { beta: 1e5 },
  options: {},
  presets: { "soft-labels": { beta: 1e4, ...softMixture } },
  term({ teacher }) {
    const side = new TeacherSide(teacher, "hidden", ({ hidden }) => attentionMap(hidden!));
    return {
      parameters: [],
      value: ({ hidden }, _step, batch) =>
        meanSquaredError(attentionMap(hidden!), side.of(batch?.nodes)),
      dispose: () => side.dispose(),
    };
  },
});

/** Returns q / |q| as one row, 1 x n; all zeros if every unit is dead. */
function attentionMap(hidden: tf.Tensor2D): tf.Tensor2D {
  const [nodes, width] = hidden.shape;
  const squares = tf.matMul(tf.mul(hidden, hidden) as tf.Tensor2D, tf.ones([width, 1]));
  return unitRows(tf.reshape(squares, [1, nodes]));
}
