// Grids of small integers for real numbers: x is about scale (code - zero). The arithmetic of quantisation.
// Krishnamoorthi: Quantizing deep convolutional networks for efficient inference, 2018 (affine, per tensor);
// Tailor, Fernandez-Marques, Lane: Degree-Quant, ICLR 2021, whose public code has it so.

/** The bits of a code. */
export type Bits = 4 | 8;

/** x = scale (code - zero), with whole codes from `least` to `most`. */
export interface Grid {
  /** A float32. */
  readonly scale: number;
  readonly zero: number;
  readonly least: number;
  readonly most: number;
}

/** The smallest step of a grid: the difference between 1 and the next float32. */
const EPSILON = 2 ** -23;
/** Adding and taking away 1.5 * 2^52 rounds a double to a whole number. */
const MAGIC = 6755399441055744;

/** Rounds to the nearest whole number, halves to the even one, as f32x4.nearest and torch.round do. */
export const nearest = (x: number): number => x + MAGIC - MAGIC;

/** Returns the least and the most of a signed code. */
export const codeRange = (bits: Bits): readonly [least: number, most: number] => [
  -(2 ** (bits - 1)),
  2 ** (bits - 1) - 1,
];

/** Returns the affine grid of a range, which is widened to hold 0; of the range 0 to 0 the whole numbers. */
export function gridOf(low: number, high: number, bits: Bits): Grid {
  const [least, most] = codeRange(bits);
  const [from, to] = [Math.min(0, low), Math.max(0, high)];
  if (from === to) return { scale: 1, zero: 0, least, most };
  const scale = Math.fround(Math.max((to - from) / (most - least), EPSILON));
  const zero = Math.min(most, Math.max(least, least - nearest(from / scale)));
  return { scale, zero, least, most };
}

/** Returns x's place on the grid, before it is clamped to the codes that there are; in float32 steps. */
export function placeOn({ zero }: Grid, inverse: number, x: number): number {
  return nearest(Math.fround(Math.fround(x * inverse) + zero));
}

/** Returns 1 / scale as the float32 that codes are computed with. */
export const inverseOf = ({ scale }: Grid): number => Math.fround(1 / scale);

/** Returns the codes of numbers. */
export function codesOf(x: ArrayLike<number>, grid: Grid): Int8Array {
  const inverse = inverseOf(grid);
  const codes = new Int8Array(x.length);
  for (let k = 0; k < x.length; k++) {
    codes[k] = Math.min(grid.most, Math.max(grid.least, placeOn(grid, inverse, x[k]!)));
  }
  return codes;
}

/** Returns the numbers that codes stand for. */
export function valuesOf(codes: Int8Array, { scale, zero }: Grid): Float32Array {
  return Float32Array.from(codes, (code) => (code - zero) * scale);
}

/** The share of a matrix's row that its largest entry becomes. */
const ROW_MOST = 127;

/** Rows of whole numbers from -127 to 127, and what a step is worth in each row. */
export interface RowCodes {
  readonly codes: Int8Array;
  /** [rows], float32; 0 for a row without entries. */
  readonly scales: Float32Array;
}

/**
 * Returns the entries of compressed rows as codes, each row on a grid of its own without an offset: a row of
 * equal entries (words of a bag, a mean's weights) keeps them exactly, up to float32.
 */
export function rowCodes(indptr: Int32Array, values: Float32Array | undefined): RowCodes {
  const rows = indptr.length - 1;
  const codes = new Int8Array(indptr[rows]!);
  const scales = new Float32Array(rows);
  for (let r = 0; r < rows; r++) {
    let largest = 0;
    for (let k = indptr[r]!; k < indptr[r + 1]!; k++) {
      largest = Math.max(largest, Math.abs(values ? values[k]! : 1));
    }
    if (largest === 0) continue;
    const scale = Math.fround(largest / ROW_MOST);
    scales[r] = scale;
    for (let k = indptr[r]!; k < indptr[r + 1]!; k++) {
      const place = nearest((values ? values[k]! : 1) / scale);
      codes[k] = Math.min(ROW_MOST, Math.max(-ROW_MOST, place));
    }
  }
  return { codes, scales };
}
