// Prepares layer maps for the loss: logits as a layer; scaled, centred or normalised.
import * as tf from "@tensorflow/tfjs";
import type { Outputs } from "../../models/model.ts";
import { layersOf } from "./blocks.ts";
import type { Side } from "./side.ts";

export const MAP_KINDS = ["raw", "scaled", "centred", "scaled-centred", "normalised"] as const;

/**
 * - `scaled`: each layer divided by the root of its mean square over nodes and width.
 * - `centred`: each layer minus its mean over nodes.
 * - `scaled-centred`: scaled, then centred.
 * - `normalised`: each node's vector divided by its length.
 */
export type MapKind = (typeof MAP_KINDS)[number];

/** One map per teacher layer, n x width each. */
export type TeacherMaps = readonly tf.Tensor2D[];

export interface PreparedMaps {
  /** What D compares: layers x n x width. */
  readonly maps: tf.Tensor3D;
  /**
   * Means over nodes, layers x width, for the attention (T_a, S_a): taken before centring, which
   * makes them 0.
   */
  readonly means: tf.Tensor2D;
}

/** Squared lengths up to this count as zero: no direction and no gradient. */
export const NO_LENGTH = 1e-24;

/**
 * Returns the maps of a side's layers, layers x n x width; the logits come after a model's own layers.
 * Narrower maps are padded with zeros to the side's width: a linear map per layer gives the same as
 * without padding, and a mean over width gives every layer the same weight.
 *
 * @returns the model's own stack if all of it is wanted
 */
export function chosenLayers(outputs: Outputs, { layers, width }: Side): tf.Tensor3D {
  const { widths, stack } = outputs.layers!;
  if (stack && layers.length === widths.length && width === stack.shape[2]) return stack;
  const each = stack && layersOf(stack);
  const maps = layers.map((layer) => widened(each?.[layer] ?? mapOf(outputs, layer), width));
  return tf.stack(maps) as tf.Tensor3D;
}

/** Returns one layer of chosenLayers(), 1 x n x width, without making the others. */
export function layerOf(outputs: Outputs, { width }: Side, layer: number): tf.Tensor3D {
  return tf.expandDims(widened(mapOf(outputs, layer), width), 0);
}

/** Returns a layer's map at its own width; after the last layer come the logits. */
function mapOf(outputs: Outputs, layer: number): tf.Tensor2D {
  const layers = outputs.layers!;
  return layer < layers.widths.length ? layers.at(layer) : outputs.logits;
}

/** Pads with zeros on the right, by a product: its gradient is faster than that of tf.pad. */
function widened(layer: tf.Tensor2D, width: number): tf.Tensor2D {
  const own = layer.shape[1];
  return own === width ? layer : tf.matMul(layer, tf.eye(own, width));
}

/** Prepares maps of this kind, differentiably; a layer of zeros stays zero. */
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

/** Returns layers x 1 x width. The gradient repeats rows by an addition, faster than tfjs's broadcast. */
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

/** Divides each row by its length; rows of no length become zero. */
export function unitRows(x: tf.Tensor2D): tf.Tensor2D {
  const width = x.shape[1];
  const inverse = inverseRoot(tf.matMul(tf.mul(x, x) as tf.Tensor2D, tf.ones([width, 1])));
  return tf.mul(x, tf.matMul(inverse as tf.Tensor2D, tf.ones([1, width])));
}

/** Returns x^-1/2, and 0 with gradient 0 where x is at most NO_LENGTH. */
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
