// Differentiable per-arc values of a graph: dot products and distances of an arc's ends, and the
// cross-entropy between softmaxes over each node's arcs.
import * as tf from "@tensorflow/tfjs";
import { type Csr, nonzeros, transpose } from "../../graph/csr.ts";
import { asTensor, type Backend, runningBackend } from "../engine/backend.ts";
import { Buffer } from "../engine/buffer.ts";
import { NativeArcs, nativeArcPairs, nativeSoftmaxes } from "../native/arcs.ts";
import { nativeIsCurrent } from "../native/backend.ts";

/** A graph's arcs in the form that the WebAssembly kernels read. */
interface ArcBuffers {
  readonly indptr: Buffer;
  readonly indices: Buffer;
  /** The place of each arc's opposite. */
  readonly opposite: Buffer;
}

/** A graph's arcs in the engine's memory; node i's arcs are those of row i. */
export class Arcs {
  readonly nodes: number;
  readonly count: number;
  /** Where each node's arcs begin, and the end of the last. */
  readonly starts: Int32Array;
  readonly #host: Csr;
  readonly #opposite: Int32Array;
  /** Each engine has its own form, made on first use. */
  #wasm: ArcBuffers | undefined;
  #native: NativeArcs | undefined;

  private constructor(matrix: Csr, opposite: Int32Array) {
    this.nodes = matrix.rows;
    this.count = nonzeros(matrix);
    this.starts = matrix.indptr;
    this.#host = matrix;
    this.#opposite = opposite;
    if (nativeIsCurrent()) this.native();
    else this.buffers();
  }

