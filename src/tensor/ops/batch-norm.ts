// Batch normalisation of a map's columns over its nodes, as in torch.nn.BatchNorm1d.
// Ioffe, Szegedy: Batch Normalization, ICML 2015, algorithm 1.
import * as tf from "@tensorflow/tfjs";

/** Added to variances. */
export const EPSILON = 1e-5;

/** A normalised map, and its columns' statistics before normalisation. */
export interface Normalised {
  /** (x - mean) / (variance + EPSILON)^1/2 * gain + shift, nodes x width. */
  readonly value: tf.Tensor2D;
  /** Each column's mean over the nodes. */
  readonly mean: Float32Array;
  /** Each column's variance, with the number of nodes as divisor. */
  readonly variance: Float32Array;
}

/** Means by a product, which is faster than tf's sum along the first axis. */
function columnMeans(x: tf.Tensor): tf.Tensor2D {
  const nodes = x.shape[0]!;
  return tf.matMul(tf.fill([1, nodes], 1 / nodes) as tf.Tensor2D, x as tf.Tensor2D);
}

/**
 * Normalises x by its own statistics; differentiable with respect to x, gain and shift.
 *
 * @param x nodes x width
 * @param gain [width]
 * @param shift [width]
 */
export function batchNorm(x: tf.Tensor2D, gain: tf.Tensor1D, shift: tf.Tensor1D): Normalised {
  let mean: Float32Array = new Float32Array();
  let variance: Float32Array = new Float32Array();
  const op = tf.customGrad((...args: unknown[]) => {
    const [map, g, s, save] = args as [tf.Tensor2D, tf.Tensor1D, tf.Tensor1D, tf.GradSaveFunc];
    const means = columnMeans(map);
    // Maps are freed as soon as they are read: on a large graph each is a tenth of the memory.
    const centred = tf.sub(map, means);
    const variances = tf.tidy(() => columnMeans(tf.mul(centred, centred)));
    mean = means.dataSync<"float32">();
    variance = variances.dataSync<"float32">();
    const inverse = tf.rsqrt(tf.add(variances, EPSILON));
    const unit = tf.mul(centred, inverse);
    centred.dispose();
    save([unit, tf.mul(inverse, g)]);
    const gradientsOf = (dy: tf.Tensor, [u, factor]: tf.Tensor[]): tf.Tensor[] => {
      const nodes = u!.shape[0]!;
      const byShift = columnMeans(dy);
      const byGain = tf.tidy(() => columnMeans(tf.mul(dy, u!)));
      const rest = tf.tidy(() => tf.sub(tf.sub(dy, byShift), tf.mul(u!, byGain)));
      const sum = (means: tf.Tensor): tf.Tensor => tf.mul(tf.reshape(means, g.shape), nodes);
      const byMap = tf.mul(rest, factor!);
      rest.dispose();
      return [byMap, sum(byGain), sum(byShift)];
    };
    // tf frees nothing between a gradient's operators by itself.
    const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]): tf.Tensor[] =>
      tf.tidy(() => gradientsOf(dy, saved));
    return {
      value: tf.tidy(() => tf.add(tf.mul(unit, g), s)),
      gradFunc: gradFunc as unknown as () => tf.Tensor,
    };
  });
  const value = op(x, gain, shift) as tf.Tensor2D;
  return { value, mean, variance };
}

/** Normalises x by given statistics, [width] each, as a trained model does. Differentiable. */
export function normalisedBy(
  x: tf.Tensor2D,
  gain: tf.Tensor1D,
  shift: tf.Tensor1D,
  mean: tf.Tensor1D,
  variance: tf.Tensor1D,
): tf.Tensor2D {
  const scale = tf.mul(gain, tf.rsqrt(tf.add(variance, EPSILON)));
  return tf.add(tf.mul(x, scale), tf.sub(shift, tf.mul(mean, scale)));
}
