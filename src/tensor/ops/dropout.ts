// Dropout with counter-based masks: a mask is a function of (seed, step, site).
import * as tf from "@tensorflow/tfjs";
import { asTensor, runningBackend } from "../engine/backend.ts";
import { nativeIsCurrent } from "../native/backend.ts";
import { nativeMaskedPass } from "../native/dropout.ts";
import { type DropoutStream, dropoutArguments, groups, keptScale } from "./dropout-stream.ts";
import type { SparseMatrix } from "./sparse.ts";

/**
 * ReLU, then dropout, in one pass each way. Without a stream it is only ReLU.
 * @param x a tensor of any shape
 */
export function reluDropout<T extends tf.Tensor>(x: T, stream?: DropoutStream): T {
  return maskedPass(x, true, stream);
}

/** Applies dropout to a dense tensor of any shape. */
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
    save([asTensor(bits)]);
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
      return asTensor(gradient);
    };
    return { value: asTensor(out), gradFunc };
  });
  return pass(x) as T;
}

/** Returns a sparse matrix's values after dropout, a tensor of `nonzeros` numbers. */
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
  return asTensor(out) as tf.Tensor1D;
}
