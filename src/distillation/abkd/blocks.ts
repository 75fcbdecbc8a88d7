// Puts layers into one matrix: side by side, on top of each other, or as blocks on the diagonal.
import * as tf from "@tensorflow/tfjs";

/** Returns a stack's matrices; tfjs's gradient of unstack fails for a stack of one. */
export function layersOf(stack: tf.Tensor3D): tf.Tensor2D[] {
  const [count, rows, columns] = stack.shape;
  if (count === 1) return [tf.reshape(stack, [rows, columns])];
  return tf.unstack(stack) as tf.Tensor2D[];
}

/** Returns [layers * width, layers], 1 where a row belongs to that layer. */
export function membership(layers: number, width: number): tf.Tensor2D {
  const values = new Float32Array(layers * width * layers);
  for (let row = 0; row < layers * width; row++) {
    values[row * layers + Math.floor(row / width)] = 1;
  }
  return tf.tensor2d(values, [layers * width, layers]);
}

/** Returns [layers * rows, layers * columns], 1 on the layers' own blocks. */
export function blockMask(layers: number, rows: number, columns: number): tf.Tensor2D {
  return tf.tidy(() =>
    tf.matMul(membership(layers, rows), membership(layers, columns), false, true),
  );
}

/**
 * Puts the layers' maps side by side, n x (layers * width): node-major. The gradient takes each layer's
 * columns by a product, which is faster than tfjs's split.
 */
export function sideBySide(layers: readonly tf.Tensor2D[]): tf.Tensor2D {
  const op = tf.customGrad((...args: unknown[]) => {
    args.pop();
    const gradFunc = (dy: tf.Tensor): tf.Tensor[] => {
      const width = layers[0]!.shape[1];
      const all = tf.eye(dy.shape[1]!);
      return layers.map((_, i) => {
        const columns = tf.slice(all, [0, i * width], [all.shape[0], width]);
        return tf.matMul(dy as tf.Tensor2D, columns);
      });
    };
    return {
      value: tf.concat(args as tf.Tensor2D[], 1),
      gradFunc: gradFunc as unknown as () => tf.Tensor,
    };
  });
  return op(...layers) as tf.Tensor2D;
}

/** Puts a stack, layers x n x width, side by side. */
export function nodeMajor(stack: tf.Tensor3D): tf.Tensor2D {
  return sideBySide(layersOf(stack));
}

/** Returns [width, copies * width]: x times this is `copies` copies of x, side by side. */
export function repetition(width: number, copies: number): tf.Tensor2D {
  return tf.tidy(() => tf.concat(new Array<tf.Tensor2D>(copies).fill(tf.eye(width)), 1));
}
