// Linear layers followed by batch normalisation, folded: no n x outputs map is normalised.
//
// The columns of x W have the variances w' C w with C the covariance of x's columns, a small matrix,
// so batch normalisation of x W is (x - mean) times W with its columns divided by their deviations.
import * as tf from "@tensorflow/tfjs";
import type { Parameter } from "../models/model.ts";
import { reluDropout } from "../tensor/ops/dropout.ts";
import { uniform } from "../tensor/ops/random.ts";

/** Added to variances, as PyTorch's BatchNorm1d does. */
const EPSILON = 1e-5;

/** A map less its mean over nodes, and the covariance of its columns. */
export type Centred = {
  /** n x width. */
  readonly map: tf.Tensor2D;
  /** width x width: map' map / n. */
  readonly covariance: tf.Tensor2D;
};

/** Differentiable. */
export function centre(x: tf.Tensor2D): Centred {
  const nodes = x.shape[0];
  const mean = tf.matMul(tf.fill([1, nodes], 1 / nodes) as tf.Tensor2D, x);
  const map = tf.sub(x, mean) as tf.Tensor2D;
  return { map, covariance: tf.mul(tf.matMul(map, map, true, false), 1 / nodes) };
}

/** W with columns divided by the deviations of x W's columns; `gain` multiplies them, 1 x outputs. */
function scaled({ covariance }: Centred, weight: tf.Tensor2D, gain?: tf.Tensor2D): tf.Tensor2D {
  const inputs = weight.shape[0];
  const products = tf.mul(weight, tf.matMul(covariance, weight)) as tf.Tensor2D;
  const variances = tf.matMul(tf.ones([1, inputs]), products);
  const inverse = tf.rsqrt(tf.add(variances, EPSILON));
  const factors = (gain ? tf.mul(inverse, gain) : inverse) as tf.Tensor2D;
  return tf.mul(weight, tf.matMul(tf.ones([inputs, 1]), factors));
}

/** Each column less its mean, divided by its deviation: batch normalisation without weights. */
export function standardised(x: tf.Tensor2D): tf.Tensor2D {
  const centred = centre(x);
  return tf.matMul(centred.map, scaled(centred, tf.eye(x.shape[1])));
}

/** x W, standardised: a learned projection, one whose scale and bias would be without effect. */
export class StandardisedProjection {
  readonly parameters: readonly Parameter[];
  protected readonly weight: tf.Variable;

  /** @param name of its parameters, which are drawn by it and the seed, as torch.nn.Linear's */
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

  /** What x's map is multiplied by: inputs x outputs. */
  factors(x: Centred): tf.Tensor2D {
    return scaled(x, this.weight as unknown as tf.Tensor2D);
  }

  dispose(): void {
    for (const { variable } of this.parameters) variable.dispose();
  }
}

/** ReLU(BatchNorm(x W)), the normalisation with its own gain (from 1) and shift (from 0). */
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
