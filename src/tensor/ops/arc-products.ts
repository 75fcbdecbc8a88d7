// Dot products along the stored entries of a sparse matrix.
import * as tf from "@tensorflow/tfjs";
import { asTensor, runningBackend } from "../engine/backend.ts";
import { nativeArcProducts } from "../native/arcs.ts";
import { nativeIsCurrent } from "../native/backend.ts";
import { multiply, type SparseMatrix } from "./sparse.ts";

/**
 * x_i . y_j for each stored entry (i, j) of a matrix, one number per arc, in its order, whatever the
 * entry's value. Differentiable with respect to both.
 *
 * @param x rows x width
 * @param y columns x width
 */
export function arcProducts(matrix: SparseMatrix, x: tf.Tensor2D, y: tf.Tensor2D): tf.Tensor1D {
  const width = x.shape[1];
  if (x.shape[0] !== matrix.rows || y.shape[0] !== matrix.columns || y.shape[1] !== width) {
    throw new RangeError(
      `arcProducts: [${x.shape}] and [${y.shape}] along ${matrix.rows} x ${matrix.columns}`,
    );
  }
  if (nativeIsCurrent()) return nativeArcProducts(matrix.native().coordinates, x, y);
  const backend = runningBackend();
  const op = tf.customGrad((...args: unknown[]) => {
    const [a, b, save] = args as [tf.Tensor2D, tf.Tensor2D, tf.GradSaveFunc];
    const out = backend.allocate([matrix.nonzeros]);
    backend.engine.run(
      "arcProducts",
      matrix.rows,
      matrix.indptr.address,
      matrix.indices.address,
      backend.address(a),
      backend.address(b),
      backend.address(out),
      width,
    );
    save([a, b]);
    const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]): tf.Tensor[] => {
      const { matrix: other, position } = matrix.transposed();
      const moved = backend.allocate([matrix.nonzeros]);
      const [from, to] = [backend.address(dy), backend.address(moved)];
      backend.engine.run("gather", matrix.nonzeros, from, position.address, to);
      const gradients = [multiply(matrix, from, saved[1]!), multiply(other, to, saved[0]!)];
      backend.disposeData(moved.dataId);
      return gradients;
    };
    return {
      value: asTensor(out),
      gradFunc: gradFunc as unknown as () => tf.Tensor,
    };
  });
  return op(x, y) as tf.Tensor1D;
}
