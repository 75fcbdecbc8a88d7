// Vector helpers shared by all kernels: multiply-add in two flavours, masks, sums of partial vectors.

/** a * b + c: one rounding in the fma flavour (relaxed SIMD), two in the simd flavour. */
@inline
export function fma(a: v128, b: v128, c: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f32x4.relaxed_madd(a, b, c);
  return f32x4.add(f32x4.mul(a, b), c);
}

/** The same for one number, with the same rounding as a lane of `fma`. */
@inline
export function fma1(a: f32, b: f32, c: f32): f32 {
  return f32x4.extract_lane(fma(f32x4.splat(a), f32x4.splat(b), f32x4.splat(c)), 0);
}

/** The sum of the four lanes, in a fixed order. */
@inline
export function lanes(v: v128): f32 {
  return (
    f32x4.extract_lane(v, 0) +
    f32x4.extract_lane(v, 1) +
    (f32x4.extract_lane(v, 2) + f32x4.extract_lane(v, 3))
  );
}

/** a . b for two vectors of `length` bytes, with four sums at a time. */
@inline
export function inner(a: usize, b: usize, length: usize): f32 {
  let s0 = f32x4.splat(0), s1 = s0, s2 = s0, s3 = s0, k: usize = 0;
  for (; k + 64 <= length; k += 64) {
    s0 = fma(v128.load(a + k), v128.load(b + k), s0);
    s1 = fma(v128.load(a + k, 16), v128.load(b + k, 16), s1);
    s2 = fma(v128.load(a + k, 32), v128.load(b + k, 32), s2);
    s3 = fma(v128.load(a + k, 48), v128.load(b + k, 48), s3);
  }
  for (; k + 16 <= length; k += 16) s0 = fma(v128.load(a + k), v128.load(b + k), s0);
  let sum = lanes(f32x4.add(f32x4.add(s0, s1), f32x4.add(s2, s3)));
  for (; k < length; k += 4) sum = fma1(load<f32>(a + k), load<f32>(b + k), sum);
  return sum;
}

/** The lane sums of four vectors: they are transposed and added. */
@inline
export function sums4(a: v128, b: v128, c: v128, d: v128): v128 {
  const ab = v128.shuffle<i32>(a, b, 0, 4, 1, 5), ab2 = v128.shuffle<i32>(a, b, 2, 6, 3, 7);
  const cd = v128.shuffle<i32>(c, d, 0, 4, 1, 5), cd2 = v128.shuffle<i32>(c, d, 2, 6, 3, 7);
  const s = f32x4.add(ab, ab2), u = f32x4.add(cd, cd2);
  return f32x4.add(v128.shuffle<i32>(s, u, 0, 1, 4, 5), v128.shuffle<i32>(s, u, 2, 3, 6, 7));
}

/** Four bits of a bit mask, from bit `at` on, as lanes of all ones or all zeros. */
@inline
export function maskLanes(mask: usize, at: usize): v128 {
  const nibble = <u32>load<u16>(mask + (at >> 3)) >> (<u32>at & 7);
  const bits = v128.and(i32x4.splat(nibble), i32x4(1, 2, 4, 8));
  return i32x4.ne(bits, i32x4.splat(0));
}

/** One bit of a bit mask. */
@inline
export function maskBit(mask: usize, at: usize): bool {
  return ((<u32>load<u8>(mask + (at >> 3)) >> (<u32>at & 7)) & 1) != 0;
}

/** For the self-test: is multiply-add rounded once? */
export function multiplyAdd(a: f32, b: f32, c: f32): f32 {
  return fma1(a, b, c);
}

/** Four copies of each: V8 rebuilds a vector constant from two words wherever it is used; a load is faster. */
const EXP = memory.data<f32>([
  1.44269504, 1.44269504, 1.44269504, 1.44269504,
  12582912, 12582912, 12582912, 12582912,
  0.693359375, 0.693359375, 0.693359375, 0.693359375,
  -2.12194440e-4, -2.12194440e-4, -2.12194440e-4, -2.12194440e-4,
  1.9875691500e-4, 1.9875691500e-4, 1.9875691500e-4, 1.9875691500e-4,
  1.3981999507e-3, 1.3981999507e-3, 1.3981999507e-3, 1.3981999507e-3,
  8.3334519073e-3, 8.3334519073e-3, 8.3334519073e-3, 8.3334519073e-3,
  4.1665795894e-2, 4.1665795894e-2, 4.1665795894e-2, 4.1665795894e-2,
  1.6666665459e-1, 1.6666665459e-1, 1.6666665459e-1, 1.6666665459e-1,
  5.0000001201e-1, 5.0000001201e-1, 5.0000001201e-1, 5.0000001201e-1,
  1, 1, 1, 1,
  -87, -87, -87, -87,
  88, 88, 88, 88,
  Infinity, Infinity, Infinity, Infinity,
]);

