// The mean-square form with both sides projected, by Gram matrices, without an n x d_a map.
//
// With Q = P_t P or P_s P and |X|^2 = sum of squares,
//
//     |T_i Q_i - S_j Q_j|^2 = <T_i'T_i, Q_i Q_i'> + <S_j'S_j, Q_j Q_j'> - 2 <T_i'S_j, Q_i Q_j'>
//
// where T_i'T_i is constant. If the difference is small against the first two terms, its
// digits are lost in them; such pairs are computed directly.
import * as tf from "@tensorflow/tfjs";
import { blockMask, layersOf, membership, nodeMajor, sideBySide } from "./blocks.ts";
import type { Comparison, Dissimilarity, Measured } from "./dissimilarity.ts";

/** Below this share of |t_i|^2 + |s_j|^2 a pair is computed directly: Gram's error is 1e-6 of them. */
const SMALL = 1e-2;

/** The terms above, in D's unit. */
interface Terms {
  /** [T_l, 1] */
  readonly teacher: tf.Tensor2D;
  /** [S_l, 1] */
  readonly student: tf.Tensor2D;
  /** [T_l, S_l] */
  readonly cross: tf.Tensor2D;
}

export class MeanSquare implements Dissimilarity {
  readonly #comparison: Comparison;
  /** n x (T_l * d_t). */
  readonly #teacher: tf.Tensor2D;
  /** T_i'T_i as row i: [T_l, d_t * d_t]. */
  readonly #teacherGrams: tf.Tensor2D;
  readonly #teacherMembership: tf.Tensor2D;
  readonly #studentMembership: tf.Tensor2D;
  readonly #studentMask: tf.Tensor2D;
  readonly #factor: number;

