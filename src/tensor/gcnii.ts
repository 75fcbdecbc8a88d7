// GCNII's stack of convolutions as one differentiable operator: few passes over memory, no
// copies of the layer maps. Chen et al. 2020, equation 5.
import * as tf from "@tensorflow/tfjs";
import { type Backend, runningBackend } from "./backend.ts";
import { type DropoutStream, dropoutArguments, groups, keptScale } from "./dropout.ts";
import { isNarrow, narrowBackward, narrowForward } from "./narrow.ts";
import { nativeIsCurrent } from "./native/backend.ts";
import { nativeConvolutions } from "./native/gcnii.ts";
import { type SparseMatrix, sparseProduct } from "./sparse.ts";

export interface ConvolutionOptions {
  /** P, nodes x nodes. */
  readonly adjacency: SparseMatrix;
  /** alpha: the initial residual's share. */
  readonly alpha: number;
  /** theta_l of each layer: the weight matrix's share against the identity map. */
  readonly thetas: readonly number[];
  /** Dropout before each convolution; layer l (from 0) draws from site `site + l`. */
  readonly dropout?: DropoutStream;
  /** Return all layers' maps, or the last one's only. */
  readonly maps: boolean;
}

/**
 * With H0 = ReLU(input) and M_0 = input, for l = 1 .. L:
 *
 *     Z_l = (1 - alpha) P dropout(ReLU(M_{l-1})) + alpha H0
 *     M_l = theta_l Z_l W_l + (1 - theta_l) Z_l
 *
 * M_l is layer l's map before its activation, the tap that ABKD aligns.
 *
 * @param input nodes x width: the first linear layer's output, before its activation
 * @param weights L matrices, width x width
 * @returns [L, nodes, width] with `maps`, else the last map alone as [1, nodes, width]
 * @throws {RangeError} for shapes or numbers of layers that do not fit each other
 */
export function gcniiConvolutions(
  input: tf.Tensor2D,
  weights: readonly tf.Tensor2D[],
  options: ConvolutionOptions,
): tf.Tensor3D {
  check(input, weights, options);
  // Inside customGrad the tape is off, so whether to keep what the gradient needs is asked here.
  const recording = tf.engine().isTapeOn();
  if (nativeIsCurrent()) {
    const adjacency = options.adjacency.native();
    return nativeConvolutions(input, weights, { ...options, adjacency }, recording);
  }
  const convolutions = tf.customGrad((...args: unknown[]) => {
    const save = args.pop() as tf.GradSaveFunc;
    const [x, ...ws] = args as tf.Tensor2D[];
    const pass = forward(x!, ws, options, recording);
    save(pass.kept);
    const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]): tf.Tensor[] =>
      backward(dy as tf.Tensor3D, saved, options);
    return { value: pass.maps, gradFunc: gradFunc as unknown as () => tf.Tensor };
  });
  return convolutions(input, ...weights) as tf.Tensor3D;
}

/** Kernels trust their addresses: shapes that do not fit must not reach them. */
function check(
  input: tf.Tensor2D,
  weights: readonly tf.Tensor2D[],
  { adjacency, thetas }: ConvolutionOptions,
): void {
  const [nodes, width] = input.shape;
  if (adjacency.rows !== nodes || adjacency.columns !== nodes) {
    throw new RangeError(
      `gcniiConvolutions: adjacency ${adjacency.rows} x ${adjacency.columns}, input [${input.shape}]`,
    );
  }
  if (weights.length === 0 || weights.length !== thetas.length) {
    throw new RangeError(
      `gcniiConvolutions: ${weights.length} weight matrices, ${thetas.length} thetas`,
    );
  }
  const wrong = weights.findIndex(({ shape }) => !tf.util.arraysEqual(shape, [width, width]));
  if (wrong >= 0) {
    const { shape } = weights[wrong]!;
    throw new RangeError(
      `gcniiConvolutions: weight ${wrong} is [${shape}], input [${input.shape}]`,
    );
  }
}

