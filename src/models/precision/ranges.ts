// The ranges of quantised tensors: found in passes, moved by each, kept as the model's state.
// Tailor, Fernandez-Marques, Lane: Degree-Quant, ICLR 2021, section 3.2 (percentiles), and its public code.
import type { RangeRule } from "./precision.ts";

/** How many numbers a range has: its low end, its high end, and 1 once a pass has set them. */
export const RANGE_NUMBERS = 3;

/** Of more numbers than this, every so many-th is sorted for the percentiles. */
const SORTED = 2 ** 17;

/** The lowest and the highest number of a pass, without outliers. */
export type Ends = readonly [low: number, high: number];

/** Returns a pass's ends; undefined without numbers. */
export function endsOf(values: Float32Array, rule: RangeRule): Ends | undefined {
  if (values.length === 0) return undefined;
  if ("percentile" in rule && rule.percentile > 0) return percentileEnds(values, rule.percentile);
  let [low, high] = [values[0]!, values[0]!];
  for (const x of values) {
    if (x < low) low = x;
    if (x > high) high = x;
  }
  return [low, high];
}

/** The ranks int(n p) and int(n (1 - p)), counted from 1, as torch.kthvalue takes them. */
function percentileEnds(values: Float32Array, percentile: number): Ends {
  const step = Math.ceil(values.length / SORTED);
  const some = step === 1 ? values.slice() : values.filter((_, k) => k % step === 0);
  some.sort();
  const count = some.length;
  const ranked = (rank: number): number =>
    some[Math.max(1, Math.min(count, Math.trunc(rank))) - 1]!;
  return [ranked(count * percentile), ranked(count * (1 - percentile))];
}

/**
 * Moves a range by a pass's ends.
 * @param ranges RANGE_NUMBERS numbers for each range
 */
export function moveRange(
  ranges: Float32Array,
  slot: number,
  [low, high]: Ends,
  rule: RangeRule,
): void {
  const at = slot * RANGE_NUMBERS;
  const [oldLow, oldHigh, isSet] = ranges.subarray(at, at + RANGE_NUMBERS) as unknown as [
    number,
    number,
    number,
  ];
  if (!isSet) ranges.set([low, high, 1], at);
  else if ("momentum" in rule) {
    const { momentum } = rule;
    ranges.set([oldLow + momentum * (low - oldLow), oldHigh + momentum * (high - oldHigh)], at);
  } else ranges.set([Math.min(oldLow, low), Math.max(oldHigh, high)], at);
}

/** Returns a range's ends; undefined if no pass has set them. */
export function rangeAt(ranges: Float32Array, slot: number): Ends | undefined {
  const at = slot * RANGE_NUMBERS;
  return ranges[at + 2] === 0 ? undefined : [ranges[at]!, ranges[at + 1]!];
}