  constructor(comparison: Comparison) {
    const { teacher, teacherSide, studentSide, projections } = comparison;
    const students = studentSide.layers.length;
    this.#comparison = comparison;
    this.#factor = 1 / (teacher[0]!.shape[0] * projections.width);
    this.#teacher = tf.keep(sideBySide(teacher));
    this.#teacherGrams = tf.tidy(() => {
      const grams = teacher.map((t) => tf.reshape(tf.matMul(t, t, true, false), [1, -1]));
      return tf.keep(tf.concat(grams as tf.Tensor2D[], 0));
    });
    this.#teacherMembership = tf.keep(membership(teacher.length, teacherSide.width));
    this.#studentMembership = tf.keep(membership(students, studentSide.width));
    this.#studentMask = tf.keep(blockMask(students, studentSide.width, studentSide.width));
  }

  weighted(student: tf.Tensor3D, weights: tf.Tensor2D): tf.Scalar {
    return tf.sum(tf.mul(weights, this.#dissimilarity(student).dissimilarity));
  }

  measure(student: tf.Tensor3D): Measured {
    const { dissimilarity, terms } = this.#dissimilarity(student);
    const flat = (x: tf.Tensor2D): tf.Tensor1D => tf.reshape(x, [-1]);
    return {
      dissimilarity,
      squares: { teacher: flat(terms.teacher), student: flat(terms.student) },
    };
  }

  teacherSquares(): tf.Tensor1D {
    return tf.reshape(this.#teacherTerm(this.#comparison.projections.teacherMatrices()), [-1]);
  }

  dispose(): void {
    tf.dispose([
      this.#teacher,
      this.#teacherGrams,
      this.#teacherMembership,
      this.#studentMembership,
      this.#studentMask,
    ]);
  }

  #dissimilarity(student: tf.Tensor3D): { dissimilarity: tf.Tensor2D; terms: Terms } {
    const { projections } = this.#comparison;
    const teacherMatrices = projections.teacherMatrices();
    const studentMatrices = projections.studentMatrices();
    const terms = this.#terms(nodeMajor(student), teacherMatrices, studentMatrices);
    const sizes = tf.add(terms.teacher, tf.transpose(terms.student));
    const gram = tf.sub(sizes, tf.mul(terms.cross, 2)) as tf.Tensor2D;
    const lost = lostPairs(gram, sizes as tf.Tensor2D);
    if (lost.length === 0) return { dissimilarity: gram, terms };
    const direct = this.#direct(student, teacherMatrices, studentMatrices, lost);
    const [rows, columns] = gram.shape;
    const kept = new Float32Array(rows * columns).fill(1);
    for (const pair of lost) kept[pair] = 0;
    const fromGram = tf.mul(gram, tf.tensor2d(kept, gram.shape));
    return { dissimilarity: tf.add(fromGram, direct), terms };
  }

  #teacherTerm(matrices: tf.Tensor2D): tf.Tensor2D {
    const { teacherSide, projections } = this.#comparison;
    const each = tf.reshape(matrices, [-1, teacherSide.width, projections.width]);
    const outer = tf.reshape(tf.matMul(each, each, false, true), this.#teacherGrams.shape);
    return rowSums(tf.mul(tf.mul(this.#teacherGrams, outer), this.#factor));
  }

  #terms(student: tf.Tensor2D, qt: tf.Tensor2D, qs: tf.Tensor2D): Terms {
    const scaled = (x: tf.Tensor): tf.Tensor2D => tf.mul(x, this.#factor);
    const grams = tf.mul(tf.matMul(student, student, true, false), this.#studentMask);
    const products = tf.mul(grams, tf.matMul(qs, qs, false, true)) as tf.Tensor2D;
    const crossGrams = tf.matMul(this.#teacher, student, true, false);
    const crossed = tf.mul(crossGrams, tf.matMul(qt, qs, false, true)) as tf.Tensor2D;
    const byStudent = tf.matMul(crossed, this.#studentMembership);
    return {
      teacher: this.#teacherTerm(qt),
      student: scaled(tf.matMul(this.#studentMembership, rowSums(products), true, false)),
      cross: scaled(tf.matMul(this.#teacherMembership, byStudent, true, false)),
    };
  }

  /** Returns D with the given pairs (i * S_l + j), and 0 for the others. */
  #direct(
    student: tf.Tensor3D,
    qt: tf.Tensor2D,
    qs: tf.Tensor2D,
    pairs: readonly number[],
  ): tf.Tensor2D {
    const { teacherSide, studentSide, projections } = this.#comparison;
    const { width } = projections;
    const nodes = this.#teacher.shape[0];
    const [rows, columns] = [teacherSide.layers.length, studentSide.layers.length];
    const teacherMatrices = layersOf(tf.reshape(qt, [rows, teacherSide.width, width]));
    const studentMatrices = layersOf(tf.reshape(qs, [columns, studentSide.width, width]));
    const maps = layersOf(student);
    const distances = pairs.map((pair) => {
      const i = Math.floor(pair / columns);
      const j = pair % columns;
      const start = [0, i * teacherSide.width] as [number, number];
      const t = tf.slice(this.#teacher, start, [nodes, teacherSide.width]);
      return squaredDistance(t, teacherMatrices[i]!, maps[j]!, studentMatrices[j]!);
    });
    const places = tf.oneHot(tf.tensor1d([...pairs], "int32"), rows * columns, 1, 0, "float32");
    const flat = tf.matMul(tf.reshape(tf.stack(distances), [1, -1]), places as tf.Tensor2D);
    return tf.reshape(tf.mul(flat, this.#factor), [rows, columns]);
  }
}

function rowSums(x: tf.Tensor): tf.Tensor2D {
  return tf.matMul(x as tf.Tensor2D, tf.ones([x.shape[1]!, 1]));
}

/** Returns the row-major indices of the pairs whose distance Gram cannot give; two zeros are exact. */
function lostPairs(gram: tf.Tensor2D, sizes: tf.Tensor2D): number[] {
  const distances = gram.dataSync();
  const bounds = sizes.dataSync();
  const lost: number[] = [];
  for (let pair = 0; pair < distances.length; pair++) {
    if (bounds[pair]! > 0 && distances[pair]! < SMALL * bounds[pair]!) lost.push(pair);
  }
  return lost;
}

function difference(t: tf.Tensor2D, qt: tf.Tensor2D, s: tf.Tensor2D, qs: tf.Tensor2D): tf.Tensor2D {
  return tf.sub(tf.matMul(t, qt), tf.matMul(s, qs));
}

/**
 * Returns |T Q_t - S Q_s|^2, differentiable with respect to Q_t, S and Q_s. The gradient makes the difference
 * again, so that nothing of size n x d_a is held in between.
 */
function squaredDistance(
  t: tf.Tensor2D,
  qt: tf.Tensor2D,
  s: tf.Tensor2D,
  qs: tf.Tensor2D,
): tf.Scalar {
  const op = tf.customGrad((...args: unknown[]) => {
    const [a, b, c, save] = args as [tf.Tensor2D, tf.Tensor2D, tf.Tensor2D, tf.GradSaveFunc];
    save([a, b, c, t]);
    const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]): tf.Tensor[] => {
      const [p, x, q, maps] = saved as [tf.Tensor2D, tf.Tensor2D, tf.Tensor2D, tf.Tensor2D];
      const e: tf.Tensor2D = tf.mul(difference(maps, p, x, q), tf.mul(dy, 2));
      return [
        tf.matMul(maps, e, true, false),
        tf.neg(tf.matMul(e, q, false, true)),
        tf.neg(tf.matMul(x, e, true, false)),
      ];
    };
    return {
      value: tf.sum(tf.square(difference(t, a, b, c))),
      gradFunc: gradFunc as unknown as () => tf.Tensor,
    };
  });
  return op(qt, s, qs) as tf.Scalar;
}
