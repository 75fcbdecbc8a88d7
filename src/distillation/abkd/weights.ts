// The method's own weights: drawn from the seed by name, trained or constant.
import * as tf from "@tensorflow/tfjs";
import type { Parameter } from "../../models/model.ts";
import { uniform } from "../../tensor/ops/random.ts";

/** Describes a stack of weights: one matrix or vector per layer, or one for all layers. */
interface StackShape {
  /** The layers that have weights of their own; their indices name the random streams. */
  readonly layers: readonly number[] | "shared";
  /** The shape of one layer's weights. */
  readonly shape: readonly number[];
  /** Drawn uniformly from +-1 / sqrt(fanIn), as PyTorch's nn.Linear draws weight and bias. */
  readonly fanIn: number;
  readonly trained: boolean;
}

/** All weights that one run of the method owns. */
export class Weights {
  /** All weights by name, trained or not. */
  readonly all = new Map<string, tf.Tensor>();
  readonly #seed: number;
  readonly #parameters: Parameter[] = [];

  constructor(seed: number) {
    this.#seed = seed;
  }

  /** The trained weights. */
  get parameters(): readonly Parameter[] {
    return this.#parameters;
  }

  /**
   * Makes a stack of shape [layers, ...shape], or [1, ...shape] when shared. A layer's numbers
   * depend on the seed, the name and its own index alone.
   */
  stack(name: string, { layers, shape, fanIn, trained }: StackShape): tf.Tensor {
    const streams = layers === "shared" ? [name] : layers.map((layer) => `${name}.${layer}`);
    const count = tf.util.sizeFromShape([...shape]);
    const bound = 1 / Math.sqrt(fanIn);
    const values = new Float32Array(streams.length * count);
    streams.forEach((stream, i) => {
      const drawn = uniform(this.#seed, stream, count);
      values.set(
        drawn.map((u) => (2 * u - 1) * bound),
        i * count,
      );
    });
    const tensor = tf.keep(tf.tensor(values, [streams.length, ...shape]));
    if (!trained) {
      this.all.set(name, tensor);
      return tensor;
    }
    const variable = tf.variable(tensor);
    tensor.dispose();
    this.all.set(name, variable);
    this.#parameters.push({ name, variable });
    return variable;
  }

  dispose(): void {
    for (const tensor of this.all.values()) tensor.dispose();
  }
}
