// tanh, four numbers at a time.
import { exp4, fma, loadSome, storeSome } from "./vector";

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

/** OUT = tanh(X) for elements begin <= e < end. */
export function tanh(begin: i32, end: i32, X: usize, OUT: usize): void {
  for (let e = begin; e < end; e += 4) {
    const at = <usize>e << 2, count = end - e;
    storeSome(OUT + at, tanh4(loadSome(X + at, count)), count);
  }
}
