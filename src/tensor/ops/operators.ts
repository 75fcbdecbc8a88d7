// tfjs operators on the engine: every kernel of the cpu back end, with the hot ones replaced.
import type { KernelConfig, TensorInfo } from "@tensorflow/tfjs";
import * as tf from "@tensorflow/tfjs";
import type { Backend } from "../engine/backend.ts";
import type { Profiler } from "../engine/profiler.ts";
import { denseProduct } from "./dense-product.ts";

interface Call {
  readonly inputs: Record<string, TensorInfo>;
  readonly backend: Backend;
  readonly attrs: Record<string, unknown>;
}

/** A replacement: returns the result, or undefined if the cpu kernel has to compute it. */
type Fast = (call: Call) => TensorInfo | undefined;

const replacements: Record<string, Fast> = {
  BatchMatMul: matMul,
  Sum: (call) => sum(call, false),
  Mean: (call) => sum(call, true),
  Add: (call) => combine(call, 1, 1),
  Sub: (call) => combine(call, 1, -1),
  Multiply: multiply,
  Relu: relu,
  Cast: cast,
  ZerosLike: zerosLike,
};

/** Registers every kernel of the cpu back end under `name`. */
export function registerKernels(name: string): void {
  for (const config of tf.getKernelsForBackend("cpu")) {
    // An earlier start may have been interrupted.
    if (tf.getKernel(config.kernelName, name)) continue;
    const fast = replacements[config.kernelName];
    const plain = (call: Call) => call.backend.runCpuKernel(() => config.kernelFunc(call as never));
    const slow = (call: Call) => {
      const { profiler } = call.backend.engine;
      return profiler ? profiled(profiler, config.kernelName, call, plain) : plain(call);
    };
    const kernelFunc = fast ? (call: Call) => fast(call) ?? slow(call) : slow;
    tf.registerKernel({ ...config, kernelFunc, backendName: name } as unknown as KernelConfig);
  }
}

type Outcome = ReturnType<KernelConfig["kernelFunc"]>;

/** Records one of the cpu back end's kernels; its bytes are those of its inputs and outputs. */
function profiled(
  profiler: Profiler,
  name: string,
  call: Call,
  run: (call: Call) => Outcome,
): Outcome {
  const inputs = Object.values(call.inputs);
  let made: TensorInfo[] = [];
  profiler.begin("tfjs", `tfjs ${name}`);
  try {
    const outcome = run(call);
    made = Array.isArray(outcome) ? outcome : [outcome];
    return outcome;
  } finally {
    // A reshaped or cloned tensor shares its data: nothing moved.
    const moves = made.some(({ dataId }) => inputs.every((input) => input.dataId !== dataId));
    const count = [...inputs, ...made].reduce((sum, tensor) => sum + size(tensor), 0);
    profiler.end(() => ({ bytes: moves ? 4 * count : 0 }));
  }
}

const isFloat = (tensor: TensorInfo): boolean => tensor.dtype === "float32";
const size = (tensor: TensorInfo): number => tf.util.sizeFromShape(tensor.shape);
const sameShape = (a: TensorInfo, b: TensorInfo): boolean => tf.util.arraysEqual(a.shape, b.shape);

/** Makes zeros without a JavaScript array, whose garbage collection costs more than the zeros. */
function zerosLike({ inputs, backend }: Call): TensorInfo | undefined {
  const x = inputs["x"]!;
  if (!isFloat(x)) return undefined;
  const out = backend.allocate(x.shape);
  backend.floats(out).fill(0);
  return out;
}

