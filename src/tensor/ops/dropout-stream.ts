// Which dropout mask is drawn, in the numbers that the kernels take.
import { seedWords } from "./random.ts";

/** Which mask to draw. */
export interface DropoutStream {
  /** Probability that an element is dropped, 0 <= rate < 1; kept to 1 / 65536. */
  readonly rate: number;
  readonly seed: number;
  /** The training step (an epoch, in full-batch training). */
  readonly step: number;
  /** The place in the model: layers draw different masks. */
  readonly site: number;
}

/** The arguments that the dropout kernel ends with: threshold, scale, step, site and the seed's words. */
export function dropoutArguments(
  stream: DropoutStream | undefined,
): [number, number, number, number, number, number] {
  if (!stream || stream.rate === 0) return [0, 1, 0, 0, 0, 0];
  const { rate, seed, step, site } = stream;
  if (!(rate >= 0 && rate < 1)) throw new RangeError(`dropout rate ${rate} is not in [0, 1)`);
  const threshold = Math.min(65_535, Math.round(rate * 65_536));
  return [threshold, keptScale(stream), step, site, ...seedWords(seed)];
}

/** What a kept element is multiplied with: 1 / (1 - rate), rate as it is really drawn. */
export function keptScale(stream: DropoutStream | undefined): number {
  if (!stream) return 1;
  return 1 / (1 - Math.min(65_535, Math.round(stream.rate * 65_536)) / 65_536);
}

/** Elements are drawn in groups of 32, one word of the bit mask each. */
export const groups = (size: number): number => Math.ceil(size / 32);
