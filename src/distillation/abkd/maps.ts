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

/** One map a layer of the teacher's, n x width each. */
export type Layers = readonly tf.Tensor2D[];

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
 * The layers of a stack of maps that `chosen` names, the logits behind them where they count as one.
 * Maps and logits are then padded with zeros to the wider of the two: through a linear map of its
 * own that is the same as a layer of its own width.
 *
 * @param maps layers x n x width
 * @param logits n x classes, or undefined where they are no layer
 * @returns the stack itself where all of it is wanted
 */
export function chosenLayers(
  maps: tf.Tensor3D,
  logits: tf.Tensor2D | undefined,
  chosen: readonly number[],
): tf.Tensor3D {
  const count = maps.shape[0];
  if (!logits && chosen.length === count) return maps;
  const width = logits ? Math.max(maps.shape[2], logits.shape[1]) : maps.shape[2];
  const layers = layersOf(maps);
  const found = chosen.map((layer) => {
    const one = layer < count ? layers[layer] : logits;
    if (!one) throw new RangeError(`layer ${layer} of ${count}`);
    return widened(one, width);
  });
  return tf.stack(found) as tf.Tensor3D;
}

/** Layer `index` of what chosenLayers gives, 1 x n x width, without the others; not differentiable. */
export function layerOf(
  maps: tf.Tensor3D,
  logits: tf.Tensor2D | undefined,
  index: number,
): tf.Tensor3D {
  const [count, nodes, width] = maps.shape;
  const layer = index < count ? tf.slice(maps, [index, 0, 0], [1, nodes, width]) : logits;
  if (!layer) throw new RangeError(`layer ${index} of ${count}`);
  const flat = tf.reshape(layer, [nodes, -1]) as tf.Tensor2D;
  const wide = logits ? widened(flat, Math.max(width, logits.shape[1])) : flat;
  return tf.reshape(wide, [1, nodes, -1]);
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
