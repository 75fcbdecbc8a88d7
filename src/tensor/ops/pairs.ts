// Distances from all teacher layers to all student layers in one pass over the teacher's maps.
import * as tf from "@tensorflow/tfjs";
import { asTensor, runningBackend } from "../engine/backend.ts";
import { nativeIsCurrent } from "../native/backend.ts";
import { pairDistancesByOperators } from "../native/pairs.ts";

export interface PairDistances {
  /** [T_l, S_l]: sum over nodes and width of the squared differences. */
  readonly distances: tf.Tensor2D;
  /** [nodes, S_l, width]: sum_i weights[i, j] (T_i - R_j). */
  readonly pull: tf.Tensor3D;
}

/**
 * Squared distances |T_i - R_j|^2 by direct differences (no digits are lost near zero), and
 * the weighted sums of the differences, which are their gradient's direction. Not differentiable
 * itself: a building block of src/distillation/abkd.
 *
 * @param teacher [nodes, T_l, width]
 * @param projected [nodes, S_l, width]: R, the student's maps in the teacher's width
 * @param weights [T_l, S_l]
 */
export function pairDistances(
  teacher: tf.Tensor3D,
  projected: tf.Tensor3D,
  weights: tf.Tensor2D,
): PairDistances {
  const [nodes, teacherLayers, width] = teacher.shape;
  const studentLayers = projected.shape[1];
  const expected = [nodes, studentLayers, width];
  if (
    !tf.util.arraysEqual(projected.shape, expected) ||
    !tf.util.arraysEqual(weights.shape, [teacherLayers, studentLayers])
  ) {
    throw new RangeError(
      `pairDistances: teacher [${teacher.shape}], projected [${projected.shape}], ` +
        `weights [${weights.shape}] do not fit`,
    );
  }
  if (nativeIsCurrent()) return pairDistancesByOperators(teacher, projected, weights);
  const backend = runningBackend();
  const blocks = Math.ceil(nodes / backend.engine.nodesABlock);
  const partial = backend.allocate([blocks, teacherLayers * studentLayers]);
  const weighted = backend.allocate(expected);
  backend.engine.run(
    "pairDistances",
    blocks,
    backend.address(teacher),
    backend.address(projected),
    backend.address(weights),
    backend.address(partial),
    backend.address(weighted),
    nodes,
    teacherLayers,
    studentLayers,
    width,
  );
  const distances = new BlockSums(partial).take([teacherLayers, studentLayers]);
  backend.disposeData(partial.dataId);
  return {
    distances: distances as tf.Tensor2D,
    pull: asTensor(weighted) as tf.Tensor3D,
  };
}

export interface PairRegression {
  /** Row-major T_l x S_l: sum over nodes and width of (T_i - S_j P_j)^2. */
  readonly distances: Float64Array;
  /** [S_l, nodes, d_s]: U_j P_j' with U_j = sum_i weights[i, j] (T_i - S_j P_j). */
  readonly byStudent: tf.Tensor3D;
  /** [S_l, d_s, width]: S_j' U_j. */
  readonly byProjection: tf.Tensor3D;
}

/** If |T_i - R_j|^2 is a smaller part of |T_i|^2 + |R_j|^2, differences are used: products are right to 1e-6. */
const NEAR = 1e-2;

/**
 * pairDistances() from T to R_j = S_j P_j, and the backward pass through that product, in the same pass:
 * neither R nor the pull is ever in memory as a whole.
 *
 * Distances are |T_i|^2 + |R_j|^2 - 2 T_i . R_j, right to about 1e-6 of |T_i|^2 + |R_j|^2, so to 1e-4
 * of themselves at worst: if one is less than 1e-2 of that sum, the pass is repeated with direct
 * differences, which give distances and pull all their digits. Only on the wasm engine; not
 * differentiable itself.
 *
 * @param teacher [nodes, T_l, width]
 * @param teacherSquares |T_i|^2, over nodes and width
 * @param student [S_l, nodes, d_s]: GCNII's stack of layer maps, as stored
 * @param projections [S_l, d_s, width]
 * @param weights [T_l, S_l]
 */
