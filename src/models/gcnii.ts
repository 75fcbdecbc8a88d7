// GCNII: deep graph convolutions with an initial residual and an identity map.
// Chen, Wei, Huang, Ding, Li: Simple and Deep Graph Convolutional Networks, ICML 2020.
import * as tf from "@tensorflow/tfjs";
import { needObject } from "../arguments.ts";
import { OptionError } from "../errors.ts";
import { gcniiConvolutions } from "../tensor/gcnii.ts";
import { mapLinear, sparseLinear } from "../tensor/linear.ts";
import { uniform } from "../tensor/random.ts";
import type { Forward, ForwardOptions, GraphInputs, Model, Parameter } from "./model.ts";

export interface GcniiConfig {
  readonly kind: "gcnii";
  /** Number of convolutions (the paper's 64L, 4L). */
  readonly layers: number;
  /** Hidden width (64H, 4H). */
  readonly width: number;
  /** alpha: the initial residual's share, 0 to 1. */
  readonly alpha: number;
  /** lambda: layer l's weight matrix has the share theta_l = log(lambda / l + 1). */
  readonly lambda: number;
  /** Dropout before each convolution and each linear layer, 0 <= rate < 1. */
  readonly dropout: number;
}

/** What the model is fitted to. */
export interface GraphShape {
  readonly features: number;
  readonly classes: number;
}

/**
 *     H0 = ReLU(Linear(dropout(X)))
 *     M_l = theta_l Z W_l + (1 - theta_l) Z,  Z = (1 - alpha) P dropout(H_{l-1}) + alpha H0
 *     H_l = ReLU(M_l),  logits = Linear(dropout(H_L))
 *
 * Two linear layers with bias, L convolutions without: f h + h + L h^2 + h c + c parameters.
 * M_1 .. M_L, before the activation, are the layer maps that ABKD aligns.
 */
export class Gcnii implements Model {
  readonly config: GcniiConfig;
  readonly parameters: readonly Parameter[];
  readonly #input: Linear;
  readonly #convolutions: readonly tf.Variable<tf.Rank.R2>[];
  readonly #output: Linear;
  readonly #thetas: readonly number[];

  /**
   * The start depends on (seed, width, layers, shape) alone, so that every method that trains
   * this model with this seed starts from the same weights.
   */
  constructor(config: GcniiConfig, shape: GraphShape, seed: number) {
    checkGcnii(config);
    needObject(shape, "Gcnii: shape", "the graph's { features, classes }", "features", "classes");
    const { features, classes } = shape;
    checkShape({ features, classes });
    const { layers, width, lambda } = config;
    this.config = config;
    this.#thetas = Array.from({ length: layers }, (_, l) => Math.log(lambda / (l + 1) + 1));
    this.#input = linear("input", features, width, seed);
    const bound = 1 / Math.sqrt(width);
    this.#convolutions = this.#thetas.map((_, l) =>
      symmetricUniform<tf.Rank.R2>([width, width], bound, seed, `convolution.${l}.weight`),
    );
    this.#output = linear("output", width, classes, seed);
    this.parameters = [
      ...this.#input.parameters,
      ...this.#convolutions.map((variable, l) => ({ name: `convolution.${l}.weight`, variable })),
      ...this.#output.parameters,
    ];
  }

  forward(inputs: GraphInputs, { dropout, maps = false }: ForwardOptions = {}): Forward {
    const { layers, alpha, dropout: rate } = this.config;
    const stream = (site: number) => dropout && { ...dropout, rate, site };
    const { weight, bias } = this.#input;
    const hidden = sparseLinear(inputs.features, weight, bias, stream(0)); // n x h, before ReLU
    const firstStream = stream(1);
    const stack = gcniiConvolutions(hidden, this.#convolutions, {
      adjacency: inputs.adjacency,
      alpha,
      thetas: this.#thetas,
      maps,
      ...(firstStream && { dropout: firstStream }),
    }); // L x n x h, or 1 x n x h
    const logits = mapLinear(stack, this.#output.weight, this.#output.bias, stream(layers + 1));
    return { logits, ...(maps && { maps: stack }) };
  }

  dispose(): void {
    for (const { variable } of this.parameters) variable.dispose();
  }
}

interface Linear {
  readonly weight: tf.Variable<tf.Rank.R2>;
  readonly bias: tf.Variable<tf.Rank.R1>;
  readonly parameters: readonly Parameter[];
}

/** x W + b; both uniform within 1 / sqrt(inputs), as torch.nn.Linear starts. */
function linear(name: string, inputs: number, outputs: number, seed: number): Linear {
  const bound = 1 / Math.sqrt(inputs);
  const weight = symmetricUniform<tf.Rank.R2>([inputs, outputs], bound, seed, `${name}.weight`);
  const bias = symmetricUniform<tf.Rank.R1>([outputs], bound, seed, `${name}.bias`);
  return {
    weight,
    bias,
    parameters: [
      { name: `${name}.weight`, variable: weight },
      { name: `${name}.bias`, variable: bias },
    ],
  };
}

/** Uniform in [-bound, bound). */
function symmetricUniform<R extends tf.Rank>(
  shape: tf.ShapeMap[R],
  bound: number,
  seed: number,
  stream: string,
): tf.Variable<R> {
  const values = uniform(seed, stream, tf.util.sizeFromShape(shape));
  return tf.tidy(() =>
    tf.variable(
      tf.tensor<R>(
        values.map((u) => (2 * u - 1) * bound),
        shape,
      ),
    ),
  );
}

/** @throws OptionError for a number that makes no model */
export function checkGcnii(config: GcniiConfig): void {
  needObject(config, "Gcnii: config", "{ kind, layers, width, alpha, lambda, dropout }");
  const { kind, layers, width, alpha, lambda, dropout } = config;
  const fail = (what: string): never => {
    throw new OptionError(`GCNII: ${what}`);
  };
  if (kind !== "gcnii") fail(`kind is ${String(kind)}, not "gcnii"`);
  if (!Number.isInteger(layers) || layers < 1) fail(`layers is ${layers}, not 1 or more`);
  if (!Number.isInteger(width) || width < 1) fail(`width is ${width}, not 1 or more`);
  if (!(alpha >= 0 && alpha <= 1)) fail(`alpha is ${alpha}, not between 0 and 1`);
  if (!(lambda >= 0 && Number.isFinite(lambda))) fail(`lambda is ${lambda}, not 0 or more`);
  if (!(dropout >= 0 && dropout < 1)) fail(`dropout is ${dropout}, not in [0, 1)`);
}

function checkShape(shape: GraphShape): void {
  for (const [name, count] of Object.entries(shape)) {
    if (Number.isInteger(count) && count >= 1) continue;
    throw new OptionError(`GCNII: ${name} is ${count}, not 1 or more`);
  }
}
