// GCNII's stack of convolutions on the native engine; src/tensor/ops/gcnii.ts defines it.
import * as tf from "@tensorflow/tfjs";
import type { ConvolutionOptions } from "../ops/gcnii.ts";
import { nativeBackend } from "./backend.ts";
import { passFactors } from "./dropout.ts";
import { type NativeSparse, sparseProduct } from "./sparse.ts";

type Options = Omit<ConvolutionOptions, "adjacency"> & { readonly adjacency: NativeSparse };

/** @param recording whether a gradient may be requested */
export function nativeConvolutions(
  input: tf.Tensor2D,
  weights: readonly tf.Tensor2D[],
  options: Options,
  recording: boolean,
): tf.Tensor3D {
  const layers = weights.length;
  const convolutions = tf.customGrad((...args: unknown[]) => {
    const save = args.pop() as tf.GradSaveFunc;
    const [x, ...ws] = args as tf.Tensor2D[];
    const { maps, kept } = forward(x!, ws, options, recording);
    save([...kept, ...ws]);
    const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]): tf.Tensor[] =>
      backward(dy as tf.Tensor3D, saved as tf.Tensor2D[], layers, options);
    return { value: maps, gradFunc: gradFunc as unknown as () => tf.Tensor };
  });
  return convolutions(input, ...weights) as tf.Tensor3D;
}

/** theta W + (1 - theta) I, so that one product also does the identity map. */
function mixed(weight: tf.Tensor2D, theta: number): tf.Tensor2D {
  return tf.add(tf.mul(weight, theta), tf.mul(tf.eye(weight.shape[0]), 1 - theta)) as tf.Tensor2D;
}

/** `kept`: H0's ReLU, then for each layer its dropout's and ReLU's factors, then each layer's Z. */
function forward(
  input: tf.Tensor2D,
  weights: readonly tf.Tensor2D[],
  { adjacency, alpha, thetas, dropout, maps: wanted }: Options,
  recording: boolean,
): { maps: tf.Tensor3D; kept: tf.Tensor[] } {
  const [nodes, width] = input.shape;
  const initialOn = passFactors(input, true, undefined)!;
  const residual = tf.mul(tf.mul(input, initialOn), alpha);
  const shares = adjacency.scaled(1 - alpha);
  const [factors, zs, maps]: [tf.Tensor[], tf.Tensor[], tf.Tensor2D[]] = [[], [], []];
  let previous = input;
  for (const [l, weight] of weights.entries()) {
    const layer = tf.tidy(() => {
      const stream = dropout && { ...dropout, site: dropout.site + l };
      const factor = passFactors(previous, true, stream)!;
      const z = tf.add(sparseProduct(shares, tf.mul(previous, factor)), residual);
      const map = tf.matMul(z as tf.Tensor2D, mixed(weight, thetas[l]!));
      return recording ? { map, factor, z } : { map };
    });
    if (layer.factor && layer.z) {
      factors.push(layer.factor);
      zs.push(layer.z);
    }
    // A layer's map that is not needed again is freed once the next one exists.
    if (!wanted && l > 0) previous.dispose();
    previous = layer.map as tf.Tensor2D;
    if (wanted) maps.push(previous);
  }
  nativeBackend().free(shares);
  const stack = wanted ? tf.stack(maps) : tf.reshape(previous, [1, nodes, width]);
  return { maps: stack as tf.Tensor3D, kept: recording ? [initialOn, ...factors, ...zs] : [] };
}

/** Computes the gradients with respect to the input and each weight matrix. */
function backward(
  dMaps: tf.Tensor3D,
  saved: readonly tf.Tensor2D[],
  layers: number,
  { adjacency, alpha, thetas, maps: wanted }: Options,
): tf.Tensor[] {
  const [, nodes, width] = dMaps.shape;
  const [initialOn, ...rest] = saved;
  const part = (index: number): tf.Tensor2D[] => rest.slice(index * layers, (index + 1) * layers);
  const [factors, zs, weights] = [part(0), part(1), part(2)];
  const tap = (l: number): tf.Tensor2D =>
    tf.reshape(tf.slice(dMaps, [l, 0, 0], [1, nodes, width]), [nodes, width]);
  const shares = adjacency.transposed.matrix.scaled(1 - alpha);
  const gradients: tf.Tensor[] = [];
  let dInitial: tf.Tensor = tf.zeros([nodes, width]);
  // The gradient that reaches M_l: from the layer above, and from its own tap.
  let dm = tap(wanted ? layers - 1 : 0);
  for (let l = layers - 1; l >= 0; l--) {
    const step = tf.tidy(() => {
      const dz = tf.matMul(dm, mixed(weights[l]!, thetas[l]!), false, true);
      const below = tf.mul(sparseProduct(shares, dz), factors[l]!);
      return {
        dw: tf.mul(tf.matMul(zs[l]!, dm, true), thetas[l]!),
        dInitial: tf.add(dInitial, dz),
        dm: (wanted && l > 0 ? tf.add(below, tap(l - 1)) : below) as tf.Tensor2D,
      };
    });
    tf.dispose([dm, dInitial]);
    gradients.unshift(step.dw);
    dm = step.dm;
    dInitial = step.dInitial;
  }
  nativeBackend().free(shares);
  // H0 = ReLU(input) is the initial residual of every layer.
  const dInput = tf.add(dm, tf.mul(tf.mul(dInitial, alpha), initialOn!));
  return [dInput, ...gradients];
}