/**
 * exp(x) to 2 units in the last place; 0 below -87, where single precision ends, infinity above 88.
 * x is k ln 2 + r with |r| <= ln 2 / 2; the polynomial for exp(r) is Cephes's expf.
 */
@inline
export function exp4(x: v128): v128 {
  // Adding 1.5 * 2^23 rounds a number to a whole one, which is then in the last bits.
  const magic = v128.load(EXP, 16);
  const rounded = f32x4.add(f32x4.mul(x, v128.load(EXP)), magic);
  const k = f32x4.sub(rounded, magic);
  let r = f32x4.sub(x, f32x4.mul(k, v128.load(EXP, 32)));
  r = f32x4.sub(r, f32x4.mul(k, v128.load(EXP, 48)));
  let p = fma(v128.load(EXP, 64), r, v128.load(EXP, 80));
  p = fma(p, r, v128.load(EXP, 96));
  p = fma(p, r, v128.load(EXP, 112));
  p = fma(p, r, v128.load(EXP, 128));
  p = fma(p, r, v128.load(EXP, 144));
  const one = v128.load(EXP, 160);
  // 2^k is the bits of 1 with k added to the exponent.
  const power = i32x4.add(i32x4.shl(rounded, 23), one);
  const scaled = f32x4.mul(f32x4.add(fma(p, f32x4.mul(r, r), r), one), power);
  const finite = v128.andnot(scaled, f32x4.lt(x, v128.load(EXP, 176)));
  return v128.bitselect(v128.load(EXP, 208), finite, f32x4.gt(x, v128.load(EXP, 192)));
}

/** exp(x) of one number, with the same bits as a lane of `exp4`. */
@inline
export function exp1(x: f32): f32 {
  return f32x4.extract_lane(exp4(f32x4.splat(x)), 0);
}

/** Loads up to four numbers; the lanes from `count` on are 0. */
@inline
export function loadSome(at: usize, count: i32): v128 {
  if (count >= 4) return v128.load(at);
  if (count == 1) return v128.load32_zero(at);
  const v = v128.load64_zero(at);
  return count > 2 ? v128.load32_lane(at + 8, v, 2) : v;
}

/** Stores the first `count` lanes. */
@inline
export function storeSome(at: usize, v: v128, count: i32): void {
  if (count >= 4) {
    v128.store(at, v);
    return;
  }
  if (count == 1) {
    v128.store32_lane(at, v, 0);
    return;
  }
  v128.store64_lane(at, v, 0);
  if (count > 2) v128.store32_lane(at + 8, v, 2);
}

/** Returns v with 0 in the lanes from `count` on. */
@inline
export function firstLanes(v: v128, count: i32): v128 {
  if (count >= 4) return v;
  return v128.and(v, i32x4.gt_s(i32x4.splat(count), i32x4(0, 1, 2, 3)));
}

/** a . b for two vectors of `step` bytes. */
@inline
export function dot(a: usize, b: usize, step: usize): f32 {
  let acc = f32x4.splat(0), d: usize = 0;
  for (; d + 16 <= step; d += 16) acc = fma(v128.load(a + d), v128.load(b + d), acc);
  let sum = lanes(acc);
  for (; d < step; d += 4) sum = fma1(load<f32>(a + d), load<f32>(b + d), sum);
  return sum;
}

/** The sum of |a - b| for two vectors of `step` bytes. */
@inline
export function absoluteDistance(a: usize, b: usize, step: usize): f32 {
  let acc = f32x4.splat(0), d: usize = 0;
  for (; d + 16 <= step; d += 16) {
    acc = f32x4.add(acc, f32x4.abs(f32x4.sub(v128.load(a + d), v128.load(b + d))));
  }
  let sum = lanes(acc);
  for (; d < step; d += 4) sum += abs(load<f32>(a + d) - load<f32>(b + d));
  return sum;
}

/** |a - b|^2 for two vectors of `step` bytes. */
@inline
export function squaredDistance(a: usize, b: usize, step: usize): f32 {
  let acc = f32x4.splat(0), d: usize = 0;
  for (; d + 16 <= step; d += 16) {
    const e = f32x4.sub(v128.load(a + d), v128.load(b + d));
    acc = fma(e, e, acc);
  }
  let sum = lanes(acc);
  for (; d < step; d += 4) {
    const e = load<f32>(a + d) - load<f32>(b + d);
    sum = fma1(e, e, sum);
  }
  return sum;
}
