// Calls TensorFlow operators that tfjs does not expose: attributes, outputs, counter-based dropout.
import * as tf from "@tensorflow/tfjs";
import { type DropoutStream, dropoutArguments, groups } from "../ops/dropout-stream.ts";
import {
  type Attribute,
  type NativeBackend,
  nativeBackend,
  type Output,
  TYPES,
} from "./backend.ts";

export const ofType = (backend: NativeBackend, name: string, value: number): Attribute => ({
  name,
  type: backend.binding.TF_ATTR_TYPE,
  value,
});

/** Hands an output to tfjs, which owns it from then on. */
export const toTensor = (backend: NativeBackend, output: Output): tf.Tensor =>
  backend.createOutputTensor(output);

/**
 * Computes the factor of each of `size` elements under dropout: the scale or 0. TensorFlow's generator is
 * the same Philox 4x32-10 over the same counters as the wasm engine's, so the masks are the same.
 *
 * @returns [size], or undefined if nothing is dropped
 */
export function dropoutFactors(
  size: number,
  stream: DropoutStream | undefined,
): tf.Tensor1D | undefined {
  const [threshold, scale, step, site, low, high] = dropoutArguments(stream);
  if (threshold === 0) return undefined;
  return tf.tidy(() => {
    const all = groups(size);
    const draw = (counters: number): tf.Tensor2D =>
      halfWords(counters, Int32Array.of(0, step, site, 0), [low, high]);
    if (scale === 2) {
      // One bit per element, in storage order: the halves of a word, each from its lowest bit on.
      const halves = tf.reshape(draw(Math.ceil(all / 4)), [-1, 1]);
      const shifted = tf.floor(tf.div(halves, tf.tensor2d(POWERS, [1, 16])));
      const bits = tf.slice(tf.reshape(tf.mod(shifted, 2), [-1]), [0], [size]);
      return tf.mul(bits, scale) as tf.Tensor1D;
    }
    // The wasm kernel's order: element 4 v + lane of a group takes half word v of the lane's counter.
    const halves = tf.reshape(draw(4 * all), [all, 4, 8]);
    const drawn = tf.reshape(tf.transpose(halves, [0, 2, 1]), [-1]);
    const kept = tf.greaterEqual(tf.slice(drawn, [0], [size]), threshold);
    return tf.mul(tf.cast(kept, "float32"), scale) as tf.Tensor1D;
  });
}

const POWERS = Array.from({ length: 16 }, (_, bit) => 2 ** bit);

/** The half words, as floats, of counters counter + 0 .. counters - 1: [counters, 8]. */
function halfWords(counters: number, counter: Int32Array, key: readonly number[]): tf.Tensor2D {
  const backend = nativeBackend();
  const { binding } = backend;
  const unsigned = (id: number): Output => {
    const attributes = [ofType(backend, "T", TYPES.int64), ofType(backend, "type", TYPES.uint64)];
    return backend.execute("Bitcast", attributes, [id])[0]!;
  };
  const held: (Output | number)[] = [];
  const hold = <T extends Output | number>(thing: T): T => {
    held.push(thing);
    return thing;
  };
  try {
    const shape = hold(binding.createTensor([2], TYPES.int32, Int32Array.of(counters, 4)));
    const keys = hold(binding.createTensor([1], TYPES.int64, Int32Array.from(key)));
    const first = hold(binding.createTensor([2], TYPES.int64, counter));
    const philox = hold(binding.createTensor([], TYPES.int32, Int32Array.of(1)));
    const words = hold(
      backend.execute(
        "StatelessRandomUniformFullIntV2",
        [ofType(backend, "dtype", TYPES.uint32), ofType(backend, "Tshape", TYPES.int32)],
        [shape, hold(unsigned(keys)).id, hold(unsigned(first)).id, philox],
      )[0]!,
    );
    // [counters, 4, 2]: the lower half of a word comes first.
    const halves = hold(
      backend.execute(
        "Bitcast",
        [ofType(backend, "T", TYPES.uint32), ofType(backend, "type", TYPES.uint16)],
        [words.id],
      )[0]!,
    );
    const floats = backend.execute(
      "Cast",
      [ofType(backend, "SrcT", TYPES.uint16), ofType(backend, "DstT", TYPES.float)],
      [halves.id],
    )[0]!;
    return tf.reshape(toTensor(backend, floats), [counters, 8]);
  } finally {
    backend.free(...held);
  }
}
