// Counter-based random numbers (Philox 4x32-10, Salmon et al. 2011): no state, so a number is
// a function of (seed, stream, index) and nothing depends on the order in which parts draw.

/** Returns the four 32-bit words of counter (c0, c1, c2, 0) under a seed, as in the dropout kernel. */
export function philox(seed: number, c0: number, c1: number, c2: number): Uint32Array {
  const x = Uint32Array.of(c0, c1, c2, 0);
  let [k0, k1] = seedWords(seed);
  for (let round = 0; round < 10; round++) {
    const [x0, x1, x2, x3] = x as unknown as [number, number, number, number];
    x[0] = highWord(x2, 0xcd9e8d57) ^ x1 ^ k0;
    x[1] = Math.imul(x2, 0xcd9e8d57);
    x[2] = highWord(x0, 0xd2511f53) ^ x3 ^ k1;
    x[3] = Math.imul(x0, 0xd2511f53);
    k0 = (k0 + 0x9e3779b9) | 0;
    k1 = (k1 + 0xbb67ae85) | 0;
  }
  return x;
}

/** Returns the upper 32 bits of the 64-bit product of two unsigned words. */
function highWord(a: number, b: number): number {
  const [a0, a1, b0, b1] = [a & 0xffff, a >>> 16, b & 0xffff, b >>> 16];
  const middle = a1 * b0 + ((a0 * b0) >>> 16);
  return a1 * b1 + (middle >>> 16) + ((a0 * b1 + (middle & 0xffff)) >>> 16);
}

/** Returns a seed's two key words. Seeds are whole numbers from 0 to 2^53 - 1. */
export function seedWords(seed: number): [low: number, high: number] {
  if (!Number.isSafeInteger(seed) || seed < 0) {
    throw new RangeError(`a seed is a whole number from 0 to 2^53 - 1, got ${seed}`);
  }
  return [seed | 0, Math.floor(seed / 2 ** 32) | 0];
}

/** Turns a stream's name into a number (FNV-1a). */
function streamNumber(name: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < name.length; i++) {
    hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193);
  }
  return hash >>> 0;
}

/**
 * Draws `count` numbers, uniform in [0, 1), of 24 bits each.
 * @param stream what they are for, e.g. a parameter's name; different streams are independent
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

/** Draws `count` standard normal numbers (Box-Muller), from the same streams. */
export function normal(seed: number, stream: string, count: number): Float32Array {
  const pairs = Math.ceil(count / 2);
  const u = uniform(seed, stream, 2 * pairs);
  const out = new Float32Array(count);
  for (let k = 0; k < count; k++) {
    const pair = k >> 1;
    const angle = 2 * Math.PI * u[2 * pair + 1]!;
    // 1 - u is never 0.
    const radius = Math.sqrt(-2 * Math.log(1 - u[2 * pair]!));
    out[k] = radius * (k % 2 === 0 ? Math.cos(angle) : Math.sin(angle));
  }
  return out;
}
