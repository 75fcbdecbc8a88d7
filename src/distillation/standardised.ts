// Linear layers with batch normalisation folded in, so that no n x outputs map is normalised.
//
// A column of x W has the variance w' C w, where C is the small covariance matrix of x's columns. So
// batch normalisation of x W is (x - mean) times W with its columns divided by their deviations.
import * as tf from "@tensorflow/tfjs";
import type { Parameter } from "../models/model.ts";
import { reluDropout } from "../tensor/ops/dropout.ts";
import { uniform } from "../tensor/ops/random.ts";

/** Added to variances, as in PyTorch's BatchNorm1d. */
const EPSILON = 1e-5;

/** A map minus its mean over nodes, and the covariance of its columns. */
export type Centred = {
  /** n x width. */
  readonly map: tf.Tensor2D;
  /** width x width: map' map / n. */
  readonly covariance: tf.Tensor2D;
};

/** Centres a map over its nodes; differentiable. */
export function centre(x: tf.Tensor2D): Centred {
  const nodes = x.shape[0];
  const mean = tf.matMul(tf.fill([1, nodes], 1 / nodes) as tf.Tensor2D, x);
  const map = tf.sub(x, mean) as tf.Tensor2D;
  return { map, covariance: tf.mul(tf.matMul(map, map, true, false), 1 / nodes) };
}

/** Divides W's columns by the deviations of x W's, and multiplies them by `gain` (1 x outputs). */
function scaled({ covariance }: Centred, weight: tf.Tensor2D, gain?: tf.Tensor2D): tf.Tensor2D {
  const inputs = weight.shape[0];
  const products = tf.mul(weight, tf.matMul(covariance, weight)) as tf.Tensor2D;
  const variances = tf.matMul(tf.ones([1, inputs]), products);
  const inverse = tf.rsqrt(tf.add(variances, EPSILON));
  const factors = (gain ? tf.mul(inverse, gain) : inverse) as tf.Tensor2D;
  return tf.mul(weight, tf.matMul(tf.ones([inputs, 1]), factors));
}

/** Gives each column mean 0 and deviation 1: batch normalisation without weights. */
export function standardised(x: tf.Tensor2D): tf.Tensor2D {
  const centred = centre(x);
  return tf.matMul(centred.map, scaled(centred, tf.eye(x.shape[1])));
}

/** A learned projection, x W standardised; a scale or a bias would have no effect. */
export class StandardisedProjection {
  readonly parameters: readonly Parameter[];
  protected readonly weight: tf.Variable;

  /** @param name prefix of the parameters' names; it and the seed decide their draws, as in torch.nn.Linear */
  constructor(name: string, inputs: number, outputs: number, seed: number) {
    const bound = 1 / Math.sqrt(inputs);
    const drawn = uniform(seed, `${name}.weight`, inputs * outputs);
    const numbers = drawn.map((u) => (2 * u - 1) * bound);
    this.weight = tf.tidy(() => tf.variable(tf.tensor2d(numbers, [inputs, outputs])));
    this.parameters = [{ name: `${name}.weight`, variable: this.weight }];
  }

  apply(x: Centred): tf.Tensor2D {
    return tf.matMul(x.map, this.factors(x));
  }

  /** Returns what x's map is multiplied by, inputs x outputs. */
  factors(x: Centred): tf.Tensor2D {
    return scaled(x, this.weight as unknown as tf.Tensor2D);
  }

  dispose(): void {
    for (const { variable } of this.parameters) variable.dispose();
  }
}

/** Computes ReLU(BatchNorm(x W)); the normalisation's gain starts at 1 and its shift at 0. */
export class ProjectionHead extends StandardisedProjection {
  override readonly parameters: readonly Parameter[];
  readonly #gain: tf.Variable;
  readonly #shift: tf.Variable;

  constructor(name: string, inputs: number, outputs: number, seed: number) {
    super(name, inputs, outputs, seed);
    this.#gain = tf.tidy(() => tf.variable(tf.ones([1, outputs])));
    this.#shift = tf.tidy(() => tf.variable(tf.zeros([1, outputs])));
    this.parameters = [
      { name: `${name}.weight`, variable: this.weight },
      { name: `${name}.gain`, variable: this.#gain },
      { name: `${name}.shift`, variable: this.#shift },
    ];
  }

  override apply(x: Centred): tf.Tensor2D {
    const weight = this.weight as unknown as tf.Tensor2D;
    const product = tf.matMul(x.map, scaled(x, weight, this.#gain as unknown as tf.Tensor2D));
    return reluDropout(tf.add(product, this.#shift) as tf.Tensor2D);
  }
}
