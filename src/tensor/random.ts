// Counter-based random numbers (Philox 4x32-10, Salmon et al. 2011): no state, so a number is
// a function of (seed, stream, index) and nothing depends on the order in which parts draw.

/** The four 32-bit words of counter (c0, c1, c2, 0) under a seed, as the dropout kernel has them. */
export function philox(seed: number, c0: number, c1: number, c2: number): Uint32Array {
  const x = Uint32Array.of(c0, c1, c2, 0);
  let [k0, k1] = seedWords(seed);
  for (let round = 0; round < 10; round++) {
    const a = BigInt(x[0]!) * 0xd2511f53n;
    const b = BigInt(x[2]!) * 0xcd9e8d57n;
    const [x1, x3] = [x[1]!, x[3]!];
    x[0] = Number(b >> 32n) ^ x1 ^ k0;
    x[1] = Number(b & 0xffffffffn);
    x[2] = Number(a >> 32n) ^ x3 ^ k1;
    x[3] = Number(a & 0xffffffffn);
    k0 = (k0 + 0x9e3779b9) | 0;
    k1 = (k1 + 0xbb67ae85) | 0;
  }
  return x;
}

/** A seed's two key words. Seeds are whole numbers from 0 to 2^53 - 1. */
export function seedWords(seed: number): [low: number, high: number] {
  if (!Number.isSafeInteger(seed) || seed < 0) {
    throw new RangeError(`a seed is a whole number from 0 to 2^53 - 1, got ${seed}`);
  }
  return [seed | 0, Math.floor(seed / 2 ** 32) | 0];
}

/** A stream's name as a number: FNV-1a. */
function streamNumber(name: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < name.length; i++) {
    hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193);
  }
  return hash >>> 0;
}

/**
 * `count` numbers, uniform in [0, 1), of 24 bits each.
 * @param stream what they are for, e.g. a parameter's name: other streams are independent
 */
export function uniform(seed: number, stream: string, count: number): Float32Array {
  const name = streamNumber(stream);
  const out = new Float32Array(count);
  for (let first = 0; first < count; first += 4) {
    // The third word keeps these counters apart from dropout's (its sites are small numbers).
    const words = philox(seed, first >>> 2, name, 0xffffffff);
    for (let k = 0; k < 4 && first + k < count; k++) {
      out[first + k] = (words[k]! >>> 8) / 2 ** 24;
    }
  }
  return out;
}
