// The codes of a sparse matrix in the engine's memory, as the integer kernel reads them.
import { Buffer } from "../engine/buffer.ts";
import type { RowCodes } from "./grid.ts";

/** The largest magnitude of a code less its zero. */
export const LARGEST_OFFSET = 255;

/** Bytes, the sum of each row's, and each row's step. */
export class IntegerRows {
  readonly codes: Buffer;
  readonly sums: Buffer;
  readonly scales: Buffer;

  /** @throws {RangeError} for a row whose product with codes might not fit 32 bits */
  constructor(indptr: Int32Array, { codes, scales }: RowCodes) {
    const sums = new Int32Array(scales.length);
    for (let r = 0; r < sums.length; r++) {
      let size = 0;
      for (let k = indptr[r]!; k < indptr[r + 1]!; k++) {
        sums[r]! += codes[k]!;
        size += Math.abs(codes[k]!);
      }
      if (size * LARGEST_OFFSET >= 2 ** 31) {
        throw new RangeError(
          `row ${r} has ${indptr[r + 1]! - indptr[r]!} entries: their integer sum may not fit 32 bits`,
        );
      }
    }
    this.codes = Buffer.integers(codes, "a sparse matrix's codes");
    this.sums = Buffer.integers(sums, "the sums of codes");
    this.scales = Buffer.floats(scales, "the scales of codes");
  }

  dispose(): void {
    for (const buffer of [this.codes, this.sums, this.scales]) buffer.dispose();
  }
}
