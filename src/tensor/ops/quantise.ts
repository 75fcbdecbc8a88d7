// Fake quantisation: a tensor's numbers become those of a grid of few integers, with an estimated gradient.
// Tailor, Fernandez-Marques, Lane: Degree-Quant, ICLR 2021. Bengio, Leonard, Courville: Estimating or Propagating
// Gradients Through Stochastic Neurons, 2013 (the straight-through estimator).
import * as tf from "@tensorflow/tfjs";
import { needObject } from "../../base/arguments.ts";
import { fresh, read } from "./elements.ts";
import { type Grid, inverseOf, placeOn } from "./grid.ts";

export interface QuantiseOptions {
  /**
   * What the gradient is: `straight` as if nothing were rounded, or `clipped`, which is 0 where a number is at
   * the grid's ends or beyond.
   */
  readonly gradient: "straight" | "clipped";
  /** A byte for each row of x: rows that are not 0 stay as they are, in both directions. */
  readonly exemptRows?: Uint8Array | undefined;
  /** A byte for each element of x, likewise. */
  readonly exempt?: Uint8Array | undefined;
}

/**
 * Rounds x to a grid, scale (clamp(nearest(x / scale + zero)) - zero), differentiably.
 * @param x a tensor of any shape; `exemptRows` are those along its first axis
 * @throws {RangeError} for exempt bytes of another number
 */
export function fakeQuantise<T extends tf.Tensor>(x: T, grid: Grid, options: QuantiseOptions): T {
  needObject(x, "fakeQuantise: x", "a tensor", "shape");
  const { gradient, exemptRows, exempt } = options;
  const width = x.size / (x.shape[0] ?? 1);
  if (exemptRows && exemptRows.length * width !== x.size) {
    throw new RangeError(`fakeQuantise: ${exemptRows.length} exempt rows for [${x.shape}]`);
  }
  if (exempt && exempt.length !== x.size) {
    throw new RangeError(`fakeQuantise: ${exempt.length} exempt elements for [${x.shape}]`);
  }
  const skipped = exemptRows ? spread(exemptRows, width, exempt) : exempt;
  const { scale, zero, least, most } = grid;
  const inverse = inverseOf(grid);
  const op = tf.customGrad((...args: unknown[]) => {
    const [input, save] = args as [tf.Tensor, tf.GradSaveFunc];
    const from = read(input);
    const out = fresh(input.shape);
    const slopes = gradient === "clipped" ? fresh(input.shape) : undefined;
    const [y, d] = [out.numbers, slopes?.numbers];
    for (let k = 0; k < from.length; k++) {
      if (skipped?.[k]) {
        y[k] = from[k]!;
        if (d) d[k] = 1;
        continue;
      }
      const place = placeOn(grid, inverse, from[k]!);
      y[k] = (Math.min(most, Math.max(least, place)) - zero) * scale;
      if (d) d[k] = place > least && place < most ? 1 : 0;
    }
    if (slopes) save([slopes.tensor()]);
    const gradFunc = (dy: tf.Tensor, [by]: tf.Tensor[]): tf.Tensor =>
      by ? tf.mul(dy, by) : tf.clone(dy);
    return { value: out.tensor(), gradFunc };
  });
  return op(x) as T;
}

/** Returns a byte for each element: those of exempt rows, and those that are exempt themselves. */
function spread(rows: Uint8Array, width: number, exempt: Uint8Array | undefined): Uint8Array {
  const all = exempt?.slice() ?? new Uint8Array(rows.length * width);
  for (const [row, isExempt] of rows.entries()) {
    if (isExempt) all.fill(1, row * width, (row + 1) * width);
  }
  return all;
}
