// Per-arc values of a graph: dot products and distances of an arc's ends, the softmax over a node's
// arcs. P is indptr, I indices; an array of arcs has one number per arc, in their order.
import { absoluteDistance, dot, exp1, fma, fma1, squaredDistance } from "./vector";

/**
 * For arcs k from row i to j, begin <= i < end: OUT[k] = X[i] . X[j] if `measure` is 0, |X[i] - X[j]|^2 if it is 2,
 * the sum of |X[i] - X[j]| if it is 1. X has `columns` columns.
 */
export function arcPairs(
  begin: i32, end: i32, P: usize, I: usize, X: usize, OUT: usize, columns: i32, measure: i32,
): void {
  const step = <usize>columns << 2;
  for (let i = begin; i < end; i++) {
    const first = <usize>load<i32>(P + (<usize>i << 2)) << 2;
    const last = <usize>load<i32>(P + (<usize>i << 2), 4) << 2;
    const a = X + <usize>i * step;
    for (let k = first; k < last; k += 4) {
      const b = X + <usize>load<i32>(I + k) * step;
      store<f32>(
        OUT + k,
        measure == 2 ? squaredDistance(a, b, step)
          : measure == 1 ? absoluteDistance(a, b, step)
          : dot(a, b, step),
      );
    }
  }
}

/** The sign of each lane: -1, 0 or 1. */
@inline
function signs(e: v128): v128 {
  const one = f32x4.splat(1), zero = f32x4.splat(0);
  return f32x4.sub(v128.and(f32x4.gt(e, zero), one), v128.and(f32x4.lt(e, zero), one));
}

@inline
function sign(e: f32): f32 {
  return <f32>i32(e > 0) - <f32>i32(e < 0);
}

/** OUT[i] = sum over arcs k of row i of W[k] e or, if `signed`, of W[k] sign(e), where e = X[i] - X[I[k]]. */
@inline
function differences(
  begin: i32, end: i32, P: usize, I: usize, W: usize, X: usize, OUT: usize, columns: i32, signed: bool,
): void {
  const step = <usize>columns << 2;
  for (let i = begin; i < end; i++) {
    const first = <usize>load<i32>(P + (<usize>i << 2)) << 2;
    const last = <usize>load<i32>(P + (<usize>i << 2), 4) << 2;
    const at = <usize>i * step;
    let d: usize = 0;
    for (; d + 16 <= step; d += 16) {
      const x = v128.load(X + at + d);
      let acc = f32x4.splat(0);
      for (let k = first; k < last; k += 4) {
        const e = f32x4.sub(x, v128.load(X + <usize>load<i32>(I + k) * step + d));
        acc = fma(v128.load_splat<f32>(W + k), signed ? signs(e) : e, acc);
      }
      v128.store(OUT + at + d, acc);
    }
    for (; d < step; d += 4) {
      const x = load<f32>(X + at + d);
      let acc: f32 = 0;
      for (let k = first; k < last; k += 4) {
        const e = x - load<f32>(X + <usize>load<i32>(I + k) * step + d);
        acc = fma1(load<f32>(W + k), signed ? sign(e) : e, acc);
      }
      store<f32>(OUT + at + d, acc);
    }
  }
}

/** OUT[i] = sum over arcs k of row i of W[k] (X[i] - X[I[k]]), begin <= i < end. */
export function arcDifferences(
  begin: i32, end: i32, P: usize, I: usize, W: usize, X: usize, OUT: usize, columns: i32,
): void {
  differences(begin, end, P, I, W, X, OUT, columns, false);
}

/** OUT[i] = sum over arcs k of row i of W[k] sign(X[i] - X[I[k]]), begin <= i < end. */
export function arcSigns(
  begin: i32, end: i32, P: usize, I: usize, W: usize, X: usize, OUT: usize, columns: i32,
): void {
  differences(begin, end, P, I, W, X, OUT, columns, true);
}

/**
 * For rows begin <= i < end with the softmax s of the row's scores S and targets T, which sum to 1
 * over a row: LOSSES[i] = -sum T log s, and D[k] = s - T, its gradient. If T is 0 (absent), D is s
 * and LOSSES the logarithm of the sum of exponentials. A row without arcs has loss 0.
 */
export function arcCrossEntropy(
  begin: i32, end: i32, P: usize, S: usize, T: usize, LOSSES: usize, D: usize,
): void {
  for (let i = begin; i < end; i++) {
    const first = <usize>load<i32>(P + (<usize>i << 2)) << 2;
    const last = <usize>load<i32>(P + (<usize>i << 2), 4) << 2;
    if (first == last) {
      store<f32>(LOSSES + (<usize>i << 2), 0);
      continue;
    }
    let largest = load<f32>(S + first);
    for (let k = first + 4; k < last; k += 4) largest = max(largest, load<f32>(S + k));
    let sum: f64 = 0, target: f64 = 0;
    for (let k = first; k < last; k += 4) {
      const x = load<f32>(S + k) - largest, e = exp1(x);
      store<f32>(D + k, e);
      sum += <f64>e;
      if (T) target += <f64>load<f32>(T + k) * <f64>x;
    }
    const logarithm = NativeMath.log(sum);
    store<f32>(LOSSES + (<usize>i << 2), <f32>(T ? logarithm - target : logarithm + <f64>largest));
    for (let k = first; k < last; k += 4) {
      const s = <f32>(<f64>load<f32>(D + k) / sum);
      store<f32>(D + k, T ? s - load<f32>(T + k) : s);
    }
  }
}
