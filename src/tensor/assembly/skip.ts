// Dense products that use bit masks to skip what dropout and ReLU set to 0. A zero adds nothing to a
// sum, so the bits are those of the plain products. Widths are multiples of 64.
import { fma } from "./vector";

/** Counts the set bits in `words` words of 64 bits. */
export function countBits(words: i32, MASK: usize): i32 {
  let count: u64 = 0;
  for (let i = 0; i < words; i++) count += popcnt(load<u64>(MASK + (<usize>i << 3)));
  return <i32>count;
}

/**
 * Transposes a mask of at most 64 rows, `width` bits each: bit r of COLUMNS[j] is bit j of row r.
 * It takes 64 x 64 bits at a time and swaps the off-diagonal halves, then quarters within them, and
 * so on (Warren, Hacker's Delight, 7-3).
 */
export function columnMasks(rows: i32, width: i32, MASK: usize, COLUMNS: usize): void {
  const words = width >> 6;
  for (let w = 0; w < words; w++) {
    const to = COLUMNS + (<usize>w << 9);
    for (let r = 0; r < 64; r++) {
      const bits = r < rows ? load<u64>(MASK + (<usize>(r * words + w) << 3)) : 0;
      store<u64>(to + (<usize>r << 3), bits);
    }
    let low: u64 = 0xffffffff;
    for (let half = 32; half; half >>= 1) {
      const other = <usize>half << 3;
      for (let first = 0; first < 64; first += 2 * half) {
        let at = to + (<usize>first << 3);
        for (const stop = at + other; at < stop; at += 8) {
          const x = load<u64>(at), y = load<u64>(at + other);
          const change = ((x >> half) ^ y) & low;
          store<u64>(at, x ^ (change << half));
          store<u64>(at + other, y ^ change);
        }
      }
      low ^= low << (half >> 1);
    }
  }
}

/** C[i] += the sum of A[r, i] B[r] over the rows r whose bit is set in COLUMNS[i]; all rows have `step` bytes. */
export function addSparseTransposedA(
  width: i32, A: usize, B: usize, C: usize, step: usize, COLUMNS: usize,
): void {
  for (let j: usize = 0; j < step; j += 128) {
    for (let i: usize = 0; i < <usize>width; i++) {
      let mask = load<u64>(COLUMNS + (i << 3));
      if (!mask) continue;
      const a = A + (i << 2), b0 = B + j, c = C + i * step + j;
      let c0 = v128.load(c), c1 = v128.load(c, 16), c2 = v128.load(c, 32), c3 = v128.load(c, 48);
      let c4 = v128.load(c, 64), c5 = v128.load(c, 80), c6 = v128.load(c, 96), c7 = v128.load(c, 112);
      while (mask) {
        const r = <usize>ctz(mask) * step;
        mask &= mask - 1;
        const t = v128.load_splat<f32>(a + r), b = b0 + r;
        c0 = fma(t, v128.load(b), c0); c1 = fma(t, v128.load(b, 16), c1);
        c2 = fma(t, v128.load(b, 32), c2); c3 = fma(t, v128.load(b, 48), c3);
        c4 = fma(t, v128.load(b, 64), c4); c5 = fma(t, v128.load(b, 80), c5);
        c6 = fma(t, v128.load(b, 96), c6); c7 = fma(t, v128.load(b, 112), c7);
      }
      v128.store(c, c0); v128.store(c, c1, 16); v128.store(c, c2, 32); v128.store(c, c3, 48);
      v128.store(c, c4, 64); v128.store(c, c5, 80); v128.store(c, c6, 96); v128.store(c, c7, 112);
    }
  }
}

/** C = p A B + q A and ACC += s C; all rows have `step` bytes; A is 0 where MASK's bits are 0. */
export function sparseRowsProduct(
  rows: i32, A: usize, B: usize, C: usize, step: usize, MASK: usize, p_: f32, q_: f32, s_: f32, ACC: usize,
): void {
  const p = f32x4.splat(p_), q = f32x4.splat(q_), s = f32x4.splat(s_);
  for (let j: usize = 0; j < step; j += 128) {
    let words = MASK;
    for (let r: usize = 0; r < <usize>rows; r++) {
      let c0 = f32x4.splat(0), c1 = c0, c2 = c0, c3 = c0, c4 = c0, c5 = c0, c6 = c0, c7 = c0;
      const row = r * step;
      for (let first: usize = 0; first < step; first += 256) {
        let mask = load<u64>(words);
        words += 8;
        const a = A + row + first, b0 = B + j + (first >> 2) * step;
        while (mask) {
          const k = <usize>ctz(mask);
          mask &= mask - 1;
          const t = v128.load_splat<f32>(a + (k << 2)), b = b0 + k * step;
          c0 = fma(t, v128.load(b), c0); c1 = fma(t, v128.load(b, 16), c1);
          c2 = fma(t, v128.load(b, 32), c2); c3 = fma(t, v128.load(b, 48), c3);
          c4 = fma(t, v128.load(b, 64), c4); c5 = fma(t, v128.load(b, 80), c5);
          c6 = fma(t, v128.load(b, 96), c6); c7 = fma(t, v128.load(b, 112), c7);
        }
      }
      const at = row + j;
      put(A + at, C + at, ACC + at, c0, p, q, s);
      put(A + at + 16, C + at + 16, ACC + at + 16, c1, p, q, s);
      put(A + at + 32, C + at + 32, ACC + at + 32, c2, p, q, s);
      put(A + at + 48, C + at + 48, ACC + at + 48, c3, p, q, s);
      put(A + at + 64, C + at + 64, ACC + at + 64, c4, p, q, s);
      put(A + at + 80, C + at + 80, ACC + at + 80, c5, p, q, s);
      put(A + at + 96, C + at + 96, ACC + at + 96, c6, p, q, s);
      put(A + at + 112, C + at + 112, ACC + at + 112, c7, p, q, s);
    }
  }
}

/** The epilogue, rounded as in `product`. */
@inline
function put(a: usize, to: usize, accumulator: usize, acc: v128, p: v128, q: v128, s: v128): void {
  const c = fma(q, v128.load(a), f32x4.mul(p, acc));
  v128.store(to, c);
  v128.store(accumulator, fma(s, c, v128.load(accumulator)));
}
