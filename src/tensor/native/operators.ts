// TensorFlow's own operators that tfjs has no name for: sparse products, counter-based dropout.
import * as tf from "@tensorflow/tfjs";
import { type Csr, nonzeros } from "../../graph/csr.ts";
import { type DropoutStream, dropoutArguments, groups } from "../dropout.ts";
import {
  type Attribute,
  type NativeBackend,
  nativeBackend,
  type Output,
  TYPES,
} from "./backend.ts";

/** A sparse matrix as TensorFlow has it: coordinates and values. */
export class NativeSparse {
  readonly rows: number;
  readonly columns: number;
  /** [nonzeros, 2]: row and column of each entry, in order. */
  readonly coordinates: tf.Tensor2D;
  /** [nonzeros]. */
  readonly values: tf.Tensor1D;

  constructor(matrix: Csr) {
    const { rows, columns, indptr, indices } = matrix;
    const count = nonzeros(matrix);
    this.rows = rows;
    this.columns = columns;
    const pairs = new Int32Array(2 * count);
    for (let row = 0; row < rows; row++) {
      for (let k = indptr[row]!; k < indptr[row + 1]!; k++) {
        pairs[2 * k] = row;
        pairs[2 * k + 1] = indices[k]!;
      }
    }
    this.coordinates = tf.keep(tf.tensor2d(pairs, [count, 2], "int32"));
    const values = matrix.values?.slice() ?? new Float32Array(count).fill(1);
    this.values = tf.keep(tf.tensor1d(values));
  }

  dispose(): void {
    tf.dispose([this.coordinates, this.values]);
  }
}

const ofType = (backend: NativeBackend, name: string, value: number): Attribute => ({
  name,
  type: backend.binding.TF_ATTR_TYPE,
  value,
});

/** Gives the outputs to tfjs, which takes care of them from then on. */
const toTensor = (backend: NativeBackend, output: Output): tf.Tensor =>
  backend.createOutputTensor(output);

/**
 * A X, or A' X.
 * @param values A's stored numbers, [nonzeros]
 * @param x inner x columns
 */
export function sparseProduct(
  matrix: NativeSparse,
  values: tf.Tensor,
  x: tf.Tensor,
  transposed = false,
): tf.Tensor2D {
  const backend = nativeBackend();
  const { binding } = backend;
  // 64-bit numbers, as pairs of 32-bit words.
  const sizes = Int32Array.of(matrix.rows, 0, matrix.columns, 0);
  const shape = binding.createTensor([2], TYPES.int64, sizes);
  const [a, v, b] = backend.getInputTensorIds([matrix.coordinates, values, x]);
  const attributes = [
    ofType(backend, "T", TYPES.float),
    ofType(backend, "Tindices", TYPES.int32),
    { name: "adjoint_a", type: binding.TF_ATTR_BOOL, value: transposed },
    { name: "adjoint_b", type: binding.TF_ATTR_BOOL, value: false },
  ];
  try {
    const [y] = backend.execute("SparseTensorDenseMatMul", attributes, [a!, v!, shape, b!]);
    return toTensor(backend, y!) as tf.Tensor2D;
  } finally {
    backend.free(shape);
  }
}

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
