// GraphAKD's discriminators: each tells the teacher's outputs from the student's, and the student
// learns to fool it. He et al., KDD 2022; formulas as in MIRALab-USTC/GraphAKD.
import * as tf from "@tensorflow/tfjs";
import type { Parameter } from "../../models/model.ts";
import { arcProducts } from "../../tensor/ops/arc-products.ts";
import { reluDropout } from "../../tensor/ops/dropout.ts";
import { meanElements } from "../../tensor/ops/elements.ts";
import { softmaxCrossEntropy, type Targets } from "../../tensor/ops/loss.ts";
import { uniform } from "../../tensor/ops/random.ts";
import { unitRows } from "../../tensor/ops/rows.ts";
import type { SparseMatrix } from "../../tensor/ops/sparse.ts";

/** What a critic sees of one side. */
export interface Seen {
  /** n x classes. */
  readonly logits: tf.Tensor2D;
  /** The last hidden map with rows of length 1, n x width; with a basis, its coordinates, n x k. */
  readonly unit: tf.Tensor2D;
  /** k x width: `unit` times `basis` gives those rows. */
  readonly basis?: tf.Tensor2D;
  /** 1 x width: the map's mean over nodes. */
  readonly mean: tf.Tensor2D;
}

/** @param embedding n x width */
export function seen(logits: tf.Tensor2D, embedding: tf.Tensor2D): Seen {
  const nodes = embedding.shape[0];
  const mean = tf.matMul(tf.fill([1, nodes], 1 / nodes) as tf.Tensor2D, embedding);
  return { logits, unit: unitRows(embedding), mean: mean as tf.Tensor2D };
}

/** What the critics judge on: the whole graph, or a batch. */
export interface Ground {
  readonly teacher: Seen;
  /** The labelled training nodes, numbered by the rows of what is seen. */
  readonly train: Targets;
  readonly adjacency: SparseMatrix;
}

/** A discriminator; its weights come as an argument, so that they can be held fixed. */
export interface Critic {
  /** Listed in the order in which the functions below take them. */
  readonly parameters: readonly Parameter[];
  /** Returns the student's loss, 0 if the critic takes it for the teacher. */
  fooled(weights: readonly tf.Tensor[], student: Seen, ground: Ground): tf.Scalar;
  /** Returns the critic's own loss, 0 if it tells the two apart. */
  telling(weights: readonly tf.Tensor[], student: Seen, ground: Ground): tf.Scalar;
}

/** The product of this many factors of at most 2 stays far below a double's largest number. */
const FACTORS = 512;

/** Returns the mean cross-entropy of logits of any shape, where all are real or all are fake. */
function judged(logits: tf.Tensor, real: boolean): tf.Scalar {
  return meanElements(logits, (z, slopes) => {
    let sum = 0;
    for (let first = 0; first < z.length; first += FACTORS) {
      const last = Math.min(z.length, first + FACTORS);
      // The sum of log(1 + e^x) without overflow, with one logarithm for all factors.
      let product = 1;
      for (let k = first; k < last; k++) {
        const x = real ? -z[k]! : z[k]!;
        const small = Math.exp(-Math.abs(x));
        if (x > 0) sum += x;
        product *= 1 + small;
        const slope = (x >= 0 ? 1 : small) / (1 + small);
        slopes[k] = real ? -slope : slope;
      }
      sum += Math.log(product);
    }
    return sum;
  });
}

function parameter(name: string, values: Float32Array, shape: number[]): Parameter {
  return {
    name: `graphakd.${name}`,
    variable: tf.tidy(() => tf.variable(tf.tensor(values, shape))),
  };
}

/**
 * Judges logits x: h = ReLU(x + x W + b), classes h W_c, real or fake h w_r. Besides telling teacher from
 * student, it classifies the training nodes by either's logits, and the student helps it with that.
 */
