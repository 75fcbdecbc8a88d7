// GCNII's stack of convolutions as one differentiable operator, with few passes over memory and no
// copies of the layer maps. Chen et al. 2020, equation 5.
import * as tf from "@tensorflow/tfjs";
import { asTensor, type Backend, runningBackend } from "../engine/backend.ts";
import { worthPacking } from "../engine/work.ts";
import { nativeIsCurrent } from "../native/backend.ts";
import { nativeConvolutions } from "../native/gcnii.ts";
import { type DropoutStream, dropoutArguments, groups, keptScale } from "./dropout-stream.ts";
import { isNarrow, narrowBackward, narrowForward } from "./narrow.ts";
import { readsFar, type SparseMatrix, sparseProduct } from "./sparse.ts";

export interface ConvolutionOptions {
  /** P, nodes x nodes. */
  readonly adjacency: SparseMatrix;
  /** alpha: the initial residual's share. */
  readonly alpha: number;
  /** theta_l of each layer: the weight matrix's share; the identity map has the rest. */
  readonly thetas: readonly number[];
  /** Dropout before each convolution; layer l (from 0) draws from site `site + l`. */
  readonly dropout?: DropoutStream;
  /** Whether to return all layers' maps or only the last. */
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
 * @returns [L, nodes, width] with `maps`, otherwise only the last map as [1, nodes, width]
 * @throws {RangeError} for shapes or numbers of layers that do not match
 */
export function gcniiConvolutions(
  input: tf.Tensor2D,
  weights: readonly tf.Tensor2D[],
  options: ConvolutionOptions,
): tf.Tensor3D {
  check(input, weights, options);
  // Inside customGrad the tape is off, so this is where to ask whether a gradient will need anything.
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

/** Checks the shapes, because kernels trust their addresses. */
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
 * Returns the last map of a stack, without the slow padding of a slice's gradient.
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

/** The bytes of a layer of `width` x `nodes` numbers: its numbers and its bit mask. */
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

/** How many rows the forward kernel takes at a time: whole tiles and whole dropout groups. */
const FORWARD_ROWS = 96;

function forward(
  input: tf.Tensor2D,
  weights: readonly tf.Tensor2D[],
  options: ConvolutionOptions,
  recording: boolean,
): ForwardPass {
  const backend = runningBackend();
  if (isNarrow(input.shape[1])) return narrowForward(input, weights, options, recording);
  const { engine } = backend;
  const { adjacency, alpha, thetas, dropout } = options;
  const [nodes, width] = input.shape;
  const { size, bytes, maskBytes } = sizesOf(nodes, width);
  const layers = weights.length;
  const maps = backend.allocate([options.maps ? layers : 1, nodes, width]);
  // Without a tape, all layers share one Z in turn, and no bits are kept.
  const z = backend.allocate([recording ? layers : 1, nodes, width]);
  const masks = backend.allocate([recording ? layers + 1 : 1, groups(size)]);
  const scratch = Array.from({ length: 3 }, () => backend.allocate([nodes, width]));
  const [h0, ...dropped] = scratch.map((info) => backend.address(info)) as [number, ...number[]];
  const bits = backend.address(masks);
  const mask = (layer: number): number => bits + (recording ? (layer + 1) * maskBytes : 0);
  const panels = worthPacking(nodes, width, width) ? backend.allocate([width, width]) : undefined;

  const x = backend.address(input);
  reluDropoutInto(backend, x, h0, bits, size, undefined);
  reluDropoutInto(backend, x, dropped[0]!, mask(0), size, layerStream(dropout, 0));
  const { indptr, indices, values } = adjacency;
  for (let l = 0; l < layers; l++) {
    // The layer's map, and what the next layer reads; they share one place if the map is not wanted.
    const next = l + 1 < layers ? dropped[(l + 1) % 2]! : 0;
    const map =
      next && !options.maps ? next : backend.address(maps) + (options.maps ? l * bytes : 0);
    const weight = backend.address(weights[l]!);
    const w = panels ? backend.address(panels) : weight;
    if (panels) engine.run("packPanels", Math.ceil(width / 8), weight, w, width, width, 0);
    engine.run(
      "gcniiForward",
      Math.ceil(nodes / FORWARD_ROWS),
      ...([FORWARD_ROWS, nodes, width] as const),
      ...([indptr.address, indices.address, values.address, dropped[l % 2]!, h0] as const),
      ...([w, backend.address(z) + (recording ? l * bytes : 0)] as const),
      ...([map, next, next && mask(l + 1), alpha, thetas[l]!] as const),
      ...dropoutArguments(layerStream(dropout, l + 1)),
      panels ? 1 : 0,
      readsFar(adjacency, width),
    );
  }
  if (panels) backend.disposeData(panels.dataId);
  for (const info of scratch) backend.disposeData(info.dataId);
  return { maps: asTensor(maps), kept: [asTensor(z), asTensor(masks), ...weights] };
}

/**
 * How to split the backward pass, by shape alone so that sums do not depend on threads: at most
 * 32 blocks, fewer if their weight gradients would take more memory than two layers' numbers.
 * @returns rows per block, a multiple of 64 (what the kernel's masks hold)
 */
function rowsABlock(nodes: number, width: number): number {
  const blocks = Math.min(32, Math.max(8, Math.floor((2 * nodes) / width)));
  return 64 * Math.max(1, Math.ceil(nodes / 64 / blocks));
}

/** How many numbers of scratch memory a block needs per column: 64 rows, and their bits. */
const SCRATCH = 64 + 2;

/** Computes the gradients with respect to the input and each weight matrix. */
function backward(
  dMaps: tf.Tensor3D,
  saved: readonly tf.Tensor[],
  options: ConvolutionOptions,
): tf.Tensor[] {
  const backend = runningBackend();
  if (isNarrow(dMaps.shape[2])) return narrowBackward(dMaps, saved, options);
  const { engine } = backend;
  const { alpha, thetas, dropout } = options;
  const [z, masks, ...weights] = saved as [tf.Tensor, tf.Tensor, ...tf.Tensor2D[]];
  const [, nodes, width] = z.shape as [number, number, number];
  const { size, bytes, maskBytes } = sizesOf(nodes, width);
  const { matrix: transposed } = options.adjacency.transposed();
  const { indptr, indices, values } = transposed;
  const rows = rowsABlock(nodes, width);
  const blocks = Math.max(1, Math.ceil(nodes / rows));
  const scratch = [
    ...Array.from({ length: 3 }, () => backend.allocate([nodes, width])),
    backend.allocate([width, width]),
    backend.allocate([2, blocks, width, width]),
    backend.allocate([blocks, SCRATCH * width]),
  ];
  const [dInitial, even, odd, wt, partial, rest] = scratch.map((info) => backend.address(info)) as [
    ...[number, number, number, number, number, number],
  ];
  const dInput = backend.allocate([nodes, width]);
  backend.floats(scratch[0]!).fill(0);

  // dZ of the layer above and of this one, which swap places.
  let [above, dz] = [0, even];
  const layers = weights.length;
  const mask = (layer: number): number => backend.address(masks) + (layer + 1) * maskBytes;
  const scale = (layer: number): number => (1 - alpha) * keptScale(layerStream(dropout, layer));
  // A layer's weight gradient is summed while the layer below is computed.
  const partialOf = (layer: number): number => partial + (layer % 2) * blocks * width * width * 4;
  const gradients = weights.map(() => backend.allocate([width, width]));
  for (let l = layers - 1; l >= 0; l--) {
    const tapped = options.maps || l === layers - 1;
    const tap = tapped ? backend.address(dMaps) + (options.maps ? l * bytes : 0) : 0;
    const dwAbove = l + 1 < layers ? backend.address(gradients[l + 1]!) : 0;
    engine.run("transposeDense", width, backend.address(weights[l]!), wt, width, width);
    engine.run(
      "gcniiBackward",
      ...[blocks, rows, nodes, width, indptr.address, indices.address, values.address],
      ...[above, scale(l + 1), above && mask(l + 1), tap, backend.address(z) + l * bytes, wt],
      ...[dz, dInitial, partialOf(l), rest, alpha, thetas[l]!],
      ...[partialOf(l + 1), dwAbove, thetas[l + 1] ?? 0, readsFar(transposed, width)],
    );
    [above, dz] = [dz, dz === even ? odd : even];
  }
  const first = backend.address(gradients[0]!);
  engine.run("gcniiWeightGradient", width, partialOf(0), first, width, blocks, thetas[0]!);
  // H0 = ReLU(input) is the initial residual of every layer.
  engine.run("applyBits", groups(size), dInitial, dz, backend.address(masks), size, 1);
  sparseProduct(engine, transposed, {
    values: values.address,
    x: above,
    y: backend.address(dInput),
    columns: width,
    p: scale(0),
    q: 1,
    z: dz,
    mask: mask(0),
  });
  for (const info of scratch) backend.disposeData(info.dataId);
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
