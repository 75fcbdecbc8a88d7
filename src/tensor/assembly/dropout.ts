// Dropout by counter-based random numbers: a mask is a function of (seed, step, site, element).
// Philox 4x32-10 (Salmon et al. 2011). Elements come in groups of 32: four counters, one per
// lane, give 4 x 4 words, and each half word decides one element. Element e of group g = e >> 5
// is lane e & 3 of vector v = (e >> 2) & 7: counter 4 g + lane, word v >> 1, half v & 1.
// A rate of 1/2 needs one bit per element, a sixteenth of the words: word g & 3 of counter g >> 2
// holds group g's bits, lowest first; a set bit keeps its element.

const M0: u32 = 0xd2511f53;
const M1: u32 = 0xcd9e8d57;
const W0: u32 = 0x9e3779b9;
const W1: u32 = 0xbb67ae85;

/** The threshold of rate 1/2. */
const HALF: i32 = 0x8000;

/** One word of the counter (counter, step, site, 0). */
function wordOf(
  counter: u32, step: u32, site: u32, seedLow: u32, seedHigh: u32, word: i32,
): u32 {
  let x0 = counter, x1 = step, x2 = site, x3: u32 = 0, k0 = seedLow, k1 = seedHigh;
  for (let round = 0; round < 10; round++) {
    const a = <u64>x0 * <u64>M0, b = <u64>x2 * <u64>M1;
    x0 = <u32>(b >> 32) ^ x1 ^ k0;
    x1 = <u32>b;
    x2 = <u32>(a >> 32) ^ x3 ^ k1;
    x3 = <u32>a;
    k0 += W0;
    k1 += W1;
  }
  return word == 0 ? x0 : word == 1 ? x1 : word == 2 ? x2 : x3;
}

/** Scales those of the four elements at `at` that dropout would `keep`, sets the rest to 0, returns the bits. */
@inline
function four(X: usize, Y: usize, at: usize, keep: v128, relu: bool, scale: v128): u32 {
  const x = v128.load(X + at);
  if (relu) keep = v128.and(keep, f32x4.gt(x, f32x4.splat(0)));
  v128.store(Y + at, v128.and(keep, f32x4.mul(x, scale)));
  return <u32>i32x4.bitmask(keep);
}

/**
 * Y = X with each element kept with probability 1 - threshold / 65536 and then scaled, otherwise
 * 0, for groups begin <= g < end of 32 elements. If BITS is given, it gets one bit per
 * element (kept); with `relu` an element must also be above 0 to be kept.
 * A threshold of 0 keeps everything and draws nothing.
 */
export function dropout(
  begin: i32, end: i32, X: usize, Y: usize, BITS: usize, size: i32, relu: bool,
  threshold_: i32, scale_: f32, step: i32, site: i32, seedLow: i32, seedHigh: i32,
): void {
  const threshold = i32x4.splat(threshold_), scale = f32x4.splat(scale_);
  const low = i32x4.splat(0xffff), m0 = i32x4.splat(M0), m1 = i32x4.splat(M1);
  // Four counters suffice for one group, or at rate 1/2 for sixteen.
  const halves = threshold_ == HALF, stride = halves ? 16 : 1;
  for (let g = halves ? begin & ~15 : begin; g < end; g += stride) {
    const first = g << 5;
    if (!halves && size - first < 32) {
      const bits = ragged(X, Y, first, size, relu, threshold_, scale_, step, site, seedLow, seedHigh);
      if (BITS) store<u32>(BITS + (<usize>g << 2), bits);
      return;
    }
    let x0 = i32x4.splat(0), x1 = x0, x2 = x0, x3 = x0;
    if (threshold_) {
      x0 = i32x4.add(i32x4.splat(halves ? g >> 2 : g << 2), i32x4(0, 1, 2, 3));
      x1 = i32x4.splat(step);
      x2 = i32x4.splat(site);
      let k0: u32 = seedLow, k1: u32 = seedHigh;
      for (let round = 0; round < 10; round++) {
        const a = i64x2.extmul_low_i32x4_u(x0, m0), b = i64x2.extmul_high_i32x4_u(x0, m0);
        const c = i64x2.extmul_low_i32x4_u(x2, m1), d = i64x2.extmul_high_i32x4_u(x2, m1);
        x0 = v128.xor(v128.xor(v128.shuffle<i32>(c, d, 1, 3, 5, 7), x1), i32x4.splat(k0));
        x1 = v128.shuffle<i32>(c, d, 0, 2, 4, 6);
        x2 = v128.xor(v128.xor(v128.shuffle<i32>(a, b, 1, 3, 5, 7), x3), i32x4.splat(k1));
        x3 = v128.shuffle<i32>(a, b, 0, 2, 4, 6);
        k0 += W0;
        k1 += W1;
      }
    }
    if (halves) {
      sixteen(begin, end, g, X, Y, BITS, size, relu, x0, x1, x2, x3, scale);
      continue;
    }
    const at = <usize>first << 2;
    let bits = four(X, Y, at, i32x4.ge_s(v128.and(x0, low), threshold), relu, scale);
    bits |= four(X, Y, at + 16, i32x4.ge_s(i32x4.shr_u(x0, 16), threshold), relu, scale) << 4;
    bits |= four(X, Y, at + 32, i32x4.ge_s(v128.and(x1, low), threshold), relu, scale) << 8;
    bits |= four(X, Y, at + 48, i32x4.ge_s(i32x4.shr_u(x1, 16), threshold), relu, scale) << 12;
    bits |= four(X, Y, at + 64, i32x4.ge_s(v128.and(x2, low), threshold), relu, scale) << 16;
    bits |= four(X, Y, at + 80, i32x4.ge_s(i32x4.shr_u(x2, 16), threshold), relu, scale) << 20;
    bits |= four(X, Y, at + 96, i32x4.ge_s(v128.and(x3, low), threshold), relu, scale) << 24;
    bits |= four(X, Y, at + 112, i32x4.ge_s(i32x4.shr_u(x3, 16), threshold), relu, scale) << 28;
    if (BITS) store<u32>(BITS + (<usize>g << 2), bits);
  }
}

