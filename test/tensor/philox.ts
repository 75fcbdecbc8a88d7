// The reference for Philox4x32-10 and the dropout masks made from it, written with integers of any size
// from the paper and the kernel's documentation.

const WORD = 2n ** 32n;

/** Does ten rounds of Salmon et al. 2011, section 3.3. Words are 0 .. 2^32 - 1. */
export function philox4x32(counter: readonly number[], key: readonly number[]): number[] {
  let [l0, r0, l1, r1] = counter.map(BigInt) as [bigint, bigint, bigint, bigint];
  let [k0, k1] = key.map(BigInt) as [bigint, bigint];
  for (let round = 0; round < 10; round++) {
    const p0 = l0 * 0xd2511f53n;
    const p1 = l1 * 0xcd9e8d57n;
    [l0, r0, l1, r1] = [(p1 / WORD) ^ r0 ^ k0, p1 % WORD, (p0 / WORD) ^ r1 ^ k1, p0 % WORD];
    k0 = (k0 + 0x9e3779b9n) % WORD;
    k1 = (k1 + 0xbb67ae85n) % WORD;
  }
  return [l0, r0, l1, r1].map(Number);
}

export interface Draw {
  readonly rate: number;
  readonly seed: number;
  readonly step: number;
  readonly site: number;
}

/**
 * Returns the factor of each of `count` elements under dropout: 0 or 1 / (1 - rate). Element e of
 * group g = e / 32 reads half word v % 2 of word v / 2, v = e / 4 % 8, of counter 4 g + e % 4; at
 * rate 1/2 it reads bit e % 32 of word g % 4 of counter g / 4.
 */
export function dropoutFactors(count: number, draw: Draw | undefined): Float64Array {
  const factors = new Float64Array(count).fill(1);
  if (!draw || draw.rate === 0) return factors;
  const threshold = Math.round(draw.rate * 65_536);
  const key = [draw.seed % 2 ** 32, Math.floor(draw.seed / 2 ** 32)];
  const words = new Map<number, number[]>();
  const wordOf = (counter: number, word: number): number => {
    const drawn = words.get(counter) ?? philox4x32([counter, draw.step, draw.site, 0], key);
    words.set(counter, drawn);
    return drawn[word]!;
  };
  for (let e = 0; e < count; e++) {
    if (draw.rate === 0.5) {
      const word = wordOf(Math.floor(e / 128), Math.floor(e / 32) % 4);
      factors[e] = Math.floor(word / 2 ** (e % 32)) % 2 === 1 ? 2 : 0;
      continue;
    }
    const counter = 4 * Math.floor(e / 32) + (e % 4);
    const v = Math.floor(e / 4) % 8;
    const word = wordOf(counter, Math.floor(v / 2));
    const half = v % 2 === 0 ? word % 65_536 : Math.floor(word / 65_536);
    factors[e] = half >= threshold ? 1 / (1 - threshold / 65_536) : 0;
  }
  return factors;
}
