// ABKD: attention-based knowledge distillation (arXiv 2310.15938, section 3.2).
import * as tf from "@tensorflow/tfjs";
import type {
  Distillation,
  Inspection,
  Method,
  StudentOutputs,
  StudentShape,
  TeacherOutputs,
} from "../method.ts";
import { SoftLabels } from "../soft-labels.ts";
import { type Attention, createAttention, type Side } from "./attention.ts";
import { collapseWarning, remainingScale } from "./collapse.ts";
import { createDissimilarity, type Dissimilarity } from "./dissimilarity.ts";
import { abkdLoss, totalLoss } from "./loss.ts";
import { chosenLayers, type Layers, layerOf, type PreparedMaps, prepareMaps } from "./maps.ts";
import {
  type AbkdOptions,
  checkAbkdOptions,
  defaults,
  leastWeights,
  presets,
  table,
} from "./options.ts";
import { Projections } from "./projections.ts";
import { Weights } from "./weights.ts";

export type { AbkdOptions } from "./options.ts";

/** ABKD in progress; public for the tests, which read its weights. */
export class AbkdDistillation implements Distillation {
  readonly needsMaps = true;
  readonly learningRate?: number;
  readonly weights: Weights;
  readonly #options: AbkdOptions;
  /** S_l. */
  readonly #studentLayers: number;
  readonly #studentSide: Side;
  readonly #attention: Attention;
  readonly #dissimilarity: Dissimilarity;
  readonly #softLabels: SoftLabels | undefined;
  /** Of each teacher layer's projection before the first step. */
  readonly #startSquares: readonly number[];

