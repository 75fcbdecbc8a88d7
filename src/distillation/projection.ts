// A learned linear projection x W + b, for comparing maps of different widths.
import * as tf from "@tensorflow/tfjs";
import type { Parameter } from "../models/model.ts";
import { uniform } from "../tensor/ops/random.ts";
import { unitCoordinates } from "../tensor/ops/rows.ts";

/** Rows of length 1, factored as `unit` times `basis`. */
export interface Unit {
  /** n x (inputs + 1). */
  readonly unit: tf.Tensor2D;
  /** (inputs + 1) x outputs. */
  readonly basis: tf.Tensor2D;
}

/** Weight and bias start uniform in +-1 / sqrt(inputs), as in torch.nn.Linear. */
export class Projection {
  readonly parameters: readonly Parameter[];
  readonly #weight: tf.Variable;
  readonly #bias: tf.Variable;

  /** @param name prefix of the parameters' names; it and the seed decide their draws */
  constructor(name: string, inputs: number, outputs: number, seed: number) {
    const bound = 1 / Math.sqrt(inputs);
    const variable = (part: string, shape: number[]): tf.Variable => {
      const drawn = uniform(seed, `${name}.${part}`, tf.util.sizeFromShape(shape));
      const numbers = drawn.map((u) => (2 * u - 1) * bound);
      return tf.tidy(() => tf.variable(tf.tensor(numbers, shape)));
    };
    this.#weight = variable("weight", [inputs, outputs]);
    this.#bias = variable("bias", [outputs]);
    this.parameters = [
      { name: `${name}.weight`, variable: this.#weight },
      { name: `${name}.bias`, variable: this.#bias },
    ];
  }

  /** @param x n x inputs */
  apply(x: tf.Tensor2D): tf.Tensor2D {
    return tf.add(tf.matMul(x, this.#weight as unknown as tf.Tensor2D), this.#bias);
  }

  /**
   * Returns x W + b with rows of length 1, in a few numbers per node, so that no n x outputs map is
   * made.
   *
   * @param x n x inputs
   */
  unit(x: tf.Tensor2D): Unit {
    const weight = this.#weight as unknown as tf.Tensor2D;
    const basis = tf.concat([weight, tf.reshape(this.#bias, [1, -1])]) as tf.Tensor2D;
    return { unit: unitCoordinates(x, tf.matMul(basis, basis, false, true)), basis };
  }

  /** Returns the mean over nodes of x W + b, 1 x outputs. */
  mean(x: tf.Tensor2D): tf.Tensor2D {
    const nodes = x.shape[0];
    return this.apply(tf.matMul(tf.fill([1, nodes], 1 / nodes) as tf.Tensor2D, x));
  }

  dispose(): void {
    for (const { variable } of this.parameters) variable.dispose();
  }
}