/**
 * The last map of a stack, without the slow padding that a slice's gradient is.
 * @param maps layers x nodes x width
 * @returns nodes x width
 */
export function lastMap(maps: tf.Tensor3D): tf.Tensor2D {
  const [layers, nodes, width] = maps.shape;
  if (layers === 1) return tf.reshape(maps, [nodes, width]);
  if (nativeIsCurrent()) {
    return tf.reshape(tf.slice(maps, [layers - 1, 0, 0], [1, nodes, width]), [nodes, width]);
  }
  const backend = runningBackend();
  const take = tf.customGrad((...args: unknown[]) => {
    const [stack] = args as [tf.Tensor3D];
    const last = backend.allocate([nodes, width]);
    const from = (layers - 1) * nodes * width;
    backend.floats(last).set(backend.floats(stack).subarray(from));
    const gradFunc = (dy: tf.Tensor): tf.Tensor => {
      const gradient = backend.allocate([layers, nodes, width]);
      const numbers = backend.floats(gradient);
      numbers.fill(0, 0, from);
      numbers.set(backend.floats(dy), from);
      return asTensor(gradient);
    };
    return { value: asTensor(last), gradFunc };
  });
  return take(maps) as tf.Tensor2D;
}

/** A tensor of what a kernel wrote. */
export const asTensor = (info: tf.TensorInfo): tf.Tensor =>
  tf.engine().makeTensorFromTensorInfo(info);

/** What a layer of `width` x `nodes` numbers takes, in bytes: its numbers and its bit mask. */
interface Sizes {
  readonly nodes: number;
  readonly width: number;
  readonly size: number;
  readonly bytes: number;
  readonly maskBytes: number;
}

function sizesOf(nodes: number, width: number): Sizes {
  const size = nodes * width;
  return { nodes, width, size, bytes: size * 4, maskBytes: groups(size) * 4 };
}

export interface ForwardPass {
  readonly maps: tf.Tensor;
  /** Z [L, nodes, width], the bit masks of H0's ReLU and of each layer's dropout, the weights. */
  readonly kept: tf.Tensor[];
}

function forward(
  input: tf.Tensor2D,
  weights: readonly tf.Tensor2D[],
  options: ConvolutionOptions,
  recording: boolean,
): ForwardPass {
  const backend = runningBackend();
  if (isNarrow(input.shape[1])) return narrowForward(input, weights, options, recording);
  const { engine } = backend;
  const { adjacency, alpha, thetas } = options;
  const [nodes, width] = input.shape;
  const { size, bytes, maskBytes } = sizesOf(nodes, width);
  const layers = weights.length;
  const maps = backend.allocate([options.maps ? layers : 1, nodes, width]);
  // Without a tape one layer's Z serves all in turn, and no bits are kept.
  const z = backend.allocate([recording ? layers : 1, nodes, width]);
  const masks = backend.allocate([recording ? layers + 1 : 1, groups(size)]);
  const initial = backend.allocate([nodes, width]);
  const dropped = backend.allocate([nodes, width]);
  const [h0, d] = [backend.address(initial), backend.address(dropped)];
  const bits = backend.address(masks);

  reluDropoutInto(backend, backend.address(input), h0, bits, size, undefined);
  let previous = backend.address(input);
  for (let l = 0; l < layers; l++) {
    const stream = layerStream(options.dropout, l);
    const mask = bits + (recording ? (l + 1) * maskBytes : 0);
    reluDropoutInto(backend, previous, d, mask, size, stream);
    const zl = backend.address(z) + (recording ? l * bytes : 0);
    const values = adjacency.values.address;
    const shares = { p: 1 - alpha, q: alpha, z: h0 };
    sparseProduct(engine, adjacency, { values, x: d, y: zl, columns: width, ...shares });
    // In place where only the last map is wanted: M_{l-1} was read for the last time above.
    const ml = backend.address(maps) + (options.maps ? l * bytes : 0);
    const [theta, w] = [thetas[l]!, backend.address(weights[l]!)];
    engine.run("product", nodes, zl, w, ml, width, width, theta, 1 - theta, zl, 0, 0);
    previous = ml;
  }
  for (const scratch of [initial, dropped]) backend.disposeData(scratch.dataId);
  return { maps: asTensor(maps), kept: [asTensor(z), asTensor(masks), ...weights] };
}

