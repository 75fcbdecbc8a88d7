// GCNII's convolutions for student widths: all layers in one command where that stays on one thread.
import type * as tf from "@tensorflow/tfjs";
import { runningBackend } from "./backend.ts";
import { dropoutArguments } from "./dropout.ts";
import { asTensor, type ConvolutionOptions, type ForwardPass } from "./gcnii.ts";
import type { SparseMatrix } from "./sparse.ts";

/** Widths whose rows are one, two or four vectors. */
export const isNarrow = (width: number): boolean => width === 4 || width === 8 || width === 16;

/** What the kernels read, in the order of the class Stack of src/tensor/assembly/narrow.ts. */
interface Stack {
  readonly input: tf.Tensor2D;
  readonly layers: number;
  readonly matrix: SparseMatrix;
  readonly dropped: number;
  readonly dropSlots: number;
  readonly z: number;
  readonly zSlots: number;
  readonly maps: number;
  readonly weights: number;
  readonly dz?: number;
  readonly dInput?: number;
  readonly parts?: number;
}

/** Runs all stages of a pass: at once, or one after the other where threads share each. */
function runStages(
  kernel: "narrowForward" | "narrowBackward",
  stack: Stack,
  options: ConvolutionOptions,
): void {
  const backend = runningBackend();
  const { engine } = backend;
  const { input, layers, matrix } = stack;
  const [nodes, width] = input.shape;
  const units = Math.ceil(nodes / engine.nodesAUnit);
  const plan = backend.allocate([WORDS]);
  const floats = backend.floats(plan);
  const words = new Int32Array(floats.buffer, floats.byteOffset, WORDS);
  const [threshold, scale, ...draw] = dropoutArguments(options.dropout) as [number, number];
  words.set([nodes, width, layers]);
  words.set(
    [matrix.indptr, matrix.indices, matrix.values, matrix.byLength()].map((x) => x.address),
    3,
  );
  words.set([backend.address(input), stack.dropped, stack.dropSlots, stack.z, stack.zSlots], 7);
  words.set([stack.maps, options.maps ? 1 : 0, stack.weights], 12);
  floats[15] = options.alpha;
  words[16] = threshold;
  floats[17] = scale;
  words.set([...draw, stack.dz ?? 0, stack.dInput ?? 0, stack.parts ?? 0, units], 18);
  const at = backend.address(plan);
  const stages = layers + 1;
  const atOnce = engine.splits(kernel, units, at) ? 1 : stages;
  for (let stage = 0; stage < stages; stage += atOnce) {
    engine.run(kernel, units, at, stage, stage + atOnce);
  }
  backend.disposeData(plan.dataId);
}

const WORDS = 26;

/** theta W + (1 - theta) I of each layer, and its transpose: [2, layers, width, width]. */
function mixed(weights: readonly tf.Tensor2D[], thetas: readonly number[]): tf.TensorInfo {
  const backend = runningBackend();
  const layers = weights.length;
  const width = weights[0]!.shape[0];
  const out = backend.allocate([2, layers, width, width]);
  const to = backend.floats(out);
  const half = layers * width * width;
  for (let l = 0; l < layers; l++) {
    const weight = backend.floats(weights[l]!);
    const theta = thetas[l]!;
    const first = l * width * width;
    for (let i = 0; i < width; i++) {
      for (let j = 0; j < width; j++) {
        const x = theta * weight[i * width + j]! + (i === j ? 1 - theta : 0);
        to[first + i * width + j] = x;
        to[half + first + j * width + i] = x;
      }
    }
  }
  return out;
}

/** `kept`: the input, each layer's input after dropout, each layer's Z, and the mixed weights. */
export function narrowForward(
  input: tf.Tensor2D,
  weights: readonly tf.Tensor2D[],
  options: ConvolutionOptions,
  recording: boolean,
): ForwardPass {
  const backend = runningBackend();
  const [nodes, width] = input.shape;
  const layers = weights.length;
  const [dropSlots, zSlots] = recording ? [layers, layers] : [Math.min(2, layers), 1];
  const maps = backend.allocate([options.maps ? layers : 1, nodes, width]);
  const z = backend.allocate([zSlots, nodes, width]);
  const dropped = backend.allocate([dropSlots, nodes, width]);
  const both = mixed(weights, options.thetas);
  const address = (info: tf.TensorInfo): number => backend.address(info);
  runStages(
    "narrowForward",
    {
      ...{ input, layers, matrix: options.adjacency, dropped: address(dropped), dropSlots },
      ...{ z: address(z), zSlots, maps: address(maps), weights: address(both) },
    },
    options,
  );
  return { maps: asTensor(maps), kept: [input, asTensor(dropped), asTensor(z), asTensor(both)] };
}

/** Gradients by the input and by each weight matrix. */
export function narrowBackward(
  dMaps: tf.Tensor3D,
  saved: readonly tf.Tensor[],
  options: ConvolutionOptions,
): tf.Tensor[] {
  const backend = runningBackend();
  const { engine } = backend;
  const [input, dropped, z, both] = saved as [tf.Tensor2D, tf.Tensor, tf.Tensor3D, tf.Tensor];
  const [nodes, width] = input.shape;
  const layers = z.shape[0];
  const square = width * width;
  const units = Math.ceil(nodes / engine.nodesAUnit);
  const dInput = backend.allocate([nodes, width]);
  const dz = backend.allocate([2, nodes, width]);
  const parts = backend.allocate([layers, units, square + width]);
  const address = (info: tf.TensorInfo): number => backend.address(info);
  runStages(
    "narrowBackward",
    {
      ...{ input, layers, matrix: options.adjacency.transposed().matrix },
      ...{ dropped: address(dropped), dropSlots: layers, z: address(z), zSlots: layers },
      ...{ maps: address(dMaps), weights: address(both) + layers * square * 4 },
      ...{ dz: address(dz), dInput: address(dInput), parts: address(parts) },
    },
    options,
  );
  const gradients = options.thetas.map((theta, l) => {
    const gradient = backend.allocate([width, width]);
    const from = address(parts) + l * units * (square + width) * 4;
    engine.run("sumColumns", square, from, address(gradient), units, square + width, theta);
    return gradient;
  });
  for (const scratch of [dz, parts]) backend.disposeData(scratch.dataId);
  return [dInput, ...gradients].map(asTensor);
}
