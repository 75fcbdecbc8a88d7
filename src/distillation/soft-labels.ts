// Soft labels: how far the student's class probabilities are from the teacher's.
import * as tf from "@tensorflow/tfjs";

/** `cross-entropy`: H(t, s), eq. 1. `kl`: H(t, s) - H(t, t), the same gradient, 0 at a match. */
export type Divergence = "cross-entropy" | "kl";

/** The teacher's side of the loss, computed once. */
export class SoftLabels {
  readonly #probabilities: tf.Tensor2D;
  /** H(t, t), the mean over nodes. */
  readonly #entropy: number;
  readonly #temperature: number;

  /**
   * @param logits n x classes, the frozen teacher's
   * @param temperature T: both sides' logits are divided by it
   */
  constructor(logits: tf.Tensor2D, temperature: number) {
    this.#temperature = temperature;
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
   *
   * @param logits n x classes, the student's
   */
  loss(logits: tf.Tensor2D, divergence: Divergence): tf.Scalar {
    const temperature = this.#temperature;
    const nodes = logits.shape[0];
    const constant = divergence === "kl" ? this.#entropy : 0;
    const scaled = tf.mul(logits, 1 / temperature) as tf.Tensor2D;
    const crossEntropy = tf.mul(softCrossEntropy(scaled, this.#probabilities), 1 / nodes);
    return tf.mul(tf.sub(crossEntropy, constant), temperature ** 2);
  }

  dispose(): void {
    this.#probabilities.dispose();
  }
}

/** -sum p log softmax(x), differentiable by x; row sums as products, faster than broadcasts. */
function softCrossEntropy(x: tf.Tensor2D, probabilities: tf.Tensor2D): tf.Scalar {
  const op = tf.customGrad((...args: unknown[]) => {
    const [logits, save] = args as [tf.Tensor2D, tf.GradSaveFunc];
    const classes = logits.shape[1];
    const spread = (column: tf.Tensor): tf.Tensor2D =>
      tf.matMul(column as tf.Tensor2D, tf.ones([1, classes]));
    const shifted = tf.sub(logits, spread(tf.max(logits, 1, true)));
    const exponentials = tf.exp(shifted) as tf.Tensor2D;
    const totals = spread(tf.matMul(exponentials, tf.ones([classes, 1])));
    const logSoftmax = tf.sub(shifted, tf.log(totals));
    save([tf.sub(tf.div(exponentials, totals), probabilities)]);
    const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]): tf.Tensor => tf.mul(saved[0]!, dy);
    return { value: tf.neg(tf.sum(tf.mul(probabilities, logSoftmax))), gradFunc };
  });
  return op(x) as tf.Scalar;
}
