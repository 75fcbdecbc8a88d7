// Similarity matrices of all pairs of nodes, and the mean square difference of two such matrices.
import * as tf from "@tensorflow/tfjs";
import { asTensor, runningBackend } from "../engine/backend.ts";
import { Buffer } from "../engine/buffer.ts";
import { nativeIsCurrent } from "../native/backend.ts";
import { nativeMismatch, nativeSimilarities } from "../native/similarity.ts";

/** The numbers of the similarities in the WebAssembly kernels. */
const KINDS = { poly: 0, l2: 1, rbf: 2, exp: 3, tanh: 4 } as const;

/**
 * k(x, y): `poly` (x . y)^2, `l2` |x - y|, `rbf` exp(-|x - y|^2 / 2), `exp` exp(-|x - y|), `tanh`
 * tanh(x . y).
 */
export type Similarity = keyof typeof KINDS;

/**
 * k(x_i, x_j) for all pairs of rows; not differentiable.
 * @param x n x width
 * @returns n x n
 */
export function similarities(x: tf.Tensor2D, kind: Similarity): tf.Tensor2D {
  if (nativeIsCurrent()) return nativeSimilarities(x, kind);
  const [nodes, width] = x.shape;
  const backend = runningBackend();
  return tf.tidy(() => {
    const out = backend.allocate([nodes, nodes]);
    const [from, to] = [backend.address(groupsOf(x)), backend.address(out)];
    backend.engine.run("similarities", nodes, from, to, nodes, width, KINDS[kind]);
    return asTensor(out) as tf.Tensor2D;
  });
}

/**
 * The mean over all pairs i, j of (k(x_i, x_j) - K_ij)^2, differentiable with respect to x (the slope of
 * `l2` and `exp` at distance 0 is 0, as in PyTorch). The n x n matrix of x is never stored.
 *
 * @param x n x width
 * @param target K, n x n, symmetric; with `chosen` a larger square, of which only those rows and columns
 *   are used
 */
export function similarityMismatch(
  x: tf.Tensor2D,
  target: tf.Tensor2D,
  kind: Similarity,
  chosen?: Int32Array,
): tf.Scalar {
  const [nodes] = x.shape;
  const size = target.shape[0];
  if (size !== target.shape[1] || (chosen?.length ?? size) !== nodes) {
    const which = chosen ? `${chosen.length} nodes of it` : "all of it";
    throw new RangeError(`similarityMismatch: [${x.shape}] against [${target.shape}], ${which}`);
  }
  if (chosen?.some((node) => !(node >= 0 && node < size))) {
    throw new RangeError(`similarityMismatch: a chosen node is not one of 0 to ${size - 1}`);
  }
  const op = tf.customGrad((...args: unknown[]) => {
    const [input, save] = args as [tf.Tensor2D, tf.GradSaveFunc];
    const { loss, gradient } = nativeIsCurrent()
      ? nativeMismatch(input, target, kind, chosen)
      : mismatch(input, target, kind, chosen);
    save([gradient]);
    const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]): tf.Tensor => tf.mul(saved[0]!, dy);
    return { value: loss, gradFunc };
  });
  return op(x) as tf.Scalar;
}

/** Computes the loss and its gradient with respect to x. */
function mismatch(
  x: tf.Tensor2D,
  target: tf.Tensor2D,
  kind: Similarity,
  chosen: Int32Array | undefined,
): { loss: tf.Tensor; gradient: tf.Tensor } {
  const [nodes, width] = x.shape;
  const size = target.shape[0];
  const backend = runningBackend();
  const { engine } = backend;
  const grouped = groupsOf(x);
  const blocks = Math.ceil(nodes / engine.rowsABlock);
  const losses = asTensor(backend.allocate([nodes]));
  const gradient = asTensor(backend.allocate([nodes, width]));
  const scratch = asTensor(backend.allocate([blocks, Math.ceil(nodes / 4) * 4]));
  const indices = chosen && Buffer.integers(chosen, "chosen nodes");
  engine.run(
    "similarityMismatch",
    blocks,
    backend.address(grouped),
    backend.address(target),
    indices?.address ?? 0,
    backend.address(losses),
    backend.address(gradient),
    backend.address(scratch),
    nodes,
    width,
    size,
    KINDS[kind],
    // The factor 4: (i, j) and (j, i), and 2 e from the square.
    4 / nodes ** 2,
  );
  indices?.dispose();
  return { loss: tf.mul(tf.sum(losses), 1 / nodes ** 2), gradient };
}

/** Returns x as the kernels read it: groups of four nodes, [groups, width, 4], padded with zeros. */
function groupsOf(x: tf.Tensor2D): tf.Tensor3D {
  const [nodes, width] = x.shape;
  const backend = runningBackend();
  const out = backend.allocate([Math.ceil(nodes / 4), width, 4]);
  const [from, to] = [backend.floats(x), backend.floats(out)];
  to.fill(0, Math.max(0, to.length - 4 * width));
  for (let i = 0; i < nodes; i++) {
    const first = (i - (i % 4)) * width + (i % 4);
    for (let d = 0; d < width; d++) to[first + 4 * d] = from[i * width + d]!;
  }
  return asTensor(out) as tf.Tensor3D;
}
