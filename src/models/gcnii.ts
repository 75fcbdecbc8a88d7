// GCNII: deep graph convolutions with an initial residual and an identity map.
// Chen, Wei, Huang, Ding, Li: Simple and Deep Graph Convolutional Networks, ICML 2020.
import * as tf from "@tensorflow/tfjs";
import { needObject, shown } from "../base/arguments.ts";
import { OptionError } from "../base/errors.ts";
import { checkOptions, type OptionTable } from "../base/options.ts";
import { reluDropout } from "../tensor/ops/dropout.ts";
import type { DropoutStream } from "../tensor/ops/dropout-stream.ts";
import { gcniiConvolutions } from "../tensor/ops/gcnii.ts";
import { mapLinear, sparseLinear } from "../tensor/ops/linear.ts";
import { firstRows } from "../tensor/ops/rows.ts";
import { type SparseMatrix, spmm } from "../tensor/ops/sparse.ts";
import {
  checkShape,
  type GraphInputs,
  type GraphShape,
  type Hooks,
  itemLogits,
  type Model,
  type ModelKind,
  matrixOf,
  type Outline,
  type Outputs,
  type Parameter,
  type Pass,
  type Shapes,
  stackedOutputs,
  vectorOf,
} from "./model.ts";
import { ofSample, type SampledInputs } from "./sampled.ts";
import { drawn } from "./start.ts";

/** GCNII's configuration; `mustad` has one weight matrix for all convolutions. */
export type GcniiConfig<Kind extends string = "gcnii"> = {
  readonly kind: Kind;
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
};

type AnyGcnii = GcniiConfig<"gcnii" | "mustad">;

const options: OptionTable<Omit<GcniiConfig, "kind">> = {
  layers: { kind: "number", min: 1, max: 4096, whole: true, description: "convolutions" },
  width: { kind: "number", min: 1, max: 65_536, whole: true, description: "hidden width" },
  alpha: { kind: "number", min: 0, max: 1, description: "the initial residual's share" },
  lambda: {
    kind: "number",
    min: 0,
    description: "layer l's weights have the share log(lambda / l + 1)",
  },
  dropout: { kind: "number", min: 0, max: 1, below: true, description: "rate before each layer" },
};

/** How many maps (nodes x width) a step holds beside the one per layer; measured 10 to 11. */
const SPARE_MAPS = 9;

/** There are f h + h + L h^2 + h c + c parameters; with shared weights h^2 instead of L h^2. */
function shapes({ kind, layers, width }: AnyGcnii, { features, classes }: GraphShape): Shapes {
  const all = Array.from({ length: layers }, (_, l) => `convolution.${l}.weight`);
  const names = kind === "gcnii" ? all : ["convolution.weight"];
  return {
    outline: { kind, widths: all.map(() => width), hidden: width, classes },
    parameters: new Map<string, readonly number[]>([
      ["input.weight", [features, width]],
      ["input.bias", [width]],
      ...names.map((name) => [name, [width, width]] as const),
      ["output.weight", [width, classes]],
      ["output.bias", [classes]],
    ]),
    buffers: new Map(),
    perNode: (layers + SPARE_MAPS) * width,
  };
}

/**
 *     H0 = ReLU(Linear(dropout(X)))
 *     M_l = theta_l Z W_l + (1 - theta_l) Z,  Z = (1 - alpha) P dropout(H_{l-1}) + alpha H0
 *     H_l = ReLU(M_l),  logits = Linear(dropout(H_L))
 *
 * Two linear layers with bias, L convolutions without. M_1 .. M_L, before the activation, are the
 * layer maps that ABKD aligns; H_L is `hidden`. For several graphs, a graph's logits are its nodes' mean.
 */
export class Gcnii implements Model<SampledInputs> {
  readonly config: AnyGcnii;
  readonly outline: Outline;
  readonly parameters: readonly Parameter[];
  readonly #thetas: readonly number[];

  /**
   * The initial weights depend only on (seed, width, layers, shape), so that every method that trains
   * this model with this seed starts from the same weights. All are uniform within 1 / sqrt(inputs),
   * as in torch.nn.Linear.
   */
  constructor(config: AnyGcnii, shape: GraphShape, seed: number) {
    needObject(config, "Gcnii: config", "{ kind, layers, width, alpha, lambda, dropout }");
    const { kind, ...given } = config;
    if (kind !== "gcnii" && kind !== "mustad") {
      throw new OptionError(`Gcnii: kind is ${shown(kind)}; legal: "gcnii", "mustad"`);
    }
    checkOptions(kind === "gcnii" ? "GCNII" : "Shared GCNII", options, given);
    checkShape("GCNII", shape);
    const { layers, width, lambda } = config;
    const { outline, parameters } = shapes(config, shape);
    this.config = config;
    this.outline = outline;
    this.#thetas = Array.from({ length: layers }, (_, l) => Math.log(lambda / (l + 1) + 1));
    this.parameters = [...parameters].map(([name, dims]) => {
      const inputs = name.startsWith("input.") ? shape.features : width;
      return drawn(name, dims, 1 / Math.sqrt(inputs), seed);
    });
  }

