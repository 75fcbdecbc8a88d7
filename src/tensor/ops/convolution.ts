// A X W + X R + b as one operator: what is between its inputs and its result is freed at once.
import * as tf from "@tensorflow/tfjs";
import { type SparseMatrix, spmm } from "./sparse.ts";

/** The weights of a convolution. */
export interface ConvolutionWeights {
  /** inputs x outputs. */
  readonly weight: tf.Tensor2D;
  /** [outputs]. */
  readonly bias: tf.Tensor1D;
  /** inputs x outputs, for the node itself; absent if it counts only as its own neighbour. */
  readonly root?: tf.Tensor2D | undefined;
}

/**
 * A (X W) + (X R + b), with the bits of its parts as tf's operators give them. tf would keep the result of each until
 * the step ends, nodes x outputs five times; this keeps X alone. Differentiable with respect to the weights, and to
 * X unless that is constant.
 *
 * @param matrix A, nodes x nodes
 * @param x nodes x inputs
 * @param constant whether no gradient of X is wanted
 * @returns nodes x outputs
 */
export function convolution(
  matrix: SparseMatrix,
  x: tf.Tensor2D,
  { weight, bias, root }: ConvolutionWeights,
  constant = false,
): tf.Tensor2D {
  const op = tf.customGrad((...args: unknown[]) => {
    const save = args.pop() as tf.GradSaveFunc;
    const [w, b, ...others] = args as [tf.Tensor2D, tf.Tensor1D, ...tf.Tensor2D[]];
    const r = root && others[0];
    const input = constant ? x : others.at(-1)!;
    save(r ? [input, w, r] : [input, w]);
    const sums = spmm(matrix, tf.matMul(input, w));
    const gradientsOf = (dy: tf.Tensor2D, saved: tf.Tensor[]): tf.Tensor[] => {
      const [kept, ws, rs] = saved as [tf.Tensor2D, tf.Tensor2D, tf.Tensor2D?];
      const dz = spmm(matrix.transposed().matrix, dy);
      const byWeights = (gradient: tf.Tensor2D) => tf.matMul(kept, gradient, true, false);
      const byInput = (gradient: tf.Tensor2D, by: tf.Tensor2D) =>
        tf.matMul(gradient, by, false, true);
      const gradients: tf.Tensor[] = [byWeights(dz), tf.sum(dy, 0)];
      if (rs) gradients.push(byWeights(dy));
      if (!constant) {
        const dx = byInput(dz, ws);
        dz.dispose();
        gradients.push(rs ? tf.add(dx, byInput(dy, rs)) : dx);
      }
      return gradients;
    };
    // tf frees nothing between a gradient's operators by itself.
    const gradFunc = (dy: tf.Tensor2D, saved: tf.Tensor[]) => tf.tidy(() => gradientsOf(dy, saved));
    return {
      value: tf.add(sums, r ? tf.add(tf.matMul(input, r), b) : b),
      gradFunc: gradFunc as unknown as () => tf.Tensor,
    };
  });
  return op(weight, bias, ...(root ? [root] : []), ...(constant ? [] : [x])) as tf.Tensor2D;
}
