// exp and tanh, four numbers at a time, to about one unit in the last place.
import { fma } from "./vector";

/**
 * e^x = 2^n e^r with r = x - n ln 2, |r| <= ln 2 / 2, by a polynomial (Cephes expf). Below -87 the
 * result is e^-87, above 88 e^88: no denormals, no infinities.
 */
@inline
export function exp4(x_: v128): v128 {
  const x = f32x4.min(f32x4.max(x_, f32x4.splat(-87)), f32x4.splat(88));
  const n = f32x4.nearest(f32x4.mul(x, f32x4.splat(1.44269504)));
  let r = fma(n, f32x4.splat(-0.693359375), x);
  r = fma(n, f32x4.splat(2.12194440e-4), r);
  let p = fma(f32x4.splat(1.9875691500e-4), r, f32x4.splat(1.3981999507e-3));
  p = fma(p, r, f32x4.splat(8.3334519073e-3));
  p = fma(p, r, f32x4.splat(4.1665795894e-2));
  p = fma(p, r, f32x4.splat(1.6666665459e-1));
  p = fma(p, r, f32x4.splat(5.0000001201e-1));
  p = f32x4.add(fma(p, f32x4.mul(r, r), r), f32x4.splat(1));
  const power = i32x4.shl(i32x4.add(i32x4.trunc_sat_f32x4_s(n), i32x4.splat(127)), 23);
  return f32x4.mul(p, power);
}

/** tanh x = 1 - 2 / (e^2x + 1), near 0 by an odd polynomial (Cephes tanhf). */
@inline
export function tanh4(x: v128): v128 {
  const size = f32x4.abs(x), one = f32x4.splat(1), z = f32x4.mul(x, x);
  const far = f32x4.sub(one, f32x4.div(f32x4.splat(2), f32x4.add(exp4(f32x4.add(size, size)), one)));
  const signed = v128.bitselect(x, far, i32x4.splat(0x80000000));
  let p = fma(f32x4.splat(-5.70498872745e-3), z, f32x4.splat(2.06390887954e-2));
  p = fma(p, z, f32x4.splat(-5.37397155531e-2));
  p = fma(p, z, f32x4.splat(1.33314422036e-1));
  p = fma(p, z, f32x4.splat(-3.33332819422e-1));
  const near = fma(f32x4.mul(p, z), x, x);
  return v128.bitselect(near, signed, f32x4.lt(size, f32x4.splat(0.625)));
}

/** Up to four numbers; the lanes beyond `count` are 0. */
@inline
export function loadSome(at: usize, count: i32): v128 {
  if (count >= 4) return v128.load(at);
  let v = f32x4.splat(0);
  v = f32x4.replace_lane(v, 0, load<f32>(at));
  if (count > 1) v = f32x4.replace_lane(v, 1, load<f32>(at, 4));
  if (count > 2) v = f32x4.replace_lane(v, 2, load<f32>(at, 8));
  return v;
}

/** Stores the first `count` lanes. */
@inline
export function storeSome(at: usize, v: v128, count: i32): void {
  if (count >= 4) {
    v128.store(at, v);
    return;
  }
  store<f32>(at, f32x4.extract_lane(v, 0));
  if (count > 1) store<f32>(at, f32x4.extract_lane(v, 1), 4);
  if (count > 2) store<f32>(at, f32x4.extract_lane(v, 2), 8);
}

/** v with 0 in the lanes from `count` on. */
@inline
export function firstLanes(v: v128, count: i32): v128 {
  if (count >= 4) return v;
  return v128.and(v, i32x4.gt_s(i32x4.splat(count), i32x4(0, 1, 2, 3)));
}

/** OUT = tanh(X) for elements begin <= e < end. */
export function tanh(begin: i32, end: i32, X: usize, OUT: usize): void {
  for (let e = begin; e < end; e += 4) {
    const at = <usize>e << 2, count = end - e;
    storeSome(OUT + at, tanh4(loadSome(X + at, count)), count);
  }
}