  /** The wasm engine's form. */
  buffers(): ArcBuffers {
    this.#wasm ??= {
      indptr: Buffer.integers(this.#host.indptr, "the arcs of a graph"),
      indices: Buffer.integers(this.#host.indices, "the arcs of a graph"),
      opposite: Buffer.integers(this.#opposite, "the arcs of a graph"),
    };
    return this.#wasm;
  }

  /** The native engine's form. */
  native(): NativeArcs {
    this.#native ??= new NativeArcs(this.#host);
    return this.#native;
  }

  /**
   * Makes arcs of a square matrix's stored entries, without its diagonal; values are ignored.
   * @throws {RangeError} if an arc has no opposite
   */
  static from(matrix: Csr): Arcs {
    const arcs = withoutLoops(matrix);
    const { matrix: other, position } = transpose(arcs);
    const symmetric =
      matrix.rows === matrix.columns &&
      arcs.indices.every((j, k) => other.indices[k] === j) &&
      arcs.indptr.every((first, i) => other.indptr[i] === first);
    if (!symmetric) throw new RangeError("arcs go both ways: the matrix must be symmetric");
    return new Arcs(arcs, position);
  }

  dispose(): void {
    for (const buffer of Object.values(this.#wasm ?? {}) as Buffer[]) buffer.dispose();
    this.#native?.dispose();
  }
}

function withoutLoops({ rows, columns, indptr, indices }: Csr): Csr {
  const kept = new Int32Array(indices.length);
  const starts = new Int32Array(rows + 1);
  let count = 0;
  for (let i = 0; i < rows; i++) {
    for (let k = indptr[i]!; k < indptr[i + 1]!; k++) {
      if (indices[k] !== i) kept[count++] = indices[k]!;
    }
    starts[i + 1] = count;
  }
  return { rows, columns, indptr: starts, indices: kept.slice(0, count) };
}

/**
 * x_i . x_j for every arc, differentiable.
 * @param x nodes x width
 * @returns [arcs]
 */
export function arcDots(arcs: Arcs, x: tf.Tensor2D): tf.Tensor1D {
  return pairs(arcs, x, "dot");
}

/**
 * |x_i - x_j|^2 for every arc, by direct differences, differentiable.
 * @param x nodes x width
 * @returns [arcs]
 */
export function arcDistances(arcs: Arcs, x: tf.Tensor2D): tf.Tensor1D {
  return pairs(arcs, x, "square");
}

/**
 * The sum over columns of |x_i - x_j| for every arc, differentiable; where two numbers are equal, the
 * gradient is 0.
 * @param x nodes x width
 * @returns [arcs]
 */
export function arcAbsoluteDistances(arcs: Arcs, x: tf.Tensor2D): tf.Tensor1D {
  return pairs(arcs, x, "absolute");
}

/** What a kernel calls each measure of an arc's two ends, and the factor of its gradient. */
const MEASURES = {
  dot: { code: 0, factor: 1 },
  absolute: { code: 1, factor: 1 },
  square: { code: 2, factor: 2 },
} as const;
type Measure = keyof typeof MEASURES;

function pairs(arcs: Arcs, x: tf.Tensor2D, measure: Measure): tf.Tensor1D {
  if (x.shape[0] !== arcs.nodes) {
    throw new RangeError(`arcs of ${arcs.nodes} nodes do not fit [${x.shape}]`);
  }
  if (nativeIsCurrent()) return nativeArcPairs(arcs.native(), x, measure);
  const backend = runningBackend();
  const { indptr, indices } = arcs.buffers();
  const op = tf.customGrad((...args: unknown[]) => {
    const [input, save] = args as [tf.Tensor2D, tf.GradSaveFunc];
    const out = backend.allocate([arcs.count]);
    backend.engine.run(
      "arcPairs",
      arcs.nodes,
      indptr.address,
      indices.address,
      backend.address(input),
      backend.address(out),
      input.shape[1],
      MEASURES[measure].code,
    );
    save([input]);
    const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]): tf.Tensor =>
      pairsGradient(backend, arcs, dy, saved[0]!, measure);
    return { value: asTensor(out), gradFunc };
  });
  return op(x) as tf.Tensor1D;
}

/** The gradient. An arc and its opposite are the same function of the same rows, so their dy are added. */
function pairsGradient(
  backend: Backend,
  arcs: Arcs,
  dy: tf.Tensor,
  x: tf.Tensor,
  measure: Measure,
): tf.Tensor {
  const { engine } = backend;
  const own = arcs.buffers();
  const weights = backend.allocate([arcs.count]);
  const gradient = backend.allocate(x.shape);
  const [from, both] = [backend.address(dy), backend.address(weights)];
  engine.run("gather", arcs.count, from, own.opposite.address, both);
  const { factor } = MEASURES[measure];
  engine.run("combine", arcs.count, from, both, both, factor, factor);
  const [indptr, indices] = [own.indptr.address, own.indices.address];
  const [rows, out, width] = [backend.address(x), backend.address(gradient), x.shape[1]!];
  if (measure !== "dot") {
    const differences = measure === "square" ? "arcDifferences" : "arcSigns";
    engine.run(differences, arcs.nodes, indptr, indices, both, rows, out, width);
  } else {
    const units = arcs.nodes + arcs.count;
    const product = [indptr, indices, both, rows, out, width, 1] as const;
    engine.run("sparseProduct", units, arcs.nodes, ...product, 0, 0, 0, 0);
  }
  backend.disposeData(weights.dataId);
  return asTensor(gradient);
}

/**
 * -sum over arcs of p log softmax(scores), with the softmax over each node's arcs; differentiable with
 * respect to the scores. A node without arcs adds nothing.
 *
 * @param scores [arcs]
 * @param targets p, [arcs]: sums to 1 over each node's arcs; a constant
 */
export function arcCrossEntropy(arcs: Arcs, scores: tf.Tensor1D, targets: tf.Tensor1D): tf.Scalar {
  const op = tf.customGrad((...args: unknown[]) => {
    const [x, save] = args as [tf.Tensor1D, tf.GradSaveFunc];
    const { losses, rest } = softmaxes(arcs, x, targets);
    save([rest]);
    const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]): tf.Tensor => tf.mul(saved[0]!, dy);
    return { value: tf.sum(losses), gradFunc };
  });
  return op(scores) as tf.Scalar;
}

/**
 * The softmax over each node's arcs; not differentiable.
 * @param scores [arcs]
 */
export function arcSoftmax(arcs: Arcs, scores: tf.Tensor1D): tf.Tensor1D {
  return tf.tidy(() => softmaxes(arcs, scores).rest);
}

/** The nodes' losses, and softmax - targets for each arc. */
function softmaxes(
  arcs: Arcs,
  scores: tf.Tensor1D,
  targets?: tf.Tensor1D,
): { losses: tf.Tensor1D; rest: tf.Tensor1D } {
  for (const { shape } of targets ? [scores, targets] : [scores]) {
    if (!tf.util.arraysEqual(shape, [arcs.count])) {
      throw new RangeError(`${arcs.count} arcs do not fit [${shape}]`);
    }
  }
  if (nativeIsCurrent()) return nativeSoftmaxes(arcs.starts, scores, targets);
  const backend = runningBackend();
  const losses = backend.allocate([arcs.nodes]);
  const rest = backend.allocate([arcs.count]);
  backend.engine.run(
    "arcCrossEntropy",
    arcs.nodes,
    arcs.buffers().indptr.address,
    backend.address(scores),
    targets ? backend.address(targets) : 0,
    backend.address(losses),
    backend.address(rest),
  );
  return { losses: asTensor(losses) as tf.Tensor1D, rest: asTensor(rest) as tf.Tensor1D };
}
