// The elementwise kernels that tfjs's tape uses most: sums, differences, products of equal
// shapes, scaling and ReLU.
import { fma, fma1 } from "./vector";

/** OUT = p * A + q * B for elements begin <= e < end. */
export function combine(
  begin: i32,
  end: i32,
  A: usize,
  B: usize,
  OUT: usize,
  p_: f32,
  q_: f32,
): void {
  const p = f32x4.splat(p_),
    q = f32x4.splat(q_),
    last = (<usize>end) << 2;
  let e = (<usize>begin) << 2;
  for (; e + 16 <= last; e += 16) {
    v128.store(OUT + e, fma(p, v128.load(A + e), f32x4.mul(q, v128.load(B + e))));
  }
  for (; e < last; e += 4) store<f32>(OUT + e, fma1(p_, load<f32>(A + e), q_ * load<f32>(B + e)));
}

/** OUT[r] = p * A[r] + q * B for rows begin <= r < end: the one row B is used for all. */
export function combineRows(
  begin: i32,
  end: i32,
  A: usize,
  B: usize,
  OUT: usize,
  columns: i32,
  p_: f32,
  q_: f32,
): void {
  const p = f32x4.splat(p_),
    q = f32x4.splat(q_),
    step = (<usize>columns) << 2;
  for (let r = begin; r < end; r++) {
    const a = A + <usize>r * step,
      out = OUT + <usize>r * step;
    let c: usize = 0;
    for (; c + 16 <= step; c += 16) {
      v128.store(out + c, fma(p, v128.load(a + c), f32x4.mul(q, v128.load(B + c))));
    }
    for (; c < step; c += 4) {
      store<f32>(out + c, fma1(p_, load<f32>(a + c), q_ * load<f32>(B + c)));
    }
  }
}

/** OUT = A * B for elements begin <= e < end. */
export function multiply(begin: i32, end: i32, A: usize, B: usize, OUT: usize): void {
  const last = (<usize>end) << 2;
  let e = (<usize>begin) << 2;
  for (; e + 16 <= last; e += 16) {
    v128.store(OUT + e, f32x4.mul(v128.load(A + e), v128.load(B + e)));
  }
  for (; e < last; e += 4) store<f32>(OUT + e, load<f32>(A + e) * load<f32>(B + e));
}

/** OUT[r] = A[r] * B for rows begin <= r < end, element by element: the one row B is used for all. */
export function multiplyRows(
  begin: i32,
  end: i32,
  A: usize,
  B: usize,
  OUT: usize,
  columns: i32,
): void {
  const step = (<usize>columns) << 2;
  for (let r = begin; r < end; r++) {
    const a = A + <usize>r * step,
      out = OUT + <usize>r * step;
    let c: usize = 0;
    for (; c + 16 <= step; c += 16) {
      v128.store(out + c, f32x4.mul(v128.load(a + c), v128.load(B + c)));
    }
    for (; c < step; c += 4) store<f32>(out + c, load<f32>(a + c) * load<f32>(B + c));
  }
}

/** OUT = A * s for elements begin <= e < end. */
export function scale(begin: i32, end: i32, A: usize, OUT: usize, s_: f32): void {
  const s = f32x4.splat(s_),
    last = (<usize>end) << 2;
  let e = (<usize>begin) << 2;
  for (; e + 16 <= last; e += 16) v128.store(OUT + e, f32x4.mul(v128.load(A + e), s));
  for (; e < last; e += 4) store<f32>(OUT + e, load<f32>(A + e) * s_);
}

/** OUT = max(A, 0) for elements begin <= e < end; NaN stays NaN. */
export function relu(begin: i32, end: i32, A: usize, OUT: usize): void {
  const zero = f32x4.splat(0),
    last = (<usize>end) << 2;
  let e = (<usize>begin) << 2;
  for (; e + 16 <= last; e += 16) v128.store(OUT + e, f32x4.max(v128.load(A + e), zero));
  for (; e < last; e += 4) store<f32>(OUT + e, max<f32>(load<f32>(A + e), 0));
}
