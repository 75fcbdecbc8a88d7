// Equation 4 as written, collapsed to one number per node: t_i = T_i u_t and s_j = S_j u_s.
//
// The mean over d_a is linear, so (T_i P_t - S_j P_s) P 1/d_a = T_i u_t - S_j u_s with
// u_t = P_t P 1/d_a: two products of a matrix with a vector in place of n x d_a x d_a.
import * as tf from "@tensorflow/tfjs";
import { layersOf } from "./blocks.ts";
import type { Comparison, Dissimilarity, Measured } from "./dissimilarity.ts";
import { type TeacherMaps, unitRows } from "./maps.ts";
import { pairDistances } from "./pair-distances.ts";

export class ScalarPerNode implements Dissimilarity {
  readonly #comparison: Comparison;
  readonly #nodes: number;
  /** The teacher's maps, if its side is trained. */
  readonly #maps: TeacherMaps;
  /** If it is not: t, [T_l, n]. */
  readonly #rows: tf.Tensor2D | undefined;

  constructor(comparison: Comparison) {
    this.#comparison = comparison;
    this.#nodes = comparison.teacher[0]!.shape[0];
    if (comparison.options.projections === "trained") {
      this.#maps = comparison.teacher.map((layer) => tf.keep(tf.clone(layer)));
    } else {
      this.#maps = [];
      this.#rows = tf.keep(tf.tidy(() => this.#teacherRows(comparison.teacher)));
    }
  }

  weighted(student: tf.Tensor3D, weights: tf.Tensor2D): tf.Scalar {
    return tf.sum(tf.mul(weights, this.#dissimilarity(this.#studentRows(student))));
  }

  measure(student: tf.Tensor3D): Measured {
    const s = this.#studentRows(student);
    const dissimilarity = this.#dissimilarity(s);
    const { distance, form } = this.#comparison.options;
    if (distance === "cosine") return { dissimilarity };
    const factor = form === "literal" ? 1 : 1 / this.#nodes;
    const size = (rows: tf.Tensor2D): tf.Tensor1D =>
      tf.mul(tf.sum(tf.mul(rows, rows), 1), factor) as tf.Tensor1D;
    return { dissimilarity, squares: { teacher: size(this.#teacher()), student: size(s) } };
  }

  teacherSquares(): tf.Tensor1D {
    const rows = this.#teacher();
    return tf.mean(tf.mul(rows, rows), 1);
  }

  teacherVectorNorms(): tf.Tensor1D {
    const { projections, teacherSide } = this.#comparison;
    const vectors = tf.reshape(projections.teacherVectors(), [-1, teacherSide.width]);
    return tf.sqrt(tf.sum(tf.square(vectors), 1)) as tf.Tensor1D;
  }

  dispose(): void {
    tf.dispose([...this.#maps]);
    this.#rows?.dispose();
  }

  #dissimilarity(s: tf.Tensor2D): tf.Tensor2D {
    const { distance, form } = this.#comparison.options;
    const trained = this.#rows === undefined;
    const t = this.#teacher();
    if (distance === "cosine") {
      return tf.mul(squaredDistances(unitRows(t), unitRows(s), trained), 0.5);
    }
    const sums = squaredDistances(t, s, trained);
    return form === "literal" ? sums : tf.mul(sums, 1 / this.#nodes);
  }

  #teacher(): tf.Tensor2D {
    return this.#rows ?? this.#teacherRows(this.#maps);
  }

  #teacherRows(layers: TeacherMaps): tf.Tensor2D {
    return rowsOf(layers, this.#comparison.projections.teacherVectors());
  }

  #studentRows(student: tf.Tensor3D): tf.Tensor2D {
    return rowsOf(layersOf(student), this.#comparison.projections.studentVectors());
  }
}

/** Returns X_i u_i as row i, [layers, n]. */
function rowsOf(layers: TeacherMaps, vectors: tf.Tensor2D): tf.Tensor2D {
  const each = layersOf(tf.reshape(vectors, [layers.length, layers[0]!.shape[1], 1]));
  return tf.concat(
    layers.map((layer, i) => tf.reshape(tf.matMul(layer, each[i]!), [1, -1]) as tf.Tensor2D),
    0,
  );
}

/**
 * Returns |t_i - s_j|^2 by direct differences, differentiable with respect to s and, if `trained`, t.
 * With dL/dD_ij = g_ij: dL/dt_i = 2 sum_j g_ij (t_i - s_j), and likewise for s.
 *
 * @param t [T_l, n]
 * @param s [S_l, n]
 */
function squaredDistances(t: tf.Tensor2D, s: tf.Tensor2D, trained: boolean): tf.Tensor2D {
  const gradients = (dy: tf.Tensor2D, x: tf.Tensor2D, y: tf.Tensor2D): tf.Tensor2D => {
    // The sums go on a diagonal, because a product is faster than a broadcast.
    const sums = tf.mul(tf.eye(dy.shape[0]), tf.sum(dy, 1, true));
    return tf.mul(tf.sub(tf.matMul(sums as tf.Tensor2D, x), tf.matMul(dy, y)), 2);
  };
  const op = tf.customGrad((...args: unknown[]) => {
    const save = args.pop() as tf.GradSaveFunc;
    const [left, right] = trained ? (args as tf.Tensor2D[]) : [t, args[0] as tf.Tensor2D];
    const asOneNode = (x: tf.Tensor2D): tf.Tensor3D => tf.expandDims(x, 0);
    const noWeights = tf.zeros([t.shape[0], s.shape[0]]) as tf.Tensor2D;
    const { distances } = pairDistances(asOneNode(left!), asOneNode(right!), noWeights);
    save([left!, right!]);
    const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]): tf.Tensor[] => {
      const [x, y] = saved as [tf.Tensor2D, tf.Tensor2D];
      const byStudent = gradients(tf.transpose(dy as tf.Tensor2D), y, x);
      return trained ? [gradients(dy as tf.Tensor2D, x, y), byStudent] : [byStudent];
    };
    return { value: distances, gradFunc: gradFunc as unknown as () => tf.Tensor };
  });
  return (trained ? op(t, s) : op(s)) as tf.Tensor2D;
}
