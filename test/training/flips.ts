// Flipped bits in the files of every kind: how many were taken for whole.
import { join } from "node:path";
import { UserError } from "../../src/base/errors.ts";
import type { Kind } from "./own-files.ts";

/**
 * @param bits which to flip, one at a time, counted from the file's first
 * @returns a line for each that was not refused in one printable line
 */
export function accepted(
  kind: Kind,
  whole: Buffer,
  bits: Iterable<number>,
  folder: string,
): string[] {
  const wrong: string[] = [];
  for (const bit of bits) {
    const bytes = Buffer.from(whole);
    bytes[bit >> 3]! ^= 1 << (bit & 7);
    try {
      kind.read(join(folder, kind.name), bytes);
      wrong.push(`bit ${bit & 7} of byte ${bit >> 3} is taken for whole`);
    } catch (error) {
      const fine = error instanceof UserError && /^[\P{C}]{1,2100}$/u.test(error.message);
      if (!fine) wrong.push(`bit ${bit & 7} of byte ${bit >> 3}: ${error}`);
    }
  }
  return wrong;
}

/** Different bits of a file, spread over its header and its end alike, the same at every call. */
export function spread(whole: Buffer, count: number): number[] {
  const bits = 8 * whole.length;
  const most = Math.floor(bits / count);
  // Odd, so that every place in a byte has its turn.
  const step = most - ((most + 1) % 2);
  return Array.from({ length: count }, (_, k) => k * step);
}
