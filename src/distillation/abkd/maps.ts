// The layer maps as the loss reads them: logits as a layer, scaled, centred or normalised.
import * as tf from "@tensorflow/tfjs";
import { layersOf } from "./blocks.ts";

export const MAP_KINDS = ["raw", "scaled", "centred", "scaled-centred", "normalised"] as const;

/**
 * - `scaled`: each layer divided by the root of its mean square over nodes and width.
 * - `centred`: each layer less its mean over nodes.
 * - `scaled-centred`: scaled, then centred.
 * - `normalised`: each node's vector divided by its length.
 */
export type MapKind = (typeof MAP_KINDS)[number];

/** One map a layer, n x width each. */
export type Layers = readonly tf.Tensor2D[];

export interface PreparedMaps {
  /** What D compares. */
  readonly layers: Layers;
  /**
   * Mean over nodes, 1 x width each, for the attention (T_a, S_a): taken before centring, after
   * which there would be nothing to attend to.
   */
  readonly means: Layers;
}

/** Squared lengths below this count as zero: no direction, and no gradient through it. */
export const NO_LENGTH = 1e-24;

/**
 * The layers of a stack of maps, the logits behind them where they count as one. Maps and logits
 * are then padded with zeros to the wider of the two: through a linear map of its own that is the
 * same as a layer of its own width.
 *
 * @param maps layers x n x width
 * @param logits n x classes, or undefined where they are no layer
 */
export function unstackLayers(maps: tf.Tensor3D, logits: tf.Tensor2D | undefined): tf.Tensor2D[] {
  const layers = layersOf(maps);
  if (!logits) return layers;
  const width = Math.max(maps.shape[2], logits.shape[1]);
  return [...layers, logits].map((layer) => widened(layer, width));
}

/** Layer `index` of what unstackLayers gives, without the others; not differentiable. */
export function layerOf(
  maps: tf.Tensor3D,
  logits: tf.Tensor2D | undefined,
  index: number,
): tf.Tensor2D {
  const [count, nodes, width] = maps.shape;
  const layer = index < count ? tf.slice(maps, [index, 0, 0], [1, nodes, width]) : logits;
  if (!layer) throw new RangeError(`layer ${index} of ${count}`);
  const flat = tf.reshape(layer, [nodes, -1]) as tf.Tensor2D;
  return logits ? widened(flat, Math.max(width, logits.shape[1])) : flat;
}

/** Zeros to the right. By a product, whose gradient is faster than a padding's. */
function widened(layer: tf.Tensor2D, width: number): tf.Tensor2D {
  const own = layer.shape[1];
  return own === width ? layer : tf.matMul(layer, tf.eye(own, width));
}

/** Differentiable; a layer of zeros stays zero. */
export function prepareMaps(layers: Layers, kind: MapKind): PreparedMaps {
  const scaled = layers.map((layer) => {
    if (kind === "normalised") return unitRows(layer);
    return kind === "scaled" || kind === "scaled-centred" ? unitMeanSquare(layer) : layer;
  });
  const means = scaled.map(meanOverNodes);
  const centred = kind === "centred" || kind === "scaled-centred";
  return {
    layers: centred ? scaled.map((layer, i) => tf.sub(layer, means[i]!) as tf.Tensor2D) : scaled,
    means,
  };
}

/** By a product, whose gradient is a product too: faster than a mean's broadcast. */
function meanOverNodes(layer: tf.Tensor2D): tf.Tensor2D {
  const nodes = layer.shape[0];
  return tf.matMul(tf.fill([1, nodes], 1 / nodes), layer);
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