  forward(inputs: SampledInputs, { dropout, reads = "logits", hooks }: Pass = {}): Outputs {
    const { layers, alpha, dropout: rate } = this.config;
    const stream = (site: number) => dropout && { ...dropout, rate, site };
    const [weight, bias] = this.parameters as [Parameter, Parameter];
    const [outputWeight, outputBias] = this.parameters.slice(-2) as [Parameter, Parameter];
    // n x h, before ReLU
    const input = sparseLinear(
      inputs.features,
      matrixOf(weight, hooks),
      vectorOf(bias, hooks),
      stream(0),
    );
    const own = this.parameters.slice(2, -2).map((parameter) => matrixOf(parameter, hooks));
    const weights = Array.from({ length: layers }, (_, l) => own[l % own.length]!);
    const [w, b] = [matrixOf(outputWeight, hooks), vectorOf(outputBias, hooks)]; // h x c, c
    const end = stream(layers + 1);
    let stack: tf.Tensor3D; // L x n x h, or 1 x n x h
    let logits: tf.Tensor2D; // n x c
    const matrices = inputs.layers ?? weights.map(() => inputs.adjacency);
    const isOne = matrices.every((matrix) => matrix === matrices[0]);
    if (!isOne || hooks?.activation || hooks?.message || hooks?.inner) {
      const maps = this.#convolutions(matrices, input, weights, stream, hooks);
      // Of a sample, methods see the batch's nodes alone.
      const { batch = input.shape[0] } = inputs;
      const seen = reads === "layers" ? maps : maps.slice(-1);
      stack = tf.stack(seen.map((map) => firstRows(map, batch))) as tf.Tensor3D;
      const x = reluDropout(maps[layers - 1]!, end);
      logits = tf.add(tf.matMul(hooks?.activation?.(x, layers) ?? x, w), b);
    } else {
      const firstStream = stream(1);
      stack = gcniiConvolutions(input, weights, {
        adjacency: matrices[0]!,
        alpha,
        thetas: this.#thetas,
        maps: reads === "layers",
        ...(firstStream && { dropout: firstStream }),
      });
      logits = mapLinear(stack, w, b, end);
    }
    logits = itemLogits(inputs, logits);
    if (reads === "logits") return { logits };
    const all = stackedOutputs(logits, stack, reluDropout);
    return reads === "layers" ? all : { logits, hidden: all.hidden };
  }

  /**
   * Computes M_1 .. M_L operator by operator, for hooks that act in between and for layers of fewer and fewer nodes,
   * which are the first of those before.
   * @param matrices each layer's P
   * @param input M_0, n x h
   */
  #convolutions(
    matrices: readonly SparseMatrix[],
    input: tf.Tensor2D,
    weights: readonly tf.Tensor2D[],
    stream: (site: number) => DropoutStream | undefined,
    hooks: Hooks | undefined,
  ): tf.Tensor2D[] {
    const { alpha } = this.config;
    const initial: tf.Tensor2D = tf.mul(reluDropout(input), alpha);
    let map = input;
    return weights.map((weight, l) => {
      const [theta, matrix] = [this.#thetas[l]!, matrices[l]!];
      let x = reluDropout(map, stream(l + 1)); // H_{l-1}
      x = hooks?.activation?.(x, l) ?? x;
      x = hooks?.message?.(x, l) ?? x;
      const own = firstRows(initial, matrix.rows);
      let z: tf.Tensor2D = tf.add(tf.mul(spmm(matrix, x), 1 - alpha), own);
      z = hooks?.inner?.(z, l) ?? z;
      map = tf.add(tf.mul(tf.matMul(z, weight), theta), tf.mul(z, 1 - theta));
      return map;
    });
  }

  dispose(): void {
    for (const { variable } of this.parameters) variable.dispose();
  }
}

const common = {
  defaults: { layers: 64, width: 64, alpha: 0.1, lambda: 0.5, dropout: 0.5 },
  options,
  size: ({ layers, width }: AnyGcnii) => `${layers}L-${width}H`,
  prepare: (forms: GraphInputs): SampledInputs => forms,
  ofSample,
  shapes,
  create: (config: AnyGcnii, shape: GraphShape, seed: number) => new Gcnii(config, shape, seed),
};

/** Describes the forward pass in words. @param weight the name of layer l's weights */
const forwardText = (weight: string): string =>
  "X: features, each row divided by its sum; P = D^-1/2 (A + I) D^-1/2. " +
  "H0 = relu(X @ input.weight + input.bias); H = H0; for l = 0 .. layers - 1: " +
  "Z = (1 - alpha) P @ H + alpha H0; theta = log(lambda / (l + 1) + 1); " +
  `H = relu(theta Z @ ${weight} + (1 - theta) Z); ` +
  "logits = H @ output.weight + output.bias";

export const gcnii: ModelKind<GcniiConfig, SampledInputs, Gcnii> = {
  name: "gcnii",
  label: "GCNII",
  summary: "deep graph convolutions with an initial residual (Chen et al. 2020): the paper's model",
  ...common,
  forwardText: forwardText("convolution.l.weight"),
};

/** MustaD's student: one convolution, applied as often as the teacher has convolutions. */
export const mustad: ModelKind<GcniiConfig<"mustad">, SampledInputs, Gcnii> = {
  name: "mustad",
  label: "Shared GCNII",
  summary:
    "GCNII with one weight matrix for all its convolutions: MustaD's student (Kim et al. 2021)",
  ...common,
  forwardText: forwardText("convolution.weight"),
};
