// The layer maps as the loss reads them: logits as a layer, scaled, centred or normalised.
import * as tf from "@tensorflow/tfjs";
import type { Outputs } from "../../models/model.ts";
import { layersOf } from "./blocks.ts";
import type { Side } from "./side.ts";

export const MAP_KINDS = ["raw", "scaled", "centred", "scaled-centred", "normalised"] as const;

/**
 * - `scaled`: each layer divided by the root of its mean square over nodes and width.
 * - `centred`: each layer less its mean over nodes.
 * - `scaled-centred`: scaled, then centred.
 * - `normalised`: each node's vector divided by its length.
 */
export type MapKind = (typeof MAP_KINDS)[number];

/** One map a layer of the teacher's, n x width each. */
export type TeacherMaps = readonly tf.Tensor2D[];

export interface PreparedMaps {
  /** What D compares: layers x n x width. */
  readonly maps: tf.Tensor3D;
  /**
   * Mean over nodes, layers x width, for the attention (T_a, S_a): taken before centring, after
   * which there would be nothing to attend to.
   */
  readonly means: tf.Tensor2D;
}

/** Squared lengths below this count as zero: no direction, and no gradient through it. */
export const NO_LENGTH = 1e-24;

/**
 * The maps of a side's layers, layers x n x width; the logits count as one behind a model's own layers.
 * Narrower ones are padded with zeros to the side's width: through a linear map of its own that is the
 * same as a layer of its own width, and a mean over width gives every layer the same weight.
 *
 * @returns the model's own stack where all of it is wanted
 */
export function chosenLayers(outputs: Outputs, { layers, width }: Side): tf.Tensor3D {
  const { widths, stack } = outputs.layers!;
  if (stack && layers.length === widths.length && width === stack.shape[2]) return stack;
  const each = stack && layersOf(stack);
  const maps = layers.map((layer) => widened(each?.[layer] ?? mapOf(outputs, layer), width));
  return tf.stack(maps) as tf.Tensor3D;
}

/** One layer of what chosenLayers gives, 1 x n x width, without the others. */
export function layerOf(outputs: Outputs, { width }: Side, layer: number): tf.Tensor3D {
  return tf.expandDims(widened(mapOf(outputs, layer), width), 0);
}

/** A layer's map at its own width; behind the last one stand the logits. */
function mapOf({ layers, logits }: Outputs, layer: number): tf.Tensor2D {
  return layer < layers!.widths.length ? layers!.at(layer) : logits;
}

/** Zeros to the right. By a product, whose gradient is faster than a padding's. */
function widened(layer: tf.Tensor2D, width: number): tf.Tensor2D {
  const own = layer.shape[1];
  return own === width ? layer : tf.matMul(layer, tf.eye(own, width));
}

/** Differentiable; a layer of zeros stays zero. */
export function prepareMaps(stack: tf.Tensor3D, kind: MapKind): PreparedMaps {
  const scaled = scaledMaps(stack, kind);
  const means = meansOverNodes(scaled);
  const centred = kind === "centred" || kind === "scaled-centred";
  return {
    maps: centred ? tf.sub(scaled, means) : scaled,
    means: tf.reshape(means, [stack.shape[0], stack.shape[2]]),
  };
}

function scaledMaps(stack: tf.Tensor3D, kind: MapKind): tf.Tensor3D {
  if (kind === "normalised") {
    const rows = tf.reshape(stack, [-1, stack.shape[2]]) as tf.Tensor2D;
    return tf.reshape(unitRows(rows), stack.shape);
  }
  if (kind !== "scaled" && kind !== "scaled-centred") return stack;
  return tf.stack(layersOf(stack).map(unitMeanSquare)) as tf.Tensor3D;
}

/** layers x 1 x width. The gradient repeats a row by a sum, which is faster than tfjs's broadcast. */
function meansOverNodes(stack: tf.Tensor3D): tf.Tensor3D {
  const op = tf.customGrad((...args: unknown[]) => {
    const [maps, save] = args as [tf.Tensor3D, tf.GradSaveFunc];
    save([maps]);
    const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]): tf.Tensor =>
      tf.add(tf.zerosLike(saved[0]!), tf.mul(dy, 1 / maps.shape[1]));
    return { value: tf.mean(maps, 1, true), gradFunc: gradFunc as unknown as () => tf.Tensor };
  });
  return op(stack) as tf.Tensor3D;
}

function unitMeanSquare(layer: tf.Tensor2D): tf.Tensor2D {
  return tf.mul(layer, inverseRoot(tf.mean(tf.mul(layer, layer))));
}

/** Each row divided by its length; rows of no length become zero. */
export function unitRows(x: tf.Tensor2D): tf.Tensor2D {
  const width = x.shape[1];
  const inverse = inverseRoot(tf.matMul(tf.mul(x, x) as tf.Tensor2D, tf.ones([width, 1])));
  return tf.mul(x, tf.matMul(inverse as tf.Tensor2D, tf.ones([1, width])));
}

/** x^-1/2, and 0 with gradient 0 where x is no more than NO_LENGTH. */
export function inverseRoot(x: tf.Tensor): tf.Tensor {
  const op = tf.customGrad((...args: unknown[]) => {
    const [value, save] = args as [tf.Tensor, tf.GradSaveFunc];
    const positive = tf.greater(value, NO_LENGTH);
    const root = tf.rsqrt(tf.where(positive, value, tf.onesLike(value)));
    const result = tf.where(positive, root, tf.zerosLike(value));
    save([result]);
    const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]): tf.Tensor =>
      tf.mul(tf.mul(dy, -0.5), tf.mul(saved[0]!, tf.mul(saved[0]!, saved[0]!)));
    return { value: result, gradFunc };
  });
  return op(x);
}
