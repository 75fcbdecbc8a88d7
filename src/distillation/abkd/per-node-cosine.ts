// The cosine of each node's two projected vectors, averaged over nodes, without an n x d_a map.
//
// With Q = P_t P or P_s P, and a node's rows x of T_i and y of S_j, the projected vectors have the
// inner product x (Q_i Q_j') y' and the squared lengths x (Q_i Q_i') x' and y (Q_j Q_j') y'.
// So 1 - cos has an absolute error of about 1e-6, even near zero.
import * as tf from "@tensorflow/tfjs";
import { blockMask, layersOf, membership, nodeMajor } from "./blocks.ts";
import type { Comparison, Dissimilarity, Measured } from "./dissimilarity.ts";
import { inverseRoot, type TeacherMaps } from "./maps.ts";

export class PerNodeCosine implements Dissimilarity {
  readonly #comparison: Comparison;
  readonly #nodes: number;
  readonly #teacher: TeacherMaps;
  readonly #studentMembership: tf.Tensor2D;
  readonly #studentMask: tf.Tensor2D;

  constructor(comparison: Comparison) {
    const { teacher, studentSide } = comparison;
    const students = studentSide.layers.length;
    this.#comparison = comparison;
    this.#nodes = teacher[0]!.shape[0];
    this.#teacher = teacher.map((layer) => tf.keep(tf.clone(layer)));
    this.#studentMembership = tf.keep(membership(students, studentSide.width));
    this.#studentMask = tf.keep(blockMask(students, studentSide.width, studentSide.width));
  }

  weighted(student: tf.Tensor3D, weights: tf.Tensor2D): tf.Scalar {
    return tf.sum(tf.mul(weights, this.#dissimilarity(student)));
  }

  measure(student: tf.Tensor3D): Measured {
    return { dissimilarity: this.#dissimilarity(student) };
  }

  teacherSquares(): tf.Tensor1D {
    const { width } = this.#comparison.projections;
    const lengths = this.#perLayer().map(({ maps, outer }) => squaredLengths(maps, outer));
    return tf.concat(lengths.map((x) => tf.reshape(tf.mean(x), [1]))).div(width);
  }

  dispose(): void {
    tf.dispose([...this.#teacher, this.#studentMembership, this.#studentMask]);
  }

  #dissimilarity(stack: tf.Tensor3D): tf.Tensor2D {
    const { projections } = this.#comparison;
    const columns = stack.shape[0];
    const student = nodeMajor(stack);
    const qs = projections.studentMatrices();
    const outer = tf.mul(tf.matMul(qs, qs, false, true), this.#studentMask) as tf.Tensor2D;
    const studentProducts = tf.mul(tf.matMul(student, outer), student) as tf.Tensor2D;
    const studentInverse = inverseRoot(tf.matMul(studentProducts, this.#studentMembership));
    const mean = tf.fill([1, this.#nodes], 1 / this.#nodes) as tf.Tensor2D;
    const studentShare = tf.matMul(mean, hasLength(studentInverse));
    const rows = this.#perLayer().map(({ maps, matrix, outer: teacherOuter }) => {
      const inverse = inverseRoot(squaredLengths(maps, teacherOuter)) as tf.Tensor2D;
      const bridge = tf.matMul(matrix, qs, false, true);
      const products = tf.mul(tf.matMul(maps, bridge), student) as tf.Tensor2D;
      const inner = tf.matMul(products, this.#studentMembership);
      const spread = tf.matMul(inverse, tf.ones([1, columns]));
      const cosines = tf.mul(tf.mul(inner, studentInverse), spread) as tf.Tensor2D;
      const share = tf.matMul(mean, hasLength(inverse));
      const half = tf.mul(tf.add(studentShare, share), 0.5);
      return tf.sub(half, tf.matMul(mean, cosines)) as tf.Tensor2D;
    });
    return tf.concat(rows, 0);
  }

  /** Returns T_i, Q_i and Q_i Q_i' of each teacher layer. */
  #perLayer(): { maps: tf.Tensor2D; matrix: tf.Tensor2D; outer: tf.Tensor2D }[] {
    const { projections, teacherSide } = this.#comparison;
    const sizes = [this.#teacher.length, teacherSide.width, projections.width] as const;
    const matrices = layersOf(tf.reshape(projections.teacherMatrices(), [...sizes]));
    return this.#teacher.map((maps, i) => {
      const matrix = matrices[i]!;
      return { maps, matrix, outer: tf.matMul(matrix, matrix, false, true) };
    });
  }
}

/** Returns the squared length of x Q for each row x, [n, 1]; `outer` is Q Q'. */
function squaredLengths(x: tf.Tensor2D, outer: tf.Tensor2D): tf.Tensor2D {
  return tf.matMul(tf.mul(tf.matMul(x, outer), x) as tf.Tensor2D, tf.ones([x.shape[1], 1]));
}

/** Returns 1 where an inverse length is not 0; the gradient takes it for a constant. */
function hasLength(inverse: tf.Tensor): tf.Tensor2D {
  const op = tf.customGrad((...args: unknown[]) => ({
    value: tf.cast(tf.greater(args[0] as tf.Tensor, 0), "float32"),
    gradFunc: (dy: tf.Tensor) => tf.zerosLike(dy),
  }));
  return op(inverse) as tf.Tensor2D;
}
