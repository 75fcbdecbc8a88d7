// The loss that methods share: the weighted sum of cross-entropy, the method's own term and soft labels.
import * as tf from "@tensorflow/tfjs";
import type { OptionInfo } from "../base/options.ts";
import type { Outputs, Parameter, Reads } from "../models/model.ts";
import type { Distillation, Inspection, NodeBatch, Teacher } from "./method.ts";
import { SoftLabels } from "./soft-labels.ts";

/** A term of the loss while a student trains. */
export interface Term {
  /** Parameters that are trained with the student; may be empty. */
  readonly parameters: readonly Parameter[];
  /** How much of the student's pass it reads; by default the last hidden map. */
  readonly reads?: Reads;
  /** Learning rate of these parameters; by default the student's. */
  readonly learningRate?: number;
  /**
   * Returns the scalar to be weighted; its random draws depend on (seed, step) alone.
   * @param batch if absent, the whole graph; given only to methods that are `byBatch`
   */
  value(student: Outputs, step: number, batch?: NodeBatch): tf.Scalar;
  /** Leaves no tensors. By default it shows the scalar `term`, the value as drawn for step 0. */
  inspect?(student: Outputs): Inspection;
  dispose(): void;
}

interface WeightedTerm {
  readonly weight: number;
  readonly term: Term;
}

/**
 *     L = hardWeight H(s_p, y) + weight_1 term_1 + weight_2 term_2 ...
 *
 * A term whose weight is 0 is not computed.
 */
export class Objective implements Distillation {
  readonly reads: Reads;
  readonly learningRate?: number;
  readonly parameters: readonly Parameter[];
  readonly #hardWeight: number;
  readonly #own: Term;
  readonly #terms: readonly WeightedTerm[];

  /** @param terms the method's own comes first: only its parameters are trained, and only it is inspected */
  constructor(hardWeight: number, ...terms: readonly [WeightedTerm, ...WeightedTerm[]]) {
    this.#hardWeight = hardWeight;
    this.#own = terms[0].term;
    this.#terms = terms;
    const { reads = "hidden", learningRate, parameters } = this.#own;
    this.reads = reads;
    this.parameters = parameters;
    if (learningRate !== undefined) this.learningRate = learningRate;
  }

  loss(student: Outputs, crossEntropy: tf.Scalar, step: number, batch?: NodeBatch): tf.Scalar {
    const weighted = (x: tf.Scalar, weight: number): tf.Scalar =>
      weight === 1 ? x : tf.mul(x, weight);
    const terms = this.#terms.filter(({ weight }) => weight !== 0);
    const hard = this.#hardWeight !== 0 || terms.length === 0;
    const parts = terms.map(({ weight, term }) =>
      weighted(term.value(student, step, batch), weight),
    );
    if (hard) parts.unshift(weighted(crossEntropy, this.#hardWeight));
    return parts.reduce((sum, part) => tf.add(sum, part));
  }

  inspect(student: Outputs): Inspection {
    if (this.#own.inspect) return this.#own.inspect(student);
    return { scalars: { term: scalarOf(this.#own, student) }, matrices: {}, warnings: [] };
  }

  dispose(): void {
    for (const { term } of this.#terms) term.dispose();
  }
}

/** Returns a term's value as drawn for step 0. */
export function scalarOf(term: Pick<Term, "value">, student: Outputs): number {
  return tf.tidy(() => term.value(student, 0).dataSync()[0]!);
}

/** The weights of an objective that has the method's own term and soft labels. */
export type Weights = {
  readonly hardWeight: number;
  readonly beta: number;
  readonly softWeight: number;
  readonly temperature: number;
};

/** Returns the terms that L adds to H: beta term + softWeight T^2 KL(softmax(t / T), softmax(s / T)). */
export function withSoftLabels(
  term: Term,
  teacher: Teacher,
  { beta, softWeight, temperature }: Omit<Weights, "hardWeight">,
): [WeightedTerm, ...WeightedTerm[]] {
  const own = { weight: beta, term };
  if (softWeight === 0) return [own];
  return [own, { weight: softWeight, term: new SoftLabels(teacher, temperature, "kl") }];
}

/** These options' entries in every method's table, whichever key it has for `softWeight`. */
export const weightOptions = {
  beta: {
    kind: "number",
    min: 0,
    symbol: "beta",
    description: "weight of the method's own term",
  },
  hardWeight: {
    kind: "number",
    min: 0,
    description: "weight of the cross-entropy on labels",
  },
  softWeight: {
    kind: "number",
    min: 0,
    name: "softWeight",
    symbol: "alpha",
    description: "weight of added soft labels (T^2 KL, the mean over all nodes); 0 for none",
  },
  temperature: {
    kind: "number",
    min: 0,
    above: true,
    symbol: "T",
    description: "temperature of the soft labels: divides both sides' logits",
  },
} as const satisfies Readonly<Record<keyof Weights, OptionInfo>>;
