// Soft labels: how far the student's class probabilities are from the teacher's.
import * as tf from "@tensorflow/tfjs";
import type { Outputs } from "../models/model.ts";
import { softmaxSoftCrossEntropy } from "../tensor/ops/loss.ts";
import type { Inspection, Teacher } from "./method.ts";
import type { Term } from "./objective.ts";

/** `cross-entropy`: H(t, s), eq. 1. `kl`: H(t, s) - H(t, t), the same gradient, 0 at a match. */
export type Divergence = "cross-entropy" | "kl";

/** The teacher's side is computed once. */
export class SoftLabels implements Term {
  readonly parameters = [];
  readonly reads = "logits";
  readonly #probabilities: tf.Tensor2D;
  /** H(t, t), the mean over nodes. */
  readonly #entropy: number;
  readonly #temperature: number;
  readonly #divergence: Divergence;

  static of(teacher: Teacher, temperature: number, divergence: Divergence): SoftLabels {
    let labels: SoftLabels;
    tf.tidy(() => {
      labels = new SoftLabels(teacher.outputs("logits").logits, temperature, divergence);
    });
    return labels!;
  }

  /**
   * @param logits n x classes, the frozen teacher's
   * @param temperature T: both sides' logits are divided by it
   */
  constructor(logits: tf.Tensor2D, temperature: number, divergence: Divergence) {
    this.#temperature = temperature;
    this.#divergence = divergence;
    [this.#probabilities, this.#entropy] = tf.tidy(() => {
      const scaled = tf.div(logits, temperature);
      const probabilities = tf.softmax(scaled) as tf.Tensor2D;
      const entropy = tf.neg(tf.sum(tf.mul(probabilities, tf.logSoftmax(scaled))));
      return [tf.keep(probabilities), entropy.dataSync()[0]! / logits.shape[0]];
    });
  }

  /**
   * The mean over all n nodes of the divergence between softmax(t / T) and softmax(s / T),
   * times T^2, which keeps the gradient's size the same at every T (Hinton et al. 2015).
   */
  value({ logits }: Outputs): tf.Scalar {
    return this.#distance(logits, this.#divergence);
  }

  inspect({ logits }: Outputs): Inspection {
    const kl = tf.tidy(() => this.#distance(logits, "kl").dataSync()[0]!);
    return { scalars: { kl }, matrices: {}, warnings: [] };
  }

  dispose(): void {
    this.#probabilities.dispose();
  }

  #distance(logits: tf.Tensor2D, divergence: Divergence): tf.Scalar {
    const temperature = this.#temperature;
    const crossEntropy = softmaxSoftCrossEntropy(logits, this.#probabilities, temperature);
    const entropy = divergence === "kl" ? this.#entropy : 0;
    return tf.mul(tf.sub(crossEntropy, entropy), temperature ** 2);
  }
}
