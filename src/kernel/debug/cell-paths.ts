// The paths by which debuggers know cells: a front end computes the same from a cell's text. No such files exist.
import { tmpdir } from "node:os";
import { join, sep } from "node:path";
import { NAME } from "../../base/own-package.ts";

/** The seed of the hash. Any number would do; front ends are told it. */
export const HASH_SEED = 0xc70f6907;
export const SUFFIX = ".ts";

/** Returns what the paths of a runner's cells begin with. Another runner has another prefix, by which front ends see
 *  that the kernel was restarted. */
export const prefixOf = (runnerPid: number): string => join(tmpdir(), `${NAME}_${runnerPid}`) + sep;

/** Returns the path of a cell with this text. */
export const cellPath = (prefix: string, code: string): string =>
  `${prefix}${murmur2(Buffer.from(code), HASH_SEED)}${SUFFIX}`;

const MULTIPLIER = 0x5bd1e995;

/** Returns the 32-bit MurmurHash2 of bytes (Austin Appleby, public domain). */
export function murmur2(bytes: Buffer, seed: number): number {
  let hash = seed ^ bytes.length;
  let at = 0;
  for (; at + 4 <= bytes.length; at += 4) {
    const mixed = Math.imul(bytes.readUInt32LE(at), MULTIPLIER);
    hash = Math.imul(hash, MULTIPLIER) ^ Math.imul(mixed ^ (mixed >>> 24), MULTIPLIER);
  }
  if (at < bytes.length) {
    hash = Math.imul(hash ^ bytes.readUIntLE(at, bytes.length - at), MULTIPLIER);
  }
  hash = Math.imul(hash ^ (hash >>> 13), MULTIPLIER);
  return (hash ^ (hash >>> 15)) >>> 0;
}
