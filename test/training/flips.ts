// Flips bits in files of every kind, and finds those that were accepted.
import { join } from "node:path";
import { UserError } from "../../src/base/errors.ts";
import type { Kind } from "./own-files.ts";

/**
 * @param bits the bits to flip, one at a time, counted from the file's start
 * @returns a line for each flip that was not refused in one printable line
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

/** Returns different bits, spread evenly over the whole file, the same at every call. */
export function spread(whole: Buffer, count: number): number[] {
  const bits = 8 * whole.length;
  const most = Math.floor(bits / count);
  // An odd step visits every place in a byte.
  const step = most - ((most + 1) % 2);
  return Array.from({ length: count }, (_, k) => k * step);
}
