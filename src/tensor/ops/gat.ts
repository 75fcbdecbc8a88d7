// Graph attention: each row's softmax over its arcs, and the heads' sums weighted by it, as one operator.
// Velickovic et al.: Graph Attention Networks, ICLR 2018, eqs. 1 to 6.
import * as tf from "@tensorflow/tfjs";
import { needObject, refuse } from "../../base/arguments.ts";
import { asTensor, type Backend, runningBackend } from "../engine/backend.ts";
import { nativeIsCurrent } from "../native/backend.ts";
import { nativeGat } from "../native/gat.ts";
import { dropout } from "./dropout.ts";
import type { DropoutStream } from "./dropout-stream.ts";
import { readsFar, rowsAt, SparseMatrix } from "./sparse.ts";

/** Factors of a graph's nodes, all above 0; constants. */
export interface GatScales {
  /** c: multiplies what a node sends, before its score is taken; [columns]. */
  readonly source: tf.Tensor1D;
  /** r: multiplies what a node receives; [rows]. */
  readonly target: tf.Tensor1D;
}

export interface GatOptions {
  /** LeakyReLU's slope below 0, from 0 to 1. */
  readonly slope: number;
  /** Absent: ones. */
  readonly scales?: GatScales | undefined;
  /** Drops arcs, for all heads alike, before the softmax. */
  readonly dropout?: DropoutStream | undefined;
}

/**
 * For each stored entry (i, j) of a matrix whose rows are the first of its columns, whatever its value, and each head h:
 *
 *     e_ij = LeakyReLU(a_h . c_j z_jh + b_h . z_ih),  alpha_ij = exp(e_ij) / sum over row i,
 *     y_ih = r_i sum_j alpha_ij c_j z_jh
 *
 * Differentiable with respect to z, a and b. It holds one number per arc and head, and none per arc, head
 * and column. A row without entries, or all of whose entries are dropped, gives 0.
 *
 * @param z columns x (heads width), a head's columns together
 * @param source a, heads x width
 * @param target b, heads x width; absent: the score depends on the source alone
 * @returns y, rows x (heads width)
 * @throws {RangeError} for shapes that do not match, or an impossible slope
 */
export function gatSums(
  matrix: SparseMatrix,
  z: tf.Tensor2D,
  source: tf.Tensor2D,
  target: tf.Tensor2D | undefined,
  options: GatOptions,
): tf.Tensor2D {
  if (!(matrix instanceof SparseMatrix)) refuse(matrix, "gatSums: matrix", "a SparseMatrix");
  needObject(z, "gatSums: z", "a tensor of two dimensions", "shape");
  needObject(source, "gatSums: source", "a tensor of heads x width", "shape");
  needObject(options, "gatSums: options", "{ slope }", "slope");
  check(matrix, z, source, target, options);
  const kept = options.dropout?.rate
    ? dropout(tf.ones([matrix.nonzeros]) as tf.Tensor1D, options.dropout)
    : undefined;
  if (nativeIsCurrent()) return nativeGat(matrix, z, source, target, options, kept);
  const run = new GatRun(runningBackend(), matrix, source.shape, options);
  const inputs = target ? [z, source, target] : [z, source];
  const op = tf.customGrad((...args: unknown[]) => {
    const save = args.pop() as tf.GradSaveFunc;
    const [x, a, b] = args as [tf.Tensor, tf.Tensor, tf.Tensor?];
    const scores = run.dots(x, a, true, options.scales?.source);
    const own = b && run.dots(x, b, true);
    const weights = run.weights(scores, own, kept);
    const value = run.sums(weights, x);
    save([x, value, weights, scores, a, ...(b && own ? [own, b] : [])]);
    const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]): tf.Tensor[] => run.gradients(dy, saved);
    return { value, gradFunc: gradFunc as unknown as () => tf.Tensor };
  });
  return op(...inputs) as tf.Tensor2D;
}