/** Gradients by the input and by each weight matrix. */
function backward(
  dMaps: tf.Tensor3D,
  saved: readonly tf.Tensor[],
  options: ConvolutionOptions,
): tf.Tensor[] {
  const backend = runningBackend();
  if (isNarrow(dMaps.shape[2])) return narrowBackward(dMaps, saved, options);
  const { engine } = backend;
  const { alpha, thetas } = options;
  const [z, masks, ...weights] = saved as [tf.Tensor, tf.Tensor, ...tf.Tensor2D[]];
  const [, nodes, width] = z.shape as [number, number, number];
  const { size, bytes, maskBytes } = sizesOf(nodes, width);
  const { matrix: transposed } = options.adjacency.transposed();
  const scratch = Array.from({ length: 3 }, () => backend.allocate([nodes, width]));
  const [dInitial, dz, other] = scratch.map((info) => backend.address(info)) as [
    number,
    number,
    number,
  ];
  const weightTransposed = backend.allocate([width, width]);
  const wt = backend.address(weightTransposed);
  const dInput = backend.allocate([nodes, width]);
  const gradients: tf.TensorInfo[] = [];
  backend.floats(scratch[0]!).fill(0);

  // The gradient that reaches M_l: from the layer above, and what flows in at its own tap.
  const layers = weights.length;
  let dm = backend.address(dMaps) + (options.maps ? (layers - 1) * bytes : 0);
  for (let l = layers - 1; l >= 0; l--) {
    const theta = thetas[l]!;
    const zl = backend.address(z) + l * bytes;
    const dw = backend.allocate([width, width]);
    gradients.unshift(dw);
    engine.run(
      "productTransposedA",
      width,
      zl,
      dm,
      backend.address(dw),
      nodes,
      width,
      width,
      theta,
    );
    // dZ = theta dM W' + (1 - theta) dM; H0 gets alpha dZ.
    engine.run("transposeDense", width, backend.address(weights[l]!), wt, width, width);
    engine.run("product", nodes, dm, wt, dz, width, width, theta, 1 - theta, dm, alpha, dInitial);
    const scale = (1 - alpha) * keptScale(layerStream(options.dropout, l));
    const tap = options.maps && l > 0 ? backend.address(dMaps) + (l - 1) * bytes : 0;
    sparseProduct(engine, transposed, {
      ...{ values: transposed.values.address, x: dz, y: other, columns: width },
      ...{ p: scale, q: 1, z: tap, mask: backend.address(masks) + (l + 1) * maskBytes },
    });
    dm = other;
  }
  // H0 = ReLU(input) is the initial residual of every layer.
  engine.run("applyBits", groups(size), dInitial, dz, backend.address(masks), size, 1);
  engine.run("combine", size, dm, dz, backend.address(dInput), 1, 1);
  for (const info of [...scratch, weightTransposed]) backend.disposeData(info.dataId);
  return [dInput, ...gradients].map(asTensor);
}

export function layerStream(
  dropout: DropoutStream | undefined,
  layer: number,
): DropoutStream | undefined {
  return dropout && { ...dropout, site: dropout.site + layer };
}

function reluDropoutInto(
  backend: Backend,
  from: number,
  to: number,
  bits: number,
  size: number,
  stream: DropoutStream | undefined,
): void {
  const draw = dropoutArguments(stream);
  backend.engine.run("dropout", groups(size), from, to, bits, size, 1, ...draw);
}