export function pairRegression(
  teacher: tf.Tensor3D,
  teacherSquares: ArrayLike<number>,
  student: tf.Tensor3D,
  projections: tf.Tensor3D,
  weights: tf.Tensor2D,
): PairRegression {
  const [nodes, teacherLayers, width] = teacher.shape;
  const [studentLayers, , studentWidth] = student.shape;
  const pairs = teacherLayers * studentLayers;
  if (
    student.shape[1] !== nodes ||
    teacherSquares.length !== teacherLayers ||
    !tf.util.arraysEqual(projections.shape, [studentLayers, studentWidth, width]) ||
    !tf.util.arraysEqual(weights.shape, [teacherLayers, studentLayers])
  ) {
    throw new RangeError(
      `pairRegression: teacher [${teacher.shape}], ${teacherSquares.length} squares, student ` +
        `[${student.shape}], projections [${projections.shape}], weights [${weights.shape}] do not fit`,
    );
  }
  const backend = runningBackend();
  const blocks = Math.ceil(nodes / backend.engine.nodesABlock);
  // A block's record: one number per pair, |R_j|^2, its share of byProjection, and two rows per layer of a node.
  const record = pairs + studentLayers + projections.size + 2 * studentLayers * width;
  const records = backend.allocate([blocks, record]);
  const byStudent = backend.allocate(student.shape);
  const tensors = [teacher, student, projections, weights, records, byStudent] as const;
  const addresses = backend.addresses(...tensors);
  const sizes = [nodes, teacherLayers, studentLayers, width, studentWidth] as const;
  const pass = (direct: 0 | 1): BlockSums => {
    backend.engine.run("pairRegression", blocks, ...addresses, ...sizes, direct);
    return new BlockSums(records);
  };
  let sums = pass(0);
  let distances = fromProducts(
    teacherSquares,
    sums.numbers([studentLayers]),
    sums.numbers([teacherLayers, studentLayers]),
  );
  if (!distances) {
    sums = pass(1);
    sums.skip(studentLayers);
    distances = Float64Array.from(sums.numbers([teacherLayers, studentLayers]));
  }
  const byProjection = sums.take(projections.shape) as tf.Tensor3D;
  backend.disposeData(records.dataId);
  const gradient = asTensor(byStudent) as tf.Tensor3D;
  return { distances, byStudent: gradient, byProjection };
}

/**
 * |T_i - R_j|^2 from |T_i|^2, |R_j|^2 and their products, row-major; undefined if one is too close to
 * zero for that. Two zeros give 0 either way.
 */
function fromProducts(
  teacherSquares: ArrayLike<number>,
  squares: Float32Array,
  products: Float32Array,
): Float64Array | undefined {
  const distances = new Float64Array(products.length);
  for (let pair = 0; pair < products.length; pair++) {
    const j = pair % squares.length;
    const size = teacherSquares[(pair - j) / squares.length]! + squares[j]!;
    const distance = size - 2 * products[pair]!;
    if (distance < NEAR * size) return undefined;
    distances[pair] = distance;
  }
  return distances;
}

export interface ScalarPairs {
  /** [T_l, S_l]: sum over nodes of (t_i - s_j)^2. */
  readonly distances: tf.Tensor2D;
  /** [T_l, d_t]: T_i' (sum_j weights[i, j] (t_i - s_j)). */
  readonly byTeacherVector: tf.Tensor2D;
  /** [S_l, nodes, d_s]: c_j as a column times u_j's row, with c_j = sum_i weights[i, j] (t_i - s_j). */
  readonly byStudent: tf.Tensor3D;
  /** [S_l, d_s]: S_j' c_j. */
  readonly byStudentVector: tf.Tensor2D;
}

