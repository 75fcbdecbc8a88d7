// CPF's student: known classes spread along learned weights, mixed with what a node's features say.
// Yang, Liu, Shi: Extract the Knowledge of Graph Neural Networks and Go Beyond it, WWW 2021; as its code has it
// (BUPT-GAMMA/CPF, models/PLP.py, 304ada6).
import * as tf from "@tensorflow/tfjs";
import { checkOptions, type OptionTable } from "../base/options.ts";
import { dropout, reluDropout } from "../tensor/ops/dropout.ts";
import type { DropoutStream } from "../tensor/ops/dropout-stream.ts";
import { sparseLinear } from "../tensor/ops/linear.ts";
import { type SparseMatrix, spmm } from "../tensor/ops/sparse.ts";
import { layeredOptions } from "./layered.ts";
import {
  checkShape,
  type GraphInputs,
  type GraphShape,
  type KnownClasses,
  type Model,
  type ModelKind,
  matrixOf,
  type Outline,
  type Outputs,
  type Parameter,
  type Pass,
  type Shapes,
  vectorOf,
} from "./model.ts";
import { drawn, drawnNormal, filled } from "./start.ts";

export type CpfConfig = {
  readonly kind: "cpf";
  /** K: how often the labels spread. */
  readonly layers: number;
  /** Whether a node's confidence is linear in its features, or a free number (then no other graph has it). */
  readonly variant: "ind" | "tra";
  /** Layers of the feature transformation; with 0 there is none, and no balance either. */
  readonly transform: number;
  /** Width of the transformation's hidden layers, if it has any. */
  readonly width: number;
  /** Dropout rate of features and confidences, 0 <= rate < 1; drawn anew each time the labels spread. */
  readonly dropout: number;
  /** Rate at which arcs are dropped after the softmax, 0 <= rate < 1. */
  readonly edgeDropout: number;
  /** Whether features are read as present or absent; otherwise as other models read them. */
  readonly binary: boolean;
};

/** What the model reads of a graph. */
export interface CpfInputs extends GraphInputs {
  /** nodes x nodes, A + I. */
  readonly neighbours: SparseMatrix;
  /** nodes x features, 1 where a feature is not 0. */
  readonly present: SparseMatrix;
}

const rate = { kind: "number", min: 0, max: 1, below: true } as const;
const options: OptionTable<Omit<CpfConfig, "kind">> = {
  layers: {
    kind: "number",
    min: 2,
    max: 4096,
    whole: true,
    description: "how often labels spread",
  },
  variant: {
    kind: "choice",
    choices: ["ind", "tra"],
    description: "a node's confidence: linear in its features, or a number of its own",
  },
  transform: {
    kind: "number",
    min: 0,
    max: 8,
    whole: true,
    description: "layers of the feature transformation; 0: labels only spread",
  },
  width: { ...layeredOptions.width, description: "hidden width of the feature transformation" },
  dropout: { ...rate, description: "rate of features and confidences" },
  edgeDropout: { ...rate, description: "rate at which each layer drops arcs" },
  binary: { kind: "switch", description: "whether features are read as present or absent" },
};

/** A confidence further below the largest counts as this far below, so that no sum is 0. */
const FURTHEST = 60;

/** The fewest maps that a step holds each time the labels spread: the sum, and the mixture. */
const MAPS_A_LAYER = 2;

function shapes(config: CpfConfig, { features, classes, nodes = 1 }: GraphShape): Shapes {
  const { kind, layers, variant, transform, width } = config;
  const sides = [features, ...new Array<number>(Math.max(0, transform - 1)).fill(width), classes];
  const linear = Array.from({ length: transform }, (_, l) => [
    [`transform.${l}.weight`, [sides[l]!, sides[l + 1]!]] as const,
    [`transform.${l}.bias`, [sides[l + 1]!]] as const,
  ]);
  const widths = new Array<number>(layers).fill(classes);
  return {
    outline: { kind, widths, endsInLogits: true, hidden: classes, classes },
    parameters: new Map<string, readonly number[]>([
      ["confidence", [variant === "ind" ? features : nodes, 1]],
      ...(transform > 0 ? [["balance", [nodes, 1]] as const] : []),
      ...linear.flat(),
    ]),
    buffers: new Map([["known", [nodes]]]),
    perNode: MAPS_A_LAYER * layers * classes,
  };
}

