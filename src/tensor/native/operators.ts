// TensorFlow's own operators that tfjs has no name for: attributes, outputs, counter-based dropout.
import * as tf from "@tensorflow/tfjs";
import { type DropoutStream, dropoutArguments, groups } from "../dropout.ts";
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

/** Gives the outputs to tfjs, which takes care of them from then on. */
export const toTensor = (backend: NativeBackend, output: Output): tf.Tensor =>
  backend.createOutputTensor(output);

/**
 * What dropout multiplies each of `size` elements with: the scale or 0. TensorFlow's generator is
 * the same Philox 4x32-10 over the same counters as the engine's kernel, so the masks are the same.
 *
 * @returns [size], or undefined where nothing is dropped
 */
export function dropoutFactors(
  size: number,
  stream: DropoutStream | undefined,
): tf.Tensor1D | undefined {
  const [threshold, scale, step, site, low, high] = dropoutArguments(stream) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  if (threshold === 0) return undefined;
  return tf.tidy(() => {
    const halves = halfWords(groups(size), Int32Array.of(0, step, site, 0), [low, high]);
    // Kernel's order: element 4 v + lane of a group takes half word v of the lane's counter.
    const drawn = tf.reshape(tf.transpose(halves, [0, 2, 1]), [-1]);
    const kept = tf.greaterEqual(tf.slice(drawn, [0], [size]), threshold);
    return tf.mul(tf.cast(kept, "float32"), scale) as tf.Tensor1D;
  });
}

/** [groups, 4 counters, 8 half words], as floats: those of counters counter + 0 .. 4 groups - 1. */
function halfWords(count: number, counter: Int32Array, key: readonly number[]): tf.Tensor3D {
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
    const shape = hold(binding.createTensor([3], TYPES.int32, Int32Array.of(count, 4, 4)));
    const keys = hold(binding.createTensor([1], TYPES.int64, Int32Array.from(key)));
    const counters = hold(binding.createTensor([2], TYPES.int64, counter));
    const philox = hold(binding.createTensor([], TYPES.int32, Int32Array.of(1)));
    const words = hold(
      backend.execute(
        "StatelessRandomUniformFullIntV2",
        [ofType(backend, "dtype", TYPES.uint32), ofType(backend, "Tshape", TYPES.int32)],
        [shape, hold(unsigned(keys)).id, hold(unsigned(counters)).id, philox],
      )[0]!,
    );
    // [count, 4, 4, 2]: the lower half of a word comes first.
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
    return tf.reshape(toTensor(backend, floats), [count, 4, 8]);
  } finally {
    backend.free(...held);
  }
}