/** [batch, n, k] x [batch, k, m], either one transposed; the batches may have any shapes that broadcast. */
function matMul({ inputs, backend, attrs }: Call): TensorInfo | undefined {
  const a = inputs["a"]!;
  const b = inputs["b"]!;
  if (!isFloat(a) || !isFloat(b)) return undefined;
  const { transposeA, transposeB } = attrs as { transposeA: boolean; transposeB: boolean };
  const [aRows, aColumns] = a.shape.slice(-2) as [number, number];
  const [bRows, bColumns] = b.shape.slice(-2) as [number, number];
  const [rows, inner] = transposeA ? [aColumns, aRows] : [aRows, aColumns];
  const [bInner, columns] = transposeB ? [bColumns, bRows] : [bRows, bColumns];
  if (inner !== bInner) {
    throw new RangeError(
      `matMul: inner sizes differ: ${inner} and ${bInner} for shapes [${a.shape}] and ` +
        `[${b.shape}], transposeA=${transposeA}, transposeB=${transposeB}`,
    );
  }
  const aBatch = a.shape.slice(0, -2);
  const bBatch = b.shape.slice(0, -2);
  const batchShape = tf.broadcast_util.assertAndGetBroadcastShape(aBatch, bBatch);
  const batch = tf.util.sizeFromShape(batchShape);
  const [aPlace, bPlace] = [batchPlaces(aBatch, batchShape), batchPlaces(bBatch, batchShape)];
  const out = backend.allocate([...batchShape, rows, columns]);
  for (let i = 0; i < batch; i++) {
    denseProduct(backend, {
      a: backend.address(a) + aPlace(i) * aRows * aColumns * 4,
      b: backend.address(b) + bPlace(i) * bRows * bColumns * 4,
      out: backend.address(out) + i * rows * columns * 4,
      rows,
      inner,
      columns,
      transposeA,
      transposeB,
    });
  }
  return out;
}

/** Returns which matrix of an operand's batch to use for matrix i of the broadcast batch. */
function batchPlaces(own: readonly number[], batch: readonly number[]): (i: number) => number {
  if (own.every((length) => length === 1)) return () => 0;
  const lengths = [...Array<number>(batch.length - own.length).fill(1), ...own];
  if (tf.util.arraysEqual(lengths, [...batch])) return (i) => i;
  return (i) => {
    let [rest, place, stride] = [i, 0, 1];
    for (let axis = batch.length - 1; axis >= 0; axis--) {
      const index = rest % batch[axis]!;
      rest = (rest - index) / batch[axis]!;
      if (lengths[axis] !== 1) place += index * stride;
      stride *= lengths[axis]!;
    }
    return place;
  };
}

/** Sum or mean over adjacent axes. */
function sum({ inputs, backend, attrs }: Call, mean: boolean): TensorInfo | undefined {
  const x = inputs["x"]!;
  if (!isFloat(x) || size(x) === 0) return undefined;
  const { axis, keepDims } = attrs as { axis: number | number[]; keepDims: boolean };
  const axes = tf.util.parseAxisParam(axis, x.shape).sort((p, q) => p - q);
  const first = axes[0] ?? 0;
  const last = axes.at(-1) ?? -1;
  if (last - first + 1 !== axes.length) return undefined;
  const product = (from: number, to: number): number =>
    x.shape.slice(from, to).reduce((p, q) => p * q, 1);
  const outer = product(0, first);
  const reduced = product(first, last + 1);
  const inner = product(last + 1, x.shape.length);
  const outShape = keepDims
    ? x.shape.map((length, i) => (i >= first && i <= last ? 1 : length))
    : [...x.shape.slice(0, first), ...x.shape.slice(last + 1)];
  const out = backend.allocate(outShape);
  const factor = mean ? 1 / reduced : 1;
  const [from, to] = [backend.address(x), backend.address(out)];
  if (inner === 1) {
    backend.engine.run("sumRows", outer, from, to, reduced, factor);
    return out;
  }
  for (let o = 0; o < outer; o++) {
    const [x0, y0] = [from + o * reduced * inner * 4, to + o * inner * 4];
    backend.engine.run("sumColumns", inner, x0, y0, reduced, inner, factor);
  }
  return out;
}

