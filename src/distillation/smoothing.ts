// Label smoothing: targets as uncertain as the teacher, without anything else that it knows.
// Szegedy et al.: Rethinking the Inception Architecture, CVPR 2016, section 7. A teacher may be no more than
// this: Yuan et al.: Revisiting Knowledge Distillation via Label Smoothing Regularization, CVPR 2020.

import * as tf from "@tensorflow/tfjs";
import type { Targets } from "../tensor/ops/loss.ts";
import { softmaxSoftCrossEntropy } from "../tensor/ops/loss.ts";
import { takeRows } from "../tensor/ops/rows.ts";
import type { Method } from "./method.ts";
import { Objective, type Term } from "./objective.ts";

export type SmoothingOptions = { readonly epsilon: number | null };

/**
 *     L = (1 - e) H(y, s_p) + e H(uniform, s_p)
 *
 * over the labelled training nodes. By default, e gives a smoothed label the mean entropy of the teacher's
 * class probabilities on these nodes.
 */
export const smoothing: Method<SmoothingOptions, never> = {
  name: "smoothing",
  label: "Label smoothing",
  role: "control",
  summary: "label smoothing: targets as uncertain as the teacher, and nothing else from it",
  source: "Szegedy et al.: Rethinking the Inception Architecture, CVPR 2016",
  version: 1,
  needsTeacher: true,
  teacherParts: ({ epsilon }) => (epsilon === null ? ["logits"] : []),
  byBatch: true,
  defaults: { epsilon: null },
  options: {
    epsilon: {
      kind: "number",
      min: 0,
      max: 1,
      none: "from the teacher's entropy",
      symbol: "epsilon",
      description: "share of the uniform distribution in a target",
    },
  },
  presets: {},
  create({ teacher, train, student: { classes } }, options) {
    const epsilon =
      options.epsilon ??
      smoothingOf(
        tf.tidy(() => meanEntropy(takeRows(teacher.outputs("logits").logits, train.chosen))),
        classes,
      );
    const term: Term = {
      parameters: [],
      reads: "logits",
      value({ logits }, _step, batch) {
        // Each node has one class, as in the whole graph.
        const labelled = (batch?.targets.train as Targets | undefined) ?? train;
        const rows = takeRows(logits, labelled.chosen);
        const uniform = tf.fill([labelled.count, classes], 1 / classes) as tf.Tensor2D;
        return softmaxSoftCrossEntropy(rows, uniform, 1);
      },
      inspect: () => ({ scalars: { epsilon }, matrices: {}, warnings: [] }),
      dispose() {},
    };
    return new Objective(1 - epsilon, { weight: epsilon, term });
  },
};

/** Returns the mean over rows of -sum p log p, where p is the row's softmax. */
function meanEntropy(logits: tf.Tensor2D): number {
  const logs = tf.logSoftmax(logits);
  return -tf.sum(tf.mul(tf.exp(logs), logs)).dataSync()[0]! / logits.shape[0];
}

/** Finds by bisection the share of the uniform distribution that gives a label this entropy, which grows with it. */
export function smoothingOf(entropy: number, classes: number): number {
  const entropyOf = (share: number): number => {
    const [right, wrong] = [1 - share + share / classes, share / classes];
    const term = (p: number): number => (p > 0 ? -p * Math.log(p) : 0);
    return term(right) + (classes - 1) * term(wrong);
  };
  let [low, high] = [0, 1];
  for (let k = 0; k < 50; k++) {
    const middle = (low + high) / 2;
    if (entropyOf(middle) < entropy) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}
