// Similarity matrices of pairs of nodes on the native engine; src/tensor/ops/similarity.ts defines them.
import * as tf from "@tensorflow/tfjs";
import type { Similarity } from "../ops/similarity.ts";

/** How many differences are held at once (64 MiB), or those of one row if a row has more. */
const HELD = 2 ** 24;

/** k for each pair, and the gradient's factor: of y for products, of x - y for distances. */
function kernel(
  x: tf.Tensor2D,
  y: tf.Tensor2D,
  kind: Similarity,
): { value: tf.Tensor; slope: tf.Tensor } {
  if (kind === "poly" || kind === "tanh") {
    const products = tf.matMul(x, y, false, true);
    if (kind === "poly") return { value: tf.square(products), slope: tf.mul(products, 2) };
    const value = tf.tanh(products);
    return { value, slope: tf.sub(1, tf.square(value)) };
  }
  // Direct differences lose no digits near distance 0, where the slope of l2 is steepest.
  const squares = tf.sum(tf.squaredDifference(tf.expandDims(x, 1), tf.expandDims(y, 0)), 2);
  if (kind === "rbf") {
    const value = tf.exp(tf.mul(squares, -0.5));
    return { value, slope: tf.neg(value) };
  }
  const lengths = tf.sqrt(squares);
  const inverse = tf.where(tf.greater(lengths, 0), tf.div(1, lengths), tf.zerosLike(lengths));
  if (kind === "l2") return { value: lengths, slope: inverse };
  const value = tf.exp(tf.neg(lengths));
  return { value, slope: tf.neg(tf.mul(value, inverse)) };
}

/** Calls `part` with the first row and the rows of each block, and collects the results. */
function blocks<T extends tf.TensorContainer>(
  x: tf.Tensor2D,
  part: (first: number, rows: tf.Tensor2D) => T,
): T[] {
  const [nodes, width] = x.shape;
  const block = Math.max(1, Math.min(nodes, Math.floor(HELD / (nodes * width))));
  return Array.from({ length: Math.ceil(nodes / block) }, (_, i) => {
    const count = Math.min(block, nodes - i * block);
    return tf.tidy(() => part(i * block, tf.slice(x, [i * block, 0], [count, width])));
  });
}

export function nativeSimilarities(x: tf.Tensor2D, kind: Similarity): tf.Tensor2D {
  return tf.tidy(() =>
    tf.concat(blocks(x, (_, rows) => kernel(rows, x, kind).value as tf.Tensor2D)),
  );
}

/** The loss and its gradient with respect to x; the arguments are already checked. */
export function nativeMismatch(
  x: tf.Tensor2D,
  target: tf.Tensor2D,
  kind: Similarity,
  chosen: Int32Array | undefined,
): { loss: tf.Scalar; gradient: tf.Tensor2D } {
  const [nodes] = x.shape;
  const products = kind === "poly" || kind === "tanh";
  return tf.tidy(() => {
    const nodesOf = chosen && tf.tensor1d(chosen.slice(), "int32");
    const parts = blocks(x, (first, rows) => {
      const count = rows.shape[0];
      const wanted = nodesOf
        ? tf.gather(tf.gather(target, tf.slice(nodesOf, first, count)), nodesOf, 1)
        : tf.slice(target, [first, 0], [count, nodes]);
      const { value, slope } = kernel(rows, x, kind);
      const errors = tf.sub(value, wanted);
      const factors = tf.mul(errors, slope) as tf.Tensor2D;
      const pull = tf.matMul(factors, x);
      const gradient = products ? pull : tf.sub(tf.mul(rows, tf.sum(factors, 1, true)), pull);
      return { loss: tf.sum(tf.square(errors)), gradient: gradient as tf.Tensor2D };
    });
    const loss = tf.mul(tf.addN(parts.map((part) => part.loss)), 1 / nodes ** 2) as tf.Scalar;
    // The factor 4: (i, j) and (j, i), and 2 e from the square.
    const gradient = tf.mul(tf.concat(parts.map((part) => part.gradient)), 4 / nodes ** 2);
    return { loss, gradient: gradient as tf.Tensor2D };
  });
}