/**
 * Distances between the n-vectors t_i = T_i u_i and s_j = S_j v_j by direct differences, and the backward
 * pass through those products, in one pass over T. Only on the wasm engine; not differentiable itself.
 *
 * @param teacher [nodes, T_l, d_t]
 * @param teacherVectors [T_l, d_t]: u
 * @param student [S_l, nodes, d_s]: GCNII's stack of layer maps, as stored
 * @param studentVectors [S_l, d_s]: v
 * @param weights [T_l, S_l]
 */
export function scalarPairs(
  teacher: tf.Tensor3D,
  teacherVectors: tf.Tensor2D,
  student: tf.Tensor3D,
  studentVectors: tf.Tensor2D,
  weights: tf.Tensor2D,
): ScalarPairs {
  const [nodes, teacherLayers, width] = teacher.shape;
  const [studentLayers, , studentWidth] = student.shape;
  const pairs = teacherLayers * studentLayers;
  if (
    student.shape[1] !== nodes ||
    !tf.util.arraysEqual(teacherVectors.shape, [teacherLayers, width]) ||
    !tf.util.arraysEqual(studentVectors.shape, [studentLayers, studentWidth]) ||
    !tf.util.arraysEqual(weights.shape, [teacherLayers, studentLayers])
  ) {
    throw new RangeError(
      `scalarPairs: teacher [${teacher.shape}] by [${teacherVectors.shape}], student ` +
        `[${student.shape}] by [${studentVectors.shape}], weights [${weights.shape}] do not fit`,
    );
  }
  const backend = runningBackend();
  const blocks = Math.ceil(nodes / backend.engine.nodesABlock);
  // What is summed over blocks, and scratch memory for four nodes side by side.
  const summed = pairs + teacherVectors.size + studentVectors.size;
  const records = backend.allocate([blocks, summed + 4 * pairs + 8 * studentLayers]);
  const byStudent = backend.allocate(student.shape);
  const vectors = backend.addresses(teacher, teacherVectors, student, studentVectors);
  const others = backend.addresses(weights, records, byStudent);
  const sizes = [nodes, teacherLayers, studentLayers, width, studentWidth] as const;
  backend.engine.run("scalarPairs", blocks, ...vectors, ...others, ...sizes);
  const sums = new BlockSums(records);
  const distances = sums.take([teacherLayers, studentLayers]) as tf.Tensor2D;
  const byTeacherVector = sums.take(teacherVectors.shape) as tf.Tensor2D;
  const byStudentVector = sums.take(studentVectors.shape) as tf.Tensor2D;
  backend.disposeData(records.dataId);
  const gradient = asTensor(byStudent) as tf.Tensor3D;
  return { distances, byTeacherVector, byStudent: gradient, byStudentVector };
}

/** Reads the parts of the blocks' records one after the other, each summed over the blocks in order. */
class BlockSums {
  readonly #records: tf.TensorInfo;
  #at = 0;

  /** @param records [blocks, numbers per block] */
  constructor(records: tf.TensorInfo) {
    this.#records = records;
  }

  skip(count: number): void {
    this.#at += count;
  }

  /** Takes the sums of the next numbers as an array. */
  numbers(shape: readonly number[]): Float32Array {
    const sums = this.take(shape);
    const found = runningBackend().floats(sums).slice();
    sums.dispose();
    return found;
  }

  /** Takes the sums of the next numbers as a tensor. */
  take(shape: readonly number[]): tf.Tensor {
    const backend = runningBackend();
    const [blocks, stride] = this.#records.shape as [number, number];
    const out = backend.allocate(shape);
    const count = tf.util.sizeFromShape([...shape]);
    const from = backend.address(this.#records) + this.#at * 4;
    backend.engine.run("sumColumns", count, from, backend.address(out), blocks, stride, 1);
    this.skip(count);
    return asTensor(out);
  }
}
