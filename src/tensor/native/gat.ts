// Graph attention on the native engine; src/tensor/ops/gat.ts defines it.
import * as tf from "@tensorflow/tfjs";
import type { GatOptions } from "../ops/gat.ts";
import type { SparseMatrix } from "../ops/sparse.ts";
import { nativeArcProducts } from "./arcs.ts";
import { productOnce } from "./sparse.ts";

/** Arcs whose ends are gathered at a time. */
const BLOCK = 2 ** 17;

/**
 * gatSums(). The softmaxes are computed on the host, because tfjs has no maximum by segments; the sums are
 * sparse products, a head at a time.
 * @param kept 0 for a dropped arc, [arcs]
 */
export function nativeGat(
  matrix: SparseMatrix,
  z: tf.Tensor2D,
  source: tf.Tensor2D,
  target: tf.Tensor2D | undefined,
  { slope, scales }: GatOptions,
  kept: tf.Tensor1D | undefined,
): tf.Tensor2D {
  const [heads, width] = source.shape;
  const { rows, columns: nodes } = matrix;
  const native = matrix.native();
  const { indptr, indices } = matrix.host;
  const column = (x: tf.Tensor1D | undefined) => x && (tf.reshape(x, [x.size, 1]) as tf.Tensor2D);
  const [c, r] = [column(scales?.source), column(scales?.target)];
  const scaled = <T extends tf.Tensor>(x: T, by: tf.Tensor | undefined): T =>
    by ? tf.mul(x, by) : x;
  const keeps = kept?.dataSync();
  const outputs = Array.from({ length: heads }, (_, h) => {
    const own = scaled(tf.slice(z, [0, h * width], [nodes, width]), c);
    const vector = (of: tf.Tensor2D) => tf.reshape(tf.slice(of, [h, 0], [1, width]), [width, 1]);
    const sent = tf.matMul(own, vector(source));
    const plain = tf.slice(z, [0, h * width], [nodes, width]);
    const received = target ? tf.matMul(plain, vector(target)) : tf.zeros([nodes, 1]);
    const op = tf.customGrad((...args: unknown[]) => {
      const [x, l, d, save] = args as [tf.Tensor2D, tf.Tensor2D, tf.Tensor2D, tf.GradSaveFunc];
      const [from, to] = [l.dataSync(), d.dataSync()];
      const { alpha, slopes } = softmaxes(indptr, indices, from, to, keeps, slope);
      const weights = tf.tensor1d(alpha);
      const value = productOnce(native.with(weights), x);
      save([x, weights, value]);
      const gradFunc = (dy: tf.Tensor2D, saved: tf.Tensor[]): tf.Tensor[] => {
        const [y, w, out] = saved as [tf.Tensor2D, tf.Tensor1D, tf.Tensor2D];
        const products = arcProductsInBlocks(native.coordinates, dy, y);
        const dots = tf.sum(tf.mul(dy, out), 1).dataSync();
        const [dl, dd] = [new Float32Array(nodes), new Float32Array(nodes)];
        for (let i = 0; i < rows; i++) {
          for (let k = indptr[i]!; k < indptr[i + 1]!; k++) {
            const u = slopes[k]! * alpha[k]! * (products[k]! - dots[i]!);
            dl[indices[k]!]! += u;
            dd[i]! += u;
          }
        }
        const dx = productOnce(native.transposedWith(w), dy);
        return [dx, tf.tensor2d(dl, [nodes, 1]), tf.tensor2d(dd, [nodes, 1])];
      };
      return { value, gradFunc: gradFunc as unknown as () => tf.Tensor };
    });
    return op(own, sent, received) as tf.Tensor2D;
  });
  return scaled(outputs.length > 1 ? tf.concat(outputs, 1) : outputs[0]!, r);
}

/** The softmax of each row's kept arcs, and LeakyReLU's slope at each arc's score. */
function softmaxes(
  indptr: Int32Array,
  indices: Int32Array,
  from: ArrayLike<number>,
  to: ArrayLike<number>,
  kept: ArrayLike<number> | undefined,
  slope: number,
): { readonly alpha: Float32Array; readonly slopes: Float32Array } {
  const [alpha, slopes] = [new Float32Array(indices.length), new Float32Array(indices.length)];
  for (let i = 0; i + 1 < indptr.length; i++) {
    const [first, end] = [indptr[i]!, indptr[i + 1]!];
    let [most, sum] = [Number.NEGATIVE_INFINITY, 0];
    for (let k = first; k < end; k++) {
      const e = from[indices[k]!]! + to[i]!;
      slopes[k] = e > 0 ? 1 : slope;
      alpha[k] = kept && kept[k] === 0 ? Number.NEGATIVE_INFINITY : e * slopes[k]!;
      most = Math.max(most, alpha[k]!);
    }
    if (most === Number.NEGATIVE_INFINITY) {
      alpha.fill(0, first, end);
      continue;
    }
    for (let k = first; k < end; k++) sum += Math.exp(alpha[k]! - most);
    for (let k = first; k < end; k++) alpha[k] = Math.exp(alpha[k]! - most) / sum;
  }
  return { alpha, slopes };
}

/** x_i . y_j of each entry, without a buffer of arcs x width numbers. */
function arcProductsInBlocks(
  coordinates: tf.Tensor2D,
  x: tf.Tensor2D,
  y: tf.Tensor2D,
): Float32Array {
  const count = coordinates.shape[0];
  const out = new Float32Array(count);
  for (let first = 0; first < count; first += BLOCK) {
    const size = Math.min(BLOCK, count - first);
    const block = tf.tidy(() =>
      nativeArcProducts(tf.slice(coordinates, [first, 0], [size, 2]), x, y).dataSync(),
    );
    out.set(block, first);
  }
  return out;
}
