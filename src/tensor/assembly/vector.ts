// Vector helpers shared by all kernels: multiply-add in two flavours, masks, ragged sums.

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

/** Sum of the four lanes, in one fixed order. */
@inline
export function lanes(v: v128): f32 {
  return (
    f32x4.extract_lane(v, 0) +
    f32x4.extract_lane(v, 1) +
    (f32x4.extract_lane(v, 2) + f32x4.extract_lane(v, 3))
  );
}

/** Four bits of a bit mask from bit `at` on, as lanes of all ones or all zeros. */
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

/** What the self-test calls: is multiply-add rounded once? */
export function multiplyAdd(a: f32, b: f32, c: f32): f32 {
  return fma1(a, b, c);
}
