// ABKD: attention-based knowledge distillation (arXiv 2310.15938, section 3.2).
// In the paper's order: attention.ts (eq. 3), dissimilarity.ts (eq. 4), loss.ts (eq. 5), ../objective.ts (eq. 6).
import * as tf from "@tensorflow/tfjs";
import type { Outputs } from "../../models/model.ts";
import type { Inspection, Method, NodeBatch, TaughtScene, Teacher } from "../method.ts";
import { Objective, type Term, withSoftLabels } from "../objective.ts";
import { type Attention, createAttention } from "./attention.ts";
import { collapseWarning, remainingScale } from "./collapse.ts";
import { type Comparison, createDissimilarity, type Dissimilarity } from "./dissimilarity.ts";
import { formOf } from "./form.ts";
import { abkdLoss } from "./loss.ts";
import { chosenLayers, layerOf, type PreparedMaps, prepareMaps, type TeacherMaps } from "./maps.ts";
import {
  type AbkdOptions,
  checkTogether,
  defaults,
  leastNumbers,
  presets,
  table,
  teacherParts,
} from "./options.ts";
import { Projections } from "./projections.ts";
import { layerCount, oneMapNote, type Side, sideOf } from "./side.ts";
import { Weights } from "./weights.ts";

export type { AbkdOptions } from "./options.ts";

/** An ABKD in progress; exported for the tests, which read its weights. */
export class AbkdDistillation extends Objective {
  readonly weights: Weights;

  constructor(scene: Taught, options: AbkdOptions) {
    const term = new AbkdTerm(scene, options);
    super(options.hardWeight, ...withSoftLabels(term, scene.teacher, options));
    this.weights = term.weights;
  }
}

/** The term L_abkd. */
class AbkdTerm implements Term {
  readonly reads = "layers";
  readonly learningRate?: number;
  readonly weights: Weights;
  readonly #options: AbkdOptions;
  /** S_l, the number of student layers. */
  readonly #studentLayers: number;
  readonly #studentSide: Side;
  readonly #notes: readonly string[];
  readonly #attention: Attention;
  readonly #comparison: Omit<Comparison, "teacher">;
  readonly #teacher: Teacher;
  readonly #teacherSide: Side;
  readonly #dissimilarity: Dissimilarity;
  /** Of the last batch, whose step's gradients may need it. */
  #ofBatch: Dissimilarity | undefined;
  /** The mean square of each teacher layer's projection before the first step. */
  readonly #startSquares: readonly number[];

  constructor({ teacher, student, seed }: Taught, options: AbkdOptions) {
    this.#options = options;
    if (options.learningRate !== null) this.learningRate = options.learningRate;
    this.weights = new Weights(seed);
    this.#studentLayers = layerCount(student, options);
    const teacherSide = sideOf(teacher.outline, options);
    this.#studentSide = sideOf(student, options);
    this.#notes = [oneMapNote(student, options) ?? []].flat();
    this.#teacher = teacher;
    this.#teacherSide = teacherSide;
    const sides = [teacherSide, this.#studentSide] as const;
    // Not tidy(), which would search what it returns for tensors.
    tf.engine().startScope("abkd");
    try {
      const { layers, means } = this.#prepareTeacher();
      this.#attention = createAttention(means, ...sides, options, this.weights);
      this.#comparison = {
        teacherSide,
        studentSide: this.#studentSide,
        projections: new Projections(...sides, options, this.weights),
        options,
      };
      this.#dissimilarity = createDissimilarity({ ...this.#comparison, teacher: layers });
      this.#startSquares = [...this.#dissimilarity.teacherSquares().dataSync()];
    } finally {
      tf.engine().endScope();
    }
  }

  get parameters(): Term["parameters"] {
    return this.weights.parameters;
  }

  /** On a batch, means, scales and distances are those of its nodes, on both sides. */
  value(student: Outputs, _step: number, batch?: NodeBatch): tf.Scalar {
    const { maps, means } = this.#prepare(student);
    if (!batch?.nodes) {
      const scores = this.#attention.scores(means);
      return abkdLoss(scores, this.#dissimilarity, maps, this.#studentLayers);
    }
    const taught = this.#prepareTeacher(batch.nodes);
    const scores = this.#attention.scores(means, taught.means);
    this.#ofBatch?.dispose();
    this.#ofBatch = createDissimilarity({ ...this.#comparison, teacher: taught.layers });
    return abkdLoss(scores, this.#ofBatch, maps, this.#studentLayers);
  }

  /**
   * Matrices: attention A, dissimilarity D and, if the distance is Euclidean,
   * relativeDissimilarity D_ij / (|t_i|^2 + |s_j|^2); rows are teacher layers. With attention
   * "last" they hold the one pair that takes part.
   *
   * Scalars: abkdLoss (L_abkd); attentionRowMax, the mean over teacher layers of their largest
   * score; relativeDissimilarity, the matrix averaged by attention; teacherSquare, the teacher's
   * projected mean square, averaged over layers; teacherSquareLeft, see collapse.ts; |u_t|, the
   * root mean square over layers, if the form has a u_t.
   */
  inspect(student: Outputs): Inspection {
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
      const warnings = [...this.#notes];
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
    this.#ofBatch?.dispose();
  }

  /**
   * Prepares the teacher's layers that take part, and their means, [T_l, d_t]. No gradient needs their
   * intermediate tensors, so each layer's are freed at once: those of 64 layers would not fit the
   * engine's memory for NELL.
   */
  #prepareTeacher(nodes?: Int32Array): { layers: TeacherMaps; means: tf.Tensor2D } {
    const outputs = this.#teacher.outputs("layers", nodes);
    const side = this.#teacherSide;
    const prepared = side.layers.map((layer) =>
      tf.tidy(() => ({
        ...prepareMaps(layerOf(outputs, side, layer), this.#options.teacherMaps),
      })),
    );
    return {
      layers: prepared.map(({ maps }) => tf.reshape(maps, [maps.shape[1], maps.shape[2]])),
      means: tf.concat(prepared.map(({ means }) => means)),
    };
  }

  #prepare(student: Outputs): PreparedMaps {
    return prepareMaps(chosenLayers(student, this.#studentSide), this.#options.studentMaps);
  }
}

/** The parts of a scene that ABKD uses. */
type Taught = Pick<TaughtScene, "teacher" | "student" | "seed">;

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
  label: "ABKD",
  role: "method",
  look: { colour: "#0072b2", symbol: "diamond" },
  form: formOf,
  summary: "attention-weighted alignment of all teacher and student layers (eq. 3-6)",
  source: "arXiv 2310.15938, section 3.2",
  version: 1,
  needsTeacher: true,
  teacherParts,
  byBatch: true,
  defaults,
  options: table,
  presets,
  check: checkTogether,
  holds: leastNumbers,
  create: (scene, options) => new AbkdDistillation(scene, options),
};