/**
 *     f_0 = 1 / classes,  f_k+1(v) = ReLU(s(a_v) sum_u w_uv f_k(u) + s(-a_v) FT(x_v)),  logits = f_K
 *     w_uv = softmax over u of c_u, over v's neighbours and v itself;  c_u = x_u . z (ind) or a number of u's (tra)
 *
 * s is the sigmoid, a_v the node's balance, FT a linear layer or several. Training nodes always have their class's
 * unit vector as f. All layers share their parameters. The layer maps are f_1 .. f_K before the ReLU; the last is the
 * logits themselves, and f_K-1 is `hidden`.
 */
export class Cpf implements Model<CpfInputs> {
  readonly config: CpfConfig;
  readonly outline: Outline;
  readonly parameters: readonly Parameter[];
  /** `known`: the class of each training node, from 1; 0 for other nodes. */
  readonly buffers: readonly [Parameter];
  readonly #byName: ReadonlyMap<string, Parameter>;

  /**
   * As torch starts the reference: confidences normal with Glorot's deviation times 2^1/2, linear layers uniform
   * within inputs^-1/2, balances 0.
   * @throws OptionError for a configuration or shape that makes no model
   */
  constructor(config: CpfConfig, shape: GraphShape, seed: number) {
    const { kind: _, ...given } = config;
    checkOptions<object>("CPF", options, given);
    checkShape("CPF", shape);
    const { outline, parameters, buffers } = shapes(config, shape);
    this.config = config;
    this.outline = outline;
    let inputs = shape.features;
    this.parameters = [...parameters].map(([name, dims]) => {
      if (name === "balance") return filled(name, dims, 0);
      if (name === "confidence") {
        return drawnNormal(name, dims, Math.sqrt(2) * Math.sqrt(2 / (dims[0]! + 1)), seed);
      }
      // A bias follows its weight.
      if (name.endsWith(".weight")) inputs = dims[0]!;
      return drawn(name, dims, 1 / Math.sqrt(inputs), seed);
    });
    this.buffers = [filled("known", buffers.get("known")!, 0)];
    this.#byName = new Map(this.parameters.map((parameter) => [parameter.name, parameter]));
  }

  learnClasses({ labels, items }: KnownClasses): void {
    const known = new Float32Array(this.buffers[0].variable.size);
    for (const item of items) known[item] = labels[item]! + 1;
    tf.tidy(() => this.buffers[0].variable.assign(tf.tensor1d(known)));
  }

  forward(inputs: CpfInputs, { dropout: draw, reads = "logits", hooks }: Pass = {}): Outputs {
    const { layers, transform, variant, binary } = this.config;
    const { classes } = this.outline;
    const { neighbours } = inputs;
    const features = binary ? inputs.present : inputs.features;
    const parameter = (name: string) => this.#byName.get(name)!;
    const confidence = matrixOf(parameter("confidence"), hooks);
    const linear = Array.from({ length: transform }, (_, l) => ({
      weight: matrixOf(parameter(`transform.${l}.weight`), hooks),
      bias: vectorOf(parameter(`transform.${l}.bias`), hooks),
    }));
    const stream = (k: number, place: number, of: number): DropoutStream | undefined =>
      draw && of > 0 ? { ...draw, rate: of, site: k * (transform + 2) + place } : undefined;

    const ones = tf.ones<tf.Rank.R2>([1, classes]);
    /** n x 1 as n x c: tfjs's own broadcasts take most of a step. */
    const wide = (x: tf.Tensor2D): tf.Tensor2D => tf.matMul(x, ones);
    /** exp(c) of each node, scaled, n x 1. */
    const strengths = (k: number): tf.Tensor2D => {
      const own = stream(k, 0, this.config.dropout);
      if (variant === "ind") return scaledExp(spmm(features, confidence, own));
      return scaledExp(own ? dropout(confidence, own) : confidence);
    };
    /** FT(x), n x c. */
    const transformed = (k: number): tf.Tensor2D =>
      linear.slice(1).reduce(
        (x, { weight, bias }, l): tf.Tensor2D => {
          const input = reluDropout(x, stream(k, l + 3, this.config.dropout));
          return tf.add(tf.matMul(input, weight), bias);
        },
        sparseLinear(
          features,
          linear[0]!.weight,
          linear[0]!.bias,
          stream(k, 2, this.config.dropout),
        ),
      );

    const balance = transform > 0 ? matrixOf(parameter("balance"), hooks) : undefined;
    const shares = balance && {
      spread: wide(tf.sigmoid(balance)),
      own: wide(tf.sigmoid(tf.neg(balance))),
    };
    /** What does not change from one time to the next, unless dropout changes it. */
    const parts = (k: number) => {
      const sent = wide(strengths(k));
      const own = shares && tf.mul(shares.own, transformed(k));
      return { sent, sums: spmm(neighbours, sent), own };
    };
    const known = this.#known();
    const clamped = (f: tf.Tensor2D): tf.Tensor2D => tf.add(tf.mul(f, known.others), known.rows);
    let f = clamped(tf.fill([neighbours.rows, classes], 1 / classes));
    let before = f;
    let constant: ReturnType<typeof parts> | undefined;
    const [maps, activated]: [tf.Tensor2D[], tf.Tensor2D[]] = [[], []];
    for (let k = 0; k < layers; k++) {
      constant = draw ? parts(k) : (constant ?? parts(k));
      const { sent, sums, own } = constant;
      before = k > 0 && hooks?.activation ? hooks.activation(f, k) : f;
      const message = hooks?.message?.(before, k) ?? before;
      const dropped = stream(k, 1, this.config.edgeDropout);
      const spread: tf.Tensor2D = tf.div(spmm(neighbours, tf.mul(sent, message), dropped), sums);
      const map: tf.Tensor2D = shares ? tf.add(tf.mul(shares.spread, spread), own!) : spread;
      f = clamped(reluDropout(map));
      maps.push(map);
      activated.push(f);
    }
    const logits = f;
    if (reads === "logits") return { logits };
    const hidden = activated[layers - 2]!;
    if (reads === "hidden") return { logits, hidden };
    const at = (i: number): tf.Tensor2D => (i === layers - 1 ? logits : maps[i]!);
    const widths = this.outline.widths;
    return { logits, hidden, layers: { widths, at, activated: (i) => activated[i]! } };
  }

