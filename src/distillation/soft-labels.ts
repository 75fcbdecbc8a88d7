// Soft labels: how far the student's class probabilities are from the teacher's.
import * as tf from "@tensorflow/tfjs";
import type { Outputs } from "../models/model.ts";
import { softmaxSoftCrossEntropy } from "../tensor/ops/loss.ts";
import type { Inspection, NodeBatch, Teacher } from "./method.ts";
import type { Term } from "./objective.ts";
import { TeacherSide } from "./teacher.ts";

/** `cross-entropy`: H(t, s), eq. 1. `kl`: H(t, s) - H(t, t), the same gradient, 0 at a match. */
export type Divergence = "cross-entropy" | "kl";

/** The divergence, averaged over all nodes or over those of a batch. */
export class SoftLabels implements Term {
  readonly parameters = [];
  readonly reads = "logits";
  readonly #teacher: TeacherSide<{ readonly probabilities: tf.Tensor2D; readonly entropy: number }>;
  readonly #temperature: number;
  readonly #divergence: Divergence;

  /** @param temperature T, which divides both sides' logits */
  constructor(teacher: Teacher, temperature: number, divergence: Divergence) {
    this.#temperature = temperature;
    this.#divergence = divergence;
    this.#teacher = new TeacherSide(teacher, "logits", ({ logits }) => {
      const scaled = tf.div(logits, temperature);
      const probabilities = tf.softmax(scaled) as tf.Tensor2D;
      const entropy = tf.neg(tf.sum(tf.mul(probabilities, tf.logSoftmax(scaled))));
      // H(t, t), the mean over nodes.
      return { probabilities, entropy: entropy.dataSync()[0]! / logits.shape[0] };
    });
  }

  /**
   * Returns the mean over nodes of the divergence between softmax(t / T) and softmax(s / T), times T^2,
   * which keeps the gradient's size the same at every T (Hinton et al. 2015).
   */
  value({ logits }: Outputs, _step: number, batch?: NodeBatch): tf.Scalar {
    return this.#distance(logits, this.#divergence, batch?.nodes);
  }

  inspect({ logits }: Outputs): Inspection {
    const kl = tf.tidy(() => this.#distance(logits, "kl").dataSync()[0]!);
    return { scalars: { kl }, matrices: {}, warnings: [] };
  }

  dispose(): void {
    this.#teacher.dispose();
  }

  #distance(logits: tf.Tensor2D, divergence: Divergence, nodes?: Int32Array): tf.Scalar {
    const temperature = this.#temperature;
    const { probabilities, entropy } = this.#teacher.of(nodes);
    const crossEntropy = softmaxSoftCrossEntropy(logits, probabilities, temperature);
    const own = divergence === "kl" ? entropy : 0;
    return tf.mul(tf.sub(crossEntropy, own), temperature ** 2);
  }
}
