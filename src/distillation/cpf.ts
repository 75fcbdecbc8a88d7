// CPF's loss: how far the student's class probabilities are from the teacher's, over all but the training nodes.
// Yang, Liu, Shi: Extract the Knowledge of Graph Neural Networks and Go Beyond it, WWW 2021; as its code has it
// (BUPT-GAMMA/CPF, distill_dgl.py, 304ada6). Its student is the model kind of the same name.
import * as tf from "@tensorflow/tfjs";
import { mapElements } from "../tensor/ops/elements.ts";
import type { TaughtScene } from "./method.ts";
import type { Term } from "./objective.ts";
import { perBatch } from "./per-batch.ts";
import { rival } from "./rival.ts";

/**
 *     L = |softmax(s) - softmax(t)|, the root of the sum of squares over all classes of all nodes not in the training set
 *
 * Training nodes are left out because the student is given their classes. One norm, as in the code, whose student's
 * labels go through a softmax once more.
 */
export const cpf = rival({
  name: "cpf",
  label: "CPF",
  role: "apart",
  summary: "distance of the probabilities, without training nodes; its student: the model cpf",
  source:
    "Yang, Liu, Shi: Extract the Knowledge of Graph Neural Networks and Go Beyond it, WWW 2021",
  version: 1,
  teacherParts: () => ["logits"],
  defaults: { beta: 1, hardWeight: 0 },
  options: {},
  presets: {},
  byBatch: true,
  term: (scene) => perBatch(scene, distanceTerm),
});

/** The term on one graph. */
function distanceTerm({ teacher, train }: Pick<TaughtScene, "teacher" | "train">): Term {
  const { target, others } = tf.tidy(() => {
    const { logits } = teacher.outputs("logits");
    const classes = logits.shape[1];
    const others = new Float32Array(logits.size).fill(1);
    for (const node of train.chosen) others.fill(0, node * classes, (node + 1) * classes);
    return {
      target: tf.softmax(logits) as tf.Tensor2D,
      others: tf.tensor2d(others, logits.shape),
    };
  });
  return {
    parameters: [],
    reads: "logits",
    value({ logits }) {
      const off = tf.mul(tf.sub(tf.softmax(logits), target), others);
      // At a match the slope is 0, not infinite.
      return mapElements(tf.sum(tf.mul(off, off)), Math.sqrt, (_, root) =>
        root > 0 ? 0.5 / root : 0,
      ) as tf.Scalar;
    },
    dispose: () => tf.dispose([target, others]),
  };
}
