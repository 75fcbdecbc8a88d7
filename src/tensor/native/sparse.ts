// The product with a sparse matrix on the native engine.
import * as tf from "@tensorflow/tfjs";
import type { DropoutStream } from "../dropout.ts";
import { dropoutFactors, type NativeSparse, sparseProduct } from "./operators.ts";

/** As src/tensor/sparse.ts has it: A X with A's entries dropped, differentiable by X. */
export function nativeSpmm(
  matrix: NativeSparse,
  x: tf.Tensor2D,
  stream: DropoutStream | undefined,
): tf.Tensor2D {
  const product = tf.customGrad((...args: unknown[]) => {
    const [dense, save] = args as [tf.Tensor2D, tf.GradSaveFunc];
    const factors = dropoutFactors(matrix.values.size, stream);
    const dropped = factors && tf.mul(matrix.values, factors);
    if (dropped) save([dropped]);
    return {
      value: sparseProduct(matrix, dropped ?? matrix.values, dense),
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) =>
        sparseProduct(matrix, saved[0] ?? matrix.values, dy, true),
    };
  });
  return product(x) as tf.Tensor2D;
}
