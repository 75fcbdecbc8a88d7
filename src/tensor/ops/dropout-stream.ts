// Which dropout mask to draw, in the numbers that the WebAssembly kernels take.
import { seedWords } from "./random.ts";

/** Which mask to draw. */
export interface DropoutStream {
  /** Probability that an element is dropped, 0 <= rate < 1; rounded to a multiple of 1 / 65536. */
  readonly rate: number;
  readonly seed: number;
  /** The training step (in full-batch training, the epoch). */
  readonly step: number;
  /** The place in the model: layers draw different masks. */
  readonly site: number;
}

/** Returns the last arguments of the dropout kernel: threshold, scale, step, site and the seed's words. */
export function dropoutArguments(
  stream: DropoutStream | undefined,
): [number, number, number, number, number, number] {
  if (!stream || stream.rate === 0) return [0, 1, 0, 0, 0, 0];
  const { rate, seed, step, site } = stream;
  if (!(rate >= 0 && rate < 1)) throw new RangeError(`dropout rate ${rate} is not in [0, 1)`);
  const threshold = Math.min(65_535, Math.round(rate * 65_536));
  return [threshold, keptScale(stream), step, site, ...seedWords(seed)];
}

/** The factor of a kept element: 1 / (1 - rate), with the rate that is actually drawn. */
export function keptScale(stream: DropoutStream | undefined): number {
  if (!stream) return 1;
  return 1 / (1 - Math.min(65_535, Math.round(stream.rate * 65_536)) / 65_536);
}

/** The number of groups of 32 elements, each one word of the bit mask. */
export const groups = (size: number): number => Math.ceil(size / 32);
