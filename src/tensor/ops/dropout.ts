// Dropout whose masks are drawn by counters: a mask is a function of (seed, step, site).
import * as tf from "@tensorflow/tfjs";
import { runningBackend } from "../engine/backend.ts";
import { nativeIsCurrent } from "../native/backend.ts";
import { nativeMaskedPass } from "../native/dropout.ts";
import { seedWords } from "./random.ts";
import type { SparseMatrix } from "./sparse.ts";

/** Which mask to draw. */
export interface DropoutStream {
  /** Probability that an element is dropped, 0 <= rate < 1; kept to 1 / 65536. */
  readonly rate: number;
  readonly seed: number;
  /** The training step (an epoch, in full-batch training). */
  readonly step: number;
  /** The place in the model: layers draw different masks. */
  readonly site: number;
}

/** The arguments that the dropout kernel ends with: threshold, scale, step, site and the seed's words. */
export function dropoutArguments(
  stream: DropoutStream | undefined,
): [number, number, number, number, number, number] {
  if (!stream || stream.rate === 0) return [0, 1, 0, 0, 0, 0];
  const { rate, seed, step, site } = stream;
  if (!(rate >= 0 && rate < 1)) throw new RangeError(`dropout rate ${rate} is not in [0, 1)`);
  const threshold = Math.min(65_535, Math.round(rate * 65_536));
  return [threshold, keptScale(stream), step, site, ...seedWords(seed)];
}

/** What a kept element is multiplied with: 1 / (1 - rate), rate as it is really drawn. */
export function keptScale(stream: DropoutStream | undefined): number {
  if (!stream) return 1;
  return 1 / (1 - Math.min(65_535, Math.round(stream.rate * 65_536)) / 65_536);
}

/** Elements are drawn in groups of 32, one word of the bit mask each. */
export const groups = (size: number): number => Math.ceil(size / 32);

/**
 * ReLU, then dropout, in one pass each way. Without a stream it is ReLU alone.
 * @param x any shape
 */
export function reluDropout<T extends tf.Tensor>(x: T, stream?: DropoutStream): T {
  return maskedPass(x, true, stream);
}

/** Dropout of a dense tensor of any shape. */
export function dropout<T extends tf.Tensor>(x: T, stream: DropoutStream): T {
  return maskedPass(x, false, stream);
}

function maskedPass<T extends tf.Tensor>(x: T, relu: boolean, stream?: DropoutStream): T {
  if (nativeIsCurrent()) return nativeMaskedPass(x, relu, stream) as T;
  const backend = runningBackend();
  const draw = dropoutArguments(stream);
  const pass = tf.customGrad((...args: unknown[]) => {
    const [input, save] = args as [tf.Tensor, tf.GradSaveFunc];
    const out = backend.allocate(input.shape);
    const bits = backend.allocate([groups(input.size)]);
    backend.engine.run(
      "dropout",
      groups(input.size),
      backend.address(input),
      backend.address(out),
      backend.address(bits),
      input.size,
      relu ? 1 : 0,
      ...draw,
    );
    save([tf.engine().makeTensorFromTensorInfo(bits)]);
    const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]): tf.Tensor => {
      const gradient = backend.allocate(dy.shape);
      backend.engine.run(
        "applyBits",
        groups(dy.size),
        backend.address(dy),
        backend.address(gradient),
        backend.address(saved[0]!),
        dy.size,
        keptScale(stream),
      );
      return tf.engine().makeTensorFromTensorInfo(gradient);
    };
    return { value: tf.engine().makeTensorFromTensorInfo(out), gradFunc };
  });
  return pass(x) as T;
}

/** A sparse matrix's values after dropout: a tensor of `nonzeros` numbers. */
export function dropValues(matrix: SparseMatrix, stream: DropoutStream): tf.Tensor1D {
  const backend = runningBackend();
  const draw = dropoutArguments(stream);
  const out = backend.allocate([matrix.nonzeros]);
  backend.engine.run(
    "dropout",
    groups(matrix.nonzeros),
    matrix.values.address,
    backend.address(out),
    0,
    matrix.nonzeros,
    0,
    ...draw,
  );
  return tf.engine().makeTensorFromTensorInfo(out) as tf.Tensor1D;
}