export function logitCritic(classes: number, seed: number): Critic {
  const bound = 1 / Math.sqrt(classes);
  const drawn = (name: string, shape: number[]): Parameter => {
    const numbers = uniform(seed, `graphakd.${name}`, tf.util.sizeFromShape(shape));
    return parameter(
      name,
      numbers.map((u) => (2 * u - 1) * bound),
      shape,
    );
  };
  const outputs = (
    [hidden, bias, classify, tell]: readonly tf.Tensor[],
    x: tf.Tensor2D,
    train: Targets,
  ): { byClass: tf.Scalar; real: tf.Tensor2D } => {
    const product = tf.add(tf.matMul(x, hidden as tf.Tensor2D), bias!) as tf.Tensor2D;
    const h = reluDropout(tf.add(x, product) as tf.Tensor2D);
    return {
      byClass: softmaxCrossEntropy(tf.matMul(h, classify as tf.Tensor2D), train),
      real: tf.matMul(h, tell as tf.Tensor2D),
    };
  };
  return {
    parameters: [
      drawn("logits.hidden", [classes, classes]),
      drawn("logits.bias", [classes]),
      drawn("logits.classes", [classes, classes]),
      drawn("logits.real", [classes, 1]),
    ],
    fooled(weights, student, { train }) {
      const { byClass, real } = outputs(weights, student.logits, train);
      return tf.mul(tf.add(byClass, judged(real, true)), 0.5);
    },
    telling(weights, student, { teacher, train }) {
      const of = ({ logits }: Seen) => outputs(weights, logits, train);
      const [t, s] = [of(teacher), of(student)];
      const judgement = tf.add(judged(t.real, true), judged(s.real, false));
      return tf.mul(tf.add(judgement, tf.add(t.byClass, s.byClass)), 0.5);
    },
  };
}

/** Makes d, one number per column, which starts at 1, and the scale, which starts at 1/2. */
function diagonal(name: string, width: number): Parameter[] {
  return [
    parameter(`${name}.diagonal`, new Float32Array(width).fill(1), [1, width]),
    parameter(`${name}.scale`, Float32Array.of(0.5), []),
  ];
}

/** Judges arcs (u, v), including self loops: scale e_u diag(d) e_v', where e are the unit embeddings. */
export function localCritic(width: number): Critic {
  const weighted = (d: tf.Tensor2D, { unit, basis }: Seen): tf.Tensor2D => {
    if (!basis) return tf.mul(unit, tf.matMul(tf.ones([unit.shape[0], 1]), d)) as tf.Tensor2D;
    return tf.matMul(unit, tf.matMul(tf.mul(basis, d) as tf.Tensor2D, basis, false, true));
  };
  const scores = ([d, scale]: readonly tf.Tensor[], side: Seen, { adjacency }: Ground): tf.Tensor =>
    tf.mul(arcProducts(adjacency, weighted(d as tf.Tensor2D, side), side.unit), scale!);
  return {
    parameters: diagonal("local", width),
    fooled: (weights, student, ground) => judged(scores(weights, student, ground), true),
    telling: (weights, student, ground) =>
      tf.add(
        judged(scores(weights, ground.teacher, ground), true),
        judged(scores(weights, student, ground), false),
      ),
  };
}

/**
 * Judges nodes against a summary of the graph, sigmoid(mean over nodes of a side's embedding): scale
 * e_u diag(d) summary'. The critic should call the nodes of the summary's own side real and the other
 * side's fake. The student wants the opposite for its own nodes under both summaries, and for the
 * teacher's nodes under the student's summary.
 */
export function globalCritic(width: number): Critic {
  const summary = ({ mean }: Seen): tf.Tensor2D => tf.sigmoid(mean) as tf.Tensor2D;
  const scores = (
    [d, scale]: readonly tf.Tensor[],
    { unit, basis }: Seen,
    of: tf.Tensor2D,
  ): tf.Tensor => {
    const row = tf.mul(d!, of) as tf.Tensor2D;
    const short = basis ? tf.matMul(row, basis, false, true) : row;
    return tf.mul(tf.matMul(unit, short, false, true), scale!);
  };
  const bySummary = (
    weights: readonly tf.Tensor[],
    { own, other, ownIsReal }: { own: Seen; other: Seen; ownIsReal: boolean },
  ): tf.Scalar => {
    const of = summary(own);
    return tf.add(
      judged(scores(weights, own, of), ownIsReal),
      judged(scores(weights, other, of), !ownIsReal),
    );
  };
  return {
    parameters: diagonal("global", width),
    fooled: (weights, student, { teacher }) =>
      tf.add(
        judged(scores(weights, student, summary(teacher)), true),
        bySummary(weights, { own: student, other: teacher, ownIsReal: false }),
      ),
    telling: (weights, student, { teacher }) =>
      tf.add(
        bySummary(weights, { own: teacher, other: student, ownIsReal: true }),
        bySummary(weights, { own: student, other: teacher, ownIsReal: true }),
      ),
  };
}
