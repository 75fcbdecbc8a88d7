// Cross-entropy over chosen nodes on the native engine.
import * as tf from "@tensorflow/tfjs";

/** The chosen nodes and their classes as tensors, [count] each. */
export class NativeTargets {
  readonly nodes: tf.Tensor1D;
  readonly classes: tf.Tensor1D;

  constructor(labels: Int32Array, nodes: Int32Array) {
    this.nodes = tf.keep(tf.tensor1d(nodes.slice(), "int32"));
    this.classes = tf.keep(
      tf.tensor1d(
        nodes.map((node) => labels[node]!),
        "int32",
      ),
    );
  }

  dispose(): void {
    tf.dispose([this.nodes, this.classes]);
  }
}

/** -log softmax(logits)[class] for each chosen node, [count]; differentiable. */
function lossesOf(chosen: tf.Tensor2D, { classes }: NativeTargets): tf.Tensor {
  const oneHot = tf.oneHot(classes, chosen.shape[1]);
  return tf.neg(tf.sum(tf.mul(tf.logSoftmax(chosen), oneHot), 1));
}

/** The mean cross-entropy, as in src/tensor/ops/loss.ts; differentiable with respect to the logits. */
export function nativeCrossEntropy(logits: tf.Tensor2D, targets: NativeTargets): tf.Scalar {
  return tf.mean(lossesOf(tf.gather(logits, targets.nodes), targets));
}

/** The cross-entropy against soft labels, as in src/tensor/ops/loss.ts. */
export function nativeSoftCrossEntropy(
  logits: tf.Tensor2D,
  probabilities: tf.Tensor2D,
  temperature: number,
): tf.Scalar {
  const losses = tf.mul(probabilities, tf.logSoftmax(tf.mul(logits, 1 / temperature)));
  return tf.mul(tf.sum(losses), -1 / logits.shape[0]);
}

export function nativeScores(
  logits: tf.Tensor2D,
  targets: NativeTargets,
): { readonly loss: number; readonly accuracy: number; readonly of: number } {
  const both = tf.tidy(() => {
    const chosen = tf.gather(logits, targets.nodes);
    const hits = tf.equal(tf.argMax(chosen, 1), targets.classes);
    return tf.stack([tf.mean(lossesOf(chosen, targets)), tf.sum(tf.cast(hits, "float32"))]);
  });
  const [loss, hits] = both.dataSync() as unknown as [number, number];
  both.dispose();
  const of = targets.nodes.size;
  return { loss, accuracy: hits / of, of };
}
