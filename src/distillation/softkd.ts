// SoftKD: the teacher's class probabilities as soft labels (Hinton et al. 2015; eq. 1).
import * as tf from "@tensorflow/tfjs";
import type { Method } from "./method.ts";
import { type Divergence, SoftLabels } from "./soft-labels.ts";

export type SoftKdOptions = {
  readonly hardWeight: number;
  readonly alpha: number;
  readonly temperature: number;
  readonly divergence: Divergence;
};

/**
 *     L = hardWeight H(s_p, y) + alpha T^2 divergence(softmax(t / T), softmax(s / T))
 *
 * the first over the labelled training nodes, the second over all nodes.
 */
export const softkd: Method<SoftKdOptions, "equation-1" | "temperature"> = {
  name: "softkd",
  summary: "soft labels: the teacher's class probabilities, over all nodes (eq. 1)",
  version: 1,
  needsTeacher: true,
  defaults: { hardWeight: 0, alpha: 1, temperature: 1, divergence: "kl" },
  options: {
    hardWeight: {
      kind: "number",
      min: 0,
      description: "weight of the cross-entropy on labels; 1 in eq. 1, 0 for soft labels only",
    },
    alpha: {
      kind: "number",
      min: 0,
      symbol: "alpha",
      description: "weight of the soft labels",
    },
    temperature: {
      kind: "number",
      min: 0,
      above: true,
      symbol: "T",
      description: "divides both sides' logits; 1 in eq. 1",
    },
    divergence: {
      kind: "choice",
      choices: ["cross-entropy", "kl"],
      symbol: "H(s_p, t_p)",
      description: "H as in eq. 1, or less the teacher's entropy: same gradient, 0 at a match",
    },
  },
  presets: {
    // Eq. 1; its alpha is not stated in the paper.
    "equation-1": { hardWeight: 1, alpha: 1, temperature: 1, divergence: "cross-entropy" },
    // The usual form, (1 - alpha) CE + alpha T^2 KL, with chaitjo/efficient-gnns's numbers.
    temperature: { hardWeight: 0.1, alpha: 0.9, temperature: 4, divergence: "kl" },
  },
  create({ teacher }, { hardWeight, alpha, temperature, divergence }) {
    const labels = SoftLabels.of(teacher, temperature);
    return {
      parameters: [],
      reads: "logits",
      loss({ logits }, crossEntropy) {
        const soft: tf.Scalar = tf.mul(labels.loss(logits, divergence), alpha);
        return hardWeight === 0 ? soft : tf.add(soft, tf.mul(crossEntropy, hardWeight));
      },
      inspect: ({ logits }) => ({
        scalars: { kl: tf.tidy(() => labels.loss(logits, "kl").dataSync()[0]!) },
        matrices: {},
        warnings: [],
      }),
      dispose: () => labels.dispose(),
    };
  },
};