  /** The training nodes' unit vectors, and 1 in the other nodes' rows; both n x c. */
  #known(): { readonly rows: tf.Tensor2D; readonly others: tf.Tensor2D } {
    const { classes } = this.outline;
    const known = this.buffers[0].variable.dataSync<"float32">();
    const rows = new Float32Array(known.length * classes);
    const others = new Float32Array(rows.length);
    for (const [node, number] of known.entries()) {
      if (number > 0) rows[node * classes + number - 1] = 1;
      else others.fill(1, node * classes, (node + 1) * classes);
    }
    const shape: [number, number] = [known.length, classes];
    return { rows: tf.tensor2d(rows, shape), others: tf.tensor2d(others, shape) };
  }

  dispose(): void {
    for (const { variable } of [...this.parameters, ...this.buffers]) variable.dispose();
  }
}

/** exp(x - max x), which leaves a softmax as it is. @param scores n x 1 */
function scaledExp(scores: tf.Tensor2D): tf.Tensor2D {
  const largest = scores.dataSync<"float32">().reduce((most, x) => Math.max(most, x));
  return tf.exp(tf.maximum<tf.Tensor2D>(tf.sub(scores, largest), -FURTHEST));
}

export const cpf: ModelKind<CpfConfig, CpfInputs, Cpf> = {
  name: "cpf",
  label: "CPF",
  summary: "known classes spread along learned weights, mixed with features (Yang, Liu, Shi 2021)",
  transductive: true,
  defaults: {
    layers: 8,
    variant: "ind",
    transform: 1,
    width: 64,
    dropout: 0.8,
    edgeDropout: 0.2,
    binary: true,
  },
  options,
  size: ({ layers, variant }) => `${layers}L-${variant}`,
  prepare: (forms) => forms,
  shapes,
  create: (config, shape, seed) => new Cpf(config, shape, seed),
  forwardText:
    "X: features, 1 where not 0 (with binary), else each row divided by its sum; c = X @ confidence (ind) or " +
    "confidence (tra); w_uv = softmax of c_u over v's neighbours u and v itself; FT: H = X, for l = 0 .. transform - 1: " +
    "H = H @ transform.l.weight + transform.l.bias, relu after all but the last; f = 1 / classes everywhere; layers " +
    "times: f_v = relu(sigmoid(balance_v) sum_u w_uv f_u + sigmoid(-balance_v) FT_v), without the last term and the " +
    "first factor if transform is 0; at the start and after each time f_v is the unit vector of known_v - 1 where " +
    "known_v is not 0; logits = f",
};