/** p a + q b for equal shapes, or if b is one row, or one row for each matrix of a stack. */
function combine({ inputs, backend }: Call, p: number, q: number): TensorInfo | undefined {
  const a = inputs["a"]!;
  const b = inputs["b"]!;
  if (!isFloat(a) || !isFloat(b)) return undefined;
  const [from, and] = [backend.address(a), backend.address(b)];
  if (sameShape(a, b)) {
    const out = backend.allocate(a.shape);
    backend.engine.run("combine", size(a), from, and, backend.address(out), p, q);
    return out;
  }
  const columns = a.shape.at(-1) ?? 1;
  const stacks = oneRowEach(a.shape, b.shape);
  if (stacks === undefined || columns === 0) return undefined;
  const rows = size(a) / columns / stacks;
  const out = backend.allocate(a.shape);
  for (let i = 0; i < stacks; i++) {
    const at = i * rows * columns * 4;
    const to = backend.address(out) + at;
    backend.engine.run("combineRows", rows, from + at, and + i * columns * 4, to, columns, p, q);
  }
  return out;
}

/** Returns how many rows b has, if each is for all rows of one of a's matrices; otherwise undefined. */
function oneRowEach(a: readonly number[], b: readonly number[]): number | undefined {
  if (a.length === 0 || b.length > a.length || b.at(-1) !== a.at(-1)) return undefined;
  if (b.slice(0, -1).every((length) => length === 1)) return 1;
  const leading = a.slice(0, -2);
  const wanted = [...leading, 1, a.at(-1)!];
  return tf.util.arraysEqual([...b], wanted) ? leading.reduce((p, q) => p * q, 1) : undefined;
}

/** a b for equal shapes, or if one of them is a single number or one row for all rows of the other. */
function multiply({ inputs, backend }: Call): TensorInfo | undefined {
  const a = inputs["a"]!;
  const b = inputs["b"]!;
  if (!isFloat(a) || !isFloat(b)) return undefined;
  if (sameShape(a, b)) {
    const out = backend.allocate(a.shape);
    const [from, and, to] = [backend.address(a), backend.address(b), backend.address(out)];
    backend.engine.run("multiply", size(a), from, and, to);
    return out;
  }
  // A product's factors may come in either order: its bits are the same.
  const isLarger = a.shape.length > 0 && size(a) >= size(b);
  const [tensor, factor] = b.shape.length === 0 || isLarger ? [a, b] : [b, a];
  if (factor.shape.length > 0) return multiplyRows(backend, tensor, factor);
  const out = backend.allocate(tensor.shape);
  const value = backend.floats(factor)[0]!;
  backend.engine.run("scale", size(tensor), backend.address(tensor), backend.address(out), value);
  return out;
}

function multiplyRows(
  backend: Backend,
  tensor: TensorInfo,
  row: TensorInfo,
): TensorInfo | undefined {
  const columns = tensor.shape.at(-1) ?? 0;
  if (columns === 0 || oneRowEach(tensor.shape, row.shape) !== 1) return undefined;
  const out = backend.allocate(tensor.shape);
  const [from, by, to] = [backend.address(tensor), backend.address(row), backend.address(out)];
  backend.engine.run("multiplyRows", size(tensor) / columns, from, by, to, columns);
  return out;
}

function relu({ inputs, backend }: Call): TensorInfo | undefined {
  const x = inputs["x"]!;
  if (!isFloat(x)) return undefined;
  const out = backend.allocate(x.shape);
  backend.engine.run("relu", size(x), backend.address(x), backend.address(out));
  return out;
}

/** Casts integers to floats by a copy; the cpu back end would pass on the integers as they are. */
function cast({ inputs, backend, attrs }: Call): TensorInfo | undefined {
  const x = inputs["x"]!;
  if (attrs["dtype"] !== "float32" || (x.dtype !== "int32" && x.dtype !== "bool")) return undefined;
  const out = backend.allocate(x.shape);
  backend.floats(out).set(backend.data.get(x.dataId).values as Int32Array | Uint8Array);
  return out;
}