  constructor(teacher: TeacherOutputs, student: StudentShape, options: AbkdOptions, seed: number) {
    this.#options = options;
    if (options.learningRate !== null) this.learningRate = options.learningRate;
    this.weights = new Weights(seed);
    const { logits, attention, teacherMaps } = options;
    const more = logits ? 1 : 0;
    const [teacherLayers, , teacherWidth] = teacher.maps.shape;
    const { classes } = student;
    this.#studentLayers = student.layers + more;
    const side = (layers: number, width: number): Side => ({
      layers: attention === "last" ? [layers - 1] : Array.from({ length: layers }, (_, i) => i),
      width: logits ? Math.max(width, classes) : width,
    });
    const teacherSide = side(teacherLayers + more, teacherWidth);
    this.#studentSide = side(this.#studentLayers, student.width);
    const sides = [teacherSide, this.#studentSide] as const;
    // tidy() would look for tensors in what it returns.
    tf.engine().startScope("abkd");
    try {
      const { layers, means } = prepareTeacher(teacher, teacherSide, logits, teacherMaps);
      this.#attention = createAttention(means, ...sides, options, this.weights);
      this.#dissimilarity = createDissimilarity({
        teacher: layers,
        teacherSide,
        studentSide: this.#studentSide,
        projections: new Projections(...sides, options, this.weights),
        options,
      });
      this.#startSquares = [...this.#dissimilarity.teacherSquares().dataSync()];
    } finally {
      tf.engine().endScope();
    }
    if (options.softWeight !== 0) {
      this.#softLabels = new SoftLabels(teacher.logits, options.temperature);
    }
  }

  get parameters(): Distillation["parameters"] {
    return this.weights.parameters;
  }

  loss(student: StudentOutputs, crossEntropy: tf.Scalar): tf.Scalar {
    return totalLoss(
      {
        crossEntropy,
        abkd: () => {
          const { maps, means } = this.#prepare(student);
          const scores = this.#attention.scores(means);
          return abkdLoss(scores, this.#dissimilarity, maps, this.#studentLayers);
        },
        soft: () => this.#softLabels!.loss(student.logits, "kl"),
      },
      this.#options,
    );
  }

  /**
   * Matrices: attention A, dissimilarity D and, where the distance is Euclidean,
   * relativeDissimilarity D_ij / (|t_i|^2 + |s_j|^2); rows are teacher layers. With attention
   * "last" they hold the one pair that takes part.
   *
   * Scalars: abkdLoss (L_abkd); attentionRowMax, the mean over teacher layers of their largest
   * score; relativeDissimilarity, the matrix averaged by attention; teacherSquare, the teacher's
   * projected mean square, averaged over layers; teacherSquareLeft, see collapse.ts; |u_t|, the
   * root mean square over layers, where the form has a u_t.
   */
  inspect(student: StudentOutputs): Inspection {
    return tf.tidy(() => {
      const { maps, means } = this.#prepare(student);
      const attention = this.#attention.scores(means).arraySync();
      const measured = this.#dissimilarity.measure(maps);
      const dissimilarity = measured.dissimilarity.arraySync();
      const squares = this.#dissimilarity.teacherSquares().dataSync();
      const left = remainingScale(this.#startSquares, [...squares], attention);
      const scalars: Record<string, number> = {
        abkdLoss: sumOfProducts(attention, dissimilarity) / this.#studentLayers,
        attentionRowMax: mean(attention.map((row) => Math.max(...row))),
        teacherSquare: mean([...squares]),
        teacherSquareLeft: left,
      };
      const vectorNorms = this.#dissimilarity.teacherVectorNorms?.().dataSync();
      if (vectorNorms) {
        scalars["|u_t|"] = Math.sqrt(mean(Array.from(vectorNorms, (u) => u * u)));
      }
      const matrices: Record<string, number[][]> = { attention, dissimilarity };
      const warnings: string[] = [];
      if (measured.squares) {
        const teacher = measured.squares.teacher.dataSync();
        const studentSquares = measured.squares.student.dataSync();
        const relative = dissimilarity.map((row, i) =>
          row.map((d, j) => {
            const size = teacher[i]! + studentSquares[j]!;
            return size === 0 ? 0 : d / size;
          }),
        );
        const attended =
          sumOfProducts(attention, relative) / sumOfProducts(attention, ones(attention));
        matrices["relativeDissimilarity"] = relative;
        scalars["relativeDissimilarity"] = attended;
        const warning = collapseWarning(left, attended);
        if (warning) warnings.push(warning);
      }
      return { scalars, matrices, warnings };
    });
  }

  dispose(): void {
    this.weights.dispose();
    this.#attention.dispose();
    this.#dissimilarity.dispose();
    this.#softLabels?.dispose();
  }

  #prepare({ maps, logits }: StudentOutputs): PreparedMaps {
    const extra = this.#options.logits ? logits : undefined;
    const stack = chosenLayers(maps, extra, this.#studentSide.layers);
    return prepareMaps(stack, this.#options.studentMaps);
  }
}

/**
 * The teacher's layers that take part, prepared, and their means, [T_l, d_t]. Nothing is
 * differentiated through them: a layer at a time, and what lies between is freed at once, as 64
 * layers' worth of it would not fit the engine's memory for NELL.
 */
function prepareTeacher(
  outputs: TeacherOutputs,
  side: Side,
  logits: boolean,
  kind: AbkdOptions["teacherMaps"],
): { layers: Layers; means: tf.Tensor2D } {
  const extra = logits ? outputs.logits : undefined;
  const prepared = side.layers.map((layer) =>
    tf.tidy(() => ({ ...prepareMaps(layerOf(outputs.maps, extra, layer), kind) })),
  );
  return {
    layers: prepared.map(({ maps }) => tf.reshape(maps, [maps.shape[1], maps.shape[2]])),
    means: tf.concat(prepared.map(({ means }) => means)),
  };
}

const mean = (values: readonly number[]): number =>
  values.reduce((sum, x) => sum + x, 0) / values.length;

function sumOfProducts(
  a: readonly (readonly number[])[],
  b: readonly (readonly number[])[],
): number {
  let sum = 0;
  a.forEach((row, i) => {
    row.forEach((x, j) => {
      sum += x * b[i]![j]!;
    });
  });
  return sum;
}

const ones = (like: readonly (readonly number[])[]): number[][] =>
  like.map((row) => row.map(() => 1));

export const abkd: Method<AbkdOptions, keyof typeof presets> = {
  name: "abkd",
  summary: "attention-weighted alignment of all teacher and student layers (eq. 3-6)",
  version: 1,
  needsTeacher: true,
  defaults,
  options: table,
  presets,
  check: checkAbkdOptions,
  weights: leastWeights,
  create(teacher, student, _graph, options, seed) {
    checkAbkdOptions(options);
    if (!teacher) throw new Error("abkd needs a teacher's outputs");
    return new AbkdDistillation(teacher, student, options, seed);
  },
};
