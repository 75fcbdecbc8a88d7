// InfoNCE over all pairs of rows: each row has to find its partner among all rows of the other side.
import * as tf from "@tensorflow/tfjs";
import { asTensor, runningBackend } from "../engine/backend.ts";
import { nativeIsCurrent } from "../native/backend.ts";
import { nativeContrast } from "../native/contrast.ts";

/** How many cosines are held at once (2 MiB, about a core's own cache), or those of one row if a row has more. */
const HELD = 2 ** 19;

/**
 * The mean over rows i of -log softmax_j(a_i . b_j / temperature)[i], differentiable with respect to both
 * sides. Cosines and gradients are computed for one block of rows at a time, so that nothing of size
 * rows x rows is held. The cost is three products of rows x rows x width.
 *
 * @param a rows x width, rows of length 1
 * @param b as a, of the same shape
 */
export function infoNce(a: tf.Tensor2D, b: tf.Tensor2D, temperature: number): tf.Scalar {
  if (!tf.util.arraysEqual(a.shape, b.shape)) {
    throw new RangeError(`infoNce: sides of shapes [${a.shape}] and [${b.shape}]`);
  }
  // Inside customGrad the tape is off, so this is where to ask whether gradients are wanted.
  const recording = tf.engine().isTapeOn();
  const op = tf.customGrad((...args: unknown[]) => {
    const [x, y, save] = args as [tf.Tensor2D, tf.Tensor2D, tf.GradSaveFunc];
    const { loss, gradients } = contrast(x, y, temperature, recording);
    save(gradients);
    const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]): tf.Tensor[] =>
      saved.map((gradient) => tf.mul(gradient, dy));
    return { value: loss, gradFunc: gradFunc as unknown as () => tf.Tensor };
  });
  return op(a, b) as tf.Scalar;
}

function contrast(
  a: tf.Tensor2D,
  b: tf.Tensor2D,
  temperature: number,
  recording: boolean,
): { loss: tf.Tensor; gradients: tf.Tensor[] } {
  const [rows, width] = a.shape;
  const block = Math.max(1, Math.min(rows, Math.floor(HELD / rows)));
  if (nativeIsCurrent()) return nativeContrast(a, b, { temperature, block, recording });
  const backend = runningBackend();
  const { engine } = backend;
  const [aAt, bAt] = [backend.address(a), backend.address(b)];
  const allocated = (shape: number[]): { tensor: tf.Tensor; at: number } => {
    const info = backend.allocate(shape);
    return { tensor: asTensor(info), at: backend.address(info) };
  };
  const transposed = allocated([width, rows]);
  const cosines = allocated([block, rows]);
  const losses = allocated([rows]);
  engine.run("transposeDense", rows, bAt, transposed.at, rows, width);
  const byA = recording ? allocated([rows, width]) : undefined;
  const byB = recording ? allocated([rows, width]) : undefined;
  const part = recording && block < rows ? allocated([rows, width]) : undefined;
  for (let first = 0; first < rows; first += block) {
    const count = Math.min(block, rows - first);
    const from = aAt + first * width * 4;
    const lossesAt = losses.at + first * 4;
    const scales = [1 / temperature, 1 / rows] as const;
    engine.run("product", count, from, transposed.at, cosines.at, width, rows, 1, 0, 0, 0, 0, 0);
    // The kernel replaces the cosines by the loss's gradient with respect to them.
    engine.run("contrastRows", count, cosines.at, lossesAt, rows, first, ...scales);
    if (!byA || !byB) continue;
    const to = byA.at + first * width * 4;
    engine.run("product", count, cosines.at, bAt, to, rows, width, 1, 0, 0, 0, 0, 0);
    const sum = first === 0 ? byB : part!;
    engine.run("productTransposedA", rows, cosines.at, from, sum.at, count, rows, width, 1);
    if (first > 0) engine.run("combine", rows * width, byB.at, sum.at, byB.at, 1, 1);
  }
  const loss = tf.mean(losses.tensor);
  return { loss, gradients: byA && byB ? [byA.tensor, byB.tensor] : [] };
}
