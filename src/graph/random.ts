// Seeded random numbers on the host, with the same bits on every machine.

/** A stream of random numbers. */
export interface RandomStream {
  /** Draws a whole number, uniform in 0 .. 2^32 - 1. */
  integer(): number;
  /** Draws a multiple of 2^-32, uniform in [0, 1). */
  uniform(): number;
  /** Draws a whole number, uniform in 0 .. bound - 1; bound is at most 2^32. */
  below(bound: number): number;
}

/**
 * Starts a stream of xoshiro128** (Blackman and Vigna 2018), seeded through splitmix32.
 *
 * @param seed a whole number, 0 .. 2^32 - 1.
 */
export function randomStream(seed: number): RandomStream {
  let mix = seed | 0;
  const next = (): number => {
    mix = (mix + 0x9e3779b9) | 0;
    let z = mix;
    z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
    return z ^ (z >>> 15);
  };
  let [a, b, c, d] = [next(), next(), next(), next()];
  const integer = (): number => {
    const product = Math.imul(b, 5);
    const result = Math.imul((product << 7) | (product >>> 25), 9) >>> 0;
    const shifted = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= shifted;
    d = (d << 11) | (d >>> 21);
    return result;
  };
  const uniform = (): number => integer() / 2 ** 32;
  return { integer, uniform, below: (bound) => Math.floor(uniform() * bound) };
}

/** Shuffles in place (Fisher and Yates). */
export function shuffle(items: Int32Array, random: Pick<RandomStream, "below">): void {
  for (let k = items.length - 1; k > 0; k--) {
    const other = random.below(k + 1);
    [items[k], items[other]] = [items[other]!, items[k]!];
  }
}
