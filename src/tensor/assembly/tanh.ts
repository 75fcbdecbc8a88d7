// tanh, four numbers at a time.
import { exp4, fma, loadSome, storeSome } from "./vector";

/** Four copies of each constant, loaded like exp4's. */
const TANH = memory.data<f32>([
  1, 1, 1, 1,
  2, 2, 2, 2,
  -0.0, -0.0, -0.0, -0.0,
  -5.70498872745e-3, -5.70498872745e-3, -5.70498872745e-3, -5.70498872745e-3,
  2.06390887954e-2, 2.06390887954e-2, 2.06390887954e-2, 2.06390887954e-2,
  -5.37397155531e-2, -5.37397155531e-2, -5.37397155531e-2, -5.37397155531e-2,
  1.33314422036e-1, 1.33314422036e-1, 1.33314422036e-1, 1.33314422036e-1,
  -3.33332819422e-1, -3.33332819422e-1, -3.33332819422e-1, -3.33332819422e-1,
  0.625, 0.625, 0.625, 0.625,
]);

/** tanh x = 1 - 2 / (e^2x + 1); near 0 an odd polynomial (Cephes tanhf). */
@inline
export function tanh4(x: v128): v128 {
  const size = f32x4.abs(x), one = v128.load(TANH), z = f32x4.mul(x, x);
  const twice = f32x4.add(size, size);
  const far = f32x4.sub(one, f32x4.div(v128.load(TANH, 16), f32x4.add(exp4(twice), one)));
  // Gives the result the sign of x.
  const signed = v128.bitselect(x, far, v128.load(TANH, 32));
  let p = fma(v128.load(TANH, 48), z, v128.load(TANH, 64));
  p = fma(p, z, v128.load(TANH, 80));
  p = fma(p, z, v128.load(TANH, 96));
  p = fma(p, z, v128.load(TANH, 112));
  const near = fma(f32x4.mul(p, z), x, x);
  return v128.bitselect(near, signed, f32x4.lt(size, v128.load(TANH, 128)));
}

/** OUT = tanh(X) for elements begin <= e < end. */
export function tanh(begin: i32, end: i32, X: usize, OUT: usize): void {
  for (let e = begin; e < end; e += 4) {
    const at = <usize>e << 2, count = end - e;
    storeSome(OUT + at, tanh4(loadSome(X + at, count)), count);
  }
}
