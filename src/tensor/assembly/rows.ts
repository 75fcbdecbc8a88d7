// Divides rows by their lengths, and computes the gradient.
import { dot, fma, fma1 } from "./vector";

/** A squared length up to this counts as zero: the row has no direction and passes no gradient. */
const NO_LENGTH: f32 = 1e-24;

/**
 * OUT[r] = X[r] / |X[r]| and INVERSE[r] = 1 / |X[r]| for begin <= r < end; both are 0 for a row of
 * zero length.
 */
export function unitRows(
  begin: i32, end: i32, X: usize, OUT: usize, INVERSE: usize, columns: i32,
): void {
  const step = <usize>columns << 2;
  for (let r = begin; r < end; r++) {
    const at = <usize>r * step;
    const square = dot(X + at, X + at, step);
    const inverse: f32 = square > NO_LENGTH || square != square ? 1 / sqrt<f32>(square) : 0;
    store<f32>(INVERSE + (<usize>r << 2), inverse);
    let d: usize = 0;
    for (; d + 16 <= step; d += 16) {
      v128.store(OUT + at + d, f32x4.mul(v128.load(X + at + d), f32x4.splat(inverse)));
    }
    for (; d < step; d += 4) store<f32>(OUT + at + d, load<f32>(X + at + d) * inverse);
  }
}

/** OUT[r] = INVERSE[r] (DY[r] - Y[r] (Y[r] . DY[r])) with unit rows Y, begin <= r < end. */
export function unitRowsGradient(
  begin: i32, end: i32, Y: usize, INVERSE: usize, DY: usize, OUT: usize, columns: i32,
): void {
  const step = <usize>columns << 2;
  for (let r = begin; r < end; r++) {
    const at = <usize>r * step;
    const inverse = load<f32>(INVERSE + (<usize>r << 2));
    const along = -dot(Y + at, DY + at, step);
    let d: usize = 0;
    for (; d + 16 <= step; d += 16) {
      const across = fma(f32x4.splat(along), v128.load(Y + at + d), v128.load(DY + at + d));
      v128.store(OUT + at + d, f32x4.mul(f32x4.splat(inverse), across));
    }
    for (; d < step; d += 4) {
      const across = fma1(along, load<f32>(Y + at + d), load<f32>(DY + at + d));
      store<f32>(OUT + at + d, inverse * across);
    }
  }
}
