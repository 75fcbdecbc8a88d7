// InfoNCE on the native engine; src/tensor/ops/contrast.ts defines it.
import * as tf from "@tensorflow/tfjs";

/** @returns the mean loss, and if `recording` its gradients with respect to both sides */
export function nativeContrast(
  a: tf.Tensor2D,
  b: tf.Tensor2D,
  { temperature, block, recording }: { temperature: number; block: number; recording: boolean },
): { loss: tf.Scalar; gradients: tf.Tensor[] } {
  const rows = a.shape[0];
  const found = tf.tidy(() => {
    const byA: tf.Tensor[] = [];
    let [total, byB]: [tf.Tensor, tf.Tensor] = [tf.scalar(0), tf.zerosLike(b)];
    for (let first = 0; first < rows; first += block) {
      const count = Math.min(block, rows - first);
      const part = tf.tidy(() => {
        const side = tf.slice(a, [first, 0], [count, -1]);
        const logs = tf.logSoftmax(tf.div(tf.matMul(side, b, false, true), temperature));
        const own = tf.oneHot(tf.range(first, first + count, 1, "int32"), rows);
        const sum = tf.sub(total, tf.sum(tf.mul(logs, own)));
        if (!recording) return { sum };
        const slopes = tf.div(tf.sub(tf.exp(logs), own), temperature * rows) as tf.Tensor2D;
        const other = tf.add(byB, tf.matMul(slopes, side, true));
        return { sum, own: tf.matMul(slopes, b), other };
      });
      total = part.sum;
      if (part.own && part.other) {
        byA.push(part.own);
        byB = part.other;
      }
    }
    const loss = tf.div(total, rows) as tf.Scalar;
    return recording ? { loss, byA: tf.concat(byA), byB } : { loss };
  });
  return { loss: found.loss, gradients: found.byA && found.byB ? [found.byA, found.byB] : [] };
}
