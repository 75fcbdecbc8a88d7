// Dropout by counter-based random numbers: a mask is a function of (seed, step, site, element).
// Philox 4x32-10 (Salmon et al. 2011). Elements come in groups of 32: four counters, one a
// lane, give 4 x 4 words, and each half word decides one element. Element e of group g = e >> 5
// is lane e & 3 of vector v = (e >> 2) & 7: counter 4 g + lane, word v >> 1, half v & 1.

let w0: v128 = i32x4.splat(0);
let w1: v128 = w0;
let w2: v128 = w0;
let w3: v128 = w0;

/** Fills w0..w3 with the words of the counters (4 group .. 4 group + 3, step, site, 0). */
@inline
function philox(group: i32, step: i32, site: i32, seedLow: i32, seedHigh: i32): void {
  const M0 = i32x4.splat(0xd2511f53), M1 = i32x4.splat(0xcd9e8d57);
  let x0 = i32x4.add(i32x4.splat(group << 2), i32x4(0, 1, 2, 3));
  let x1 = i32x4.splat(step), x2 = i32x4.splat(site), x3 = i32x4.splat(0);
  let k0 = seedLow, k1 = seedHigh;
  for (let round = 0; round < 10; round++) {
    const a = i64x2.extmul_low_i32x4_u(x0, M0), b = i64x2.extmul_high_i32x4_u(x0, M0);
    const c = i64x2.extmul_low_i32x4_u(x2, M1), d = i64x2.extmul_high_i32x4_u(x2, M1);
    x0 = v128.xor(v128.xor(v128.shuffle<i32>(c, d, 1, 3, 5, 7), x1), i32x4.splat(k0));
    x1 = v128.shuffle<i32>(c, d, 0, 2, 4, 6);
    x2 = v128.xor(v128.xor(v128.shuffle<i32>(a, b, 1, 3, 5, 7), x3), i32x4.splat(k1));
    x3 = v128.shuffle<i32>(a, b, 0, 2, 4, 6);
    k0 += 0x9e3779b9;
    k1 += 0xbb67ae85;
  }
  w0 = x0; w1 = x1; w2 = x2; w3 = x3;
}

/** All ones in the lanes that are kept: half word `v & 1` of word `v >> 1` at least threshold. */
@inline
function kept(v: i32, threshold: v128): v128 {
  const word = v < 2 ? w0 : v < 4 ? w1 : v < 6 ? w2 : w3;
  const half = v & 1 ? i32x4.shr_u(word, 16) : v128.and(word, i32x4.splat(0xffff));
  return i32x4.ge_s(half, threshold);
}

/**
 * Y = X with each element kept with probability 1 - threshold / 65536 and then scaled, else
 * 0, for groups begin <= g < end of 32 elements. Where BITS is given, it gets one bit an
 * element (kept), and with `relu` an element also has to be above 0 to be kept.
 * threshold 0 keeps all and draws nothing.
 */
export function dropout(
  begin: i32, end: i32, X: usize, Y: usize, BITS: usize, size: i32, relu: bool,
  threshold_: i32, scale_: f32, step: i32, site: i32, seedLow: i32, seedHigh: i32,
): void {
  const threshold = i32x4.splat(threshold_), scale = f32x4.splat(scale_), zero = f32x4.splat(0);
  for (let g = begin; g < end; g++) {
    if (threshold_) philox(g, step, site, seedLow, seedHigh);
    const first = g << 5;
    const vectors = min(8, (size - first) >> 2);
    let bits: u32 = 0;
    for (let v = 0; v < vectors; v++) {
      const at = <usize>(first + (v << 2)) << 2;
      const x = v128.load(X + at);
      let keep = threshold_ ? kept(v, threshold) : i32x4.splat(-1);
      if (relu) keep = v128.and(keep, f32x4.gt(x, zero));
      v128.store(Y + at, v128.and(keep, f32x4.mul(x, scale)));
      bits |= <u32>i32x4.bitmask(keep) << (v << 2);
    }
    // The ragged end: at most three elements of one more vector.
    const rest = size - first - (vectors << 2);
    if (vectors < 8 && rest > 0) {
      const keep = threshold_ ? i32x4.bitmask(kept(vectors, threshold)) : 15;
      for (let e = 0; e < rest; e++) {
        const at = <usize>(first + (vectors << 2) + e) << 2;
        const x = load<f32>(X + at);
        const on = ((keep >> e) & 1) != 0 && (!relu || x > 0);
        store<f32>(Y + at, on ? x * scale_ : 0);
        if (on) bits |= 1 << ((vectors << 2) + e);
      }
    }
    if (BITS) store<u32>(BITS + (<usize>g << 2), bits);
  }
}

/** Y = X * scale where the bit is set, else 0, for groups begin <= g < end of 32 elements. */
export function applyBits(
  begin: i32, end: i32, X: usize, Y: usize, BITS: usize, size: i32, scale: f32,
): void {
  const lane = i32x4(1, 2, 4, 8), factor = f32x4.splat(scale);
  for (let g = begin; g < end; g++) {
    const bits = load<u32>(BITS + (<usize>g << 2));
    const first = g << 5, last = min(size, first + 32);
    let e = first;
    for (; e + 4 <= last; e += 4) {
      const at = <usize>e << 2;
      const on = i32x4.ne(v128.and(i32x4.splat(bits >> (e & 31)), lane), i32x4.splat(0));
      v128.store(Y + at, v128.and(on, f32x4.mul(v128.load(X + at), factor)));
    }
    for (; e < last; e++) {
      const at = <usize>e << 2;
      store<f32>(Y + at, (bits >> (e & 31)) & 1 ? load<f32>(X + at) * scale : 0);
    }
  }
}