function check(
  { rows, columns }: SparseMatrix,
  { shape: [nodes, width] }: tf.Tensor2D,
  source: tf.Tensor2D,
  target: tf.Tensor2D | undefined,
  { slope, scales }: GatOptions,
): void {
  const fits =
    rows <= columns &&
    columns === nodes &&
    source.size === width &&
    (!target || tf.util.arraysEqual(target.shape, source.shape)) &&
    (!scales || (scales.source.size === columns && scales.target.size === rows));
  if (!fits) {
    throw new RangeError(
      `gatSums: [${nodes},${width}] with vectors [${source.shape}]` +
        `${target ? ` and [${target.shape}]` : ""} along ${rows} x ${columns}`,
    );
  }
  if (!(slope >= 0 && slope <= 1)) throw new RangeError(`gatSums: slope ${slope} is not in [0, 1]`);
}

/** Computes some rows of gatSums(), to its bits. @param first the first of `count` rows */
export type GatRows = (first: number, count: number) => tf.Tensor2D;

/**
 * Scores all nodes, and returns how rows of gatSums() are computed, without dropout; not differentiable, and not on
 * the native engine. The tensors given must outlive the rows.
 */
export function gatRows(
  matrix: SparseMatrix,
  z: tf.Tensor2D,
  source: tf.Tensor2D,
  target: tf.Tensor2D | undefined,
  options: Omit<GatOptions, "dropout">,
): GatRows {
  check(matrix, z, source, target, options);
  const backend = runningBackend();
  const run = new GatRun(backend, matrix, source.shape, options);
  const scores = run.dots(z, source, true, options.scales?.source);
  const own = target && run.dots(z, target, true);
  return (first, count) => run.someRows(z, scores, own, first, count);
}

/** The steps of one operator on the wasm engine. */
class GatRun {
  readonly #backend: Backend;
  readonly #matrix: SparseMatrix;
  readonly #heads: number;
  readonly #width: number;
  readonly #options: GatOptions;

  constructor(
    backend: Backend,
    matrix: SparseMatrix,
    [heads, width]: [number, number],
    options: GatOptions,
  ) {
    this.#backend = backend;
    this.#matrix = matrix;
    this.#heads = heads;
    this.#width = width;
    this.#options = options;
  }

