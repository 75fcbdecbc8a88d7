// What every rival method shares: the loss around its own term, with soft labels as an option,
// and the last hidden maps that it compares.
import * as tf from "@tensorflow/tfjs";
import type { OptionTable } from "../base/options.ts";
import type { Outputs, Parameter, Reads } from "../models/model.ts";
import type { Distillation, Inspection, Teacher } from "./method.ts";
import { SoftLabels } from "./soft-labels.ts";

/** Options that every rival has beside its own. */
export type RivalOptions = {
  readonly beta: number;
  readonly hardWeight: number;
  readonly softLabels: number;
  readonly temperature: number;
};

/** The method alone; its beta is the method's own affair. */
export const rivalDefaults = { hardWeight: 1, softLabels: 0, temperature: 4 } as const;

/**
 * Soft labels beside the method, as chaitjo/efficient-gnns mixes them: alpha = 0.9, T = 4. There the
 * divergence is also divided by the number of classes; here alpha means the same on every dataset.
 */
export const withSoftLabels = { hardWeight: 0.1, softLabels: 0.9, temperature: 4 } as const;

/** The entries of those options in a method's table. */
export const rivalTable: OptionTable<RivalOptions> = {
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
  softLabels: {
    kind: "number",
    min: 0,
    symbol: "alpha",
    description: "weight of soft labels (T^2 KL, the mean over all nodes), added; 0 for none",
  },
  temperature: {
    kind: "number",
    min: 0,
    above: true,
    symbol: "T",
    description: "of the soft labels",
  },
};

export const KERNELS = ["cosine", "poly", "l2", "rbf"] as const;

/**
 * What a similarity of two nodes is: `cosine` cos(x, y), `poly` its square, `l2` |x - y|, `rbf`
 * exp(-|x - y|^2 / 2). `l2` is the distance itself, not its negative: so it stands in the reference.
 */
export type Kernel = (typeof KERNELS)[number];

/** A method's own term in progress. */
export interface Term {
  /** Trained beside the student; may be empty. */
  readonly parameters: readonly Parameter[];
  /** How much of the student's pass it reads; the last hidden map where left out. */
  readonly reads?: Reads;
  /** Of these parameters, if not the student's. */
  readonly learningRate?: number;
  /** The scalar that beta weighs; what is drawn depends on (seed, step) alone. */
  value(student: Outputs, step: number): tf.Scalar;
  /** What to show beside the term's value; leaves no tensor. */
  inspect?(student: Outputs): Partial<Inspection>;
  dispose(): void;
}

/**
 *     L = hardWeight H(s_p, y) + beta term + softLabels T^2 KL(softmax(t / T), softmax(s / T))
 *
 * Inspection: the scalar `term`, as drawn for step 0, and what the term shows of itself.
 */
export class Rival implements Distillation {
  readonly reads: Reads;
  readonly learningRate?: number;
  readonly #term: Term;
  readonly #options: RivalOptions;
  readonly #softLabels: SoftLabels | undefined;

  constructor(term: Term, teacher: Teacher, options: RivalOptions) {
    this.#term = term;
    this.reads = term.reads ?? "hidden";
    if (term.learningRate !== undefined) this.learningRate = term.learningRate;
    this.#options = options;
    if (options.softLabels !== 0) {
      this.#softLabels = SoftLabels.of(teacher, options.temperature);
    }
  }

  get parameters(): readonly Parameter[] {
    return this.#term.parameters;
  }

  loss(student: Outputs, crossEntropy: tf.Scalar, step: number): tf.Scalar {
    const { hardWeight, beta, softLabels } = this.#options;
    let loss: tf.Scalar = hardWeight === 1 ? crossEntropy : tf.mul(crossEntropy, hardWeight);
    if (beta !== 0) loss = tf.add(loss, tf.mul(this.#term.value(student, step), beta));
    if (this.#softLabels) {
      const soft = this.#softLabels.loss(student.logits, "kl");
      loss = tf.add(loss, tf.mul(soft, softLabels));
    }
    return loss;
  }

  inspect(student: Outputs): Inspection {
    const term = tf.tidy(() => this.#term.value(student, 0).dataSync()[0]!);
    const { scalars, matrices, warnings } = this.#term.inspect?.(student) ?? {};
    return { scalars: { term, ...scalars }, matrices: matrices ?? {}, warnings: warnings ?? [] };
  }

  dispose(): void {
    this.#term.dispose();
    this.#softLabels?.dispose();
  }
}

/** The teacher's last hidden map after its activation, n x width: what node-level rivals compare. */
export function hiddenOf(teacher: Teacher): tf.Tensor2D {
  return teacher.outputs("hidden").hidden!;
}