/** Does groups g .. g + 15 within begin .. end at rate 1/2: lane l's word w belongs to group g + 4 l + w. */
function sixteen(
  begin: i32, end: i32, g: i32, X: usize, Y: usize, BITS: usize, size: i32, relu: bool,
  x0: v128, x1: v128, x2: v128, x3: v128, scale: v128,
): void {
  // Transpose as a 4 x 4 matrix: each call of four4 gets the words of one lane.
  const low0 = v128.shuffle<i32>(x0, x1, 0, 4, 1, 5), high0 = v128.shuffle<i32>(x0, x1, 2, 6, 3, 7);
  const low1 = v128.shuffle<i32>(x2, x3, 0, 4, 1, 5), high1 = v128.shuffle<i32>(x2, x3, 2, 6, 3, 7);
  four4(begin, end, g, X, Y, BITS, size, relu, v128.shuffle<i64>(low0, low1, 0, 2), scale);
  four4(begin, end, g + 4, X, Y, BITS, size, relu, v128.shuffle<i64>(low0, low1, 1, 3), scale);
  four4(begin, end, g + 8, X, Y, BITS, size, relu, v128.shuffle<i64>(high0, high1, 0, 2), scale);
  four4(begin, end, g + 12, X, Y, BITS, size, relu, v128.shuffle<i64>(high0, high1, 1, 3), scale);
}

/** Does groups g .. g + 3; each lane of `words` holds one group's bits. */
function four4(
  begin: i32, end: i32, g: i32, X: usize, Y: usize, BITS: usize, size: i32, relu: bool,
  words: v128, scale: v128,
): void {
  byWord(begin, end, g, X, Y, BITS, size, relu, i32x4.extract_lane(words, 0), scale);
  byWord(begin, end, g + 1, X, Y, BITS, size, relu, i32x4.extract_lane(words, 1), scale);
  byWord(begin, end, g + 2, X, Y, BITS, size, relu, i32x4.extract_lane(words, 2), scale);
  byWord(begin, end, g + 3, X, Y, BITS, size, relu, i32x4.extract_lane(words, 3), scale);
}

/** Does one group, keeping the elements whose bit in `word` is set. */
@inline
function byWord(
  begin: i32, end: i32, g: i32, X: usize, Y: usize, BITS: usize, size: i32, relu: bool,
  word: u32, scale: v128,
): void {
  if (g < begin || g >= end) return;
  const at = <usize>g << 7, last = min(size, (g + 1) << 5), whole = last & ~3;
  const all = i32x4.splat(word);
  let bits: u32 = 0, lane = i32x4(1, 2, 4, 8), e = g << 5;
  for (let k: usize = 0; e < whole; e += 4, k += 16) {
    const keep = i32x4.ne(v128.and(all, lane), i32x4.splat(0));
    bits |= four(X, Y, at + k, keep, relu, scale) << (e & 31);
    lane = i32x4.shl(lane, 4);
  }
  for (; e < last; e++) {
    const x = load<f32>(X + (<usize>e << 2));
    const on = ((word >> (e & 31)) & 1) != 0 && (!relu || x > 0);
    store<f32>(Y + (<usize>e << 2), on ? x * f32x4.extract_lane(scale, 0) : 0);
    if (on) bits |= 1 << (e & 31);
  }
  if (BITS) store<u32>(BITS + (<usize>g << 2), bits);
}

/** Does the last group, of fewer than 32 elements, one by one. Returns its bits. */
function ragged(
  X: usize, Y: usize, first: i32, size: i32, relu: bool, threshold: i32, scale: f32,
  step: i32, site: i32, seedLow: i32, seedHigh: i32,
): u32 {
  let bits: u32 = 0;
  for (let e = first; e < size; e++) {
    const v = (e >> 2) & 7, at = <usize>e << 2;
    const x = load<f32>(X + at);
    const counter = ((e >> 5) << 2) + (e & 3);
    const word = threshold ? wordOf(counter, step, site, seedLow, seedHigh, v >> 1) : 0;
    const drawn = <i32>((word >> ((<u32>v & 1) << 4)) & 0xffff) >= threshold;
    const on = drawn && (!relu || x > 0);
    store<f32>(Y + at, on ? x * scale : 0);
    if (on) bits |= 1 << (e & 31);
  }
  return bits;
}

/** Y = X * scale where the bit is set, otherwise 0, for groups begin <= g < end of 32 elements. */
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