  #at(tensor: tf.TensorInfo | undefined): number {
    return tensor ? this.#backend.address(tensor) : 0;
  }

  /** x . y of each of x's rows and head, times `scale`; `same`: y is one row for all. */
  dots(x: tf.TensorInfo, y: tf.TensorInfo, same = false, scale?: tf.TensorInfo): tf.Tensor2D {
    const nodes = x.shape[0]!;
    const out = this.#backend.allocate([nodes, this.#heads]);
    this.#backend.engine.run(
      ...(["headDots", nodes, this.#at(x), this.#at(y), this.#at(out), this.#at(scale)] as const),
      ...[this.#heads, this.#width, same ? 1 : 0],
    );
    return asTensor(out) as tf.Tensor2D;
  }

  /** alpha c, heads x arcs. */
  weights(scores: tf.Tensor, own: tf.Tensor | undefined, kept: tf.Tensor | undefined): tf.Tensor {
    const { rows, nonzeros, indptr, indices } = this.#matrix;
    const out = this.#backend.allocate([this.#heads, nonzeros]);
    this.#backend.engine.run(
      ...(["gatWeights", rows + nonzeros, rows, indptr.address, indices.address] as const),
      ...[this.#at(scores), this.#at(own), this.#at(kept), this.#at(this.#options.scales?.source)],
      ...[this.#at(out), this.#heads, nonzeros, this.#options.slope],
    );
    return asTensor(out);
  }

  sums(weights: tf.Tensor, z: tf.Tensor): tf.Tensor {
    const { rows, nonzeros, indptr, indices } = this.#matrix;
    const out = this.#backend.allocate([rows, z.shape[1]!]);
    this.#backend.engine.run(
      ...(["gatForward", rows + nonzeros, rows, indptr.address, indices.address] as const),
      ...[this.#at(weights), this.#at(z), this.#at(this.#options.scales?.target), this.#at(out)],
      ...[this.#heads, this.#width, nonzeros, readsFar(this.#matrix, z.shape[1]!)],
    );
    return asTensor(out);
  }

  /** The rows from `first` on: weights(), then sums(), by the addresses of these rows. */
  someRows(
    z: tf.Tensor2D,
    scores: tf.Tensor2D,
    own: tf.Tensor2D | undefined,
    first: number,
    count: number,
  ): tf.Tensor2D {
    const heads = this.#heads;
    const { entries, starts, indices, dispose } = rowsAt(this.#matrix, first, count);
    const at = (tensor: tf.TensorInfo | undefined, each: number): number =>
      tensor ? this.#at(tensor) + 4 * each * first : 0;
    const { scales, slope } = this.#options;
    const weights = this.#backend.allocate([heads, entries]);
    const out = this.#backend.allocate([count, z.shape[1]]);
    this.#backend.engine.run(
      ...(["gatWeights", count + entries, count, starts, indices, this.#at(scores)] as const),
      ...[at(own, heads), 0, this.#at(scales?.source), this.#at(weights), heads, entries, slope],
    );
    this.#backend.engine.run(
      ...(["gatForward", count + entries, count, starts, indices, this.#at(weights)] as const),
      ...[this.#at(z), at(scales?.target, 1), this.#at(out), heads, this.#width, entries],
      readsFar(this.#matrix, z.shape[1]),
    );
    dispose();
    this.#backend.disposeData(weights.dataId);
    return asTensor(out) as tf.Tensor2D;
  }

  gradients(dy: tf.Tensor, saved: tf.Tensor[]): tf.Tensor[] {
    const [z, y, weights, scores, source, own, target] = saved as [
      ...[tf.Tensor2D, tf.Tensor2D, tf.Tensor, tf.Tensor, tf.Tensor],
      ...[tf.Tensor?, tf.Tensor?],
    ];
    const { engine } = this.#backend;
    const { rows, columns, nonzeros } = this.#matrix;
    const { matrix: other, position } = this.#matrix.transposed();
    const { scales, slope } = this.#options;
    const [dz, dScores] = [this.#backend.allocate(z.shape), this.#backend.allocate(scores.shape)];
    const arcs = target && this.#backend.allocate([this.#heads, nonzeros]);
    const scratch = this.#backend.allocate([this.#heads, nonzeros]);
    const dots = this.dots(dy, y);
    engine.run(
      ...(["gatBackward", columns + nonzeros, columns, other.indptr.address] as const),
      ...[other.indices.address, position.address, this.#at(weights), this.#at(z), this.#at(dy)],
      ...[this.#at(scores), this.#at(own), this.#at(dots)],
      ...[this.#at(scales?.target), this.#at(scales?.source), this.#at(source)],
      ...[this.#at(dz), this.#at(dScores), this.#at(arcs), this.#at(scratch)],
      ...[this.#heads, this.#width, nonzeros, slope, readsFar(this.#matrix, z.shape[1])],
    );
    this.#backend.disposeData(scratch.dataId);
    const gradients = [asTensor(dz), this.#vectors(asTensor(dScores), z)];
    if (!target || !arcs) return gradients;
    const dOwn = this.#backend.allocate([rows, this.#heads]);
    const [from, to] = [this.#at(arcs), this.#at(dOwn)];
    const starts = this.#matrix.indptr.address;
    engine.run("arcSums", rows, starts, from, to, this.#heads, nonzeros);
    this.#backend.disposeData(arcs.dataId);
    engine.run("addHeads", rows, to, this.#at(target), this.#at(dz), this.#heads, this.#width);
    const computed = tf.slice(z, [0, 0], [rows, z.shape[1]]);
    return [...gradients, this.#vectors(asTensor(dOwn), computed)];
  }

  /** sum over nodes of d_nh z_nh: the gradient with respect to the heads' vectors, heads x width. */
  #vectors(d: tf.Tensor, z: tf.Tensor2D): tf.Tensor2D {
    const [heads, width] = [this.#heads, this.#width];
    const all = tf.matMul(d as tf.Tensor2D, z, true); // heads x (heads width)
    const own = Array.from({ length: heads }, (_, h) => tf.slice(all, [h, h * width], [1, width]));
    return tf.concat(own) as tf.Tensor2D;
  }
}
