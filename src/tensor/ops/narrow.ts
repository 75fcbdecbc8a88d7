// GCNII's convolutions for student widths: all layers are one command if it stays on one thread.
import type * as tf from "@tensorflow/tfjs";
import { asTensor, runningBackend } from "../engine/backend.ts";
import { dropoutArguments } from "./dropout-stream.ts";
import type { ConvolutionOptions, ForwardPass } from "./gcnii.ts";
import type { NarrowRows } from "./narrow-rows.ts";

/** Whether rows of this width are one, two or four vectors. */
export const isNarrow = (width: number): boolean => width === 4 || width === 8 || width === 16;

/** The number of words of the class Stack in src/tensor/assembly/narrow.ts. */
const PLAN_WORDS = 27;

/** What a pass adds to the options: addresses, and how many matrices are there. */
interface Stack {
  readonly input: tf.Tensor2D;
  readonly layers: number;
  /** The rows of P or its transpose. */
  readonly rows: NarrowRows;
  /** The `PLAN_WORDS` words from which the kernels read all this. */
  readonly plan: Float32Array;
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

/** Runs all stages of a pass: at once, or one after the other if threads share each. */
function runStages(
  kernel: "narrowForward" | "narrowBackward",
  stack: Stack,
  options: ConvolutionOptions,
): void {
  const backend = runningBackend();
  const { engine } = backend;
  const { input, layers, rows, plan } = stack;
  const [nodes, width] = input.shape;
  const units = Math.ceil(nodes / engine.nodesAUnit);
  const words = new Int32Array(plan.buffer, plan.byteOffset, PLAN_WORDS);
  const [threshold, scale, ...draw] = dropoutArguments(options.dropout);
  words.set([
    ...[nodes, width, layers, rows.starts.address, rows.order.address],
    ...[rows.indices.address, rows.indexBytes, rows.values.address, backend.address(input)],
    ...[stack.dropped, stack.dropSlots, stack.z, stack.zSlots, stack.maps, options.maps ? 1 : 0],
    ...[stack.weights, 0, threshold, 0, ...draw],
    ...[stack.dz ?? 0, stack.dInput ?? 0, stack.parts ?? 0, units],
  ]);
  plan[16] = options.alpha;
  plan[18] = scale;
  const at = plan.byteOffset;
  const stages = layers + 1;
  const atOnce = engine.splits(kernel, units, at, 0, stages) ? 1 : stages;
  for (let stage = 0; stage < stages; stage += atOnce) {
    engine.run(kernel, units, at, stage, stage + atOnce);
  }
}

/** Writes theta W + (1 - theta) I for each layer, then all their transposes. */
function mix(weights: readonly tf.Tensor2D[], thetas: readonly number[], to: Float32Array): void {
  const backend = runningBackend();
  const width = weights[0]!.shape[0];
  const half = weights.length * width * width;
  for (const [l, theta] of thetas.entries()) {
    const weight = backend.floats(weights[l]!);
    const first = l * width * width;
    for (let i = 0; i < width; i++) {
      for (let j = 0; j < width; j++) {
        const x = theta * weight[i * width + j]! + (i === j ? 1 - theta : 0);
        to[first + i * width + j] = x;
        to[half + first + j * width + i] = x;
      }
    }
  }
}

/** The layout, in numbers, of the one tensor that a forward pass leaves for the backward pass. */
function placesOf(layers: number, nodes: number, width: number, recording: boolean) {
  // Without a tape, all layers share two inputs and one Z in turn.
  const dropSlots = recording ? layers : Math.min(2, layers);
  const zSlots = recording ? layers : 1;
  const z = dropSlots * nodes * width;
  const mixed = z + zSlots * nodes * width;
  const plan = mixed + 2 * layers * width * width;
  return { dropSlots, z, zSlots, mixed, plan, end: plan + PLAN_WORDS };
}

/** `kept`: the input, and one tensor with each layer's input after dropout, each layer's Z, the mixed weights. */
export function narrowForward(
  input: tf.Tensor2D,
  weights: readonly tf.Tensor2D[],
  options: ConvolutionOptions,
  recording: boolean,
): ForwardPass {
  const backend = runningBackend();
  const [nodes, width] = input.shape;
  const layers = weights.length;
  const maps = backend.allocate([options.maps ? layers : 1, nodes, width]);
  const { dropSlots, z, zSlots, mixed, plan, end } = placesOf(layers, nodes, width, recording);
  const kept = backend.allocate([end]);
  const [at, numbers] = [backend.address(kept), backend.floats(kept)];
  mix(weights, options.thetas, numbers.subarray(mixed, plan));
  runStages(
    "narrowForward",
    {
      ...{ input, layers, rows: options.adjacency.convolutionRows() },
      plan: numbers.subarray(plan),
      ...{ dropped: at, dropSlots, z: at + z * 4, zSlots },
      ...{ maps: backend.address(maps), weights: at + mixed * 4 },
    },
    options,
  );
  if (recording) return { maps: asTensor(maps), kept: [input, asTensor(kept)] };
  backend.disposeData(kept.dataId);
  return { maps: asTensor(maps), kept: [] };
}

/** Computes the gradients with respect to the input and each weight matrix. */
export function narrowBackward(
  dMaps: tf.Tensor3D,
  saved: readonly tf.Tensor[],
  options: ConvolutionOptions,
): tf.Tensor[] {
  const backend = runningBackend();
  const { engine } = backend;
  const [input, kept] = saved as [tf.Tensor2D, tf.Tensor];
  const [nodes, width] = input.shape;
  const layers = options.thetas.length;
  const square = width * width;
  const units = Math.ceil(nodes / engine.nodesAUnit);
  const { dropSlots, z, zSlots, mixed } = placesOf(layers, nodes, width, true);
  const dInput = backend.allocate([nodes, width]);
  const parts = 2 * nodes * width;
  const plan = parts + layers * units * (square + width);
  const scratch = backend.allocate([plan + PLAN_WORDS]);
  const [at, from] = [backend.address(scratch), backend.address(kept)];
  runStages(
    "narrowBackward",
    {
      ...{ input, layers, rows: options.adjacency.transposed().matrix.convolutionRows() },
      ...{ plan: backend.floats(scratch).subarray(plan) },
      ...{ dropped: from, dropSlots, z: from + z * 4, zSlots },
      ...{ maps: backend.address(dMaps), weights: from + (mixed + layers * square) * 4 },
      ...{ dz: at, dInput: backend.address(dInput), parts: at + parts * 4 },
    },
    options,
  );
  const gradients = options.thetas.map((theta, l) => {
    const gradient = backend.allocate([width, width]);
    const part = at + (parts + l * units * (square + width)) * 4;
    const to = backend.address(gradient);
    engine.run("sumColumns", square, part, to, units, square + width, theta);
    return gradient;
  });
  backend.disposeData(scratch.dataId);
  return [dInput, ...gradients].map(asTensor);
}
